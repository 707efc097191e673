"""Faults put into right FOCUS rows on purpose: each must break a check, or the check is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

MUTANTS = {
    "a billed cost is doubled": ("UPDATE focus SET BilledCost = BilledCost * 2 WHERE {usage}", {"A1"}),
    "the smallest billed cost is doubled": (
        "UPDATE focus SET BilledCost = BilledCost * 2 WHERE BilledCost = 0.000004",
        {"A1"},
    ),
    "an effective cost is doubled": ("UPDATE focus SET EffectiveCost = EffectiveCost * 2 WHERE {used}", {"A3"}),
    "a list cost is doubled": ("UPDATE focus SET ListCost = ListCost * 2 WHERE {usage}", {"R1"}),
    "a contracted cost is doubled": ("UPDATE focus SET ContractedCost = ContractedCost * 2 WHERE {usage}", {"R1"}),
    "a row is dropped": ("DELETE FROM focus WHERE {usage}", {"A1", "A3", "A9"}),
    "a row without a cost is dropped": ("DELETE FROM focus WHERE BilledCost = 0 AND EffectiveCost = 0", {"A9"}),
    "an unused row is dropped": ("DELETE FROM focus WHERE x_Generated AND x_LineItemType = 'RIFee'", {"A3"}),
    "a row is doubled": ("INSERT INTO focus SELECT * FROM focus WHERE {usage}", {"A1", "A3", "A9"}),
    "an unused row is doubled": ("INSERT INTO focus SELECT * FROM focus WHERE x_Generated", {"A3", "A9"}),
    "a sign is turned": ("UPDATE focus SET BilledCost = -BilledCost WHERE x_LineItemType = 'Credit'", {"A1"}),
    "the sign of an effective cost is turned": (
        "UPDATE focus SET EffectiveCost = -EffectiveCost WHERE x_LineItemType = 'Credit'",
        {"A3"},
    ),
    "billed and effective change places": (
        "UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost",
        {"A1", "A3", "A8"},
    ),
    "billed and effective change places on what a reservation covers": (
        "UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost WHERE {used}",
        {"A1", "A3"},
    ),
    "a purchase keeps its effective cost": (
        "UPDATE focus SET EffectiveCost = BilledCost WHERE CommitmentDiscountId IS NOT NULL AND BilledCost > 0",
        {"A3", "A8"},
    ),
    "a cost moves to another account": ("UPDATE focus SET SubAccountId = '999999999999' WHERE {usage}", {"A1", "A3"}),
    "a cost moves to another currency": ("UPDATE focus SET BillingCurrency = 'EUR' WHERE {usage}", {"A1", "A3"}),
    "a cost is lost to NULL": ("UPDATE focus SET BilledCost = NULL WHERE {usage}", {"A1", "R15"}),
    "the last digit is lost": ("UPDATE focus SET BilledCost = round(BilledCost, 5)", {"A1"}),
}

QUALITY = {
    "a category that FOCUS does not know": ("UPDATE focus SET ChargeCategory = 'Foo' WHERE {usage}", "R14"),
    "a service in two categories": ("UPDATE focus SET ServiceCategory = 'Other' WHERE {used}", "R10"),
    "a subcategory of another category": ("UPDATE focus SET ServiceSubcategory = 'Bots'", "R10b"),
    "a period that ends before it begins": ("UPDATE focus SET ChargePeriodEnd = ChargePeriodStart", "R3"),
    "a billing period that is no month": ("UPDATE focus SET BillingPeriodEnd = BillingPeriodStart", "R3"),
    "a status without a commitment": ("UPDATE focus SET CommitmentDiscountId = NULL WHERE {used}", "R7"),
    "covered usage that is not committed": ("UPDATE focus SET PricingCategory = 'Standard' WHERE {used}", "R8"),
    "a tax with a price": ("UPDATE focus SET SkuPriceId = 'x' WHERE ChargeCategory = 'Tax'", "R5"),
    "unused that consumes": ("UPDATE focus SET ConsumedQuantity = 1 WHERE x_Generated", "R6"),
    "a negative price": ("UPDATE focus SET ListUnitPrice = -1 WHERE {usage}", "R2"),
    "a region without a name": ("UPDATE focus SET RegionName = NULL", "R9"),
    "a resource without a type": ("UPDATE focus SET ResourceType = NULL WHERE ResourceId IS NOT NULL", "R9"),
    "usage without a quantity": (
        "UPDATE focus SET PricingQuantity = NULL, PricingUnit = NULL WHERE {usage}",
        "R4",
    ),
    "tags that are a list": ("UPDATE focus SET Tags = '[1]'", "R11"),
    "no name of a service": ("UPDATE focus SET ServiceName = NULL", "R15b"),
    "another cost in the same pricing currency": ("UPDATE focus SET PricingCurrencyEffectiveCost = 77", "R16"),
    "a used row that is billed": ("UPDATE focus SET BilledCost = 1 WHERE {used}", "A8b"),
    "half a commitment": ("DELETE FROM focus WHERE CommitmentDiscountStatus = 'Used'", "A5"),
    "half a plan": ("DELETE FROM focus WHERE CommitmentDiscountStatus = 'Used'", "A4"),
}

WHERE = {"usage": "x_LineItemType = 'Usage' AND BilledCost = 0.9", "used": "x_LineItemType = 'DiscountedUsage'"}


@pytest.fixture(scope="module")
def sound_month(bill_of: Any, line: Any) -> Any:
    priced = {"pricing_public_on_demand_cost": "0.96", "line_item_usage_amount": "10", "line_item_resource_id": "i-0a"}
    lines = [
        line.usage(cost="0.9", **priced),
        line.usage(cost="0.000004"),
        line.usage(cost="0", pricing_public_on_demand_cost="0"),
        *line.reservation_month(),
        *line.covered(cost="100", effective="7"),
        line.plan_fee(0, total="10", used="7", cost="10"),
        line.usage("Tax", "3", line_item_tax_type="VAT"),
        line.whole_month("Credit", "-2"),
        line.usage("Refund", "-1"),
    ]
    return bill_of("cur-v1", lines)


@pytest.fixture
def month(sound_month: Any) -> Iterator[Any]:
    """What a test does to the month is undone."""
    sound_month.query("BEGIN")
    yield sound_month
    sound_month.query("ROLLBACK")


def test_the_month_itself_is_sound(month: Any) -> None:
    assert month.broken() == set()


@pytest.mark.parametrize("name", MUTANTS)
def test_every_fault_of_money_is_caught(month: Any, name: str) -> None:
    statement, expected = MUTANTS[name]
    (changed,) = month.query(statement.format(**WHERE))[0]
    assert changed > 0
    broken = month.broken()
    assert expected <= broken
    assert name.startswith(("a list", "a contracted")) or month.broken("money")


@pytest.mark.parametrize("name", QUALITY)
def test_every_fault_of_quality_is_told(month: Any, name: str) -> None:
    statement, expected = QUALITY[name]
    (changed,) = month.query(statement.format(**WHERE))[0]
    assert changed > 0
    assert expected in month.broken()


def test_a_discount_row_that_stays_in_a_net_bill_is_caught(bill: Any, line: Any) -> None:
    made = bill(line.usage(cost="10", line_item_net_unblended_cost="9"), line.usage("EdpDiscount", "-1"))
    made.query("UPDATE focus SET BilledCost = 10")
    assert {"A1", "A1b"} <= made.broken("money")


def test_a_commitment_without_upfront_payment_costs_what_is_billed(bill: Any, line: Any) -> None:
    plan = {"savings_plan_payment_option": "No Upfront"}
    lines = [*line.covered(), line.plan_fee(0, **plan), line.plan_fee(1, used="0", **plan)]
    made = bill(*lines)
    assert made.broken() == set()
    made.query("UPDATE focus SET EffectiveCost = EffectiveCost * 2")
    assert "A6" in made.broken("quality")
    opened = bill(*[{**each, "bill_invoice_id": None} for each in lines])
    assert "A6" not in opened.broken()  # the second hour has no usage yet


def test_a_bad_reservation_in_the_bill_itself_is_told(bill: Any, line: Any) -> None:
    lines = line.reservation_month()
    lines[-1]["reservation_recurring_fee_for_usage"] = "13.00"
    assert "A7" in bill(*lines).broken("quality")
