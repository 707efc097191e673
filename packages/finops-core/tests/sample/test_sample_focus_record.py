"""generate_focus_record: a valid FOCUS 1.2 row, whatever is asked for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from finops_core.errors import UsageError
from finops_core.focus.columns import columns, subcategories
from finops_core.periods import Period
from finops_core.sample import generate_focus_record
from finops_core.sample.focus import SERVICES
from hypothesis import given
from hypothesis import strategies as st

COSTS = st.none() | st.decimals(-1000, 1000, places=6)

RECORDS = st.builds(
    generate_focus_record,
    billing_period=st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31)).map(lambda day: f"{day:%Y-%m}"),
    service_name=st.none() | st.sampled_from(sorted(SERVICES)) | st.text("abc XYZ", min_size=1),
    region=st.none() | st.sampled_from(["us-east-1", "westeurope", "europe-west3"]),
    usage_date=st.none() | st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31)),
    billed_cost=COSTS,
    currency=st.sampled_from(["USD", "EUR", "JPY"]),
)

PYTHON_TYPES = {"String": str, "Decimal": Decimal, "Date/Time": dt.datetime, "JSON": dict}


@given(RECORDS)
def test_every_column_has_its_type_and_an_allowed_value(record: dict[str, Any]) -> None:
    assert list(record) == [column.name for column in columns("1.2")]
    for column in columns("1.2"):
        value = record[column.name]
        if value is None:
            assert column.allows_nulls, column.name
        else:
            assert isinstance(value, PYTHON_TYPES[column.type]), column.name
            assert value != ""
            assert not column.allowed_values or value in column.allowed_values, (column.name, value)


@given(RECORDS)
def test_cost_is_price_times_quantity(record: dict[str, Any]) -> None:
    assert record["ListCost"] == record["ListUnitPrice"] * record["PricingQuantity"]
    assert record["ContractedCost"] == record["ContractedUnitPrice"] * record["PricingQuantity"]
    assert record["ListUnitPrice"] >= 0


@given(RECORDS)
def test_category_fits_subcategory(record: dict[str, Any]) -> None:
    assert subcategories()[record["ServiceSubcategory"]] == record["ServiceCategory"]


@given(st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31)), st.integers(0, 20))
def test_the_day_lies_in_the_period(day: dt.date, number: int) -> None:
    record = generate_focus_record(Period.of(day), f"service {number}")
    assert record["BillingPeriodStart"] <= record["ChargePeriodStart"] < record["ChargePeriodEnd"]
    assert record["ChargePeriodEnd"] <= record["BillingPeriodEnd"]


@given(RECORDS)
def test_periods_are_utc_midnights_in_order(record: dict[str, Any]) -> None:
    for name in ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"):
        assert record[name].time() == dt.time() and record[name].tzinfo is None
    assert record["BillingPeriodStart"].day == record["BillingPeriodEnd"].day == 1


def test_what_is_asked_for_is_given() -> None:
    record = generate_focus_record(
        "2024-01", "Object Storage", "us-east-1", dt.date(2024, 1, 9), Decimal("12.34"), "EUR"
    )
    assert record["ServiceName"] == "Object Storage"
    assert record["RegionId"] == "us-east-1"
    assert record["ChargePeriodStart"] == dt.datetime(2024, 1, 9)
    assert record["BilledCost"] == record["EffectiveCost"] == Decimal("12.34")
    assert record["BillingCurrency"] == "EUR"
    assert record == generate_focus_record(
        "2024-01", "Object Storage", "us-east-1", dt.date(2024, 1, 9), Decimal("12.34"), "EUR"
    )


def test_a_malformed_period_is_refused() -> None:
    with pytest.raises(UsageError, match="not a billing month"):
        generate_focus_record("2024-1")
