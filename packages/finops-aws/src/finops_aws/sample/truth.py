"""The true totals of a delivery: counted from the line items, before any format is written."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_aws.sample.catalog import TICKS

if TYPE_CHECKING:
    import duckdb


def truth_of_lines(connection: duckdb.DuckDBPyConnection, currency: str) -> dict[str, Any]:
    """Totals of the table `lines`. Money is exact decimal text, by currency.

        rows, UnblendedCost, LineItemType (per type: rows, UnblendedCost), focus (rows, BilledCost, EffectiveCost)

    The focus part is what the conversion to FOCUS must yield; truth.sql says by which rule.
    """
    found = connection.execute(files(__package__).joinpath("truth.sql").read_text("utf-8")).fetchall()
    unblended = sum(int(row[2]) for row in found)
    return {
        "rows": sum(row[1] for row in found),
        "UnblendedCost": {currency: money_text(unblended)},
        "LineItemType": {row[0]: {"rows": row[1], "UnblendedCost": {currency: money_text(row[2])}} for row in found},
        "focus": {
            "rows": sum(row[3] for row in found),
            "BilledCost": {currency: money_text(unblended)},
            "EffectiveCost": {currency: money_text(sum(int(row[4]) for row in found))},
        },
    }


def money_text(ticks: int | Decimal) -> str:
    """Ticks as decimal text with ten decimals."""
    return f"{Decimal(int(ticks)).scaleb(-(len(str(TICKS)) - 1)):.10f}"
