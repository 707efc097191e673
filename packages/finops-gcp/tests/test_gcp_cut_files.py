"""Files that were cut short, where no manifest of Google's says how long they are: what tells, and what cannot."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import DeliveryError

KEY = "2025-01/a.{}"


def _file(desk: Any, ending: str) -> tuple[Path, bytes]:
    path: Path = desk.write(KEY.format(ending), *(desk.row(cost=float(n)) for n in range(1, 40)))
    return path, path.read_bytes()


def _refused(desk: Any, message: str) -> None:
    with pytest.raises(DeliveryError, match=message) as caught:
        desk.read()
    assert "2025-01/a." in caught.value.where


def test_whole_files_are_read(desk: Any) -> None:
    for ending in ("csv", "json", "json.gz", "parquet", "avro"):
        path, _ = _file(desk, ending)
        assert desk.read().one("SELECT count(*) FROM source") == 39
        path.unlink()


def test_a_csv_whose_last_record_has_too_few_fields(desk: Any) -> None:
    path, content = _file(desk, "csv")
    path.write_bytes(content[: content.rindex(b"USD")] + b"\n")
    _refused(desk, "a CSV record is malformed: Expected Number of Columns")


def test_a_csv_that_ends_within_its_last_field(desk: Any) -> None:
    """It has all its fields, and a smaller number in the last."""
    path = desk.bucket / "2025-01/a.csv"
    path.parent.mkdir()
    path.write_bytes(b"usage_start_time,currency,credits,invoice.month,cost\n2025-01-01,USD,[],202501,12.5\n")
    assert desk.read().one("SELECT cost FROM source") == 12.5
    path.write_bytes(path.read_bytes()[:-3])
    _refused(desk, "the last line of a CSV file has no end")


def test_a_csv_that_ends_within_quotes(desk: Any) -> None:
    path = desk.write(KEY.format("csv"), desk.row(), desk.row(labels=[{"key": "team", "value": "shop"}]))
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"shop")] + b"\n")
    _refused(desk, "a CSV record is malformed")


@pytest.mark.parametrize("gone", [1, 8, 60])
def test_a_gzip_file_without_its_trailer(desk: Any, gone: int) -> None:
    path, content = _file(desk, "json.gz")
    path.write_bytes(content[:-gone])
    _refused(desk, "a file is damaged")


def test_a_gzip_file_whose_checksum_differs(desk: Any) -> None:
    path, content = _file(desk, "json.gz")
    path.write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])
    _refused(desk, "a file is damaged")


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_json_whose_last_line_is_none(desk: Any, ending: str) -> None:
    path, content = _file(desk, ending)
    text = gzip.decompress(content) if ending.endswith("gz") else content
    path.write_bytes(gzip.compress(text[:-20]) if ending.endswith("gz") else text[:-20])
    _refused(desk, "JSON")


def test_json_whose_last_line_has_no_end_is_whole(desk: Any) -> None:
    """Its bracket is closed."""
    path, content = _file(desk, "json")
    path.write_bytes(content[:-1])
    assert desk.read().one("SELECT count(*) FROM source") == 39


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_a_parquet_file_without_its_footer(desk: Any, left: float) -> None:
    path, content = _file(desk, "parquet")
    path.write_bytes(content[: int(len(content) * left)])
    _refused(desk, "a Parquet file is damaged")


def test_a_shard_that_is_missing_between_others(desk: Any) -> None:
    for number in (0, 2):
        desk.write(f"2025-01/part-{number:012d}.parquet", desk.row())
    (delivery,) = desk.deliveries()
    assert "no shard 000000000001 before it" in delivery.problem


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_text_that_ends_between_two_rows_looks_whole_without_a_manifest(desk: Any, ending: str) -> None:
    """Nothing in the file tells. Rows or bytes in a manifest of one's own do."""
    path, content = _file(desk, ending)
    path.write_bytes(b"\n".join(content.splitlines()[:-5]) + b"\n")
    assert desk.read().one("SELECT count(*) FROM source") == 34
    manifest = desk.bucket / "2025-01/manifest.json"
    manifest.write_text(json.dumps({"files": [{"name": f"a.{ending}", "size": len(content)}]}))
    _refused(desk, "bytes instead of")
