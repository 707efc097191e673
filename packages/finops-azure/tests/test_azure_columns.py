"""One resolver for every agreement, version, case and language: each fixture is a file as that agreement writes it."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_azure.columns import _dictionary, _key, cost_columns, focus_columns, snake_case
from finops_azure.datasets import COST, FOCUS
from finops_azure.provider import Azure
from finops_core import Delivery, Found, LocalFile, Period, SourceFile
from finops_core.errors import DeliveryError, ValueDoesNotFit
from finops_core.stage import StagingFolder, fetch, stage
from hypothesis import given
from hypothesis import strategies as st

EA = """\
InvoiceSectionName,AccountName,AccountOwnerId,SubscriptionId,SubscriptionName,ResourceGroup,ResourceLocation,Date,\
ProductName,MeterCategory,MeterSubCategory,MeterId,MeterName,MeterRegion,UnitOfMeasure,Quantity,EffectivePrice,\
CostInBillingCurrency,CostCenter,ConsumedService,ResourceId,Tags,OfferId,AdditionalInfo,ServiceInfo1,ServiceInfo2,\
ResourceName,ReservationId,ReservationName,UnitPrice,ProductOrderId,ProductOrderName,Term,PublisherType,PublisherName,\
ChargeType,Frequency,PricingModel,AvailabilityZone,BillingAccountId,BillingAccountName,BillingCurrencyCode,\
BillingPeriodStartDate,BillingPeriodEndDate,BillingProfileId,BillingProfileName,InvoiceSectionId,\
IsAzureCreditEligible,PartNumber,PayGPrice,PlanName,ServiceFamily,CostAllocationRuleName,benefitId,benefitName"""

BILLS = {
    "EA 2024": (
        {"Date": "01/31/2025", "CostInBillingCurrency": "0.00004", "BillingCurrencyCode": "EUR", "ResourceGroup": "rg"}
        | {"PayGPrice": "0.1", "benefitId": "b", "Tags": '"env": "prod","Owner": "Ana, ""x"""'.replace('""', '\\"')},
        {"payg_price": Decimal("0.1"), "benefit_id": "b", "tags": {"env": "prod", "Owner": 'Ana, "x"'}},
    ),
    "EA 2021, cost first": (
        {"CostInBillingCurrency": "0.00004", "AccountName": "a", "Date": "01/31/2025", "BillingCurrencyCode": "EUR"}
        | {"ResourceGroup": "rg"},
        {"account_name": "a"},
    ),
    "EA with older names": (
        {"Date": "2025-01-31", "Cost": "0.00004", "BillingCurrency": "EUR", "Product": "P", "InvoiceSection": "S"}
        | {"ResourceGroup": "rg"},
        {"product_name": "P", "invoice_section_name": "S"},
    ),
    "MCA": (
        {"invoiceId": "G1", "billingProfileId": "P", "date": "01/31/2025", "SubscriptionId": "s", "ResourceId": "/r"}
        | {"costInBillingCurrency": "0.00004", "billingCurrency": "EUR", "resourceGroupName": "rg", "quantity": "2"}
        | {"exchangeRatePricingToBilling": "0.92", "paygCostInBillingCurrency": "1", "costInUsd": "3", "PayGPrice": "4"}
        | {"tags": '{"env": "prod"}'},
        {"exchange_rate_pricing_to_billing": Decimal("0.92"), "payg_cost_in_billing_currency": Decimal(1)}
        | {"cost_in_usd": Decimal(3), "payg_price": Decimal(4), "tags": {"env": "prod"}, "quantity": Decimal(2)},
    ),
    "CSP partner": (
        {"PartnerTenantId": "t", "PartnerName": "Reseller", "CustomerName": "C", "PartnerEarnedCreditRate": "0.15"}
        | {"date": "2025-01-31T00:00:00Z", "costInBillingCurrency": "4E-05", "billingCurrency": "EUR"}
        | {"resourceGroupName": "rg"},
        {"partner_name": "Reseller", "customer_name": "C", "partner_earned_credit_rate": Decimal("0.15")},
    ),
    "pay-as-you-go": (
        {"SubscriptionGuid": "g", "UsageDateTime": "2025-01-31", "UsageQuantity": "2", "ResourceRate": "0.00002"}
        | {"PreTaxCost": "0.00004", "InstanceId": "/r", "Currency": "EUR", "ResourceGroup": "rg"},
        {"subscription_guid": "g", "quantity": Decimal(2), "effective_price": Decimal("0.00002"), "resource_id": "/r"},
    ),
    "resource group scope": (
        {"SubscriptionGuid": "g", "ResourceGroup": "rg", "InstanceName": "/r", "Product": "P", "MarketPrice": "0.5"}
        | {"exchangeRate": "1", "pricingCurrencyCode": "USD", "BillingCurrencyCode": "EUR", "Cost": "0.00004"}
        | {"Date": "01/31/2025"},
        {"payg_price": Decimal("0.5"), "pricing_currency": "USD", "resource_id": "/r", "product_name": "P"},
    ),
    "all in lower case": (
        {"date": "1/31/2025", "costinbillingcurrency": "0.00004", "billingcurrencycode": "EUR", "resourcegroup": "rg"}
        | {"meterid": "m"},
        {"meter_id": "m"},
    ),
    "spaces in names": (
        {" Date ": "01/31/2025 00:00:00", '"Cost In Billing Currency"': "0.00004", "Billing Currency": "EUR"}
        | {"Resource Group": "rg", "Meter ID": "m"},
        {"meter_id": "m"},
    ),
    "German": (
        {"Datum": "31.01.2025", "Kosten in Abrechnungswährung": "0.00004", "Abrechnungswährung": "EUR"}
        | {"Ressourcengruppe": "rg", "Verbrauchseinheit-ID": "m", "Maßeinheit": "1 Hour", "Kostenstelle": "K"},
        {"meter_id": "m", "unit_of_measure": "1 Hour", "cost_center": "K"},
    ),
}


