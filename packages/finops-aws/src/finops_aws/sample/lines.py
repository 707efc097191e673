"""The line items of one delivery of one AWS bill, as the DuckDB table `lines`, and what they come to."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_core import Period
from finops_core.sample import World, create_usage, hourly

from finops_aws.sample.company import TICKS_PER_MICRO, account_id
from finops_aws.sample.tables import create_catalog

if TYPE_CHECKING:
    import duckdb

SELLER = "Amazon Web Services EMEA SARL"

DISCOUNT_PERCENT = 7
"""The negotiated discount, in the shapes that have one."""

LINES_PER_HUNDRED_USAGES = 108.6
"""Line items that a hundred usage rows become, fees aside: usage covered by a savings plan takes two."""

OTHER_LINES = 30
"""Taxes, credits and monthly fees of one month, about."""


def create_lines(
    connection: duckdb.DuckDBPyConnection,
    world: World,
    period: Period,
    *,
    rows: int,
    delivery: int = 1,
    discount: str = "none",
) -> None:
    """Make the table `lines` (see lines.sql) with about `rows` line items, and over it the views `bill`
    and `focus_bill` that the formats are written from. `discount` as in Shape."""
    create_usage(connection, world, period, rows=_usage_rows(world, period, rows), delivery=delivery)
    create_catalog(connection, world)
    variables = {
        "first_month": period == world.periods[0],
        "open_month": world.is_open(period),
        "split_month": has_split_costs(world, period),
        "tax_permille": world.tax_permille,
        "discount_percent": 0 if discount == "none" else DISCOUNT_PERCENT,
        "net_columns": discount == "net",
        "currency": world.currency,
        "domain": world.domain,
        "payer_id": account_id(world, 0),
        "payer_name": world.accounts[0].name,
        "seller": SELLER,
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    _create_credit_lines(connection, world, period, delivery)
    for name in ("lines.sql", "bill.sql", "focus.sql"):
        connection.execute(files(__package__).joinpath(name).read_text("utf-8"))


def _usage_rows(world: World, period: Period, rows: int) -> int:
    """Usage rows of which `rows` line items come, savings plan fees (one per plan and hour or day) included."""
    plans = sum(commitment.basis == "spend" for commitment in world.commitments)
    fees = plans * world.days(period) * (24 if hourly(rows) else 1) + OTHER_LINES
    return max(1, int((rows - fees) * 100 / LINES_PER_HUNDRED_USAGES))


def has_split_costs(world: World, period: Period) -> bool:
    """Split cost allocation data was switched on for one month only."""
    return period == world.periods[min(1, world.months - 1)]


def _create_credit_lines(connection: duckdb.DuckDBPyConnection, world: World, period: Period, delivery: int) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE credit_lines (section INTEGER, n INTEGER, line_type VARCHAR, bill_type VARCHAR, "
        "starts TIMESTAMP, ends TIMESTAMP, account INTEGER, special VARCHAR, commitment VARCHAR, credit_text VARCHAR, "
        "quantity BIGINT, cost BIGINT)"
    )
    for number, row in enumerate(_credit_rows(world, period, delivery)):
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO credit_lines VALUES (17, {number}, {marks})", row)  # noqa: S608


def _credit_rows(world: World, period: Period, delivery: int) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for credit in world.credits:
        if credit.period != period or (credit.late and delivery == 1):
            continue
        # A refund is for what was used in the month before, on this month's bill.
        month = period.shift(-1) if credit.refund else period
        type_, bill, special = ("Refund", "Refund", "refund") if credit.refund else ("Credit", "Anniversary", "credit")
        cost = -credit.micros * TICKS_PER_MICRO
        rows.append(
            [type_, bill, month.start, month.end, credit.account, special, None, credit.description, 1_000_000, cost]
        )
        if credit.refund:
            returned = cost // 10
            rows.append(
                [type_, bill, month.start, month.end, 0, "plan-refund", "compute-plan"]
                + ["Refund of a returned Savings Plan commitment", 1_000_000, returned]
            )
    return rows
