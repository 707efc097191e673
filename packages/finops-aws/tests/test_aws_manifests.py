"""Whatever a manifest holds, it becomes a delivery whose keys stay in the bucket, or a problem of its period."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from finops_aws.discovery import Wanted, describe
from finops_aws.exports import Export
from finops_aws.manifests import parse, rebased
from finops_core import Delivery, Period
from finops_core.store import StoredObject, safe_path
from hypothesis import given
from hypothesis import strategies as st

JANUARY = Period(2025, 1)
REPORT = Export("cur", "x/cur/", "report", ((JANUARY, "x/cur/20250101-20250201/"),))
DATA_EXPORT = Export("cur", "x/cur/", "data export", ((JANUARY, "x/cur/metadata/BILLING_PERIOD=2025-01/"),))
STORED = StoredObject("x/cur/20250101-20250201/cur-Manifest.json", 100, dt.datetime(2025, 2, 1, tzinfo=dt.UTC), "e")


def described(content: bytes, export: Export = REPORT, wanted: Wanted | None = None) -> Delivery:
    return describe(export, JANUARY, STORED, content, wanted or Wanted(), "acme-billing")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
segments = st.sampled_from(["x", "cur", "data", "20250101-20250201", "..", ".", "", "a b", "ü", "s3:", "C:\\", "\x00"])
keys = st.lists(segments, max_size=6).map("/".join) | st.lists(segments, max_size=4).map(
    lambda p: "s3://" + "/".join(p)
)
names = st.sampled_from([".csv.gz", ".snappy.parquet", ""])
files = st.builds(str.__add__, keys, names)
entries = st.lists(files | st.fixed_dictionaries({"s3Uri": files}, optional={"size": anything}) | anything, max_size=4)
column = st.fixed_dictionaries(
    {"name": st.sampled_from(["UnblendedCost", "line_item_usage_type", "BilledCost", "InvoiceId"]) | anything},
    optional={"category": st.just("lineItem") | anything, "type": st.text() | anything},
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "assemblyId": st.text() | anything,
        "executionId": st.text() | anything,
        "reportKeys": entries | anything,
        "dataFiles": entries | anything,
        "columns": st.lists(column | anything, max_size=4) | anything,
        "billingPeriod": st.sampled_from(["2025-01", "20250101T000000.000Z", "2025-99", {"start": "202501"}])
        | anything,
        "bucket": st.text() | anything,
        "compression": st.sampled_from(["GZIP", "ZIP", "Parquet"]) | anything,
        "query": st.just("SELECT * FROM FOCUS_1_0_AWS") | anything,
        "additionalArtifactKeys": anything,
    },
)


@given(documents | anything, st.sampled_from([REPORT, DATA_EXPORT]))
def test_any_document_is_a_delivery_or_a_problem(document, export):
    delivery = described(json.dumps(document).encode("utf-8", "surrogatepass"), export)
    assert delivery.dataset in {"cur-v1", "cur-v2", "focus-1.0", "focus-1.2"}
    if delivery.problem:
        return
    assert delivery.version and delivery.format in {"csv", "parquet"}
    places = [safe_path(Path("/staging"), file.key) for file in delivery.files]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to("/staging") and ".." not in place.parts for place in places)


@given(st.binary())
def test_any_bytes_are_a_delivery_or_a_problem(content):
    delivery = described(content)
    assert delivery.problem or delivery.version


@given(st.data())
def test_a_truncated_manifest_is_a_problem(data):
    whole = json.dumps({"assemblyId": "a1", "reportKeys": ["x/cur/a1/cur-1.csv.gz"]}).encode()
    assert not described(whole).problem
    assert described(whole[: data.draw(st.integers(0, len(whole) - 1))]).problem


@pytest.mark.parametrize(
    ("key", "root", "name", "expected"),
    [
        ("x/cur/20250101-20250201/a/1.csv", "x/cur/", "cur", "x/cur/20250101-20250201/a/1.csv"),
        ("x/cur/20250101-20250201/a/1.csv", "cur/", "cur", "cur/20250101-20250201/a/1.csv"),
        ("x/cur/20250101-20250201/a/1.csv", "", "cur", "20250101-20250201/a/1.csv"),
        ("cur/20250101-20250201/1.csv", "/cur/", "cur", "cur/20250101-20250201/1.csv"),
        ("p/cur/cur/year=2025/month=1/1.parquet", "y/cur/", "cur", "y/cur/cur/year=2025/month=1/1.parquet"),
        ("cur/cur/data/BILLING_PERIOD=2025-01/1.csv", "y/cur/", "cur", "y/cur/data/BILLING_PERIOD=2025-01/1.csv"),
        ("x/cur/data/cur/data/1.csv", "y/cur/", "cur", "y/cur/data/cur/data/1.csv"),
        ("elsewhere/1.csv", "x/cur/", "cur", "elsewhere/1.csv"),
        ("x/cur-daily/20250101-20250201/1.csv", "y/cur/", "cur", "x/cur-daily/20250101-20250201/1.csv"),
    ],
)
def test_rebased_keys(key, root, name, expected):
    assert rebased(key, root, name) == expected


def test_files_that_meet_after_rebasing_are_refused():
    keys = ["a/cur/20250101-20250201/1.csv", "b/cur/20250101-20250201/1.csv"]
    assert "several exports" in described(json.dumps({"reportKeys": keys}).encode()).problem


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("string", "s"),
        ({"s3Uri": "s3://b/k.csv", "size": 3}, 3),
        ({"path": "k.csv", "size": True}, None),
        ({"key": "k.csv", "size": -1}, None),
        ({"name": "k.csv", "size": "3"}, None),
    ],
)
def test_data_files_in_every_form(kind, expected):
    entry = "s3://b/k.csv" if kind == "string" else kind
    (named,) = parse(json.dumps({"dataFiles": [entry]}).encode()).files
    assert named.key == "k.csv"
    assert named.size == (None if kind == "string" else expected)


def test_data_files_win_over_report_keys():
    manifest = parse(json.dumps({"dataFiles": ["s3://b/new.csv"], "reportKeys": ["old.csv"]}).encode())
    assert [named.key for named in manifest.files] == ["new.csv"]


def test_columns_without_types_and_artifacts_as_text():
    document = {
        "assemblyId": "a1",
        "reportKeys": ["k.csv.gz"],
        "columns": [{"category": "lineItem", "name": "UnblendedCost"}, {"category": "resourceTags", "name": "user:a"}],
        "additionalArtifactKeys": ["x/RedshiftCommands.sql"],
    }
    delivery = described(json.dumps(document).encode())
    assert delivery.columns == (("lineItem/UnblendedCost", ""), ("resourceTags/user:a", ""))
    assert (delivery.dataset, delivery.format, delivery.problem) == ("cur-v1", "csv", "")


def test_an_empty_delivery_takes_its_format_from_the_manifest_or_the_settings():
    def form(wanted: Wanted | None = None, **fields: object) -> str:
        return described(json.dumps({"reportKeys": [], **fields}).encode(), wanted=wanted).format

    assert form(compression="Parquet") == "parquet"
    assert form(compression="GZIP", contentType="text/csv") == "csv"
    assert form() == "csv"
    assert form(Wanted(export_format="parquet")) == "parquet"


def test_a_manifest_that_is_too_large_is_not_one(monkeypatch):
    monkeypatch.setattr("finops_aws.manifests.LARGEST", 10)
    assert "bytes" in described(b'{"reportKeys": []}').problem