def staged(path: Path, dataset: str = "cost", parquet: bool = False) -> list[dict[str, Any]]:
    """The rows of a file as core stages them, by column."""
    source = SourceFile("bill")

    class Local(Azure):
        def fetch(self, delivery: Delivery, staging: object) -> list[LocalFile]:  # type: ignore[override]
            return [LocalFile(source, path)]

    kind = "parquet" if parquet else "csv"
    delivery = Delivery("azure", "acme", Period(2025, 1), "v", dataset, kind, (source,))  # type: ignore[arg-type]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        folder = StagingFolder(path.parent, lambda count: None)
        reading = stage(fetch(Local(container="file:///"), delivery, folder), connection).main
        cursor = connection.execute(reading.select)
        names = [item[0] for item in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, str], mark: bool = True, end: str = "\r\n") -> Path:
        path = tmp_path / "bill.csv"
        with path.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator=end)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.mark.parametrize("agreement", BILLS)
def test_every_agreement_becomes_the_same_columns(agreement: str, written: Callable[..., Path]) -> None:
    row, expected = BILLS[agreement]
    found = staged(written(row))[0]
    assert found["date"] == dt.date(2025, 1, 31)
    assert found["cost_in_billing_currency"] == Decimal("0.00004")
    assert (found["billing_currency"], found["resource_group"]) == ("EUR", "rg")
    got = {name: json.loads(found[name]) if name == "tags" else found[name] for name in expected}
    assert got == expected


def test_the_documented_headers_of_both_agreements_are_all_known() -> None:
    text = files("finops_azure.sample").joinpath("headers.csv").read_text("utf-8")
    for agreement in ("ea", "mca"):
        headers = [row["header"] for row in csv.DictReader(text.splitlines()) if row["agreement"] == agreement]
        assert len(headers) > 50
        columns = cost_columns([Found(header, "VARCHAR", "c") for header in headers])
        assert {column.name for column in columns} <= set(COST.known)
        assert len({column.name for column in columns}) == len(headers), "no two columns become one"


def test_no_spelling_means_two_columns() -> None:
    keys = [_key(header) for known in _dictionary("cost_columns") for header in known.headers]
    assert len(keys) == len(set(keys))


def test_of_two_spellings_in_one_file_the_preferred_one_counts() -> None:
    found = [Found(name, "VARCHAR", f"c{i}") for i, name in enumerate(("Cost", "CostInBillingCurrency", "PreTaxCost"))]
    assert [column.name for column in cost_columns(found)] == ["cost", "cost_in_billing_currency", "pre_tax_cost"]


def test_unknown_columns_are_kept_under_their_own_names(written: Callable[..., Path]) -> None:
    row = {"Date": "01/31/2025", "Cost": "1", "Currency": "EUR", "SomethingNewInUSD": "x", "Größe": "7"}
    found = staged(written(row))[0]
    assert (found["something_new_in_usd"], found["größe"]) == ("x", "7")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("ResourceLocationNormalized", "resource_location_normalized"),
        ("costInUsd", "cost_in_usd"),
        ("MeterID", "meter_id"),
        ("\ufeffServiceInfo1", "service_info1"),
        ("First UsageDate", "first_usage_date"),
    ],
)
def test_snake_case(header: str, name: str) -> None:
    assert snake_case(header) == name


@given(st.lists(st.text(min_size=1, max_size=12), max_size=6, unique=True))
def test_no_header_is_lost_or_raises(names: list[str]) -> None:
    columns = cost_columns([Found(name, "VARCHAR", f"c{i}") for i, name in enumerate(names)])
    assert [column.source for column in columns] == names
    assert all(column.name for column in columns)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("01/02/2025", dt.date(2025, 1, 2)),
        ("12/31/2025", dt.date(2025, 12, 31)),
        ("2025-02-01", dt.date(2025, 2, 1)),
        ("2025-02-01T00:00:00Z", dt.date(2025, 2, 1)),
        ("2025-02-01T00:00Z", dt.date(2025, 2, 1)),
        ("3/4/2025", dt.date(2025, 3, 4)),
        ("", None),
    ],
)
def test_dates(text: str, day: dt.date | None, written: Callable[..., Path]) -> None:
    assert staged(written({"Date": text, "Cost": "1", "Currency": "EUR"}))[0]["date"] == day


