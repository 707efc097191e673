"""Whatever a bill holds, however odd: no cost and no row of it is lost or doubled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

TYPES = [
    "Usage",
    "DiscountedUsage",
    "RIFee",
    "Fee",
    "SavingsPlanCoveredUsage",
    "SavingsPlanNegation",
    "SavingsPlanRecurringFee",
    "SavingsPlanUpfrontFee",
    "Tax",
    "Credit",
    "Refund",
    "EdpDiscount",
    "BundledDiscount",
    "LuckyDip",
]

COSTS = st.decimals("-1000", "1000", places=10).map(str) | st.sampled_from(["0", "0.0000000001", "12345678.9"])
MAYBE_COST = st.none() | COSTS
WASTE = st.none() | st.decimals("0", "100", places=10).map(str)

LINES = st.fixed_dictionaries(
    {
        "line_item_line_item_type": st.sampled_from(TYPES),
        "line_item_unblended_cost": MAYBE_COST,
        "line_item_usage_account_id": st.sampled_from(["000000000001", "000000000002"]),
        "hour": st.integers(0, 3),
        "bill_invoice_id": st.sampled_from([None, "1"]),
        "line_item_currency_code": st.sampled_from(["USD", "USD", "EUR"]),
        "line_item_product_code": st.sampled_from(["AmazonEC2", "ComputeSavingsPlans", "NoSuchService", None]),
        "line_item_operation": st.sampled_from(["RunInstances", "EKSPod-EC2", None]),
        "split_line_item_parent_resource_id": st.sampled_from([None, "i-0a"]),
        "line_item_tax_type": st.sampled_from([None, "VAT"]),
        "savings_plan_savings_plan_a_r_n": st.sampled_from([None, "sp-1", "sp-2"]),
        "reservation_reservation_a_r_n": st.sampled_from([None, "ri-1"]),
        "line_item_usage_amount": st.sampled_from([None, "0", "2.5", "-1"]),
        "pricing_public_on_demand_cost": MAYBE_COST,
        "pricing_public_on_demand_rate": st.sampled_from([None, "0.1", "no number"]),
        "reservation_effective_cost": MAYBE_COST,
        "savings_plan_savings_plan_effective_cost": MAYBE_COST,
        "reservation_unused_recurring_fee": WASTE,
        "reservation_unused_amortized_upfront_fee_for_billing_period": WASTE,
        "savings_plan_total_commitment_to_date": WASTE,
        "savings_plan_used_commitment": WASTE,
    }
)

NET = st.fixed_dictionaries(
    {
        "line_item_net_unblended_cost": MAYBE_COST,
        "reservation_net_effective_cost": MAYBE_COST,
        "savings_plan_net_savings_plan_effective_cost": MAYBE_COST,
        "savings_plan_recurring_commitment_for_billing_period": WASTE,
        "savings_plan_net_recurring_commitment_for_billing_period": WASTE,
    }
)


def balanced(lines: list[dict[str, Any]], line: Any) -> list[dict[str, Any]]:
    """A discount row per currency that makes the bill NET: what the net columns take off, as one row."""
    rows = []
    for currency in {each["line_item_currency_code"] for each in lines}:
        off = Decimal(0)
        for each in lines:
            if each["line_item_currency_code"] == currency:
                gross = Decimal(each["line_item_unblended_cost"] or 0)
                net = Decimal(each["line_item_net_unblended_cost"] or gross)
                off += -gross if each["line_item_line_item_type"].endswith("Discount") else net - gross
        rows.append(line.usage("EdpDiscount", str(off), line_item_currency_code=currency))
    return rows


def written(lines: list[dict[str, Any]], line: Any) -> list[dict[str, Any]]:
    made = []
    for each in lines:
        hour = each["hour"] * line.HOUR
        columns = {name: value for name, value in each.items() if name != "hour"}
        start = {
            "line_item_usage_start_date": line.JANUARY + hour,
            "line_item_usage_end_date": line.JANUARY + hour + line.HOUR,
        }
        made.append({**line.usage(), **columns, **start})
    return made


ANY_BILL = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@ANY_BILL
@given(lines=st.lists(LINES, min_size=1, max_size=15))
def test_gross(bill_of: Any, line: Any, lines: list[dict[str, Any]]) -> None:
    made = bill_of("cur-v1", written(lines, line))
    assert [result for result in made.check().values() if not result.ok and result.severity == "money"] == []
    whole = sum((Decimal(each["line_item_unblended_cost"] or 0) for each in lines), Decimal(0))
    # AWS's own rounding: a negation that leaves less than 1e-9 of its usage counts as cancelling it.
    assert abs(made.total("BilledCost") - whole) <= Decimal("1e-9") * len(lines)


@ANY_BILL
@given(lines=st.lists(st.builds(lambda a, b: {**a, **b}, LINES, NET), min_size=1, max_size=15))
def test_net_or_gross(bill_of: Any, line: Any, lines: list[dict[str, Any]]) -> None:
    """Net columns at random mostly do not explain the bill; with a fitting discount row they always do."""
    rows = written(lines, line)
    for each in ([], balanced(lines, line)):
        made = bill_of("cur-v1", [*rows, *each])
        assert [result for result in made.check().values() if not result.ok and result.severity == "money"] == []
        whole = sum((Decimal(row["line_item_unblended_cost"] or 0) for row in [*rows, *each]), Decimal(0))
        assert abs(made.total("BilledCost") - whole) <= Decimal("0.02")
