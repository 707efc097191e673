"""Exported files in a directory -> deliveries."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from finops_core import Period, Window
from finops_core.errors import BalanceError, ConfigError, DataMissing, DeliveryError
from finops_core.stage import look
from finops_gcp.provider import Gcp

NOON = dt.datetime(2025, 2, 2, 12, tzinfo=dt.UTC)


def _only(desk: Any, **settings: Any) -> Any:
    (delivery,) = desk.deliveries(**settings)
    return delivery


def test_months_in_the_window_are_found_by_name_alone(desk: Any) -> None:
    for month in ("2024-12", "2025-01", "2025-02"):
        desk.write(f"detailed/billing_period={month}/a.parquet", desk.row())
    provider = desk.provider(prefix="/detailed/")
    found = provider.discover(Window(Period(2025, 1), Period(2025, 1)))
    assert [(str(item.period), item.export, item.format, len(item.files)) for item in found] == [
        ("2025-01", "detailed", "parquet", 1)
    ]
    assert found[0].bytes == (desk.bucket / "detailed/billing_period=2025-01/a.parquet").stat().st_size


def test_a_prefix_is_a_folder_and_not_the_beginning_of_others(desk: Any) -> None:
    desk.write("bill/2025-01/a.parquet", desk.row())
    desk.write("bill-old/2019-01/a.parquet", desk.row())
    assert str(_only(desk, prefix="bill").period) == "2025-01"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda row: row, "detailed"),
        (lambda row: {k: v for k, v in row.items() if k != "resource"}, "standard"),
        (lambda row: {"BilledCost": 1, "BillingCurrency": "USD", "ChargePeriodStart": "2025-01-01"}, "focus"),
    ],
)
def test_the_export_is_told_by_its_columns(desk: Any, change: Any, expected: str) -> None:
    (desk.bucket / "2025-01").mkdir()
    (desk.bucket / "2025-01/a.json").write_text(json.dumps(change(desk.row())) + "\n")
    assert _only(desk).dataset == expected
    assert _only(desk, export_type="detailed").dataset == "detailed"


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "json.gz", "avro"])
def test_every_format_tells_its_export(desk: Any, ending: str) -> None:
    desk.write(f"2025-01/a.{ending}", desk.row())
    delivery = _only(desk)
    assert (delivery.dataset, delivery.format) == ("detailed", "jsonl" if "json" in ending else ending)


def test_a_version_changes_exactly_when_a_file_does(desk: Any) -> None:
    path = desk.write("2025-01/a.parquet", desk.row(), written=NOON)
    first = _only(desk).version
    assert _only(desk).version == first
    os.utime(path, (0, 0))
    assert _only(desk).version != first
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    assert _only(desk).version == first
    desk.write("2025-01/b.parquet", desk.row(), written=NOON)
    assert _only(desk).version != first


def test_a_manifest_of_ones_own_names_the_files_that_count(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(cost=1.0))
    desk.write("2025-01/old.parquet", desk.row(cost=5.0))
    (desk.bucket / "2025-01/manifest.json").write_text('{"files": [{"name": "a.parquet", "rows": 1}]}')
    delivery = _only(desk)
    assert [file.key for file in delivery.files] == ["2025-01/a.parquet"]
    assert delivery.manifest == "2025-01/manifest.json"
    assert desk.read().one("SELECT sum(BilledCost) FROM focus") == 1


def test_a_manifest_that_names_a_missing_file_fails_the_month(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row())
    (desk.bucket / "2025-01/manifest.json").write_text('{"files": ["a.parquet", "b.parquet"]}')
    with pytest.raises(DeliveryError, match="missing"):
        desk.read()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', '{"files": null}', "\x00"])
def test_a_manifest_that_is_none_is_a_problem_of_its_month(desk: Any, text: str) -> None:
    desk.write("2025-01/a.parquet", desk.row())
    desk.write("2025-02/a.parquet", desk.row())
    (desk.bucket / "2025-01/manifest.json").write_text(text)
    january, february = desk.deliveries()
    assert "is no manifest" in january.problem
    assert not february.problem


def test_a_month_without_success_is_not_finished_when_others_have_it(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row())
    desk.write("2025-02/a.parquet", desk.row())
    (desk.bucket / "2025-01/_SUCCESS").touch()
    january, february = desk.deliveries()
    assert not january.problem
    assert "no _SUCCESS" in february.problem


def test_a_file_newer_than_success_means_that_an_export_is_running(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(), written=NOON)
    marker = desk.bucket / "2025-01/_SUCCESS"
    marker.touch()
    os.utime(marker, (NOON.timestamp(), NOON.timestamp()))
    assert not _only(desk).problem
    os.utime(marker, (NOON.timestamp() - 3600, NOON.timestamp() - 3600))
    assert "exported again" in _only(desk).problem


def test_shards_in_doubt_are_a_problem_and_never_added(desk: Any) -> None:
    desk.write("2025-01/part-000000000000.parquet", desk.row(), written=NOON)
    desk.write("2025-01/part-000000000001.parquet", desk.row(), written=NOON - dt.timedelta(minutes=20))
    assert "shards of an earlier export?" in _only(desk).problem


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("a.parquet", "a.csv"), "several formats"),
        (("a.avro", "a.json"), "several formats"),
        (("part-000000000000",), "no ending"),
    ],
)
def test_formats_that_cannot_be_read_are_problems(desk: Any, names: tuple[str, ...], problem: str) -> None:
    for name in names:
        path = desk.bucket / "2025-01" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert problem in _only(desk).problem


def test_nothing_there_says_what_is(desk: Any) -> None:
    with pytest.raises(DataMissing, match="nothing is there"):
        desk.deliveries()
    (desk.bucket / "_SUCCESS").touch()
    with pytest.raises(DataMissing, match="_SUCCESS is there"):
        desk.deliveries()
    with pytest.raises(DataMissing, match="no such directory"):
        Gcp(bucket="file:///no/such/directory").discover(Window())


def test_a_file_replaced_while_it_is_read_fails_the_month(desk: Any, tmp_path: Path) -> None:
    desk.write("2025-01/a.parquet", desk.row(), written=NOON)
    delivery = _only(desk)
    staging = type("Staging", (), {"folder": tmp_path / "s", "progress": staticmethod(lambda _: None)})
    files = iter(desk.provider().fetch(delivery, staging))
    next(files)
    os.utime(desk.bucket / "2025-01/a.parquet", (0, 0))
    with pytest.raises(DeliveryError, match="replaced while it was read"):
        next(files)


def test_a_flat_tree_is_told_apart_row_by_row(desk: Any) -> None:
    desk.write("one.csv", desk.row(cost=1.0), desk.row(cost=2.0, invoice={"month": "2025-02"}))
    desk.write("two.csv", desk.row(cost=4.0, invoice={"month": "2025-02-01"}))
    january, february = desk.deliveries()
    assert [file.key for file in january.files] == ["one.csv"]
    assert [file.key for file in february.files] == ["one.csv", "two.csv"]
    assert (january.rows, february.rows) == (1, 2)
    assert desk.read("2025-02").one("SELECT sum(BilledCost) FROM focus") == 6


def test_a_row_that_is_passed_over_while_months_are_told_apart_is_noticed(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("one.csv", desk.row(cost=1.0), desk.row(cost=2.0, invoice={"month": "2025-02"}))
    monkeypatch.setattr("finops_core.stage.look", _but_for_a_row)
    with pytest.raises(BalanceError, match="1 row was read of 2") as error:
        desk.deliveries()
    assert error.value.where.endswith("one.csv")


def _but_for_a_row(*arguments: Any) -> Any:
    read = look(*arguments)
    return replace(read, select=f"FROM ({read.select}) LIMIT 1")


def test_an_invoice_month_that_is_none_is_an_error(desk: Any) -> None:
    desk.write("one.csv", desk.row(invoice={"month": "January"}))
    with pytest.raises(DeliveryError, match="for its invoice month"):
        desk.deliveries()


def test_bucket_and_dataset_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="both set"):
        Gcp(bucket="b", dataset_id="d").discover(Window())
