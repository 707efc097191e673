"""Negotiated discounts: whether a bill's discounts are read from net columns or from discount rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

D = Decimal


def net_month(line: Any) -> list[dict[str, Any]]:
    """A bill with 10 % off everything: net columns, and one discount row per kind of charge. Total 9 + 0.09 + 18."""
    used, negation = line.covered(cost="0.20", effective="0.07")
    arn = {"reservation_reservation_a_r_n": line.RESERVATION}
    return [
        line.usage(cost="10", line_item_net_unblended_cost="9", pricing_public_on_demand_cost="12"),
        {
            **used,
            "line_item_net_unblended_cost": "0.18",
            "savings_plan_net_savings_plan_effective_cost": "0.063",
        },
        {**negation, "line_item_net_unblended_cost": "-0.18"},
        line.plan_fee(
            0,
            line_item_net_unblended_cost="0.09",
            savings_plan_amortized_upfront_commitment_for_billing_period="0",
            savings_plan_recurring_commitment_for_billing_period="0.10",
            savings_plan_net_amortized_upfront_commitment_for_billing_period="0",
            savings_plan_net_recurring_commitment_for_billing_period="0.09",
        ),
        line.whole_month(
            "RIFee",
            "20",
            line_item_net_unblended_cost="18",
            reservation_unused_amortized_upfront_fee_for_billing_period="0",
            reservation_unused_recurring_fee="5",
            reservation_net_unused_amortized_upfront_fee_for_billing_period="0",
            reservation_net_unused_recurring_fee="4.5",
            reservation_net_amortized_upfront_fee_for_billing_period="0",
            **arn,
        ),
        line.usage(
            "DiscountedUsage",
            "0",
            line_item_net_unblended_cost="0",
            reservation_effective_cost="15",
            reservation_net_effective_cost="13.5",
            reservation_amortized_upfront_cost_for_usage="0",
            reservation_recurring_fee_for_usage="15",
            **arn,
        ),
        line.usage("EdpDiscount", "-1"),
        line.usage("EdpDiscount", "-0.01", savings_plan_savings_plan_a_r_n=line.PLAN),
        line.usage("EdpDiscount", "-2", **arn),
    ]


def test_net_bill(bill: Any, line: Any) -> None:
    made = bill(*net_month(line))
    assert {row["x_CostBasis"] for row in made.rows} == {"net"}
    assert not [row for row in made.rows if row["x_LineItemType"] == "EdpDiscount"]
    assert made.total("BilledCost") == D("9") + D("0.09") + D("18")
    assert made.total("BilledCost") == sum(D(each["line_item_unblended_cost"]) for each in net_month(line))
    found = {(row["x_LineItemType"], row["x_Generated"]): row["EffectiveCost"] for row in made.rows}
    assert found == {
        ("Usage", False): D("9"),
        ("SavingsPlanCoveredUsage", False): D("0.063"),
        ("SavingsPlanRecurringFee", False): 0,
        ("SavingsPlanRecurringFee", True): D("0.027"),  # 0.03 unused, scaled by 0.09 / 0.10
        ("RIFee", False): 0,
        ("RIFee", True): D("4.5"),
        ("DiscountedUsage", False): D("13.5"),
    }
    usage = next(row for row in made.rows if row["x_LineItemType"] == "Usage")
    assert (usage["ListCost"], usage["ContractedCost"]) == (D(12), D(9))
    used = next(row for row in made.rows if row["x_LineItemType"] == "SavingsPlanCoveredUsage")
    assert (used["ListCost"], used["ContractedCost"]) == (D("0.20"), D("0.18"))
    assert made.broken() == set()


def test_without_net_columns_the_same_bill_is_gross(bill: Any, line: Any) -> None:
    lines = [{name: value for name, value in each.items() if "_net_" not in name} for each in net_month(line)]
    made = bill(*lines)
    assert {row["x_CostBasis"] for row in made.rows} == {"gross"}
    assert made.total("BilledCost") == D("27.09")
    # Gross effective costs, and the discount of the usage; discounts of commitments are spread by AWS elsewhere.
    assert made.total("EffectiveCost") == D("10") + D("0.07") + D("0.03") + D("20") - D("1")
    assert made.broken() == {"A13"}


def test_net_columns_that_do_not_explain_the_bill_are_not_used(bill: Any, line: Any) -> None:
    """Leaving out the discount rows would change the invoice by two dollars."""
    made = bill(line.usage(cost="10", line_item_net_unblended_cost="7"), line.usage("EdpDiscount", "-1"))
    assert made.total("BilledCost") == D(9)
    assert {row["x_CostBasis"] for row in made.rows} == {"gross"}
    assert made.broken() == {"A12"}


def test_net_columns_of_a_bill_without_discounts_change_nothing(bill: Any, line: Any) -> None:
    made = bill(line.usage(cost="10", line_item_net_unblended_cost="10"), line.usage(cost="2"))
    assert made.total("BilledCost") == D(12)
    assert {row["x_CostBasis"] for row in made.rows} == {"net"}
    assert made.broken() == set()
