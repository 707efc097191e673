"""The rollup: FOCUS rows by day, account, service, region and kind of charge. Small, and kept for every version."""

from __future__ import annotations

from collections.abc import Mapping

from finops_core.focus.conversion import LINEAGE_COLUMNS
from finops_core.sql import identifier

DIMENSIONS = (
    "BillingAccountId",
    "SubAccountId",
    "SubAccountName",
    "ServiceCategory",
    "ServiceSubcategory",
    "ServiceName",
    "RegionId",
    "ChargeCategory",
    "ChargeClass",
    "PricingCategory",
    "CommitmentDiscountStatus",
    "ProviderName",
    "InvoiceIssuerName",
    "BillingCurrency",
)
"""What costs are grouped by, besides the day. A dimension that is NULL is a group of its own."""

MEASURES = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")

ROLLUP_COLUMNS: Mapping[str, str] = {
    "x_ChargeDate": "DATE",
    **dict.fromkeys(DIMENSIONS, "VARCHAR"),
    **dict.fromkeys(MEASURES, "DECIMAL(38,18)"),
    "x_Rows": "BIGINT",
    **dict.fromkeys(LINEAGE_COLUMNS, "VARCHAR"),
}
"""Column -> DuckDB type of `cost_rollup`, in order. `x_ChargeDate` is the UTC day on which the charge period starts."""


def rollup_select() -> str:
    """The rollup of relation `focus`. Exact sums; currencies, and deliveries, are never added together."""
    dimensions = ", ".join(map(identifier, DIMENSIONS))
    sums = ", ".join(f"sum({identifier(name)}) AS {identifier(name)}" for name in MEASURES)
    lineage = ", ".join(map(identifier, LINEAGE_COLUMNS))
    return (
        f'SELECT CAST("ChargePeriodStart" AS DATE) AS "x_ChargeDate", {dimensions}, {sums}, '
        f'count(*) AS "x_Rows", {lineage} FROM focus GROUP BY "x_ChargeDate", {dimensions}, {lineage}'
    )
