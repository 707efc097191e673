"""How the generated trees are laid out: manifests, versions, sidecars, columns that come and go."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_aws.sample import FORMATS, write
from finops_core import Period, SampleRequest
from finops_core.errors import UsageError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

PERIODS = ("2024-01", "2024-02", "2024-03")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

DATA_KEYS = {
    "cur-v1-csv-net": rf"exports/(acme-cur-net)/\d{{8}}-\d{{8}}/{UUID}/\1-\d+\.csv\.gz",
    "cur-v1-csv-discount-rows": rf"exports/(acme-cur-discount-rows)/\d{{8}}-\d{{8}}/{UUID}/\1-\d+\.csv\.gz",
    "cur-v2-parquet-net": r"exports/(acme-cur2-net)/data/BILLING_PERIOD=2024-0[123]/\1-\d{5}\.snappy\.parquet",
    "focus-1.2-parquet": r"exports/(acme-focus)/data/billing_period=2024-0[123]/\1-\d{5}\.snappy\.parquet",
    "focus-1.0-csv": (
        rf"exports/(acme-focus-1-0)/data/billing_period=2024-0[123]/\d{{8}}T\d{{6}}Z-{UUID}/\1-\d{{5}}\.csv\.gz"
    ),
    "cur-v1-csv": rf"exports/(acme-cur)/\d{{8}}-\d{{8}}/{UUID}/\1-\d+\.csv\.gz",
    "cur-v1-zip": rf"exports/(acme-cur-zip)/\d{{8}}-\d{{8}}/{UUID}/\1-\d+\.csv\.zip",
    "cur-v1-csv-overwrite": r"exports/(acme-cur-overwrite)/\d{8}-\d{8}/\1-\d+\.csv\.gz",
    "cur-v1-parquet": r"exports/(acme-cur-athena)/\1/year=2024/month=[123]/\1-\d{5}\.snappy\.parquet",
    "cur-v1-parquet-create-new": rf"exports/([a-z-]+)/\d{{8}}-\d{{8}}/{UUID}/\1-\d{{5}}\.snappy\.parquet",
    "cur-v2-csv": rf"exports/(acme-cur2)/data/BILLING_PERIOD=2024-0[123]/\d{{8}}T\d{{6}}Z-{UUID}/\1-\d{{5}}\.csv\.gz",
    "cur-v2-csv-overwrite": r"exports/([a-z0-9-]+)/data/BILLING_PERIOD=2024-0[123]/\1-\d{5}\.csv\.gz",
    "cur-v2-parquet": r"exports/([a-z0-9-]+)/data/BILLING_PERIOD=2024-0[123]/\1-\d{5}\.snappy\.parquet",
    "cur-v2-parquet-create-new": (
        rf"exports/([a-z0-9-]+)/data/BILLING_PERIOD=2024-0[123]/\d{{8}}T\d{{6}}Z-{UUID}/\1-\d{{5}}\.snappy\.parquet"
    ),
}


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def header(path: Path) -> list[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as stream:
            return next(csv.reader([stream.readline().decode()]))
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream))
    return [
        row[0]
        for row in duckdb.connect()
        .execute(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)")
        .fetchall()
    ]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("period", PERIODS)
def test_manifests_name_every_file_of_their_month_and_only_those(
    name: str, period: str, tree: Callable[..., Any]
) -> None:
    found = tree(name)
    keys, files = found.keys(period), found.files(period)
    assert len(keys) == len(set(keys)) >= 2
    assert all(re.fullmatch(DATA_KEYS[name], key) for key in keys), keys
    assert all(path.is_file() for path in files)
    beside = {path for path in files[0].parent.iterdir() if ".csv" in path.name or ".parquet" in path.name}
    left_over = beside - set(files)
    assert len(left_over) == (1 if found.shape.overwrite else 0)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("period", PERIODS)
def test_manifests_list_the_columns_of_every_file(name: str, period: str, tree: Callable[..., Any]) -> None:
    found = tree(name)
    headers = [header(path) for path in found.files(period)]
    assert all(names == headers[0] for names in headers)
    listed = found.manifest(period)["columns"]
    if found.shape.table != "v1":
        assert [column["name"] for column in listed] == headers[0]
    elif not found.shape.parquet:
        assert [f"{column['category']}/{column['name']}" for column in listed] == headers[0]
    else:
        assert len(listed) == len(headers[0]) + 1  # Owner and owner are one column in Parquet


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("cur-v1")])
def test_v1_manifests_have_the_fields_of_real_ones(name: str, tree: Callable[..., Any]) -> None:
    manifest = tree(name).manifest("2024-01")
    assert re.fullmatch(UUID, manifest["assemblyId"])
    assert re.fullmatch(r"\d{12}", manifest["account"])
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["reportId"])
    assert manifest["reportName"] == tree(name).shape.export_name
    assert manifest["billingPeriod"] == {"start": "20240101T000000.000Z", "end": "20240201T000000.000Z"}
    for artifact in manifest["additionalArtifactKeys"]:
        assert (tree(name).root / artifact["name"]).is_file()


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("cur-v2")])
def test_data_export_manifests_have_the_fields_of_real_ones(name: str, tree: Callable[..., Any]) -> None:
    manifest = tree(name).manifest("2024-02")
    assert re.fullmatch(UUID, manifest["executionId"])
    assert manifest["billingPeriod"] == "2024-02"
    assert all(key.startswith("s3://acme-billing/") for key in manifest["dataFiles"])
    assert {column["type"] for column in manifest["columns"]} == {"string", "double", "timestamp", "map"}


def test_sidecars_and_neighbours_lie_about(tree: Callable[..., Any]) -> None:
    athena, plain = tree("cur-v1-parquet"), tree("cur-v1-csv")
    status = athena.base / "acme-cur-athena" / "cost_and_usage_data_status" / "cost_and_usage_data_status.parquet"
    assert duckdb.connect().execute(f"FROM '{status}'").fetchall() == [("READY",)]
    assert (athena.base / "20240101-20240201" / "crawler-cfn.yml").is_file()
    for root in (athena.root, plain.root):
        assert (root / "aws-programmatic-access-test-object").is_file()
        assert {path.name for path in (root / "exports").iterdir()} >= {"acme", "acme-cur-old"}
    kept = [path.name for path in (plain.base / "20240101-20240201").iterdir() if path.is_dir()]
    assert len(kept) == 2, "the early delivery of the first month stays"


def test_a_bill_is_wide_and_its_columns_come_and_go(tree: Callable[..., Any]) -> None:
    headers = {period: header(tree("cur-v1-csv").files(period)[0]) for period in PERIODS}
    assert all(len(names) == len(set(names)) >= 120 for names in headers.values())
    january, february, march = (set(headers[period]) for period in PERIODS)
    assert "resourceTags/user:Project" in (february & march) - january
    assert "splitLineItem/SplitCost" in february - january - march
    assert "product/engineCode" in (february & march) - january
    assert "product/ecu" in (january & february) - march
    assert {"resourceTags/user:Owner", "resourceTags/user:owner", "resourceTags/user:Kostenstelle-Ü"} <= january
    assert len(header(tree("cur-v2-csv").files("2024-01")[0])) >= 120


def test_tags_hold_what_breaks_naive_readers(tree: Callable[..., Any]) -> None:
    found = tree("cur-v1-csv")
    connection = duckdb.connect()
    names = [
        name
        for (name,) in connection.execute(
            f'SELECT DISTINCT "resourceTags/user:Name" FROM {found.relation("2024-02")}'
        ).fetchall()
    ]
    assert 'keep, "as is"\nask security' in names
    v2 = tree("cur-v2-parquet")
    [(keys, untagged)] = connection.execute(
        "SELECT list_sort(list_distinct(flatten(list(map_keys(resource_tags))))),"
        f" count(*) FILTER (cardinality(resource_tags) = 0) FROM {v2.relation('2024-02')}"
    ).fetchall()
    assert keys == [
        "aws_created_by",
        "user_cost_center",
        "user_environment",
        "user_kostenstelle",
        "user_name",
        "user_owner",
        "user_project",
    ]
    assert untagged > 0


def test_maps_are_the_same_in_csv_and_parquet(tree: Callable[..., Any]) -> None:
    connection = duckdb.connect()
    plain, parquet = (tree(name).relation("2024-02") for name in ("cur-v2-csv", "cur-v2-parquet"))
    for name in ("resource_tags", "cost_category", "product", "discount"):
        text = f"SELECT identity_line_item_id, {name}::JSON::MAP(VARCHAR, VARCHAR) FROM {plain}"
        map_ = f"SELECT identity_line_item_id, {name}::MAP(VARCHAR, VARCHAR) FROM {parquet}"
        assert connection.execute(f"{text} EXCEPT {map_} LIMIT 2").fetchall() == []


def test_the_same_request_writes_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        write(SampleRequest(out=tmp_path / name, format="cur-v1-csv", rows=900, seed=5))
        written.append(digests(tmp_path / name / "acme-billing"))
    assert written[0] == written[1]
    write(SampleRequest(out=tmp_path / "three", format="cur-v1-csv", rows=900, seed=6))
    assert not set(digests(tmp_path / "three" / "acme-billing").values()) >= set(written[0].values())


@pytest.mark.slow
def test_many_rows_stand_in_order_of_time(tmp_path: Path) -> None:
    """Chunks of more rows than DuckDB hands to one thread: they would come in any order if nobody asked for one."""
    write(SampleRequest(out=tmp_path, format="cur-v1-csv", rows=260_000, months=1))
    [first] = tmp_path.glob("acme-billing/exports/acme-cur/*/*/acme-cur-2.csv.gz")
    [(rows, late)] = (
        duckdb.connect(config={"threads": 1})
        .execute(
            """
            SELECT count(*), count(*) FILTER (starts < before) FROM (
                SELECT starts, lag(starts) OVER (ORDER BY number) AS before FROM (
                    SELECT "lineItem/UsageStartDate" AS starts, row_number() OVER () AS number
                    FROM read_csv(?, all_varchar = true, header = true, parallel = false)
                    WHERE "lineItem/LineItemType" IN ('DiscountedUsage', 'SavingsPlanCoveredUsage')
                )
            )
            """,
            [str(first)],
        )
        .fetchall()
    )
    assert rows > 1_000 and late == 0


def test_a_seed_always_gives_this_bill(tmp_path: Path) -> None:
    """Pinned: if this changes, everybody's sample bills change."""
    write(SampleRequest(out=tmp_path, format="cur-v2-csv", rows=900, seed=7))
    periods = json.loads((tmp_path / "truth.json").read_text("utf-8"))["periods"]
    assert {period: (found["rows"], found["UnblendedCost"]["USD"]) for period, found in periods.items()} == PINNED


