"""Google Cloud to FOCUS, by hand: each rule on a bill small enough to add up in the head."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from finops_core.focus.columns import columns
from finops_core.focus.conversion import explain, undocumented
from finops_gcp.datasets import DETAILED, FOCUS

CPU_FEE = {"id": "FEE1", "description": "Commitment v1: E2 Cpu in Americas for 1 Year"}
E2_CORE = {"id": "CORE", "description": "E2 Instance Core running in Americas"}


def _usage(quantity: float, unit: str = "hour") -> dict[str, Any]:
    return {"amount": quantity * 3600, "unit": "seconds", "amount_in_pricing_units": quantity, "pricing_unit": unit}


def _fee(desk: Any, cost: float, quantity: float, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = desk.row(
        sku=CPU_FEE,
        project=None,
        resource=None,
        subscription={"instance_id": "cud-1"},
        cost=cost,
        cost_at_list=cost,
        usage=_usage(quantity),
        location={"location": "us-central1", "zone": None},
        **changes,
    )
    return made


def _covered(desk: Any, cost: float, quantity: float, covered: float, **changes: Any) -> dict[str, Any]:
    credits = [desk.credit(-covered, "COMMITTED_USAGE_DISCOUNT", "Committed Usage Discount: CPU")]
    given = {"sku": E2_CORE, "cost": cost, "cost_at_list": cost, "usage": _usage(quantity), "credits": credits}
    made: dict[str, Any] = desk.row(**{**given, **changes})
    return made


def test_every_focus_column_has_a_rule() -> None:
    for dataset in (DETAILED, FOCUS):
        assert dataset.focus
        text = dataset.focus.read_text("utf-8")
        assert undocumented(text) == []
        names = {column.name for column in columns()}
        assert {name for name in explain(text) if not name.startswith("x_")} == names


def test_rules_name_the_columns_of_the_export() -> None:
    assert DETAILED.focus
    rules = explain(DETAILED.focus.read_text("utf-8"))
    assert rules["SubAccountId"].sources == ("project_id", "project_number")
    assert set(rules["ListCost"].sources) >= {"cost_at_list", "cost_type"}


@pytest.mark.parametrize(
    "kind",
    [
        "SUSTAINED_USAGE_DISCOUNT",
        "DISCOUNT",
        "COMMITTED_USAGE_DISCOUNT",
        "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE",
        "FEE_UTILIZATION_OFFSET",
        "SUBSCRIPTION_BENEFIT",
        "RESELLER_MARGIN",
        "FREE_TIER",
    ],
)
def test_discounts_stay_on_the_row(desk: Any, kind: str) -> None:
    desk.write("2025-01/a.parquet", desk.row(cost=2.0, cost_at_list=2.0, credits=[desk.credit(-0.5, kind)]))
    bill = desk.read()
    assert bill.query("SELECT ChargeCategory, BilledCost, x_Generated FROM focus") == [("Usage", Decimal("1.5"), False)]
    assert bill.broken == []


@pytest.mark.parametrize("kind", ["PROMOTION", "BRAND_NEW_KIND", None])
def test_promotions_and_unknown_kinds_become_credit_rows(desk: Any, kind: str | None) -> None:
    credits = [desk.credit(-0.5, kind, "Launch"), desk.credit(-0.25, "DISCOUNT"), desk.credit(0.0, kind)]
    desk.write("2025-01/a.parquet", desk.row(cost=2.0, cost_at_list=2.0, credits=credits))
    bill = desk.read()
    usage, split = bill.dicts("SELECT * FROM focus ORDER BY BilledCost DESC")
    assert (usage["BilledCost"], split["BilledCost"]) == (Decimal("1.75"), Decimal("-0.5"))
    assert split["ChargeCategory"] == "Credit"
    assert split["ChargeDescription"] == "Launch"
    assert split["x_Generated"] is True
    for name in ("EffectiveCost", "ListCost", "ContractedCost"):
        assert split[name] == split["BilledCost"]
    for name in ("ChargeClass", "PricingCategory", "PricingQuantity", "PricingUnit", "ConsumedQuantity", "SkuId"):
        assert split[name] is None
    for name in ("SubAccountId", "ServiceName", "RegionId", "ResourceId", "ChargePeriodStart"):
        assert split[name] == usage[name]
    assert json.loads(usage["x_Credits"])[0]["amount"] == -0.5
    assert split["x_Credits"] is None
    assert bill.broken == []


def test_credits_of_old_exports_are_told_by_name(desk: Any) -> None:
    credits = [
        desk.credit(-0.5, None, "Sustained Usage Discount"),
        desk.credit(-0.25, None, "Committed Usage Discount: RAM"),
    ]
    desk.write("2025-01/a.parquet", desk.row(cost=2.0, cost_at_list=2.0, credits=credits))
    bill = desk.read()
    assert bill.query("SELECT BilledCost, CommitmentDiscountStatus FROM focus") == [(Decimal("1.25"), "Used")]
    assert bill.broken == []


def test_a_row_that_is_credit_only_bills_the_credit(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(cost=0.0, cost_at_list=0.0, credits=[desk.credit(-7.0, "PROMOTION")]))
    bill = desk.read()
    assert bill.query("SELECT ChargeCategory, BilledCost FROM focus ORDER BY 2") == [("Credit", -7), ("Usage", 0)]
    assert bill.broken == []


def test_a_resource_commitment_is_spread_over_what_it_covers(desk: Any) -> None:
    """Committed: 10 core hours for 6. Used: 8 hours, of them 6 and 2 by two rows. So 4.80 goes to usage in the
    proportion of the credits (3 : 1) and 1.20 was idle."""
    desk.write(
        "2025-01/a.parquet",
        _fee(desk, 6.0, 10.0),
        _covered(desk, 9.0, 6.0, 9.0),
        _covered(desk, 6.0, 4.0, 3.0),
    )
    bill = desk.read()
    found = bill.query(
        "SELECT ChargeCategory, CommitmentDiscountStatus, BilledCost, EffectiveCost, CommitmentDiscountId, "
        "PricingCategory, x_EffectiveCostBasis, x_Generated FROM focus ORDER BY ALL"
    )
    assert found == [
        ("Purchase", None, 6, 0, "cud-1", "Standard", "spread", False),
        ("Usage", "Unused", 0, Decimal("1.2"), "cud-1", "Committed", "spread", True),
        ("Usage", "Used", 0, Decimal("3.6"), "cud-1", "Committed", "spread", False),
        ("Usage", "Used", 3, Decimal("4.2"), "cud-1", "Committed", "spread", False),
    ]
    assert bill.broken == []
    quantities = bill.query("SELECT CommitmentDiscountStatus, CommitmentDiscountQuantity FROM focus ORDER BY ALL")
    assert quantities == [("Unused", 2), ("Used", 2), ("Used", 6), (None, 10)]


def test_a_commitment_used_up_leaves_no_unused_row_and_no_digit(desk: Any) -> None:
    rows = [_covered(desk, 1.0, 1.0, 1.0) for _ in range(3)]
    desk.write("2025-01/a.parquet", _fee(desk, 1.0, 3.0), *rows)
    bill = desk.read()
    assert bill.one("SELECT count(*) FROM focus WHERE CommitmentDiscountStatus = 'Unused'") == 0
    assert bill.one("SELECT sum(EffectiveCost) FROM focus") == bill.one("SELECT sum(BilledCost) FROM focus") == 1
    assert bill.broken == []


def test_which_row_takes_the_rounding_does_not_depend_on_the_order_of_rows(desk: Any) -> None:
    """Rows that tie in time, SKU, resource and cost, and differ in what FOCUS shows; two of them are equal."""
    teams = ("red", "blue", "green", "red")
    rows = [_covered(desk, 1.0, 1.0, 1.0, labels=[{"key": "team", "value": team}]) for team in teams]
    found = []
    for month, ordered in (("2025-01", rows), ("2025-02", rows[::-1])):
        invoiced = [{**row, "invoice": {"month": month.replace("-", "")}} for row in (_fee(desk, 1.0, 7.0), *ordered)]
        desk.write(f"{month}/a.parquet", *invoiced)
        bill = desk.read(month)
        found.append(bill.query("SELECT CAST(Tags AS VARCHAR), EffectiveCost FROM focus ORDER BY ALL"))
        assert bill.one("SELECT sum(EffectiveCost) FROM focus") == 1
        assert bill.broken == []
    assert found[0] == found[1]
    assert len({cost for tags, cost in found[0] if tags != "{}" and cost}) > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"location": {"region": "europe-west1"}},
        {"usage_start_time": "2025-01-16 10:00:00 UTC", "usage_end_time": "2025-01-16 11:00:00 UTC"},
        {"sku": {"id": "N1", "description": "N1 Predefined Instance Core running in Americas"}},
        {"sku": {"id": "RAM", "description": "E2 Instance Ram running in Americas"}},
        {"currency": "EUR"},
        {"billing_account_id": "other"},
    ],
)
def test_a_fee_that_fits_no_usage_stays_where_it_is(desk: Any, changes: dict[str, Any]) -> None:
    desk.write("2025-01/a.parquet", _fee(desk, 6.0, 10.0), _covered(desk, 9.0, 6.0, 9.0, **changes))
    bill = desk.read()
    assert bill.query("SELECT ChargeCategory, EffectiveCost, x_EffectiveCostBasis FROM focus ORDER BY ALL") == [
        ("Purchase", 6, "net"),
        ("Usage", 0, "net"),
    ]
    assert bill.one("SELECT CommitmentDiscountId FROM focus WHERE ChargeCategory = 'Usage'").startswith("unknown:")
    assert bill.broken == []


def test_of_two_commitments_of_a_family_none_can_be_named(desk: Any) -> None:
    other = _fee(desk, 6.0, 10.0)
    other["subscription"] = {"instance_id": "cud-2"}
    desk.write("2025-01/a.parquet", _fee(desk, 6.0, 10.0), other, _covered(desk, 9.0, 20.0, 9.0))
    bill = desk.read()
    assert bill.query("SELECT CommitmentDiscountId, EffectiveCost FROM focus ORDER BY 1") == [
        ("cud-1", 0),
        ("cud-2", 0),
        ("unknown:Committed Usage Discount: CPU", 12),
    ]
    assert bill.broken == []


def test_the_newer_spend_model_bills_usage_and_idle_commitment(desk: Any) -> None:
    flexible = {"id": "D97B", "description": "Compute Flexible CUD - 1 Year"}
    fee = {"sku": {"id": "FEE", "description": "Commitment - dollar based v1: GCE"}, "project": None, "resource": None}
    fee |= {"subscription": {"instance_id": "flex-1"}, "usage": _usage(10.0), "cost_at_list": 10.0}
    desk.write(
        "2025-01/a.parquet",
        desk.row(
            cost=7.2,
            cost_at_list=10.0,
            cost_at_effective_price_default=Decimal("9.7"),
            consumption_model=flexible,
            usage=_usage(10.0),
        ),
        desk.row(consumption_model={"id": "7754", "description": "Default"}),
        desk.row(**fee, cost=10.0, credits=[desk.credit(-7.2, "FEE_UTILIZATION_OFFSET")]),
        desk.row(**fee, cost=10.0, credits=[desk.credit(-10.0, "FEE_UTILIZATION_OFFSET")]),
        desk.row(**fee, cost=10.0),
    )
    bill = desk.read()
    found = bill.query(
        "SELECT BilledCost, EffectiveCost, ListCost, ContractedCost, CommitmentDiscountStatus, CommitmentDiscountId, "
        "CommitmentDiscountCategory, ChargeCategory FROM focus ORDER BY ALL"
    )
    idle = ("Unused", "flex-1", "Spend", "Usage")
    assert found == [
        (0, 0, 0, 0, *idle),
        (1, 1, 1, 1, None, None, None, "Usage"),
        (Decimal("2.8"), Decimal("2.8"), Decimal("2.8"), Decimal("2.8"), *idle),
        (Decimal("7.2"), Decimal("7.2"), 10, Decimal("9.7"), "Used", "flex-1", "Spend", "Usage"),
        (10, 10, 10, 10, *idle),
    ]
    assert bill.broken == []


def test_the_older_spend_model_keeps_its_fee_where_it_is(desk: Any) -> None:
    fee = _fee(desk, 5.0, 5.0)
    fee["sku"] = {"id": "FEE", "description": "Commitment - dollar based v1: GCE"}
    usage = desk.row(cost=8.0, credits=[desk.credit(-7.0, "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", "Spend CUD")])
    desk.write("2025-01/a.parquet", fee, usage)
    bill = desk.read()
    assert bill.query(
        "SELECT ChargeCategory, BilledCost, EffectiveCost, CommitmentDiscountId, CommitmentDiscountQuantity, "
        "x_EffectiveCostBasis FROM focus ORDER BY ALL"
    ) == [("Purchase", 5, 5, "cud-1", 5, "net"), ("Usage", 1, 1, "cud-1", 7, "net")]
    assert bill.broken == []


@pytest.mark.parametrize("covered", [True, False])
def test_a_subscription_alone_makes_a_fee_but_not_of_covered_usage(desk: Any, covered: bool) -> None:
    """The standard export has no resources by which usage could be told."""
    credits = [desk.credit(-0.5, "COMMITTED_USAGE_DISCOUNT")] if covered else []
    desk.write("2025-01/a.parquet", desk.row(resource=None, subscription={"instance_id": "s"}, credits=credits))
    bill = desk.read()
    assert bill.one("SELECT ChargeCategory FROM focus") == ("Usage" if covered else "Purchase")
    assert bill.broken == []


def test_corrections_are_told_by_adjustment_info(desk: Any) -> None:
    info = {"id": "a", "description": "d", "mode": "COMPLETE_NEGATION_WITH_REMONETIZATION", "type": "PRICE_CORRECTION"}
    desk.write(
        "2025-01/a.parquet",
        desk.row(cost=-1.0, cost_at_list=-1.0, usage=_usage(-1.0), adjustment_info=info),
        desk.row(cost=0.9, cost_at_list=0.9, adjustment_info=info),
        desk.row(cost=-5.0, usage=None, cost_at_list=None, adjustment_info={**info, "mode": "MANUAL_ADJUSTMENT"}),
    )
    bill = desk.read()
    assert bill.query("SELECT BilledCost, ChargeCategory, ChargeClass FROM focus ORDER BY 1") == [
        (-5, "Adjustment", "Correction"),
        (-1, "Usage", "Correction"),
        (Decimal("0.9"), "Usage", "Correction"),
    ]
    assert bill.broken == []


def test_marketplace_rows_name_their_publisher(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(transaction_type="THIRD_PARTY_AGENCY", seller_name="Northwind GmbH"))
    assert desk.read().query("SELECT ProviderName, PublisherName, InvoiceIssuerName FROM focus") == [
        ("Google Cloud", "Northwind GmbH", "Google Cloud")
    ]


def test_services_outside_the_table_are_other_and_told(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(service={"description": "Quantum Teapots"}))
    bill = desk.read()
    assert bill.query("SELECT ServiceName, ServiceCategory, ServiceSubcategory FROM focus") == [
        ("Quantum Teapots", "Other", "Other (Other)")
    ]
    assert bill.broken == ["G10"]


def test_prices_units_and_skus_are_said_in_focus_words(desk: Any) -> None:
    labels = [
        {"key": "compute.googleapis.com/machine_spec", "value": "e2-standard-4"},
        {"key": "compute.googleapis.com/cores", "value": "4"},
        {"key": "compute.googleapis.com/memory", "value": "16384"},
    ]
    price = {"list_price": Decimal("0.0316"), "tier_start_amount": Decimal("0")}
    desk.write(
        "2025-01/a.parquet",
        desk.row(cost=0.05, cost_at_list=0.0632, usage=_usage(2.0), price=price, system_labels=labels),
    )
    bill = desk.read()
    assert bill.broken == []
    found = bill.dicts("SELECT * FROM focus")[0]
    assert (found["ListUnitPrice"], found["ContractedUnitPrice"]) == (Decimal("0.0316"), Decimal("0.025"))
    assert (found["PricingUnit"], found["ConsumedUnit"], found["ConsumedQuantity"]) == ("Hours", "Seconds", 7200)
    assert (found["SkuPriceId"], found["SkuMeter"]) == ("2E27-4F75-95CD/0", "N1 Predefined Instance Core")
    assert json.loads(found["SkuPriceDetails"]) == {"InstanceType": "e2-standard-4", "CoreCount": 4, "MemorySize": 16.0}
    assert (found["RegionId"], found["RegionName"], found["AvailabilityZone"]) == (
        "us-central1",
        "Iowa",
        "us-central1-a",
    )


def test_an_unused_reservation_is_told_by_its_system_label(desk: Any) -> None:
    label = [{"key": "compute.googleapis.com/is_unused_reservation", "value": "true"}]
    desk.write("2025-01/a.parquet", desk.row(system_labels=label))
    bill = desk.read()
    assert bill.query("SELECT CapacityReservationStatus, CapacityReservationId FROM focus") == [
        ("Unused", "//compute.googleapis.com/projects/p/zones/z/instances/1")
    ]


SPOT = {"id": "S", "description": "Spot Preemptible E2 Instance Core running in Americas"}


def test_spot_usage_is_dynamic(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(sku=SPOT))
    assert desk.read().one("SELECT PricingCategory FROM focus") == "Dynamic"


@pytest.mark.parametrize(
    ("damage", "caught"),
    [
        ("UPDATE focus SET BilledCost = BilledCost * 2 WHERE ChargeCategory = 'Usage'", "G1"),
        ("UPDATE focus SET BilledCost = -BilledCost WHERE ChargeCategory = 'Tax'", "G1"),
        ("DELETE FROM focus WHERE ChargeCategory = 'Tax'", "G4"),
        ("DELETE FROM focus WHERE BilledCost = 0 AND NOT x_Generated", "G8"),
        ("DELETE FROM focus WHERE ChargeCategory = 'Credit'", "G5"),
        ("UPDATE focus SET EffectiveCost = EffectiveCost + 1 WHERE ChargeCategory = 'Purchase'", "G2"),
        ("UPDATE focus SET EffectiveCost = BilledCost, BilledCost = EffectiveCost", "G6"),
        ("DELETE FROM focus WHERE CommitmentDiscountStatus = 'Unused'", "G6"),
        ("INSERT INTO focus SELECT * FROM focus WHERE ChargeCategory = 'Usage'", "G1"),
        ("UPDATE focus SET ListCost = ListCost * 2", "G3"),
        ("UPDATE focus SET EffectiveCost = -9, CommitmentDiscountStatus = 'Unused', x_Generated = false", "G7"),
    ],
)
def test_mutants_are_caught(desk: Any, damage: str, caught: str) -> None:
    desk.write(
        "2025-01/a.parquet",
        _fee(desk, 6.0, 10.0),
        _covered(desk, 9.0, 6.0, 9.0),
        desk.row(cost=0.0, cost_at_list=0.0),
        desk.row(cost=4.0, cost_at_list=4.0, credits=[desk.credit(-1.0, "PROMOTION")]),
        desk.row(cost_type="tax", cost=1.9, usage=None, cost_at_list=None),
    )
    bill = desk.read()
    assert bill.broken == []
    bill.connection.execute(damage)
    assert caught in bill.recheck()
