"""Azure's own FOCUS exports, of every version, to FOCUS 1.2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal as D
from typing import Any

import duckdb
import pytest
from finops_azure.datasets import FOCUS
from finops_core.focus.columns import columns
from finops_core.focus.conversion import strip, undocumented
from finops_core.focus.invariants import run_checks
from finops_core.stage.reading import LINEAGE

ROW = {
    "BilledCost": "2.4",
    "EffectiveCost": "2.4",
    "ListCost": "2.88",
    "ContractedCost": "2.4",
    "ListUnitPrice": "0.12",
    "ContractedUnitPrice": "0.1",
    "PricingQuantity": 24,
    "PricingUnit": "Hours",
    "ConsumedQuantity": 24,
    "ConsumedUnit": "Hours",
    "BillingAccountId": "/a",
    "BillingCurrency": "EUR",
    "BillingPeriodStart": "2024-01-01",
    "BillingPeriodEnd": "2024-02-01",
    "ChargePeriodStart": "2024-01-05",
    "ChargePeriodEnd": "2024-01-06",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "PricingCategory": "Standard",
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "InvoiceIssuerName": "Microsoft",
    "ServiceName": "Virtual Machines",
    "ServiceCategory": "Compute",
    "ResourceId": "/subscriptions/S/VM1",
    "ResourceName": "vm1",
    "ResourceType": "Virtual machine",
    "RegionId": "westeurope",
    "RegionName": "West Europe",
    "SubAccountId": "/subscriptions/s",
    "SkuId": "k",
}


class Export:
    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for name, path in FOCUS.lookups.items():
            self.connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', header=true, all_varchar=true)"
            )
        shape = ", ".join(f'"{name}" {kind}' for name, kind in {**FOCUS.known, **LINEAGE}.items())
        self.connection.execute(f"CREATE TABLE source ({shape})")

    def convert(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        for row in rows:
            full = {"billing_period": "2024-01", "source_file": "f", **row}
            names, marks = ", ".join(full), ", ".join("?" for _ in full)
            self.connection.execute(f"INSERT INTO source ({names}) VALUES ({marks})", list(full.values()))
        assert FOCUS.focus
        self.connection.execute(f"CREATE OR REPLACE TABLE focus AS {strip(FOCUS.focus.read_text('utf-8'))}")
        cursor = self.connection.execute("SELECT * FROM focus")
        names_out = [item[0] for item in cursor.description or ()]
        return [dict(zip(names_out, found, strict=True)) for found in cursor.fetchall()]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def broken(self) -> set[str]:
        assert FOCUS.checks
        return {check.id for check in run_checks(self, FOCUS.checks.read_text("utf-8"), rows=False) if not check.ok}


@pytest.fixture
def export() -> Iterator[Export]:
    made = Export()
    yield made
    made.connection.close()


def test_every_focus_column_is_there_with_its_rule() -> None:
    assert FOCUS.focus
    assert undocumented(FOCUS.focus.read_text("utf-8")) == []


def test_a_row_stays_as_it_is(export: Export) -> None:
    (row,) = export.convert(ROW)
    changed = {"ResourceId": "/subscriptions/s/vm1"}
    for name, value in {**ROW, **changed}.items():
        wanted = (
            D(value)
            if isinstance(row[name], D)
            else datetime.fromisoformat(str(value))
            if isinstance(row[name], datetime)
            else value
        )
        assert row[name] == wanted, name
    assert (row["ServiceSubcategory"], row["PricingCurrency"], row["x_ListCostBasis"]) == (
        "Virtual Machines",
        "EUR",
        "list",
    )
    assert not export.broken()


def test_the_first_preview_speaks_other_words(export: Export) -> None:
    preview = ROW | {
        "Region": "West Europe",
        "RegionId": None,
        "RegionName": None,
        "ConsumedQuantity": None,
        "ConsumedUnit": None,
        "UsageQuantity": 24,
        "UsageUnit": "Hours",
        "PricingCategory": "Commitment-Based",
        "ChargeSubcategory": "Used Commitment",
        "CommitmentDiscountId": "/C",
        "ContractedCost": None,
        "x_OnDemandCost": "2.5",
        "ChargeFrequency": "Other",
        "x_InvoiceId": "G1",
        "x_PricingCurrency": "USD",
        "x_SkuMeterName": "D2s",
    }
    (row,) = export.convert(preview)
    expected = {
        "RegionId": "westeurope",
        "RegionName": "West Europe",
        "ConsumedQuantity": D(24),
        "ConsumedUnit": "Hours",
        "PricingCategory": "Committed",
        "CommitmentDiscountStatus": "Used",
        "CommitmentDiscountId": "/c",
        "ContractedCost": D("2.5"),
        "ChargeFrequency": "Usage-Based",
        "InvoiceId": "G1",
        "PricingCurrency": "USD",
        "SkuMeter": "D2s",
        "x_LineItemType": "Used Commitment",
    }
    assert {name: row[name] for name in expected} == expected
    assert "On-Demand" not in {
        found["PricingCategory"] for found in export.convert(ROW | {"PricingCategory": "On-Demand"})
    }


def test_unused_commitment_of_the_first_preview(export: Export) -> None:
    (row,) = export.convert(
        ROW | {"ChargeSubcategory": "Unused Commitment", "CommitmentDiscountId": "/c", "UsageQuantity": 1}
    )
    assert (row["CommitmentDiscountStatus"], row["ConsumedQuantity"], row["ConsumedUnit"]) == ("Unused", None, None)


def test_a_purchase_is_never_used_nor_committed(export: Export) -> None:
    bought = {"ChargeCategory": "Purchase", "CommitmentDiscountId": "/c", "CommitmentDiscountStatus": "Used"}
    (row,) = export.convert(ROW | bought | {"PricingCategory": "Committed", "EffectiveCost": 0})
    assert (row["CommitmentDiscountStatus"], row["PricingCategory"]) == (None, "Standard")


@pytest.mark.parametrize(
    ("costs", "list_cost", "contracted", "basis"),
    [
        ({"ListCost": 0, "ContractedCost": 0, "EffectiveCost": 5}, D(5), D(5), "cost"),
        ({"ListCost": 0, "ContractedCost": 4, "EffectiveCost": 5}, D(4), D(4), "contracted"),
        ({"ListCost": 0, "ContractedCost": 0, "EffectiveCost": 0, "BilledCost": 0}, D(0), D(0), "list"),
        (
            {"ChargeCategory": "Purchase", "ListCost": 0, "ContractedCost": 0, "EffectiveCost": 0, "BilledCost": 9},
            D(9),
            D(9),
            "cost",
        ),
    ],
)
def test_a_price_of_nothing_means_unknown(
    costs: dict[str, Any], list_cost: D, contracted: D, basis: str, export: Export
) -> None:
    (row,) = export.convert(ROW | costs)
    assert (row["ListCost"], row["ContractedCost"], row["x_ListCostBasis"]) == (list_cost, contracted, basis)
    assert (row["BilledCost"], row["EffectiveCost"]) == (D(costs.get("BilledCost", "2.4")), D(costs["EffectiveCost"]))


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"x_EffectiveUnitPrice": "0.1"}, D("0.1")),
        ({"x_EffectiveUnitPrice": "0.1", "CommitmentDiscountId": "/c"}, None),
        ({"x_EffectiveUnitPrice": "0.11"}, None),
        ({}, None),
    ],
)
def test_marketplace_products_have_the_price_that_was_paid(
    changes: dict[str, Any], price: D | None, export: Export
) -> None:
    nothing = {"ListCost": 0, "ContractedCost": 0, "ListUnitPrice": 0, "ContractedUnitPrice": 0}
    (row,) = export.convert(ROW | nothing | changes | {"SkuId": None, "x_SkuMeterId": "", "x_SkuPartNumber": "AAA-1"})
    assert (row["ListUnitPrice"], row["ContractedUnitPrice"]) == (price, price)
    of_pricing = (row["PricingCurrencyListUnitPrice"], row["PricingCurrencyContractedUnitPrice"])
    assert of_pricing == (price, price), "0 is not the price"
    assert (row["ListCost"], row["ContractedCost"]) == (D("2.4"), D("2.4"))
    assert (row["SkuId"], row["SkuPriceId"]) == ("AAA-1", "AAA-1")


@pytest.mark.parametrize(
    ("names", "service", "category"),
    [
        ({"x_SkuMeterCategory": "Storage"}, "Storage", "Other"),
        ({"x_PublisherCategory": "Marketplace"}, "Azure Marketplace", "Other"),
        ({}, "Azure", "Other"),
        ({"ServiceName": "Key Vault"}, "Key Vault", "Security"),
    ],
)
def test_services_without_a_name(names: dict[str, str], service: str, category: str, export: Export) -> None:
    (row,) = export.convert(ROW | {"ServiceName": "", "ServiceCategory": ""} | names)
    assert (row["ServiceName"], row["ServiceCategory"]) == (service, category)
    assert row["ServiceSubcategory"]


def test_no_blank_where_focus_forbids_it(export: Export) -> None:
    blank = {name: "" for name, kind in FOCUS.known.items() if kind == "VARCHAR"}
    (row,) = export.convert(ROW | blank | {"BillingCurrency": "EUR", "BillingAccountId": "/a"})
    for column in columns():
        assert column.allows_nulls or row[column.name] not in (None, ""), column.name


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        ("UPDATE focus SET BilledCost = 2 * BilledCost", "F1"),
        ("UPDATE focus SET EffectiveCost = -EffectiveCost", "F2"),
        ("UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost", "F1"),
        ("DELETE FROM focus WHERE BilledCost = 0", "F3"),
        ("INSERT INTO focus SELECT * FROM focus WHERE BilledCost = 0", "F3"),
        ("UPDATE focus SET BillingCurrency = 'USD'", "F1"),
        ("UPDATE focus SET ServiceName = 'Hats', ServiceCategory = 'Other'", "F4"),
    ],
)
def test_mutants_are_caught(mutant: str, check: str, export: Export) -> None:
    export.convert(ROW, ROW | {"BilledCost": 0})
    assert not export.broken()
    export.query(mutant)
    assert check in export.broken()