@pytest.mark.parametrize("text", ["31/01/2025", "13/13/2025", "yesterday"])
def test_a_date_that_is_none_fails_the_period(text: str, written: Callable[..., Path]) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=f"Date: {text}"):
        staged(written({"Date": text, "Cost": "1", "Currency": "EUR"}))


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"env": "prod","Owner": "Ana"', {"env": "prod", "Owner": "Ana"}),
        ('{"env": "prod"}', {"env": "prod"}),
        ('"note": "a, \\"b\\": c"," org": "Acme"', {"note": 'a, "b": c', " org": "Acme"}),
        ('"Kostenstelle-Ü": "süß"', {"Kostenstelle-Ü": "süß"}),
        ("env=prod;team=a", {"_raw": "env=prod;team=a"}),
        ('{"env": ', {"_raw": '{"env": '}),
        ('["env"]', {"_raw": '["env"]'}),
        ("{}", {}),
        ("", None),
        ("null", None),
    ],
)
def test_tags(text: str, tags: object, written: Callable[..., Path]) -> None:
    found = staged(written({"Date": "01/31/2025", "Cost": "1", "Currency": "EUR", "Tags": text}))[0]["tags"]
    assert (None if found is None else json.loads(found)) == tags


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.00004", "0.00004"),
        ("1.2E-07", "0.00000012"),
        ("-12.5", "-12.5"),
        # The text of a binary number: 16 digits, of which the last stand beyond the 18th decimal.
        ("1.234567890123456E-07", "0.000000123456789012"),
        ("0.0000001234567890123456", "0.000000123456789012"),
        ("123456789.123456789012345678", "123456789.123456789012345678"),
    ],
)
def test_amounts(text: str, value: str, written: Callable[..., Path]) -> None:
    row = {"Date": "01/31/2025", "Cost": text, "Currency": "EUR"}
    assert staged(written(row))[0]["cost_in_billing_currency"] == Decimal(value)


@pytest.mark.parametrize("text", ["0.1234567890123456789", "1E-19", "1,5", "x", "1e30"])
def test_amounts_that_cannot_be_kept_exactly_are_refused(text: str, written: Callable[..., Path]) -> None:
    with pytest.raises((ValueDoesNotFit, duckdb.InvalidInputException)):
        staged(written({"Date": "01/31/2025", "Cost": text, "Currency": "EUR"}))


@pytest.mark.parametrize(("mark", "end"), [(True, "\r\n"), (False, "\n"), (True, "\n")])
def test_byte_order_mark_and_line_ends(mark: bool, end: str, written: Callable[..., Path]) -> None:
    row = {"Date": "01/31/2025", "Cost": "1", "Currency": "EUR", "Last": "x"}
    found = staged(written(row, mark=mark, end=end))[0]
    assert (found["date"], found["last"]) == (dt.date(2025, 1, 31), "x")


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "VARCHAR", "TIMESTAMP WITH TIME ZONE"])
@pytest.mark.parametrize("number", ["DECIMAL(38,18)", "DOUBLE", "VARCHAR", "DECIMAL(20,6)"])
def test_parquet_of_any_physical_type(kind: str, number: str, tmp_path: Path) -> None:
    path = tmp_path / "bill.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        day = f"'2025-01-31'::{kind}"
        connection.execute(
            f"COPY (SELECT {day} AS date, '0.0004'::{number} AS costInBillingCurrency, 'EUR' AS billingCurrency, "
            f"MAP {{'env': 'prod'}} AS tags) TO '{path}'"
        )
    found = staged(path, parquet=True)[0]
    assert (found["date"], found["cost_in_billing_currency"]) == (dt.date(2025, 1, 31), Decimal("0.0004"))
    assert json.loads(found["tags"]) == {"env": "prod"}


@pytest.mark.parametrize("text", ["2024-01-01T00:00Z", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00"])
def test_focus_times(text: str, written: Callable[..., Path]) -> None:
    row = {"BilledCost": "1", "BillingCurrency": "EUR", "ChargePeriodStart": text, "x_SkuTier": "t"}
    found = staged(written(row), dataset="focus")[0]
    assert found["ChargePeriodStart"] == dt.datetime(2024, 1, 1)
    assert (found["BilledCost"], found["x_SkuTier"]) == (Decimal(1), "t")


def test_focus_columns_of_every_version_are_known() -> None:
    found = [Found(name.lower(), "VARCHAR", "c") for name in FOCUS.known]
    assert {column.name for column in focus_columns(found)} == set(FOCUS.known)


@pytest.mark.parametrize("missing", ["Date", "Cost", "Currency"])
def test_a_file_without_a_necessary_column_is_no_bill(missing: str, written: Callable[..., Path]) -> None:
    row = {"Date": "01/31/2025", "Cost": "1", "Currency": "EUR", "Other": "x"}
    del row[missing]
    with pytest.raises(DeliveryError, match="lacks"):
        staged(written(row))
