"""The rows of one invoice month, as the DuckDB table `lines` and the view `export` over it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_core import Period
from finops_core.sample import World, create_usage

if TYPE_CHECKING:
    import duckdb

TICKS = 1_000
"""Billionths of the currency in a millionth: amounts of the export have nine decimals."""

ROWS_PER_HUNDRED_USAGES = 119
"""Export rows that a hundred usage rows become: a machine is billed as cores and as memory."""


def create_lines(
    connection: duckdb.DuckDBPyConnection, world: World, period: Period, *, rows: int, delivery: int = 1
) -> None:
    """Make the table `lines` (see lines.sql) with about `rows` rows, and the view `export` (export.sql)."""
    create_usage(connection, world, period, rows=max(1, rows * 100 // ROWS_PER_HUNDRED_USAGES), delivery=delivery)
    variables = {
        "period_start": period.start,
        "period_end": period.end,
        "first_month": period == world.periods[0],
        "tax_permille": world.tax_permille,
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    _create(connection, "skus", _skus())
    credits = [
        {"account": c.account, "ticks": c.micros * TICKS, "description": c.description, "is_refund": c.refund}
        for c in world.credits
        if c.period == period and (delivery > 1 or not c.late)
    ]
    _create(connection, "credit_rows", credits)
    for name in ("lines.sql", "export.sql"):
        connection.execute(files(__package__).joinpath(name).read_text("utf-8"))


def _skus() -> list[dict[str, Any]]:
    """The SKU table with the range of picks, `low` to `high`, that chooses each. Cores and memory go together."""
    rows: list[dict[str, Any]] = []
    for row in csv.DictReader(files(__package__).joinpath("skus.csv").read_text("utf-8").splitlines()):
        before = rows[-1] if rows and rows[-1]["kind"] == row["kind"] else None
        low = before["low"] if before and row["part"] == "ram" else before["high"] if before else 0
        numbers = {name: int(row[name]) for name in ("share", "base_units", "list_price", "zonal")}
        texts = {name: row[name] or None for name in row if name not in ("slots", *numbers)}
        rows.append({**texts, **numbers, "low": low, "high": low + int(row["slots"])})
    return rows


def _create(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    import pyarrow as pa

    rows = list(rows)
    connection.register("rows_given", pa.Table.from_pylist(rows))
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM rows_given")
    connection.unregister("rows_given")
