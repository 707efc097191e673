"""The true totals of a delivery: counted from the charges, before any file is written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finops_azure.sample.charges import Month

if TYPE_CHECKING:
    import duckdb


def truth_of_charges(connection: duckdb.DuckDBPyConnection, month: Month) -> dict[str, Any]:
    """Totals of the table `charges`. Money is exact decimal text, by currency.

    rows                 rows of the file, or of both files
    CostInBillingCurrency  sum of the actual file, the control total of the bill
    amortized            rows and CostInBillingCurrency of the amortised file
    ChargeType           rows and cost in the actual file, per type
    focus                rows, BilledCost (the invoice), EffectiveCost (what was used, and idle commitment)
    """
    actual = _sums(connection, month, "in_actual", "actual_amount")
    amortized = _sums(connection, month, "in_amortized", "amortized_amount")
    only_actual = _sums(connection, month, "in_actual AND NOT in_amortized AND commitment IS NULL", "actual_amount")
    commitments = _sums(connection, month, "in_actual AND NOT in_amortized AND commitment IS NOT NULL", "actual_amount")
    focus_rows = amortized[0] + only_actual[0] + commitments[0]
    types = connection.execute(
        "SELECT charge_type, count(*), sum(actual_amount) FROM charges WHERE in_actual GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return {
        "rows": focus_rows if month.shape.focus else actual[0],
        "CostInBillingCurrency": _money(month, actual[1]),
        "amortized": {"rows": amortized[0], "CostInBillingCurrency": _money(month, amortized[1])},
        "ChargeType": {
            name: {"rows": rows, "CostInBillingCurrency": _money(month, sum_)} for name, rows, sum_ in types
        },
        "focus": {
            "rows": focus_rows,
            "BilledCost": _money(month, actual[1]),
            "EffectiveCost": _money(month, amortized[1] + only_actual[1]),
        },
    }


def _sums(connection: duckdb.DuckDBPyConnection, month: Month, condition: str, amount: str) -> tuple[int, Decimal]:
    sql = f"SELECT count(*), coalesce(sum({amount}), 0) FROM charges WHERE {condition}"
    rows, total = connection.execute(sql).fetchall()[0]
    return int(rows), Decimal(total)


def _money(month: Month, amount: Decimal) -> dict[str, str]:
    return {month.billing_currency: f"{(amount * month.rate).normalize():f}"}