PINNED = {
    "2024-01": (305, "209157.2398459176"),
    "2024-02": (300, "122277.8101962124"),
    "2024-03": (251, "192605.9658149506"),
}


@pytest.mark.parametrize("name", ["cur-v1-csv", "cur-v2-parquet"])
def test_a_redelivery_changes_its_month_only(name: str, tmp_path: Path) -> None:
    request = {"out": tmp_path, "format": name, "rows": 900}
    write(SampleRequest(**request))
    root = tmp_path / "acme-billing"
    before = digests(root)
    write(SampleRequest(**request, redeliver=Period(2024, 2)))
    after = digests(root)
    changed = {key for key in before if after.get(key) != before[key]}
    of_the_month = re.compile(r"20240201-20240301|BILLING_PERIOD=2024-02")
    assert changed and all(of_the_month.search(key) for key in changed)
    assert all(of_the_month.search(key) for key in after.keys() - before.keys())
    if name == "cur-v1-csv":
        assert {Path(key).name for key in changed} == {"acme-cur-Manifest.json"}, "the old assembly stays as it was"


def test_objects_have_the_time_of_their_delivery(tree: Callable[..., Any]) -> None:
    path = tree("cur-v1-csv").files("2024-01")[0]
    assert dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC) == dt.datetime(2024, 2, 6, 4, 30, 12, tzinfo=dt.UTC)


