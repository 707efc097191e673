"""Actual and amortised cost to FOCUS: hand-made bills with hand-checked answers, and mutants that must be caught."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal as D
from typing import Any

import duckdb
import pytest
from finops_azure.datasets import COST
from finops_core.focus.columns import DUCKDB_TYPES, columns
from finops_core.focus.conversion import strip, undocumented
from finops_core.focus.invariants import run_checks
from finops_core.stage.reading import LINEAGE

VM = "/subscriptions/S1/resourceGroups/RG-Web/providers/Microsoft.Compute/virtualMachines/VM1"
RESERVATION = "/providers/Microsoft.Capacity/reservationOrders/AAA/reservations/BBB"
PLAN = "/providers/Microsoft.BillingBenefits/savingsPlanOrders/CCC/savingsPlans/DDD"

USAGE = {
    "billing_account_id": "8611537",
    "billing_currency": "USD",
    "billing_period_start_date": "2024-01-01",
    "billing_period_end_date": "2024-01-31",
    "date": "2024-01-05",
    "charge_type": "Usage",
    "frequency": "UsageBased",
    "pricing_model": "OnDemand",
    "subscription_id": "s1",
    "resource_id": VM,
    "resource_location": "EU West",
    "consumed_service": "Microsoft.Compute",
    "meter_id": "m1",
    "meter_category": "Virtual Machines",
    "meter_name": "D2s v3",
    "product_name": "Virtual Machines D2s v3",
    "unit_of_measure": "1 Hour",
    "quantity": 24,
    "effective_price": "0.1",
    "unit_price": "0.1",
    "payg_price": "0.12",
    "cost_in_billing_currency": "2.4",
    "publisher_name": "Microsoft",
}
COVERED = USAGE | {"pricing_model": "Reservation", "benefit_id": RESERVATION, "payg_price": None}
PURCHASE = USAGE | {
    "charge_type": "Purchase",
    "frequency": "OneTime",
    "pricing_model": "Reservation",
    "benefit_id": RESERVATION.upper(),
    "benefit_name": "web",
    "cost_in_billing_currency": "100",
    "quantity": 1,
    "unit_of_measure": "1",
    "effective_price": 100,
    "unit_price": 100,
    "payg_price": None,
    "resource_id": None,
    "consumed_service": "Microsoft.Capacity",
}
UNUSED = COVERED | {
    "charge_type": "UnusedReservation",
    "cost_in_billing_currency": "0.5",
    "unit_price": None,
    "resource_id": None,
    "consumed_service": "Microsoft.Capacity",
}
ROUNDING = USAGE | {
    "charge_type": "RoundingAdjustment",
    "frequency": "OneTime",
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "resource_id": None,
    "consumed_service": None,
    "meter_category": None,
    "product_name": "Rounding",
    "cost_in_billing_currency": "-0.01",
    "quantity": 1,
}


class Bill:
    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for name, path in COST.lookups.items():
            self.connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', header=true, all_varchar=true)"
            )
        for table in ("source", "source_amortized"):
            shape = ", ".join(f'"{name}" {kind}' for name, kind in {**COST.known, **LINEAGE}.items())
            self.connection.execute(f"CREATE TABLE {table} ({shape})")

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            full = {"billing_period": "2024-01", "source_file": f"{table}.csv", **row}
            names, marks = ", ".join(full), ", ".join("?" for _ in full)
            self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(full.values()))

    def convert(self) -> list[dict[str, Any]]:
        assert COST.focus
        self.connection.execute(f"CREATE OR REPLACE TABLE focus AS {strip(COST.focus.read_text('utf-8'))}")
        cursor = self.connection.execute("SELECT * FROM focus ORDER BY BilledCost, EffectiveCost, ChargePeriodStart")
        names = [item[0] for item in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def broken(self) -> set[str]:
        """Ids of the provider's own checks that do not hold."""
        assert COST.checks
        return {check.id for check in run_checks(self, COST.checks.read_text("utf-8"), rows=False) if not check.ok}


