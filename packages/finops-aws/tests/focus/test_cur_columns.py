"""Columns of CUR conversions whose rules do not depend on the line item type, and the form of the SQL files."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from finops_aws.datasets import CUR_V1, CUR_V2, DATASETS
from finops_core import Dataset
from finops_core.focus.columns import columns, subcategories
from finops_core.focus.conversion import explain, undocumented
from finops_core.focus.invariants import parse_checks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def tags(row: dict[str, Any]) -> Any:
    return None if row["Tags"] is None else json.loads(row["Tags"])


def test_tags_keep_their_case_and_lose_only_the_users_prefix(bill: Any, line: Any) -> None:
    raw = {
        "user:Owner": 'a "quoted", value\nof two lines',
        "user:owner": "b",
        "aws:createdBy": "user:x",
        "user:user:y": ",",
        "user:Kostenstelle-Ü": "7",
    }
    row = bill(line.usage(resource_tags=json.dumps(raw), cost_category=json.dumps({"Team": "core"}))).row
    assert tags(row) == {
        "Owner": 'a "quoted", value\nof two lines',
        "owner": "b",
        "aws:createdBy": "user:x",
        "user:y": ",",
        "Kostenstelle-Ü": "7",
        "costCategory/Team": "core",
    }
    assert json.loads(row["x_CostCategories"]) == {"Team": "core"}


TAG_KEYS = st.builds(str.__add__, st.sampled_from(["user:", "aws:"]), st.text(min_size=1, max_size=8))
TAG_VALUES = st.text(max_size=12) | st.sampled_from([",", ',"user:', '{"user:x', "}", "\\", '"', ',"', "{}", "é\n"])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sets=st.lists(st.dictionaries(TAG_KEYS, TAG_VALUES, max_size=4), min_size=1, max_size=12))
def test_no_key_or_value_of_a_tag_is_ever_changed(bill: Any, line: Any, sets: list[dict[str, str]]) -> None:
    """The prefix is taken off by replacing text: that must not reach into values, whatever stands in them."""
    lines = [
        line.usage(
            resource_tags=json.dumps(each),
            cost_category=json.dumps({key.removeprefix("user:"): value for key, value in each.items()}),
            line_item_line_item_description=str(number),
        )
        for number, each in enumerate(sets)
    ]
    found = {row["ChargeDescription"]: tags(row) for row in bill(*lines).rows}
    for number, each in enumerate(sets):
        expected = {f"costCategory/{key.removeprefix('user:')}": value for key, value in each.items()}
        expected |= {key.removeprefix("user:"): value for key, value in each.items()}
        assert found[str(number)] == (expected or None)


@pytest.mark.parametrize(
    ("resource_tags", "cost_category", "expected"),
    [
        (None, None, None),
        ("{}", None, None),
        ("{}", "{}", None),
        (None, '{"Team":"core"}', {"costCategory/Team": "core"}),
        ("null", None, None),
        ('"no JSON"', '{"Team":"core"}', {"_raw": "no JSON", "costCategory/Team": "core"}),
        ("[1, 2]", None, {"_raw": [1, 2]}),
        ('{"user_name":"web", "aws_created_by": "x"}', None, {"name": "web", "aws_created_by": "x"}),
    ],
)
def test_tags_of_either_kind_may_lack(
    bill: Any, line: Any, resource_tags: str | None, cost_category: str | None, expected: Any
) -> None:
    assert tags(bill(line.usage(resource_tags=resource_tags, cost_category=cost_category)).row) == expected


SERVICES = [
    ("AmazonEC2", "EUC1-EBS:VolumeUsage.gp3", "Amazon Elastic Block Store", "Storage"),
    ("AmazonEC2", "USW2-NatGateway-Bytes", "Amazon Virtual Private Cloud", "Networking"),
    ("AmazonEC2", "LoadBalancerUsage", "Elastic Load Balancing", "Networking"),
    ("AmazonEC2", "LCUUsage", "Elastic Load Balancing", "Networking"),
    ("AmazonEC2", "DataTransfer-Out-Bytes", "Amazon Elastic Compute Cloud", "Compute"),
    ("AmazonS3", "TimedStorage-ByteHrs", "Amazon Simple Storage Service", "Storage"),
    ("AmazonNewThing", "Things", "Amazon Elastic Compute Cloud", "Compute"),
]


def test_services(bill: Any, line: Any) -> None:
    """The last: a code that is not listed, whose product name is a listed service's, has that service's category."""
    made = bill(*[line.usage(line_item_product_code=code, line_item_usage_type=kind) for code, kind, _, _ in SERVICES])
    found = {
        (row["x_ServiceCode"], row["x_UsageType"]): (row["ServiceName"], row["ServiceCategory"]) for row in made.rows
    }
    assert found == {(code, kind): (name, category) for code, kind, name, category in SERVICES}


def test_a_service_that_is_not_listed_is_other_and_told(bill: Any, line: Any) -> None:
    made = bill(line.usage(line_item_product_code="AmazonNova2", product_product_name=None))
    assert (made.row["ServiceName"], made.row["ServiceCategory"]) == ("AmazonNova2", "Other")
    assert made.broken() == {"A11"}
    unnamed = bill(line.usage(line_item_product_code=None, product_product_name=None))
    assert unnamed.row["ServiceName"] == "Unknown"


RESOURCES = [
    ("arn:aws:lambda:us-east-1:012345678901:function:checkout", "checkout", "function"),
    ("arn:aws:ec2:us-east-1:012345678901:natgateway/nat-0ab", "nat-0ab", "natgateway"),
    ("arn:aws:s3:::acme-logs", "acme-logs", "s3"),
    ("arn:aws:sqs:eu-west-1:012345678901:orders", "orders", "sqs"),
    ("arn:aws:logs:us-east-1:012345678901:log-group:/acme/web", "web", "log-group"),
    ("i-0abc", None, "instance"),
    ("vol-0abc", None, "volume"),
    ("acme-bucket", None, "Compute Instance"),
    (None, None, None),
]


def test_resources(bill: Any, line: Any) -> None:
    rows = bill(*[line.usage(line_item_resource_id=arn) for arn, _, _ in RESOURCES]).rows
    assert {row["ResourceId"]: (row["ResourceName"], row["ResourceType"]) for row in rows} == {
        arn: (name, kind) for arn, name, kind in RESOURCES
    }


REGIONS = [
    ("sa-east-1", None, "South America (São Paulo)", ("sa-east-1", "South America (Sao Paulo)")),
    ("us-west-2-lax-1", None, "US West (Los Ángeles)", ("us-west-2-lax-1", "US West (Los Angeles)")),
    ("xx-moon-1", None, None, ("xx-moon-1", "xx-moon-1")),
    (None, "eu-west-1c", None, ("eu-west-1", "Europe (Ireland)")),
    (None, None, "Any", (None, None)),
]


def test_regions(bill: Any, line: Any) -> None:
    lines = [
        line.usage(
            product_region_code=code,
            line_item_availability_zone=zone,
            product_location=location,
            line_item_line_item_description=str(number),
        )
        for number, (code, zone, location, _) in enumerate(REGIONS)
    ]
    found = {row["ChargeDescription"]: (row["RegionId"], row["RegionName"]) for row in bill(*lines).rows}
    assert found == {str(number): expected for number, (*_, expected) in enumerate(REGIONS)}


def test_what_explains_a_price(bill: Any, line: Any) -> None:
    row = bill(
        line.usage(
            product_vcpu="2", product_memory="1,952 GiB", product_operating_system="Linux", product_tenancy="Shared"
        )
    ).row
    assert json.loads(row["SkuPriceDetails"]) == {
        "CoreCount": 2,
        "InstanceType": "m5.large",
        "MemorySize": 1952.0,
        "OperatingSystem": "Linux",
        "x_Tenancy": "Shared",
    }


def test_a_price_that_no_decimal_holds_is_left_out(bill: Any, line: Any) -> None:
    """A tiny quantity must not stop the month."""
    row = bill(line.usage(cost="100000", line_item_usage_amount="0.000000000000000001")).row
    assert (row["BilledCost"], row["ListUnitPrice"]) == (Decimal(100000), None)


def test_a_public_rate_that_does_not_explain_the_cost_is_not_the_price(bill: Any, line: Any) -> None:
    row = bill(
        line.usage(
            cost="3",
            pricing_public_on_demand_cost="3",
            pricing_public_on_demand_rate="0.5",
            line_item_usage_amount="4",
        )
    ).row
    assert row["ListUnitPrice"] == Decimal("0.75")


def test_names_of_accounts_and_capacity_reservations_stand_only_in_cur_2(bill_of: Any, line: Any) -> None:
    more = {
        "bill_payer_account_name": "Acme",
        "line_item_usage_account_name": "shop",
        "capacity_reservation_capacity_reservation_arn": "arn:aws:ec2:us-east-1:1:capacity-reservation/cr-1",
        "capacity_reservation_capacity_reservation_status": "unused",
        "discount": '{"edp_discount": 0.5}',
    }
    plain = {name: value for name, value in line.usage().items() if name in CUR_V2.known}
    row = bill_of("cur-v2", [{**plain, **more}]).row
    assert (row["BillingAccountName"], row["SubAccountName"]) == ("Acme", "shop")
    assert row["CapacityReservationStatus"] == "Unused"
    assert json.loads(row["x_Discounts"]) == {"edp_discount": 0.5}
    row = bill_of("cur-v1", [line.usage(discount_total_discount="0.5", discount_edp_discount="0.5")]).row
    assert json.loads(row["x_Discounts"]) == {"edp_discount": 0.5, "total_discount": 0.5}


OPTIONAL = sorted({*CUR_V1.known, *CUR_V2.known} - {"line_item_line_item_type", "line_item_usage_account_id"})


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(empty=st.sets(st.sampled_from(OPTIONAL)) | st.just(set(OPTIONAL)))
def test_whichever_columns_are_empty_no_row_is_lost_and_checks_run(bill: Any, line: Any, empty: set[str]) -> None:
    """What DuckDB knows of a column that is NULL throughout changes how it plans; that must not matter."""
    lines = [
        line.usage(line_item_resource_id="arn:aws:s3:::x", resource_tags='{"user:a":"b"}'),
        *line.reservation_month(),
        line.plan_fee(0),
        line.usage("Tax", "1", line_item_tax_type="VAT"),
    ]
    made = bill(*[{name: None if name in empty else value for name, value in each.items()} for each in lines])
    assert sum(not row["x_Generated"] for row in made.rows) == len(lines)
    assert not made.broken("money") - {"R15"}


def test_all_values_are_ones_that_focus_allows(bill: Any, line: Any) -> None:
    made = bill(
        *line.reservation_month(), *line.covered(), line.plan_fee(0), line.usage("Tax"), line.usage("Credit", "-1")
    )
    for column in columns():
        if column.allowed_values:
            found = {row[column.name] for row in made.rows} - {None}
            assert found <= set(column.allowed_values)
        if not column.allows_nulls and column.name != "InvoiceId":
            assert all(row[column.name] is not None for row in made.rows), column.name


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_focus_column_has_its_rule(dataset: Dataset) -> None:
    assert dataset.focus is not None
    text = dataset.focus.read_text(encoding="utf-8")
    assert undocumented(text) == []
    assert set(re.findall(r"\bAS (x_\w+)", text)) <= set(explain(text))


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_sources_of_rules_are_columns_of_the_bill(dataset: Dataset) -> None:
    assert dataset.focus is not None
    known = {*dataset.known, "source_file", "billing_period"}
    for name, rule in explain(dataset.focus.read_text(encoding="utf-8")).items():
        assert set(rule.sources) <= known, name


def test_sources_reach_through_intermediate_values() -> None:
    assert CUR_V1.focus is not None
    rules = explain(CUR_V1.focus.read_text(encoding="utf-8"))
    assert "savings_plan_used_commitment" in rules["EffectiveCost"].sources
    assert "line_item_product_code" in rules["ServiceName"].sources
    assert rules["SubAccountId"].sources == ("line_item_usage_account_id",)


def test_the_two_cur_files_differ_only_where_the_formats_do() -> None:
    assert CUR_V1.focus is not None and CUR_V2.focus is not None
    v1, v2 = (explain(dataset.focus.read_text(encoding="utf-8")) for dataset in (CUR_V1, CUR_V2) if dataset.focus)
    assert list(v1) == list(v2)
    different = {name for name in v1 if (v1[name].text, v1[name].sql) != (v2[name].text, v2[name].sql)}
    assert different == {
        "BillingAccountName",
        "CapacityReservationId",
        "CapacityReservationStatus",
        "SubAccountName",
        "x_Discounts",
    }


def test_service_table_is_consistent() -> None:
    text = files("finops_aws").joinpath("focus/services.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["product_code"] for row in rows}) == len(rows)
    by_name: dict[str, tuple[str, str]] = {}
    for row in rows:
        kind = (row["ServiceCategory"], row["ServiceSubcategory"])
        assert subcategories()[kind[1]] == kind[0], row
        assert by_name.setdefault(row["ServiceName"], kind) == kind, row
        assert all(value.isascii() and value == value.strip() != "" for value in row.values()), row


@pytest.mark.parametrize("name", ["regions", "units"])
def test_lookup_tables_have_one_row_per_key(name: str) -> None:
    text = files("finops_aws").joinpath(f"focus/{name}.csv").read_text(encoding="utf-8")
    keys = [row[0] for row in csv.reader(text.splitlines())]
    assert len(set(keys)) == len(keys)
    assert text.isascii()


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_checks_files_are_in_form(dataset: Dataset) -> None:
    assert dataset.checks is not None
    assert {check.severity for check in parse_checks(dataset.checks.read_text(encoding="utf-8"))} >= {"money"}
