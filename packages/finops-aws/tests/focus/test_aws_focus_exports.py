"""AWS's own FOCUS exports: taken over as they are, one row for one row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from finops_core.focus.columns import columns

JANUARY = dt.datetime(2024, 1, 1)


def exported(version: str, **more: Any) -> dict[str, Any]:
    line: dict[str, Any] = {
        "BilledCost": "0.1",
        "EffectiveCost": "0.2",
        "ListCost": "0.3",
        "ContractedCost": "0.25",
        "BillingAccountId": "000111222333",
        "BillingCurrency": "USD",
        "BillingPeriodStart": JANUARY,
        "BillingPeriodEnd": dt.datetime(2024, 2, 1),
        "ChargePeriodStart": JANUARY,
        "ChargePeriodEnd": JANUARY + dt.timedelta(hours=1),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "InvoiceIssuerName": "AWS",
        "ServiceCategory": "Compute",
        "ServiceName": "AWS Lambda",
        "SubAccountId": "012345678901",
        "SkuId": "SKU1",
        "Tags": '{"team": "core"}',
        "x_ServiceCode": "AWSLambda",
        "x_Operation": "Invoke",
        "x_Discounts": '{"edp": 0.1}',
    }
    of_version = {"1.0": {"x_UsageType": "Lambda-GB-Second", "x_CostCategories": '{"Team": "core"}'}}
    return {**line, **of_version.get(version, {"SkuMeter": "Lambda-GB-Second", "PricingCurrency": "USD"}), **more}


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_rows_are_taken_over(bill_of: Any, version: str) -> None:
    made = bill_of(f"focus-{version}", [exported(version), exported(version)])
    assert len(made.rows) == 2  # equal rows are legal
    row = made.rows[0]
    for name, value in exported(version).items():
        expected = Decimal(value) if name.endswith("Cost") else value
        if name not in ("x_UsageType", "x_CostCategories"):
            assert row[name] == expected, name
    assert (row["SkuMeter"], row["x_UsageType"]) == ("Lambda-GB-Second", "Lambda-GB-Second")
    assert (row["x_Generated"], row["x_SourceFile"], row["x_LineItemType"]) == (False, "acme-1.csv.gz", None)
    assert made.broken("money") == set()


def test_1_0_is_lifted_to_1_2_where_it_says_the_same_elsewhere(bill_of: Any) -> None:
    row = bill_of("focus-1.0", [exported("1.0", InvoiceIssuerName=None, PublisherName=None)]).row
    assert (row["InvoiceIssuerName"], row["PublisherName"]) == ("AWS", "AWS")
    assert (row["ServiceSubcategory"], row["PricingCurrencyEffectiveCost"]) == ("Serverless Compute", Decimal("0.2"))
    assert row["CapacityReservationId"] is None
    other = bill_of("focus-1.0", [exported("1.0", ServiceCategory="Storage")]).row
    assert other["ServiceSubcategory"] == "Other (Storage)"  # the table's would belong to another category


def test_all_aws_datasets_fill_the_same_columns(bill_of: Any, line: Any) -> None:
    """They share one table."""
    tables = [
        bill_of(name, lines).query("SELECT column_name, column_type FROM (DESCRIBE focus)")
        for name, lines in (("cur-v1", [line.usage()]), ("cur-v2", []), ("focus-1.0", []), ("focus-1.2", []))
    ]
    assert tables[0][: len(columns())] == [(column.name, column.duckdb_type) for column in columns()]
    assert all(table == tables[0] for table in tables)


@pytest.mark.parametrize("version", ["1.0", "1.2"])
@pytest.mark.parametrize(
    "mutant",
    [
        "UPDATE focus SET BilledCost = BilledCost * 2",
        "UPDATE focus SET EffectiveCost = -EffectiveCost",
        "UPDATE focus SET ListCost = ListCost + 0.000000000000000001",
        "UPDATE focus SET SubAccountId = 'x'",
        "UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost",
        "UPDATE focus SET ChargeCategory = 'Credit'",
        "DELETE FROM focus",
        "INSERT INTO focus SELECT * FROM focus",
    ],
)
def test_every_fault_is_caught(bill_of: Any, version: str, mutant: str) -> None:
    made = bill_of(f"focus-{version}", [exported(version)])
    made.query(mutant)
    assert made.broken("money") & {"F1", "F2"}
