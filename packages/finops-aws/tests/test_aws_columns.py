"""Column names, types and expressions of AWS bills, run in DuckDB."""

from __future__ import annotations

import csv
import json
from importlib.resources import files

import duckdb
import pytest
from finops_aws.datasets import (
    CUR_V1,
    CUR_V2,
    DATASETS,
    FOCUS_1_2,
    cur_v1_columns,
    cur_v2_columns,
    focus_columns,
)
from finops_aws.names import KnownNames, parquet_name
from finops_core import Column, Found
from hypothesis import given
from hypothesis import strategies as st

MONEY = "DECIMAL(38,18)"


def csv_header(*names: str, declared: str = "") -> list[Found]:
    return [Found(name, "VARCHAR", f'"c{i}"', declared) for i, name in enumerate(names)]


def by_name(columns: list[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def documented(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("finops_aws").joinpath(f"data/{name}_columns.csv").read_text().splitlines()))


def test_every_documented_csv_name_becomes_its_parquet_name():
    rows = documented("cur_v1")
    assert len(rows) > 250
    assert {row["source"]: parquet_name(row["source"]) for row in rows} == {r["source"]: r["name"] for r in rows}


@pytest.mark.parametrize("dictionary", ["cur_v1", "cur_v2"])
def test_parquet_names_stay_as_they_are(dictionary: str):
    assert all(parquet_name(row["name"]) == row["name"] for row in documented(dictionary))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("lineItem/UnblendedCost", "line_item_unblended_cost"),
        ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
        ("resourceTags/user:Name", "resource_tags_user_name"),
        ("resourceTags/aws:createdBy", "resource_tags_aws_created_by"),
        ("costCategory/Charge type", "cost_category_charge_type"),
        ("\ufeffidentity/LineItemId", "identity_line_item_id"),
        ("resourceTags/user:Kostenstelle-Ü", "resource_tags_user_kostenstelle_ü"),
        ("resourceTags/user:Kostenstelle-U", "resource_tags_user_kostenstelle_u"),
        ("resourceTags/user:部署", "resource_tags_user_部署"),
        ("resourceTags/user:🚀", "resource_tags_user"),
        ("//", "column"),
    ],
)
def test_aws_rule(source: str, name: str):
    assert parquet_name(source) == name


@given(st.text())
def test_a_name_is_stable_and_plain(source: str):
    name = parquet_name(source)
    assert parquet_name(name) == name
    assert name and not name.startswith("_") and "__" not in name
    assert all(letter.isalnum() or letter == "_" for letter in name)


@pytest.mark.parametrize(
    "spelling", ["reservation/ReservationARN", "reservation_reservation_arn", "RESERVATION/RESERVATIONARN"]
)
def test_other_spellings_are_the_documented_column(spelling: str):
    assert list(by_name(cur_v1_columns(csv_header(spelling)))) == ["reservation_reservation_a_r_n"]


def test_sku_in_either_case_is_one_column_in_cur_v2():
    for spelling in ("product_instancesku", "product_instanceSKU"):
        assert [c.name for c in cur_v2_columns(csv_header(spelling))] == ["product_instancesku"]


def test_a_second_spelling_never_takes_the_name_of_a_column_that_is_there():
    header = csv_header("reservation_reservation_arn", "reservation/ReservationARN")
    assert [c.name for c in cur_v1_columns(header)] == ["reservation_reservation_arn", "reservation_reservation_a_r_n"]


def test_ambiguous_spellings_are_left_alone():
    known = KnownNames(["a_b", "ab"])
    assert known.resolve("a__b", beside=()) == "a__b"


def test_types_by_dictionary_then_manifest_then_text():
    columns = by_name(
        cur_v1_columns(
            [
                Found("lineItem/UnblendedCost", "VARCHAR", "a", "String"),
                Found("lineItem/UnblendedRate", "DOUBLE", "b", "BigDecimal"),
                Found("lineItem/UsageStartDate", "VARCHAR", "c"),
                Found("reservation/StartTime", "VARCHAR", "d", "DateTime"),
                Found("identity/TimeInterval", "VARCHAR", "e", "Interval"),
                Found("bill/PayerAccountId", "BIGINT", "f"),
                Found("lineItem/NewCost", "VARCHAR", "g", "OptionalBigDecimal"),
                Found("lineItem/NewDate", "VARCHAR", "h", "DateTime"),
                Found("lineItem/NewThing", "DOUBLE", "i"),
                Found("resourceTags/user:Cost", "VARCHAR", "j", "BigDecimal"),
            ]
        )
    )
    assert {name: column.type for name, column in columns.items()} == {
        "line_item_unblended_cost": MONEY,
        "line_item_unblended_rate": "VARCHAR",
        "line_item_usage_start_date": "TIMESTAMP",
        "reservation_start_time": "VARCHAR",
        "identity_time_interval": "VARCHAR",
        "bill_payer_account_id": "VARCHAR",
        "line_item_new_cost": MONEY,
        "line_item_new_date": "TIMESTAMP",
        "line_item_new_thing": "VARCHAR",
        "resource_tags_user_cost": "VARCHAR",
        "resource_tags": "JSON",
    }


def evaluate(column: Column, table: str, cast: str = "VARCHAR") -> list[str | None]:
    with duckdb.connect() as db:
        return [row[0] for row in db.execute(f"SELECT CAST({column.expression} AS {cast}) FROM ({table})").fetchall()]


