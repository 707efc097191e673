"""What one manifest, or one path, says: pure, and never an exception."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from finops_azure.classic import classic_runs
from finops_azure.manifests import moment, read_manifest
from finops_azure.places import is_data, place_of
from finops_azure.runs import Run
from finops_core import Period
from finops_core.store import StoredObject
from hypothesis import given
from hypothesis import strategies as st

NOW = dt.datetime(2025, 4, 1, tzinfo=dt.UTC)
FOLDER = "folder/acme-actual/20250301-20250331/bbac73f1-9a05-4de6-84ab-c72b568a03b4"
MANIFEST = f"{FOLDER}/manifest.json"

DOCUMENT = {
    "manifestVersion": "2024-04-01",
    "byteCount": 8032,
    "blobCount": 1,
    "dataRowCount": 36,
    "exportConfig": {
        "exportName": "acme-actual",
        "resourceId": "/providers/Microsoft.Billing/billingAccounts/1/providers/Microsoft.CostManagement/exports/acme",
        "dataVersion": "2021-10-01",
        "type": "ActualCost",
        "timeFrame": "MonthToDate",
    },
    "deliveryConfig": {"fileFormat": "Csv", "compressionMode": "gzip"},
    "runInfo": {
        "submittedTime": "2025-03-21T21:04:06.5234447Z",
        "runId": "bbac73f1-9a05-4de6-84ab-c72b568a03b4",
        "startDate": "2025-03-01T00:00:00",
        "endDate": "2025-03-21T00:00:00Z",
    },
    "blobs": [{"blobName": f"{FOLDER}/part_0_0001.csv.gz", "byteCount": 8032, "dataRowCount": 36}],
}


def stored(key: str, size: int = 8032) -> StoredObject:
    return StoredObject(key, size, NOW, "e1")


def read(document: object, *keys: str, key: str = MANIFEST) -> Run | None:
    keys = keys or (f"{FOLDER}/part_0_0001.csv.gz",)
    return read_manifest(stored(key), json.dumps(document).encode(), {key: stored(key) for key in keys})


def run_of(document: object, *keys: str, key: str = MANIFEST) -> Run:
    run = read(document, *keys, key=key)
    assert run is not None
    return run


def changed(section: str, **values: object) -> dict[str, object]:
    return DOCUMENT | {section: {**DOCUMENT[section], **values}}  # type: ignore[dict-item]


def test_manifest_of_2024() -> None:
    run = run_of(DOCUMENT)
    assert (run.export, run.kind, str(run.period), run.rows, run.format) == (
        "acme-actual",
        "actual",
        "2025-03",
        36,
        "csv",
    )
    assert run.run_id == "bbac73f1-9a05-4de6-84ab-c72b568a03b4"
    assert run.submitted == dt.datetime(2025, 3, 21, 21, 4, 6, 523444, dt.UTC)
    assert run.scope == "/providers/microsoft.billing/billingaccounts/1"
    assert [(file.key, file.size, file.rows, file.checksum) for file in run.files] == [
        (f"{FOLDER}/part_0_0001.csv.gz", 8032, 36, "etag:e1")
    ]
    assert run.promised == {f"{FOLDER}/part_0_0001.csv.gz": 8032}
    assert not run.problem and not run.partial


def test_manifest_of_2021_has_neither_type_nor_period() -> None:
    folder = "dir/acme/20250101-20250131/202501041442/7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d"
    document = {
        "manifestVersion": "2021-01-01",
        "dataFormat": "Csv",
        "blobCount": 1,
        "byteCount": 5,
        "dataRowCount": 2,
        "blobs": [{"blobName": f"{folder}/000001.csv", "byteCount": 5, "dataRowCount": 2, "headerRowCount": 1}],
    }
    run = run_of(document, f"{folder}/000001.csv", key=f"{folder}/_manifest.json")
    assert (run.export, run.kind, str(run.period)) == ("acme", "", "2025-01")
    assert run.submitted == dt.datetime(2025, 1, 4, 14, 42, tzinfo=dt.UTC)
    assert run.run_id == "7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d"
    assert not run.problem


@pytest.mark.parametrize("kind", ["PriceSheet", "ReservationDetails", "ReservationTransactions"])
def test_exports_that_are_no_bills_are_no_runs(kind: str) -> None:
    assert read(changed("exportConfig", type=kind)) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b'{"blobs": {}}', "malformed"),
        (b'{"blobs": [3]}', "malformed"),
        (b'{"blobs": [{"blobName": ""}]}', "malformed"),
        (b'{"blobs": [{"blobName": "../../etc/passwd"}]}', "outside the container"),
        (b'{"blobs": [{"blobName": "a\\\\b"}]}', "outside the container"),
        (b'{"blobs": [{"blobName": "x/a.csv"}, {"blobName": "x/a.csv"}]}', "twice"),
        (b'{"dataRowCount": 5, "blobs": [{"blobName": "x/a.csv", "dataRowCount": 4}]}', "counts 5 rows"),
        (b'{"blobCount": 2}', "names none"),
    ],
)
def test_a_bad_manifest_is_a_run_with_a_problem(text: bytes, problem: str) -> None:
    run = read_manifest(stored(MANIFEST), text, {})
    assert run is not None and problem in run.problem
    assert str(run.period) == "2025-03", "the path tells the month"


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "app", "icons": []}', '{"exportConfig": "x", "blobs": []}'])
@pytest.mark.parametrize("key", ["manifest.json", "web/manifest.json", "a/b/app_manifest.json"])
def test_the_manifest_of_another_program_is_no_run(key: str, text: str) -> None:
    assert read_manifest(stored(key), text.encode(), {}) is None


def test_an_export_outside_the_usual_folders_is_known_by_its_manifest() -> None:
    assert run_of(DOCUMENT, key="elsewhere/manifest.json").export == "acme-actual"


def test_a_byte_order_mark_before_the_manifest_is_ignored() -> None:
    run = read_manifest(stored(MANIFEST), b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode(), {})
    assert run is not None and run.export == "acme-actual"


@pytest.mark.parametrize("blobs", [[], None])
def test_an_empty_run_has_no_files_and_no_problem(blobs: object) -> None:
    run = run_of(DOCUMENT | {"blobs": blobs, "blobCount": 0, "dataRowCount": 0})
    assert (run.files, run.rows, run.problem) == ((), 0, "")


@pytest.mark.parametrize("name", [" {}", "/{}", "acme-container/{}", "other/place/part_0_0001.csv.gz"])
def test_blob_names_are_found_as_they_are_written(name: str) -> None:
    key = f"{FOLDER}/part_0_0001.csv.gz"
    run = run_of(DOCUMENT | {"blobs": [{"blobName": name.format(key)}], "dataRowCount": None})
    assert [file.key for file in run.files] == [key]


def test_a_blob_whose_name_really_begins_with_a_space_is_that_blob() -> None:
    key = f" {FOLDER}/part_0_0001.csv.gz"
    run = run_of(DOCUMENT | {"blobs": [{"blobName": key}], "dataRowCount": None}, key, key.strip())
    assert [file.key for file in run.files] == [key]


def test_a_missing_blob_keeps_its_name_without_a_size() -> None:
    run = run_of(DOCUMENT, "something/else.csv")
    assert [(file.key, file.size) for file in run.files] == [(f"{FOLDER}/part_0_0001.csv.gz", None)]


@pytest.mark.parametrize(
    ("start", "end", "frame", "partial"),
    [
        ("2025-03-01T00:00:00", "2025-03-21T00:00:00Z", "MonthToDate", ""),
        ("2025-03-01T00:00:00Z", "2025-03-31T00:00:00+00:00", "TheLastMonth", ""),
        ("2025-03-01T00:00:00", "2025-04-01T00:00:00", "TheLastMonth", ""),
        ("2025-03-01T00:00:00", "2025-03-31T00:00:00", "Custom", ""),
        ("2025-03-01T00:00:00", "2025-03-10T00:00:00", "Custom", "part of a month"),
        ("2025-03-10T00:00:00", "2025-03-20T00:00:00", "OneTime", "not on the first day"),
        ("2025-01-01T00:00:00", "2025-03-31T00:00:00", "Custom", "several months"),
        ("2025-03-14T00:00:00", "2025-04-13T00:00:00", "TheLastBillingMonth", ""),
    ],
)
def test_which_runs_hold_a_whole_month(start: str, end: str, frame: str, partial: str) -> None:
    document = changed("runInfo", startDate=start, endDate=end) | {
        "exportConfig": {**DOCUMENT["exportConfig"], "timeFrame": frame}  # type: ignore[dict-item]
    }
    run = run_of(document)
    assert partial in run.partial if partial else not run.partial


@pytest.mark.parametrize(
    ("key", "export", "run_time"),
    [
        ("dir/exp/20250101-20250131/exp_8c6c.csv", "exp", None),
        ("exp/20250101-20250131/202501041442/7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d/000001.csv", "exp", 14),
        ("20250101-20250131/exp/part_0_0001.csv", "exp", None),
        ("a/b/c/exp/20250101-20250131/7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d/manifest.json", "exp", None),
    ],
)
def test_places(key: str, export: str, run_time: int | None) -> None:
    place = place_of(key)
    assert place is not None
    assert (place.export, place.start, place.end) == (export, dt.date(2025, 1, 1), dt.date(2025, 1, 31))
    assert (place.run_time.hour if place.run_time else None) == run_time


@pytest.mark.parametrize("key", ["a/b.csv", "20259901-20250131/a.csv", "a/20250101/b.csv", ""])
def test_paths_without_a_range_have_no_place(key: str) -> None:
    assert place_of(key) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2025-03-21T21:04:06.5234447Z", dt.datetime(2025, 3, 21, 21, 4, 6, 523444, dt.UTC)),
        ("2025-03-21T00:00:00", dt.datetime(2025, 3, 21, tzinfo=dt.UTC)),
        ("2025-03-21T02:00:00+02:00", dt.datetime(2025, 3, 21, tzinfo=dt.UTC)),
        ("soon", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_moments(text: str, value: dt.datetime | None) -> None:
    assert moment(text) == value


@pytest.mark.parametrize("key", ["a.csv", "a.CSV", "a.csv.gz", "a.parquet", "a.snappy.parquet"])
def test_data_files(key: str) -> None:
    assert is_data(key)
    assert not is_data(key + ".tmp")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("exportName", "type", "resourceId", "timeFrame", "runId", "submittedTime", "startDate", "endDate", "blobName")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "exportConfig": JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.just("ActualCost")),
            "runInfo": JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.just("2025-03-01T00:00:00")),
            "deliveryConfig": JSON,
            "blobs": JSON | st.lists(st.dictionaries(st.sampled_from(("blobName", "byteCount", "dataRowCount")), JSON)),
            "blobCount": JSON,
            "dataRowCount": JSON,
        },
    )
)
def test_no_manifest_whatever_its_fields_raises(document: object) -> None:
    run = read(document)
    assert run is None or isinstance(run.period, Period)


@given(st.binary(max_size=60))
def test_no_content_whatever_raises(content: bytes) -> None:
    run = read_manifest(stored(MANIFEST), content, {})
    assert run is not None and run.period == Period(2025, 3)


@given(st.lists(st.sampled_from(["a", "exp", "20250101-20250131", "202501041442", "x.csv", "manifest.json", "..", ""])))
def test_no_listing_whatever_raises(parts: list[str]) -> None:
    key = "/".join(parts)
    place_of(key)
    classic_runs({key: stored(key)})
