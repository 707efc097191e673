"""Every line item type of a CUR, one small bill each, with answers worked out by hand. Each runs as v1 and as 2.0."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

D = Decimal


def costs(row: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return row["BilledCost"], row["EffectiveCost"], row["ListCost"], row["ContractedCost"]


def test_usage(bill: Any, line: Any) -> None:
    made = bill(
        line.usage(
            cost="0.90",
            pricing_public_on_demand_cost="0.96",
            pricing_public_on_demand_rate="0.0960000000",
            line_item_usage_amount="10",
            line_item_resource_id="i-0abc",
        )
    )
    row = made.row
    assert costs(row) == (D("0.90"), D("0.90"), D("0.96"), D("0.90"))
    assert (row["ListUnitPrice"], row["ContractedUnitPrice"]) == (D("0.096"), D("0.09"))
    assert (row["PricingQuantity"], row["PricingUnit"], row["ConsumedQuantity"], row["ConsumedUnit"]) == (
        10,
        "Hours",
        10,
        "Hours",
    )
    assert (row["ChargeCategory"], row["ChargeClass"], row["ChargeFrequency"]) == ("Usage", None, "Usage-Based")
    assert row["PricingCategory"] == "Standard"
    assert row["CommitmentDiscountId"] is None
    assert (row["ServiceName"], row["ServiceCategory"], row["ServiceSubcategory"]) == (
        "Amazon Elastic Compute Cloud",
        "Compute",
        "Virtual Machines",
    )
    assert (row["RegionId"], row["RegionName"]) == ("us-east-1", "US East (N. Virginia)")
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (line.JANUARY, line.FEBRUARY)
    assert (row["ResourceId"], row["ResourceType"]) == ("i-0abc", "instance")
    assert (row["SkuId"], row["SkuMeter"]) == ("G95FST5FTYV3JSRX", "BoxUsage:m5.large")
    assert row["ProviderName"] == row["InvoiceIssuerName"] == row["PublisherName"] == "Amazon Web Services, Inc."
    assert (row["x_SourceFile"], row["x_Generated"], row["x_CostBasis"]) == ("acme-1.csv.gz", False, "gross")
    assert made.broken() == set()


def test_usage_on_a_reservation_on_its_name_alone_is_no_commitment(bill: Any, line: Any) -> None:
    row = bill(line.usage(reservation_reservation_a_r_n=line.RESERVATION)).row
    assert (row["CommitmentDiscountId"], row["PricingCategory"]) == (None, "Standard")


def test_spot_usage_is_dynamic(bill: Any, line: Any) -> None:
    assert bill(line.usage(line_item_usage_type="USW2-SpotUsage:c5.xlarge")).row["PricingCategory"] == "Dynamic"


def test_a_public_cost_of_zero_is_unknown_where_the_row_costs_something(bill: Any, line: Any) -> None:
    made = bill(
        line.usage(cost="5", pricing_public_on_demand_cost="0"),
        line.usage(cost="0", pricing_public_on_demand_cost="0.2", line_item_usage_start_date=line.JANUARY - line.HOUR),
    )
    assert [row["ListCost"] for row in made.rows] == [D("0.2"), D("5")]


def test_reserved_instance(bill: Any, line: Any) -> None:
    """One fee row becomes a purchase without effective cost and an unused row without billed cost."""
    made = bill(*line.reservation_month())
    used, upfront, fee, unused = sorted(made.rows, key=lambda row: (row["x_LineItemType"], row["x_Generated"]))
    assert costs(used) == (0, D("20"), D("42"), D("42"))
    assert costs(upfront) == (D("120"), 0, D("120"), D("120"))
    assert costs(fee) == (D("20"), 0, D("20"), D("20"))
    assert costs(unused) == (0, D("10"), 0, 0)
    assert [row["ChargeCategory"] for row in (used, upfront, fee, unused)] == ["Usage", "Purchase", "Purchase", "Usage"]
    assert [row["CommitmentDiscountStatus"] for row in (used, upfront, fee, unused)] == ["Used", None, None, "Unused"]
    assert [row["PricingCategory"] for row in (used, upfront, fee, unused)] == [
        "Committed",
        "Standard",
        "Standard",
        "Committed",
    ]
    assert [row["ChargeFrequency"] for row in (used, upfront, fee, unused)] == [
        "Usage-Based",
        "One-Time",
        "Recurring",
        "Usage-Based",
    ]
    for row in (used, upfront, fee, unused):
        assert row["CommitmentDiscountId"] == line.RESERVATION
        assert (row["CommitmentDiscountCategory"], row["CommitmentDiscountType"]) == ("Usage", "Reserved Instance")
    quantities = [row["CommitmentDiscountQuantity"] for row in (used, fee, unused)]
    assert (quantities, used["CommitmentDiscountUnit"]) == ([1776, 2976, 1200], "Normalized Hours")
    assert quantities[0] + quantities[2] == quantities[1]
    assert (unused["PricingQuantity"], unused["ConsumedQuantity"], unused["ConsumedUnit"]) == (300, None, None)
    assert unused["ChargeDescription"] == fee["ChargeDescription"]
    assert (fee["ResourceId"], fee["ResourceType"]) == (line.RESERVATION, "Reserved Instance")
    assert made.total("EffectiveCost") == D("30")  # 10 of the upfront and 20 recurring
    assert made.total("BilledCost") == D("140")
    assert made.broken("money") == set()
    assert "A5" not in made.broken()


def test_a_fully_used_reservation_makes_no_unused_row(bill: Any, line: Any) -> None:
    fee = line.whole_month("RIFee", "20", reservation_reservation_a_r_n=line.RESERVATION)
    assert [row["x_Generated"] for row in bill(fee).rows] == [False]


def test_savings_plan(bill: Any, line: Any) -> None:
    made = bill(*line.covered(), line.plan_fee(0))
    used, fee, unused = made.rows
    assert costs(used) == (0, D("0.07"), D("0.10"), D("0.10"))
    assert costs(fee) == (D("0.10"), 0, D("0.10"), D("0.10"))
    assert costs(unused) == (0, D("0.03"), 0, 0)
    assert [row["CommitmentDiscountStatus"] for row in made.rows] == ["Used", None, "Unused"]
    assert [row["CommitmentDiscountQuantity"] for row in made.rows] == [D("0.07"), D("0.10"), D("0.03")]
    assert {row["CommitmentDiscountUnit"] for row in made.rows} == {"USD"}
    assert {row["CommitmentDiscountCategory"] for row in made.rows} == {"Spend"}
    assert (unused["ResourceId"], unused["ResourceType"]) == (line.PLAN, "Savings Plan")
    assert (unused["x_LineItemType"], unused["x_Generated"]) == ("SavingsPlanRecurringFee", True)
    assert made.broken() == set()


def test_savings_plan_upfront_fee(bill: Any, line: Any) -> None:
    row = bill(line.whole_month("SavingsPlanUpfrontFee", "876", savings_plan_savings_plan_a_r_n=line.PLAN)).row
    assert costs(row) == (D("876"), 0, D("876"), D("876"))
    assert (row["ChargeCategory"], row["ChargeFrequency"]) == ("Purchase", "One-Time")


def test_all_upfront_plans_have_fee_rows_of_nothing_that_carry_the_waste(bill: Any, line: Any) -> None:
    made = bill(*line.covered(), line.plan_fee(0, cost="0"))
    assert (made.total("BilledCost"), made.total("EffectiveCost")) == (0, D("0.10"))


def test_covered_usage_without_its_negation_is_billed(bill: Any, line: Any) -> None:
    """Some bills lack negations. Their total must come out all the same, and somebody must be told."""
    made = bill(line.covered()[0], *line.covered(hour=1))
    assert [row["BilledCost"] for row in made.rows] == [D("0.10"), 0]
    assert made.total("BilledCost") == D("0.10")
    assert [row["PricingCategory"] for row in made.rows] == ["Committed", "Committed"]
    assert made.broken() == {"A2", "A8b"}


def test_a_negation_that_cancels_only_a_part_stays(bill: Any, line: Any) -> None:
    used, negation = line.covered()
    made = bill(used, {**negation, "line_item_unblended_cost": "-0.04"})
    assert [(row["ChargeCategory"], *costs(row)[:2]) for row in made.rows] == [
        ("Usage", D("0.10"), D("0.07")),
        ("Adjustment", D("-0.04"), 0),
    ]
    assert made.broken("money") == set()
    assert "A2" in made.broken()


def test_negations_cancel_per_account(bill: Any, line: Any) -> None:
    used, negation = line.covered()
    made = bill(used, {**negation, "line_item_usage_account_id": "999999999999"})
    assert made.broken("money") == set()
    assert len(made.rows) == 2


def test_covered_usage_without_an_arn_stays_committed_without_commitment_columns(bill: Any, line: Any) -> None:
    made = bill(*line.covered(savings_plan_savings_plan_a_r_n=None))
    row = made.row
    assert (row["BilledCost"], row["EffectiveCost"], row["PricingCategory"]) == (0, D("0.07"), "Committed")
    assert row["CommitmentDiscountStatus"] is row["CommitmentDiscountId"] is row["CommitmentDiscountUnit"] is None
    assert made.broken() == set()


def test_an_open_month_wastes_nothing_of_hours_to_come(bill: Any, line: Any) -> None:
    lines = [*line.covered(), line.plan_fee(0), line.plan_fee(1, used="0"), line.plan_fee(2, used="0")]
    opened = [{**each, "bill_invoice_id": None} for each in lines]
    assert sum(row["x_Generated"] for row in bill(*opened).rows) == 1
    assert sum(row["x_Generated"] for row in bill(*lines).rows) == 3
    assert bill(*opened).broken() == set()
    assert bill(*lines).total("EffectiveCost") == D("0.30")


def test_support_and_other_fees(bill: Any, line: Any) -> None:
    support = line.whole_month("Fee", "100", line_item_product_code="AWSSupportBusiness", line_item_usage_type="Dollar")
    domain = line.usage("Fee", "12", line_item_product_code="AmazonRegistrar", bill_bill_type="Purchase")
    made = bill(support, domain)
    recurring, once = sorted(made.rows, key=lambda row: -row["BilledCost"])
    assert costs(recurring) == (D("100"),) * 4
    assert (recurring["ChargeCategory"], recurring["ChargeFrequency"]) == ("Purchase", "Recurring")
    assert (recurring["PricingQuantity"], recurring["PricingUnit"]) == (1, "Units")
    assert (recurring["ListUnitPrice"], recurring["CommitmentDiscountId"]) == (D("100"), None)
    assert (recurring["ServiceCategory"], recurring["ServiceSubcategory"]) == ("Management and Governance", "Support")
    assert once["ChargeFrequency"] == "One-Time"


def test_tax(bill: Any, line: Any) -> None:
    tax = line.usage("Tax", "1.25", line_item_tax_type="VAT", pricing_public_on_demand_cost="0", product_sku="SKU1")
    made = bill(tax)
    row = made.row
    assert costs(row) == (D("1.25"),) * 4
    assert (row["ChargeCategory"], row["ChargeFrequency"]) == ("Tax", "One-Time")
    for name in ("SkuId", "SkuPriceId", "SkuMeter", "SkuPriceDetails", "PricingQuantity", "PricingUnit"):
        assert row[name] is None
    for name in ("PricingCategory", "ListUnitPrice", "ContractedUnitPrice", "ConsumedQuantity", "ConsumedUnit"):
        assert row[name] is None
    assert made.broken() == set()


def test_credit(bill: Any, line: Any) -> None:
    made = bill(line.whole_month("Credit", "-7.5", pricing_public_on_demand_cost="0"))
    row = made.row
    assert costs(row) == (D("-7.5"),) * 4
    assert (row["ChargeCategory"], row["PricingCategory"], row["ListUnitPrice"]) == ("Credit", None, None)
    assert made.broken() == set()


@pytest.mark.parametrize(
    ("columns", "category", "effective", "pricing"),
    [
        ({}, "Usage", "-3", "Standard"),
        ({"line_item_tax_type": "USSalesTax"}, "Tax", "-3", None),
        ({"line_item_product_code": "ComputeSavingsPlans"}, "Purchase", "0", None),
        ({"savings_plan_savings_plan_a_r_n": "arn:aws:savingsplans::1:savingsplan/x"}, "Purchase", "0", None),
        ({"reservation_reservation_a_r_n": "arn:aws:ec2:us-east-1:1:reserved-instances/x"}, "Purchase", "0", None),
    ],
)
def test_refunds_take_the_category_of_what_they_refund(
    bill: Any, line: Any, columns: dict[str, str], category: str, effective: str, pricing: str | None
) -> None:
    made = bill(line.usage("Refund", "-3", **columns))
    row = made.row
    assert (row["ChargeCategory"], row["BilledCost"], row["EffectiveCost"]) == (category, D(-3), D(effective))
    assert (row["PricingCategory"], row["ChargeClass"], row["ConsumedQuantity"]) == (pricing, None, None)
    assert made.broken("money") == set()


def test_a_refund_of_an_earlier_month_is_a_correction(bill: Any, line: Any) -> None:
    december = line.JANUARY - dt.timedelta(days=20)
    late = {"line_item_usage_start_date": december, "line_item_usage_end_date": december + line.HOUR}
    refund, usage = bill(line.usage("Refund", "-3", **late), line.usage("Usage", "1", **late)).rows
    assert (refund["ChargeClass"], usage["ChargeClass"]) == ("Correction", None)
    assert refund["BillingPeriodStart"] == line.JANUARY


@pytest.mark.parametrize("kind", ["EdpDiscount", "PrivateRateDiscount", "SppDiscount", "BundledDiscount", "Discount"])
def test_discount_rows_of_a_gross_bill_are_negative_usage(bill: Any, line: Any, kind: str) -> None:
    made = bill(line.usage(cost="10"), line.usage(kind, "-1"))
    discount = next(row for row in made.rows if row["x_LineItemType"] == kind)
    assert costs(discount) == (D(-1), D(-1), 0, D(-1))
    assert (discount["ChargeCategory"], discount["ConsumedQuantity"], discount["PricingQuantity"]) == (
        "Usage",
        None,
        None,
    )
    assert made.total("BilledCost") == D(9)
    assert made.broken() == set()


def test_the_discount_of_a_commitments_fee_has_no_effective_cost_of_its_own(bill: Any, line: Any) -> None:
    made = bill(line.plan_fee(0), line.usage("EdpDiscount", "-0.01", savings_plan_savings_plan_a_r_n=line.PLAN))
    discount = next(row for row in made.rows if row["x_LineItemType"] == "EdpDiscount")
    assert (discount["BilledCost"], discount["EffectiveCost"]) == (D("-0.01"), 0)
    assert discount["CommitmentDiscountId"] is None
    assert made.broken("money") == set()
    assert "A13" in made.broken()


def test_a_type_that_is_not_known_is_an_adjustment_and_told(bill: Any, line: Any) -> None:
    made = bill(line.usage("LuckyDip", "4"))
    assert (made.row["ChargeCategory"], *costs(made.row)) == ("Adjustment", D(4), D(4), D(4), D(4))
    assert made.broken() == {"A10"}


def test_split_cost_rows_repeat_what_is_there_already(bill: Any, line: Any) -> None:
    pod = line.usage(
        cost="0",
        line_item_operation="EKSPod-EC2",
        split_line_item_parent_resource_id="i-0abc",
        split_line_item_split_cost="0.6",
        split_line_item_split_usage="0.5",
    )
    made = bill(line.usage(cost="1"), pod, {**pod, "line_item_unblended_cost": "0.25"})
    assert [row["BilledCost"] for row in made.rows] == [D("0.25"), D(1)]  # one that costs something is never lost
    assert made.broken() == set()


def test_a_row_without_an_operation_is_not_mistaken_for_a_split_row(bill: Any, line: Any) -> None:
    assert len(bill(line.usage(line_item_operation=None)).rows) == 1


def test_marketplace(bill: Any, line: Any) -> None:
    made = bill(
        line.usage(
            cost="9",
            bill_billing_entity="AWS Marketplace",
            bill_invoicing_entity=None,
            line_item_legal_entity="Observely Ltd",
            line_item_product_code="1fbx7e3k9q2m4vz8t6w0ryac5",
            product_product_name="Observely Überwachung™",
        )
    )
    row = made.row
    assert (row["BilledCost"], row["EffectiveCost"]) == (D(9), D(9))
    assert (row["PublisherName"], row["ProviderName"], row["InvoiceIssuerName"]) == ("Observely Ltd", "AWS", "AWS")
    assert (row["ServiceName"], row["ServiceCategory"]) == ("Observely Uberwachung", "Other")
    assert made.broken() == set()


def test_accounts_with_leading_zeros_stay_text(bill: Any, line: Any) -> None:
    row = bill(line.usage()).row
    assert (row["BillingAccountId"], row["SubAccountId"]) == ("000111222333", "012345678901")


def test_bills_of_several_months_and_currencies_are_each_read_for_themselves(bill: Any, line: Any) -> None:
    """One delivery may hold rows of several bills; one of them may be NET and another GROSS."""
    december = dt.datetime(2023, 12, 1)
    made = bill(
        line.usage(cost="10", line_item_net_unblended_cost="9"),
        line.usage("EdpDiscount", "-1"),
        line.usage(cost="5", bill_billing_period_start_date=december, line_item_usage_start_date=december),
        line.usage(cost="7", line_item_currency_code="CNY", pricing_currency="CNY"),
    )
    found = {
        (row["BillingPeriodStart"].month, row["BillingCurrency"], row["x_CostBasis"]): row["BilledCost"]
        for row in made.rows
    }
    assert found == {(12, "USD", "gross"): D(5), (1, "USD", "net"): D(9), (1, "CNY", "gross"): D(7)}
    assert made.broken("money") == set()