def test_tags_of_cur_v1_are_one_json_with_their_original_keys():
    header = csv_header(
        "lineItem/UnblendedCost", "resourceTags/user:Name", 'resourceTags/user:it\'s "x"', "resourceTags/user:name"
    )
    columns = by_name(cur_v1_columns(header))
    assert columns["resource_tags"].type == "JSON"
    values = """VALUES ('1', 'a"b\n,ü', NULL, ''), ('1', '', 'q', 'w'), ('1', '', '', '')"""
    rows = evaluate(columns["resource_tags"], f"SELECT * FROM ({values}) t(c0, c1, c2, c3)")
    assert [json.loads(row or "") for row in rows] == [
        {"user:Name": 'a"b\n,ü'},
        {'user:it\'s "x"': "q", "user:name": "w"},
        {},
    ]


def test_tags_of_cur_v1_parquet_keep_what_stands_after_the_prefix():
    columns = by_name(
        cur_v1_columns(
            [
                Found("resource_tags_user_name", "VARCHAR", "c0"),
                Found("cost_category_team", "INTEGER", "c1"),
            ]
        )
    )
    source = "SELECT 'web' c0, NULL::INTEGER c1"
    assert evaluate(columns["resource_tags"], source) == ['{"user_name":"web"}']
    assert evaluate(columns["cost_category"], source) == ["{}"]


def test_tags_that_differ_only_by_case_stay_two_columns_and_two_keys():
    columns = cur_v1_columns(csv_header("resourceTags/user:Owner", "resourceTags/user:owner"))
    assert [column.source for column in columns] == [
        "resourceTags/user:Owner",
        "resourceTags/user:owner",
        "resourceTags/*",
    ]
    assert [json.loads(row or "") for row in evaluate(columns[-1], "SELECT 'A' AS c0, 'b' AS c1")] == [
        {"user:Owner": "A", "user:owner": "b"}
    ]


def test_a_bill_without_tags_has_no_tag_columns():
    assert "resource_tags" not in by_name(cur_v1_columns(csv_header("lineItem/UnblendedCost")))


@given(keys=st.lists(st.text(min_size=1).filter(lambda key: "\x00" not in key), min_size=1, unique=True))
def test_any_tag_key_survives(keys: list[str]):
    header = csv_header(*(f"resourceTags/user:{key}" for key in keys))
    tags = by_name(cur_v1_columns(header)).get("resource_tags")
    assert tags is not None
    source = "SELECT " + ", ".join(f"'v{i}' AS c{i}" for i in range(len(keys)))
    row = evaluate(tags, source)[0]
    assert json.loads(row or "") == {f"user:{key}": f"v{i}" for i, key in enumerate(keys)}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("MAP(VARCHAR, VARCHAR)", "MAP{'user_name': 'w\"eb', 'x': ''}", '{"user_name":"w\\"eb","x":""}'),
        ("MAP(VARCHAR, DOUBLE)", "MAP{'edp': 1e-7::DOUBLE, 'b': 0.1::DOUBLE}", '{"edp":1e-7,"b":0.1}'),
        (
            "MAP(VARCHAR, DECIMAL(38,18))",
            "MAP{'edp': 12345678901234567890.123456789012345678::DECIMAL(38,18)}",
            '{"edp":12345678901234567890.123456789012345678}',
        ),
        ("MAP(VARCHAR, VARCHAR)", "MAP{}::MAP(VARCHAR, VARCHAR)", "{}"),
        (
            'STRUCT("key" VARCHAR, "value" VARCHAR)[]',
            "[{'key': 'a', 'value': 'b'}, {'key': 'n', 'value': NULL}]",
            '{"a":"b","n":null}',
        ),
    ],
)
def test_maps_become_json(kind: str, value: str, text: str):
    for name, rule in (("discount", cur_v2_columns), ("x_Discounts", focus_columns), ("unheard_of", cur_v2_columns)):
        (column,) = rule([Found(name, kind, "c")])
        assert (column.name, column.type) == (name, "JSON")
        assert evaluate(column, f"SELECT {value} AS c", cast="JSON") == [text]


def test_a_null_map_stays_null():
    for kind in ("MAP(VARCHAR, VARCHAR)", 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'):
        (column,) = cur_v2_columns([Found("tags", kind, "c")])
        assert evaluate(column, f"SELECT NULL::{kind} AS c") == [None]


def test_maps_in_csv_are_json_as_written():
    (column,) = cur_v2_columns(csv_header("resource_tags"))
    assert (column.name, column.type, column.expression) == ("resource_tags", "JSON", None)


def test_focus_columns_keep_their_names():
    columns = focus_columns(csv_header("BilledCost", "chargeperiodstart", "Tags", "x_New", declared="double"))
    assert [(column.name, column.type) for column in columns] == [
        ("BilledCost", MONEY),
        ("ChargePeriodStart", "TIMESTAMP"),
        ("Tags", "JSON"),
        ("x_New", MONEY),
    ]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_dataset_knows_what_it_requires(dataset):
    assert {*dataset.required, dataset.cost, dataset.currency} <= set(dataset.known)
    assert dataset.known[dataset.cost] == MONEY


def test_names_that_focus_sql_reads_from_either_cur_are_known_to_both():
    maps = {"resource_tags", "cost_category", "product", "discount", "tags"}
    assert all(CUR_V1.known[name] == CUR_V2.known[name] == "JSON" for name in maps)
    assert FOCUS_1_2.known["SkuPriceDetails"] == "JSON"
