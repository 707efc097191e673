"""generate_cur_record: a consistent CUR v1 row, whatever is asked for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from finops_aws.sample import generate_cur_record
from finops_aws.sample.catalog import column_specs
from finops_core.errors import UsageError
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31))

RECORDS = st.builds(
    generate_cur_record,
    billing_period=DAYS.map(lambda day: f"{day:%Y-%m}"),
    usage_date=st.none() | DAYS,
    product_code=st.sampled_from(["AmazonEC2", "AmazonS3", "AmazonRDS", "AmazonCloudFront"]),
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-west-2"]),
    unblended_cost=st.none() | st.decimals(-1000, 1000, places=10),
    line_item_type=st.sampled_from(["Usage", "Tax", "Credit", "Refund", "Fee"]),
)


@given(RECORDS)
def test_headers_are_those_of_every_bill(record: dict[str, str]) -> None:
    assert list(record) == [spec.header for spec in column_specs() if spec.v1 == "always"]
    assert all(isinstance(value, str) for value in record.values())


@given(RECORDS)
def test_cost_is_rate_times_amount(record: dict[str, str]) -> None:
    if record["lineItem/UnblendedRate"]:
        product = Decimal(record["lineItem/UnblendedRate"]) * Decimal(record["lineItem/UsageAmount"])
        assert Decimal(record["lineItem/UnblendedCost"]) == product == Decimal(record["pricing/publicOnDemandCost"])
    else:
        assert record["lineItem/LineItemType"] != "Usage"


@given(RECORDS)
def test_times_fit(record: dict[str, str]) -> None:
    start, end = record["lineItem/UsageStartDate"], record["lineItem/UsageEndDate"]
    assert record["identity/TimeInterval"] == f"{start}/{end}" and start < end
    assert record["bill/BillingPeriodStartDate"] < record["bill/BillingPeriodEndDate"]


@given(RECORDS)
def test_product_columns_repeat_the_line_item(record: dict[str, str]) -> None:
    if record["lineItem/LineItemType"] == "Usage":
        assert record["product/usagetype"] == record["lineItem/UsageType"]
        assert record["product/servicecode"] == record["lineItem/ProductCode"]
        assert record["product/operation"] == record["lineItem/Operation"]
        assert record["pricing/RateCode"].startswith(record["product/sku"])


@given(DAYS, st.decimals(-1000, 1000, places=10))
def test_what_is_asked_for_is_given(day: dt.date, cost: Decimal) -> None:
    record = generate_cur_record(f"{day:%Y-%m}", day, unblended_cost=cost)
    assert record["lineItem/UsageStartDate"] == f"{day}T00:00:00Z"
    assert Decimal(record["lineItem/UnblendedCost"]) == cost
    assert record == generate_cur_record(f"{day:%Y-%m}", day, unblended_cost=cost)


@given(DAYS)
def test_the_day_lies_in_the_period(day: dt.date) -> None:
    record = generate_cur_record(f"{day:%Y-%m}")
    assert record["bill/BillingPeriodStartDate"] <= record["lineItem/UsageStartDate"]
    assert record["lineItem/UsageEndDate"] <= record["bill/BillingPeriodEndDate"]


def test_what_the_world_does_not_use_is_refused() -> None:
    with pytest.raises(UsageError, match="AmazonBraket"):
        generate_cur_record("2024-01", product_code="AmazonBraket")
    with pytest.raises(UsageError, match="mars-1"):
        generate_cur_record("2024-01", region="mars-1")
    with pytest.raises(UsageError, match="billing month"):
        generate_cur_record("January")