@pytest.fixture
def bill() -> Iterator[Bill]:
    made = Bill()
    yield made
    made.connection.close()


def both(bill: Bill, actual: dict[str, Any], amortized: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one FOCUS row of a charge that stands in both files."""
    bill.add("source", actual)
    bill.add("source_amortized", amortized or actual)
    (row,) = bill.convert()
    return row


def test_every_focus_column_is_there_with_its_rule() -> None:
    assert COST.focus
    assert undocumented(COST.focus.read_text("utf-8")) == []


def test_on_demand_usage(bill: Bill) -> None:
    row = both(bill, USAGE)
    expected = {
        "BilledCost": D("2.4"),
        "EffectiveCost": D("2.4"),
        "ContractedCost": D("2.4"),
        "ContractedUnitPrice": D("0.1"),
        "ListCost": D("2.88"),
        "ListUnitPrice": D("0.12"),
        "PricingQuantity": D(24),
        "PricingUnit": "Hours",
        "ConsumedQuantity": D(24),
        "ConsumedUnit": "Hours",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "CommitmentDiscountId": None,
        "CommitmentDiscountStatus": None,
        "BillingPeriodStart": datetime(2024, 1, 1),
        "BillingPeriodEnd": datetime(2024, 2, 1),
        "ChargePeriodStart": datetime(2024, 1, 5),
        "ChargePeriodEnd": datetime(2024, 1, 6),
        "ServiceName": "Virtual Machines",
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Virtual Machines",
        "RegionId": "westeurope",
        "RegionName": "West Europe",
        "ResourceId": VM.lower(),
        "ResourceName": "vm1",
        "ResourceType": "microsoft.compute/virtualmachines",
        "BillingAccountId": "8611537",
        "BillingAccountType": "Billing Account",
        "SubAccountId": "s1",
        "SkuId": "m1",
        "SkuPriceId": "m1",
        "ProviderName": "Microsoft",
        "InvoiceIssuerName": "Microsoft",
        "x_SourcePart": "amortized",
        "x_SourceFile": "source_amortized.csv",
        "x_Generated": False,
        "x_LineItemType": "Usage",
        "x_ListCostBasis": "list",
    }
    assert {name: row[name] for name in expected} == expected


def test_usage_that_a_reservation_pays_for(bill: Bill) -> None:
    free = COVERED | {"cost_in_billing_currency": 0, "effective_price": 0}
    row = both(bill, free, COVERED | {"cost_in_billing_currency": "1.5", "effective_price": "0.0625"})
    assert (row["BilledCost"], row["EffectiveCost"], row["ContractedCost"]) == (0, D("1.5"), D("2.4"))
    assert (row["CommitmentDiscountStatus"], row["PricingCategory"]) == ("Used", "Committed")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountCategory"]) == (RESERVATION.lower(), "Usage")
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (D(24), "Hours")
    assert (row["ListCost"], row["x_ListCostBasis"]) == (D("2.4"), "contracted")


def test_usage_that_a_savings_plan_pays_for(bill: Bill) -> None:
    plan = COVERED | {"pricing_model": "SavingsPlan", "benefit_id": PLAN, "payg_price": "0.12"}
    free = plan | {"cost_in_billing_currency": 0, "effective_price": 0}
    row = both(bill, free, plan | {"cost_in_billing_currency": "1.8", "effective_price": "0.075"})
    assert (row["BilledCost"], row["EffectiveCost"], row["ListCost"]) == (0, D("1.8"), D("2.88"))
    assert (row["CommitmentDiscountCategory"], row["CommitmentDiscountType"]) == ("Spend", "Savings Plan")
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (D("1.8"), "USD")


@pytest.mark.parametrize("spelling", ["Reservation", "Reservations", "reservation", "Savings Plan", "SavingsPlan"])
def test_every_spelling_of_a_commitment(spelling: str, bill: Bill) -> None:
    free = COVERED | {"pricing_model": spelling, "cost_in_billing_currency": 0}
    assert both(bill, free, COVERED | {"pricing_model": spelling})["BilledCost"] == 0


def test_a_commitments_purchase_is_billed_and_not_effective(bill: Bill) -> None:
    bill.add("source", PURCHASE, COVERED | {"cost_in_billing_currency": 0})
    bill.add("source_amortized", COVERED | {"cost_in_billing_currency": "1.5"})
    used, bought = bill.convert()
    assert (bought["BilledCost"], bought["EffectiveCost"]) == (D(100), 0)
    assert (bought["ChargeCategory"], bought["ChargeFrequency"]) == ("Purchase", "One-Time")
    assert (bought["PricingCategory"], bought["CommitmentDiscountStatus"]) == ("Standard", None)
    assert bought["CommitmentDiscountId"] == used["CommitmentDiscountId"], "the same id, however it is spelt"
    assert (bought["ResourceId"], bought["ResourceType"]) == (RESERVATION.lower(), "Reservation")
    assert (bought["ListCost"], bought["ContractedCost"]) == (D(100), D(100))
    assert bought["x_SourcePart"] == "actual"
    assert not bill.broken()


def test_unused_commitment_is_effective_and_not_billed(bill: Bill) -> None:
    bill.add("source", PURCHASE)
    bill.add("source_amortized", UNUSED)
    unused = bill.convert()[0]
    assert (unused["BilledCost"], unused["EffectiveCost"]) == (0, D("0.5"))
    assert (unused["ChargeCategory"], unused["CommitmentDiscountStatus"]) == ("Usage", "Unused")
    assert (unused["ConsumedQuantity"], unused["ConsumedUnit"], unused["PricingCategory"]) == (None, None, "Committed")
    assert not bill.broken()


@pytest.mark.parametrize(
    ("charge", "kind"), [("UnusedReservation", "Reservation"), ("UnusedSavingsPlan", "Savings Plan")]
)
def test_unused_commitment_is_one_whatever_its_pricing_model(charge: str, kind: str, bill: Bill) -> None:
    bill.add("source", PURCHASE)
    bill.add("source_amortized", UNUSED | {"charge_type": charge, "pricing_model": None})
    unused = bill.convert()[0]
    assert (unused["BilledCost"], unused["EffectiveCost"]) == (0, D("0.5"))
    assert (unused["CommitmentDiscountType"], unused["CommitmentDiscountStatus"]) == (kind, "Unused")
    assert not bill.broken()


def test_a_purchase_in_the_amortised_file_is_not_doubled(bill: Bill) -> None:
    bill.add("source", PURCHASE)
    bill.add("source_amortized", PURCHASE | {"cost_in_billing_currency": 99}, UNUSED)
    rows = bill.convert()
    assert [(row["BilledCost"], row["x_SourcePart"]) for row in rows] == [(0, "amortized"), (100, "actual")]
    assert not bill.broken()


def test_charges_that_only_the_actual_file_has_are_there_one_for_one(bill: Bill) -> None:
    tax = ROUNDING | {"charge_type": "Tax", "cost_in_billing_currency": "19"}
    bill.add("source", USAGE, ROUNDING, ROUNDING, tax, ROUNDING | {"cost_in_billing_currency": "0.02"})
    bill.add("source_amortized", USAGE, ROUNDING)
    rows = bill.convert()
    assert sorted((row["x_LineItemType"], row["BilledCost"], row["x_SourcePart"]) for row in rows) == [
        ("RoundingAdjustment", D("-0.01"), "actual"),
        ("RoundingAdjustment", D("-0.01"), "amortized"),
        ("RoundingAdjustment", D("0.02"), "actual"),
        ("Tax", D(19), "actual"),
        ("Usage", D("2.4"), "amortized"),
    ]
    assert all(row["BilledCost"] == row["EffectiveCost"] for row in rows)
    assert not bill.broken()


def test_equal_rows_are_legal_and_stay(bill: Bill) -> None:
    bill.add("source", USAGE, USAGE, USAGE)
    bill.add("source_amortized", USAGE, USAGE, USAGE)
    assert len(bill.convert()) == 3 and not bill.broken()


@pytest.mark.parametrize(
    ("charge", "category"),
    [("Tax", "Tax"), ("Credit", "Credit"), ("RoundingAdjustment", "Adjustment"), ("Unheard", "Adjustment")],
)
def test_other_charges(charge: str, category: str, bill: Bill) -> None:
    row = both(bill, ROUNDING | {"charge_type": charge})
    assert (row["ChargeCategory"], row["PricingCategory"], row["ChargeFrequency"]) == (category, None, "One-Time")
    assert (row["ListCost"], row["SubAccountId"], row["SubAccountType"]) == (D("-0.01"), None, None)
    if charge == "Tax":
        names = ("PricingQuantity", "PricingUnit", "SkuId", "SkuPriceId", "ListUnitPrice", "ContractedUnitPrice")
        assert {row[name] for name in names} == {None}


@pytest.mark.parametrize(("day", "charge_class"), [("2023-12-30", "Correction"), ("2024-01-03", None)])
def test_a_refund_corrects_only_an_earlier_period(day: str, charge_class: str | None, bill: Bill) -> None:
    row = both(
        bill, USAGE | {"charge_type": "Refund", "date": day, "quantity": -24, "cost_in_billing_currency": "-2.4"}
    )
    assert (row["ChargeCategory"], row["ChargeClass"], row["BilledCost"]) == ("Purchase", charge_class, D("-2.4"))
    assert row["BillingPeriodStart"] == datetime(2024, 1, 1), "the billing period is the bill's, not the day's"


def test_what_is_free_has_a_price_of_0(bill: Bill) -> None:
    free = {"effective_price": 0, "unit_price": 0, "payg_price": 0, "cost_in_billing_currency": 0}
    row = both(bill, USAGE | free)
    names = ("ListUnitPrice", "ContractedUnitPrice", "ListCost", "ContractedCost")
    assert [row[name] for name in names] == [0, 0, 0, 0]


def test_a_product_of_the_marketplace_is_metered_by_its_name(bill: Bill) -> None:
    product = {"publisher_type": "Marketplace", "meter_id": None, "meter_name": None, "part_number": "CAA-1"}
    row = both(bill, USAGE | product | {"product_name": "Contoso Search"})
    assert (row["SkuId"], row["SkuMeter"]) == ("CAA-1", "Contoso Search")


def test_of_charges_that_say_the_same_the_same_ones_are_taken_each_time(bill: Bill) -> None:
    charges = [ROUNDING | {"tags": f'{{"n": "{n}"}}'} for n in range(6)]
    taken = set()
    for order in (charges, charges[::-1], [*charges[3:], *charges[:3]]):
        bill.query("DELETE FROM source"), bill.query("DELETE FROM source_amortized")
        bill.add("source", USAGE, *order)
        bill.add("source_amortized", USAGE, charges[0], charges[1])
        taken.add(tuple(sorted(row["Tags"] for row in bill.convert() if row["ChargeCategory"] == "Adjustment")))
    assert [len(tags) for tags in taken] == [6]


def test_a_refund_of_a_reservation_is_not_effective(bill: Bill) -> None:
    refund = PURCHASE | {"charge_type": "Refund", "cost_in_billing_currency": "-40", "quantity": -1}
    bill.add("source", refund)
    bill.add("source_amortized", USAGE)
    assert (bill.convert()[0]["BilledCost"], bill.convert()[0]["EffectiveCost"]) == (D(-40), 0)


def test_spot_and_marketplace(bill: Bill) -> None:
    assert both(bill, USAGE | {"pricing_model": "Spot"})["PricingCategory"] == "Dynamic"
    market = USAGE | {
        "publisher_name": "Contoso",
        "publisher_type": "Marketplace",
        "payg_price": None,
        "unit_price": None,
    }
    bill.query("DELETE FROM source"), bill.query("DELETE FROM source_amortized")
    row = both(bill, market)
    assert (row["PublisherName"], row["ProviderName"], row["x_ListCostBasis"]) == ("Contoso", "Microsoft", "contracted")
    assert (row["ListCost"], row["ContractedCost"]) == (D("2.4"), D("2.4"))
    assert (row["ListUnitPrice"], row["ContractedUnitPrice"]) == (D("0.1"), D("0.1")), "what was paid for one"


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"effective_price": "0.09"}, None),
        ({"effective_price": None}, None),
        ({"effective_price": "10", "unit_of_measure": "100 Hours"}, D(10)),
        ({"charge_type": "Purchase", "quantity": -24, "cost_in_billing_currency": "-2.4"}, D("0.1")),
        ({"pricing_model": "SavingsPlan", "benefit_id": PLAN}, None),
    ],
)
def test_the_effective_price_is_the_contracted_one_where_it_is_what_was_paid(
    changes: dict[str, Any], price: D | None, bill: Bill
) -> None:
    row = both(bill, USAGE | {"payg_price": None, "unit_price": None} | changes)
    assert (row["ContractedUnitPrice"], row["ListUnitPrice"]) == (price, price)
    assert row["ContractedCost"] == row["ListCost"] == (D("-2.4") if "quantity" in changes else D("2.4"))


def test_what_has_no_meter_is_named_by_its_part_number(bill: Bill) -> None:
    row = both(bill, USAGE | {"meter_id": None, "part_number": "AAA-12345"})
    assert (row["SkuId"], row["SkuPriceId"]) == ("AAA-12345", "AAA-12345")


@pytest.mark.parametrize(
    ("unit", "quantity", "price", "cost", "pricing", "consumed"),
    [
        ("10K", "0.0004", "0.1", "0.00004", (D("0.0004"), "10000 Units"), (D(4), "Units")),
        ("100 Hours", "24", "0.001", "0.00024", (D("0.24"), "100 Hours"), (D(24), "Hours")),
        ("1 GB/Month", "2", "0.02", "0.04", (D(2), "GB-Months"), (D(2), "GB-Months")),
        ("1 GB Second", "2", "0.02", "0.04", (D(2), "GB-Seconds"), (D(2), "GB-Seconds")),
        ("1M", "2", "0.02", "0.04", (D(2), "1000000 Units"), (D(2000000), "Units")),
        ("10,000 Transactions", "3", "2", "6", (D(3), "10000 Transactions"), (D(30000), "Transactions")),
        ("1/Month", "2", "0.02", "0.04", (D(2), "Units/Month"), (D(2), "Units/Month")),
        ("1", "2", "0.02", "0.04", (D(2), "Units"), (D(2), "Units")),
        ("100 GB", "5", "1", "77", (None, None), (None, None)),
        ("100 GB", "5", "0", "0", (D(5), "100 GB"), (D(500), "GB")),
    ],
)
def test_units_of_measure(
    unit: str, quantity: str, price: str, cost: str, pricing: object, consumed: object, bill: Bill
) -> None:
    values = {"quantity": quantity, "effective_price": price, "unit_price": price, "cost_in_billing_currency": cost}
    row = both(bill, USAGE | values | {"unit_of_measure": unit, "payg_price": None})
    assert (row["PricingQuantity"], row["PricingUnit"]) == pricing
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == consumed
    assert bill.broken() == ({"Z10"} if pricing == (None, None) else set())


def test_a_customer_agreement_prices_in_another_currency(bill: Bill) -> None:
    row = both(
        bill,
        USAGE
        | {
            "billing_account_id": "5e98:ad7f_2019-05-31",
            "billing_profile_id": "PE2Q",
            "billing_profile_name": "Acme EUR",
            "billing_currency": "EUR",
            "pricing_currency": "USD",
            "exchange_rate_pricing_to_billing": "0.5",
            "cost_in_pricing_currency": "2.4",
            "cost_in_billing_currency": "1.2",
            "payg_cost_in_billing_currency": "1.44",
            "invoice_id": "G1",
            "product_id": "DZH",
        },
    )
    expected = {
        "BillingAccountId": "PE2Q",
        "BillingAccountType": "Billing Profile",
        "BillingCurrency": "EUR",
        "PricingCurrency": "USD",
        "BilledCost": D("1.2"),
        "ListCost": D("1.44"),
        "ListUnitPrice": D("0.06"),
        "ContractedCost": D("1.2"),
        "ContractedUnitPrice": D("0.05"),
        "PricingCurrencyEffectiveCost": D("2.4"),
        "PricingCurrencyContractedUnitPrice": D("0.1"),
        "PricingCurrencyListUnitPrice": D("0.12"),
        "InvoiceId": "G1",
        "SkuId": "DZH",
    }
    assert {name: row[name] for name in expected} == expected


def test_pay_as_you_go_usage_has_no_charge_type(bill: Bill) -> None:
    legacy = {"subscription_guid": "g", "billing_currency": "USD", "date": "2024-01-05", "quantity": 2}
    legacy |= {"effective_price": "0.5", "cost_in_billing_currency": 1, "unit_of_measure": "1 Hour"}
    bill.add("source", legacy)
    (row,) = bill.convert()
    assert (row["ChargeCategory"], row["BilledCost"], row["EffectiveCost"]) == ("Usage", 1, 1)
    assert (row["BillingAccountId"], row["BillingAccountType"], row["SubAccountId"]) == ("g", "Subscription", "g")
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (datetime(2024, 1, 1), datetime(2024, 2, 1))


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ("westeurope", "westeurope"),
        ("EastUS", "eastus"),
        ("US East 2", "eastus2"),
        ("Germany West Central", "germanywestcentral"),
        ("Global", "global"),
        ("Mars North", "marsnorth"),
        ("Unassigned", None),
        ("", None),
        (None, None),
    ],
)
def test_regions(place: str | None, region: str | None, bill: Bill) -> None:
    row = both(bill, USAGE | {"resource_location": place})
    assert row["RegionId"] == region and (row["RegionName"] is None) == (region is None)


@pytest.mark.parametrize(
    ("resource", "kind", "service"),
    [
        (VM.lower(), "microsoft.compute/virtualmachines", "Virtual Machines"),
        (VM.removeprefix("/"), "microsoft.compute/virtualmachines", "Virtual Machines"),
        (
            "/subscriptions/s/resourceGroups/r/providers/Microsoft.Sql/servers/a/databases/b",
            "microsoft.sql/servers/databases",
            "SQL Database",
        ),
        ("/subscriptions/s/resourceGroups/r", "Microsoft.Compute", "Virtual Machines"),
    ],
)
def test_resource_types(resource: str, kind: str, service: str, bill: Bill) -> None:
    consumed = "Microsoft.Sql" if "Sql" in resource else "Microsoft.Compute"
    row = both(bill, USAGE | {"resource_id": resource, "consumed_service": consumed})
    assert (row["ResourceType"], row["ResourceId"][0]) == (kind, "/")
    assert row["ServiceName"] == service or service in row["ServiceName"]


@pytest.mark.parametrize(
    ("resource", "name"),
    [("/subscriptions/S/VM1", "vm1"), ("/subscriptions/S/VM1/", "vm1"), ("VM1", "vm1"), ("/", None)],
)
def test_a_resource_without_a_name_is_called_as_its_id_ends(resource: str, name: str | None, bill: Bill) -> None:
    assert both(bill, USAGE | {"resource_id": resource, "resource_name": ""})["ResourceName"] == name


def test_unknown_services_are_other_and_told(bill: Bill) -> None:
    row = both(bill, USAGE | {"consumed_service": "Microsoft.Nova", "resource_id": None, "meter_category": "Nova"})
    assert (row["ServiceName"], row["ServiceCategory"], row["ServiceSubcategory"]) == ("Nova", "Other", "Other (Other)")
    assert bill.broken() == {"Z9"}


def test_additional_info_becomes_price_details_and_may_be_broken(bill: Bill) -> None:
    info = '{"UsageType":"ComputeHR","VCPUs":2,"VMName":null,"VMCapacityReservationId":"/cr"}'
    row = both(bill, USAGE | {"additional_info": info})
    assert json.loads(row["SkuPriceDetails"]) == {
        "x_UsageType": "ComputeHR",
        "x_VCPUs": 2,
        "x_VMName": None,
        "x_VMCapacityReservationId": "/cr",
    }
    assert (row["CapacityReservationId"], row["CapacityReservationStatus"]) == ("/cr", "Used")
    bill.query("DELETE FROM source"), bill.query("DELETE FROM source_amortized")
    assert both(bill, USAGE | {"additional_info": '{"UsageType":'})["SkuPriceDetails"] is None


def test_actual_alone(bill: Bill) -> None:
    bill.add("source", USAGE, COVERED | {"cost_in_billing_currency": 0}, PURCHASE, ROUNDING)
    rows = bill.convert()
    assert (
        [row["BilledCost"] for row in rows] == [row["EffectiveCost"] for row in rows] == [D("-0.01"), 0, D("2.4"), 100]
    )
    assert {row["x_EffectiveCostBasis"] for row in rows} == {"billed"}
    assert bill.broken() == {"Z11"}


def test_amortised_alone(bill: Bill) -> None:
    bill.add("source_amortized", USAGE, COVERED, UNUSED)
    rows = bill.convert()
    assert sorted((row["BilledCost"], row["EffectiveCost"]) for row in rows) == [
        (0, D("0.5")),
        (0, D("2.4")),
        (D("2.4"),) * 2,
    ]
    assert sorted(row["x_BilledCostBasis"] for row in rows) == ["billed", "unknown", "unknown"]
    assert bill.broken() == {"Z11"}


def test_nothing_at_all(bill: Bill) -> None:
    assert bill.convert() == [] and not bill.broken()


def test_a_bill_may_have_columns_of_any_name(bill: Bill) -> None:
    for table in ("source", "source_amortized"):
        bill.query(f"ALTER TABLE {table} ADD COLUMN type VARCHAR")
        bill.query(f"ALTER TABLE {table} ADD COLUMN part VARCHAR")
    assert both(bill, USAGE)["BilledCost"] == D("2.4")


def test_values_are_of_the_vocabulary(bill: Bill) -> None:
    bill.add("source", USAGE, PURCHASE, ROUNDING, COVERED | {"cost_in_billing_currency": 0})
    bill.add("source_amortized", USAGE, COVERED, UNUSED)
    rows = bill.convert()
    for column in columns():
        assert column.name in rows[0]
        values = {row[column.name] for row in rows}
        assert not column.allowed_values or values - {None} <= set(column.allowed_values), column.name
        assert column.allows_nulls or None not in values, column.name
    types = {row[0]: row[1] for row in bill.query("DESCRIBE focus")}
    assert {name for name in DUCKDB_TYPES if name.endswith("Cost") and not types[name].startswith("DECIMAL")} == set()


@pytest.fixture
def full(bill: Bill) -> Bill:
    bill.add("source", USAGE, USAGE, PURCHASE, ROUNDING, COVERED | {"cost_in_billing_currency": 0})
    bill.add("source_amortized", USAGE, USAGE, COVERED | {"cost_in_billing_currency": "1.5"}, UNUSED)
    bill.convert()
    assert not bill.broken()
    return bill


MUTANTS = {
    "a cost doubled": "UPDATE focus SET BilledCost = BilledCost * 2, EffectiveCost = EffectiveCost * 2 "
    "WHERE x_LineItemType = 'Usage' AND BilledCost > 0",
    "a billed cost doubled": "UPDATE focus SET BilledCost = 2 * BilledCost WHERE ChargeCategory = 'Purchase'",
    "an effective cost doubled": "UPDATE focus SET EffectiveCost = 2 * EffectiveCost WHERE CommitmentDiscountId > ''",
    "a row dropped": "DELETE FROM focus WHERE x_LineItemType = 'RoundingAdjustment'",
    "a row without cost dropped": "DELETE FROM focus WHERE BilledCost = 0 AND x_LineItemType = 'Usage'",
    "a row of each sign dropped": "DELETE FROM focus WHERE x_SourcePart = 'actual' AND ChargeCategory = 'Adjustment'",
    "a row doubled": "INSERT INTO focus SELECT * FROM focus WHERE ChargeCategory = 'Purchase'",
    "a sign shifted": "UPDATE focus SET BilledCost = -BilledCost WHERE x_LineItemType = 'RoundingAdjustment'",
    "billed and effective swapped": "UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost",
    "swapped on unused commitment": "UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost "
    "WHERE CommitmentDiscountStatus = 'Unused'",
    "unused commitment billed": "UPDATE focus SET BilledCost = EffectiveCost WHERE CommitmentDiscountStatus = 'Unused'",
    "a purchase effective": "UPDATE focus SET EffectiveCost = BilledCost WHERE ChargeCategory = 'Purchase'",
    "another currency": "UPDATE focus SET BillingCurrency = 'EUR' WHERE ChargeCategory = 'Purchase'",
    "cost moved from one row to another": "UPDATE focus SET EffectiveCost = EffectiveCost + "
    "CASE CommitmentDiscountStatus WHEN 'Used' THEN 0.1 ELSE -0.1 END WHERE CommitmentDiscountStatus IS NOT NULL",
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_caught_by_a_check_of_money(mutant: str, full: Bill) -> None:
    before = full.query("SELECT * FROM focus ORDER BY ALL")
    full.query(MUTANTS[mutant])
    assert full.query("SELECT * FROM focus ORDER BY ALL") != before
    assert full.broken() & {"Z1", "Z2", "Z3", "Z4", "Z5"}


BROKEN = {
    "Z1": "UPDATE focus SET BilledCost = 2 * BilledCost WHERE ChargeCategory = 'Purchase'",
    "Z2": "UPDATE focus SET EffectiveCost = 2 * EffectiveCost WHERE CommitmentDiscountStatus = 'Used'",
    "Z3": "DELETE FROM focus WHERE BilledCost = 0 AND x_LineItemType = 'Usage'",
    "Z4": "UPDATE focus SET EffectiveCost = BilledCost WHERE ChargeCategory = 'Purchase'",
    "Z5": "UPDATE focus SET BilledCost = EffectiveCost WHERE CommitmentDiscountStatus = 'Unused'",
    "Z7": "UPDATE focus SET ContractedCost = 2 * ContractedCost WHERE PricingCategory = 'Standard'",
}


@pytest.mark.parametrize("check", BROKEN)
def test_each_check_has_a_mutant_that_it_catches(check: str, full: Bill) -> None:
    full.query(BROKEN[check])
    assert check in full.broken()


def test_actual_and_amortised_that_do_not_belong_together_are_caught(bill: Bill) -> None:
    bill.add("source", USAGE, USAGE)
    bill.add("source_amortized", USAGE)
    bill.convert()
    assert {"Z1", "Z6"} <= bill.broken()


def test_more_amortised_than_paid_is_told(bill: Bill) -> None:
    bill.add("source", PURCHASE)
    bill.add("source_amortized", UNUSED | {"cost_in_billing_currency": 101})
    bill.convert()
    assert bill.broken() == {"Z8"}
