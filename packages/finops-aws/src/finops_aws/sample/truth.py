"""The true totals of a delivery: counted from the line items, before any format is written."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_aws.sample.company import TICKS

if TYPE_CHECKING:
    import duckdb


def truth_of_lines(connection: duckdb.DuckDBPyConnection, currency: str, focus_export: bool = False) -> dict[str, Any]:
    """Totals of the table `lines`. Money is exact decimal text, by currency.

        rows           rows of the export
        cost           its control total: the sum of UnblendedCost, in a FOCUS export of BilledCost
        UnblendedCost  the same
        LineItemType   per type: rows, UnblendedCost
        focus          rows, BilledCost, EffectiveCost of the conversion to FOCUS; truth.sql says by which rule

    AWS's own FOCUS export has the rows of the conversion already.
    """
    found = connection.execute(files(__package__).joinpath("truth.sql").read_text("utf-8")).fetchall()
    cost = {currency: money_text(sum(int(row[2]) for row in found))}
    focus_rows = sum(row[3] for row in found)
    return {
        "rows": focus_rows if focus_export else sum(row[1] for row in found),
        "cost": cost,
        "UnblendedCost": cost,
        "LineItemType": {row[0]: {"rows": row[1], "UnblendedCost": {currency: money_text(row[2])}} for row in found},
        "focus": {
            "rows": focus_rows,
            "BilledCost": cost,
            "EffectiveCost": {currency: money_text(sum(int(row[4]) for row in found))},
        },
    }


def money_text(ticks: int | Decimal) -> str:
    """Ticks as decimal text with ten decimals."""
    return f"{Decimal(int(ticks)).scaleb(-(len(str(TICKS)) - 1)):.10f}"
