"""The shapes of Azure bills: which raw columns a file's columns become, and where their FOCUS SQL lies."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from finops_core import Dataset

from finops_azure.columns import cost_columns, focus_columns, known_types

AMORTIZED = "amortized"
"""The part (SourceFile.part) of a bill in which purchases are spread over what they pay for. Never added to the
main part, which is the actual cost: both hold the same usage."""

_FOCUS = files("finops_azure").joinpath("focus")

_LOOKUPS = {
    "azure_services": _FOCUS.joinpath("services.csv"),
    "azure_regions": _FOCUS.joinpath("regions.csv"),
}

COST = Dataset(
    name="cost",
    title="Azure actual and amortised cost",
    columns=cost_columns,
    known=known_types("cost_columns"),
    required=("date", "cost_in_billing_currency", "billing_currency"),
    cost="cost_in_billing_currency",
    currency="billing_currency",
    focus=_FOCUS.joinpath("cost.sql"),
    lookups=_LOOKUPS,
    checks=_FOCUS.joinpath("checks_cost.sql"),
    parts=(AMORTIZED,),
)

USAGE = replace(COST, name="usage", title="Azure usage")
"""Pay-as-you-go usage without purchases: the same columns under older names, so the same rules."""

FOCUS = Dataset(
    name="focus",
    title="Azure FOCUS cost",
    columns=focus_columns,
    known=known_types("focus_columns"),
    required=("BilledCost", "BillingCurrency", "ChargePeriodStart"),
    cost="BilledCost",
    currency="BillingCurrency",
    focus=_FOCUS.joinpath("focus.sql"),
    lookups=_LOOKUPS,
    checks=_FOCUS.joinpath("checks_focus.sql"),
)