@given(rows=st.integers(1, 400), months=st.integers(1, 3), seed=st.integers(0, 10**9), name=st.sampled_from(FORMATS))
@example(rows=1, months=1, seed=0, name="focus-1.2-parquet")
@example(rows=1, months=1, seed=0, name="focus-1.0-csv")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_request_writes_a_whole_tree(
    rows: int, months: int, seed: int, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("any")
    settings_ = write(SampleRequest(out=out, format=name, rows=rows, months=months, seed=seed))
    truth = json.loads((out / "truth.json").read_text("utf-8"))
    assert settings_["bucket"] == (out / "acme-billing").as_uri()
    assert len(truth["periods"]) == months and truth["settings"] == settings_
    for found in truth["periods"].values():
        # A FOCUS export's rows are FOCUS rows: negations are not among them, unused commitments are.
        lines = sum(kind["rows"] for kind in found["LineItemType"].values())
        assert found["rows"] == (found["focus"]["rows"] if name.startswith("focus") else lines) > 0


def test_rows_are_about_as_many_as_asked_for(tree: Callable[..., Any]) -> None:
    rows = sum(found["rows"] for found in tree("cur-v1-csv", 30_000).truth["periods"].values())
    assert rows == pytest.approx(30_000, rel=0.03)


def test_unknown_formats_and_months_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cur-v3-csv") as unknown:
        write(SampleRequest(out=tmp_path, format="cur-v3-csv"))
    assert "did you mean cur-v" in unknown.value.hint
    with pytest.raises(UsageError, match="2023-12"):
        write(SampleRequest(out=tmp_path, format="cur-v1-csv", redeliver=Period(2023, 12)))
    assert not list(tmp_path.iterdir())
