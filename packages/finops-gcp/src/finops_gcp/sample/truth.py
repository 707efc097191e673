"""The true totals of a delivery, counted from integers before any format is written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_TOTALS = """
WITH each AS (
    SELECT
        CASE WHEN in_euro THEN 'EUR' ELSE 'USD' END AS currency, section, cost, cost_type,
        coalesce(list_sum(list_transform(credits, lambda item: item.amount)), 0)::BIGINT AS credit,
        list_filter(credits, lambda item: item.type = 'PROMOTION' AND item.amount <> 0) AS promotions
    FROM lines
)
SELECT
    currency, count(*), sum(cost)::BIGINT, sum(credit)::BIGINT,
    sum(len(promotions))::BIGINT,
    coalesce(sum(list_sum(list_transform(promotions, lambda item: item.amount))), 0)::BIGINT,
    coalesce(sum(cost) FILTER (cost_type = 'tax'), 0)::BIGINT,
    coalesce(sum(cost + credit) FILTER (section = 5), 0)::BIGINT
FROM each GROUP BY currency ORDER BY currency
"""

_IDLE_FEES = "SELECT count(*) FROM fees WHERE used * 1000001 < quantity * 1000000"
"""Fee rows of which a part was not used: each makes an Unused row in FOCUS."""


def truth_of_lines(connection: duckdb.DuckDBPyConnection, native_focus: bool) -> dict[str, Any]:
    """Totals of the table `lines`. Money is exact decimal text, by currency.

        rows, cost, credits, focus (rows, BilledCost, EffectiveCost, Credit, Tax, Idle)

    BilledCost is cost plus all credits, and EffectiveCost the same in every month, since fees of commitments are
    spread within it. FOCUS rows of the usage cost exports are the rows, one more for each promotion credit, and one for
    each fee row of the resource-based commitment of which a part was not used. Google's own FOCUS export stays as it
    is, row by row.
    """
    found = connection.execute(_TOTALS).fetchall()
    idle_fees = connection.execute(_IDLE_FEES).fetchall()[0][0]
    net = {row[0]: money_text(row[2] + row[3]) for row in found}
    generated = 0 if native_focus else idle_fees + sum(row[4] for row in found)
    focus: dict[str, Any] = {
        "rows": sum(row[1] for row in found) + generated,
        "BilledCost": net,
        "EffectiveCost": net,
        "Tax": {row[0]: money_text(row[6]) for row in found if row[6]},
    }
    if not native_focus:
        focus["Credit"] = {row[0]: money_text(row[5]) for row in found if row[5]}
        focus["Idle"] = {row[0]: money_text(row[7]) for row in found if row[7]}
    return {
        "rows": sum(row[1] for row in found),
        # The control total of a bill: the sum of its cost column, which in Google's FOCUS export has the credits in it.
        "cost": net if native_focus else {row[0]: money_text(row[2]) for row in found},
        "credits": {row[0]: money_text(row[3]) for row in found},
        "focus": focus,
    }


def money_text(ticks: int) -> str:
    """Billionths as decimal text with nine decimals."""
    return f"{Decimal(int(ticks)).scaleb(-9):.9f}"
