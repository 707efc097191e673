"""Avro files: the same bill as any other format, every digit kept, damage told."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from finops_core import LocalFile, Period, SampleRequest, SourceFile, Window
from finops_core.errors import DeliveryError
from finops_gcp import avro
from finops_gcp.provider import Gcp

BIGNUMERIC = {"type": "bytes", "logicalType": "decimal", "precision": 77, "scale": 38}
NUMERIC = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}


def _write(path: Path, fields: dict[str, Any], *rows: dict[str, Any], codec: str = "snappy") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [{"name": name, "type": ["null", kind]} for name, kind in fields.items()]
    with path.open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "Root", "fields": named}, rows, codec=codec)
    return path


def _read(path: Path, to: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    local = avro.as_parquet(LocalFile(SourceFile("a.avro"), path), to)
    assert (local.path, local.stored) == (to, path)
    found: list[dict[str, Any]] = pq.read_table(to).to_pylist()
    return found


def test_a_month_in_avro_is_the_month_in_parquet(desk: Any, tmp_path: Path) -> None:
    bills = {}
    for name in ("detailed-parquet", "detailed-avro"):
        request = SampleRequest(tmp_path / name, name, months=1, rows=3000, last=Period(2024, 1))
        provider = Gcp(**Gcp.sample(request))
        (delivery,) = provider.discover(Window())
        bill = desk.read_delivery(provider, delivery, tmp_path)
        assert bill.broken == []
        focus = "SELECT * EXCLUDE (x_SourceFile, x_SourceExport, x_SourceVersion) FROM focus ORDER BY ALL"
        raw = "SELECT * EXCLUDE (source_file, source_export, source_version) FROM raw ORDER BY ALL"
        bills[delivery.format] = (bill.query(focus), bill.query(raw), bill.query("DESCRIBE raw"))
    assert len(bills["parquet"][0]) > 2500
    assert bills["avro"] == bills["parquet"]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_each_codec_of_bigquery_is_read(tmp_path: Path, codec: str) -> None:
    path = _write(tmp_path / "a.avro", {"cost": NUMERIC, "name": "string"}, {"cost": Decimal("0.1")}, codec=codec)
    assert _read(path, tmp_path / "a.parquet") == [{"cost": Decimal("0.100000000"), "name": None}]


def test_wide_numbers_keep_every_digit_also_inside_lists(tmp_path: Path) -> None:
    wide = Decimal("-12345678901234567890123456789012345678.12345678901234567890123456789012345678")
    small = Decimal("1E-38")
    item = {"type": "record", "name": "Credit", "fields": [{"name": "amount", "type": BIGNUMERIC}]}
    path = _write(
        tmp_path / "a.avro",
        {"price": BIGNUMERIC, "credits": {"type": "array", "items": item}},
        {"price": small, "credits": [{"amount": wide}, {"amount": small}]},
    )
    (row,) = _read(path, tmp_path / "a.parquet")
    assert Decimal(row["price"]) == small
    assert [Decimal(credit["amount"]) for credit in row["credits"]] == [wide, small]


def test_a_bignumeric_cost_is_the_cost(desk: Any) -> None:
    path = desk.write("2025-01/a.avro", desk.row(cost=1.0))
    with path.open("rb") as stream:
        reader = fastavro.reader(stream)
        rows, schema = list(reader), dict(reader.writer_schema)
    schema["fields"] = [
        {**field, "type": ["null", BIGNUMERIC]} if field["name"] == "cost" else field for field in schema["fields"]
    ]
    with path.open("wb") as stream:
        fastavro.writer(stream, schema, [{**rows[0], "cost": Decimal("0.000000000123456789")}])
    assert desk.read().one("SELECT BilledCost FROM focus") == Decimal("0.000000000123456789")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "2025-01-15 10:00:00.123456 UTC"),
        ("long", 1736935200123456),
        ({"type": "long", "logicalType": "timestamp-micros"}, dt.datetime(2025, 1, 15, 10, 0, 0, 123456, dt.UTC)),
    ],
)
def test_times_with_and_without_logical_types(desk: Any, kind: Any, value: Any) -> None:
    fields = {"usage_start_time": kind, "cost": "double", "currency": "string", "credits": "string"}
    row = {"usage_start_time": value, "cost": 1.5, "currency": "USD", "credits": "[]"}
    _write(desk.bucket / "2025-01/a.avro", fields, row)
    bill = desk.read()
    assert bill.query("SELECT ChargePeriodStart, BilledCost FROM focus") == [
        (dt.datetime(2025, 1, 15, 10, 0, 0, 123456), Decimal("1.5"))
    ]


def test_rows_are_converted_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro, "BATCH", 2)
    path = _write(tmp_path / "a.avro", {"n": "long"}, *({"n": n} for n in range(5)))
    assert [row["n"] for row in _read(path, tmp_path / "a.parquet")] == [0, 1, 2, 3, 4]


def test_a_flat_tree_of_avro_is_told_apart_row_by_row(desk: Any) -> None:
    desk.write("bills.avro", desk.row(cost=1.0), desk.row(cost=2.0, invoice={"month": "202502"}))
    assert [(str(item.period), item.rows, item.format) for item in desk.deliveries()] == [
        ("2025-01", 1, "avro"),
        ("2025-02", 1, "avro"),
    ]
    assert desk.read("2025-02").one("SELECT sum(BilledCost) FROM focus") == 2


def test_an_empty_month_is_empty(desk: Any) -> None:
    desk.write("2025-01/a.avro")
    (desk.bucket / "2025-02").mkdir()
    (desk.bucket / "2025-02/a.avro").touch()
    for month in ("2025-01", "2025-02"):
        assert desk.read(month).one("SELECT count(*) FROM focus") == 0


@pytest.mark.parametrize("left", [0.2, 0.9])
def test_a_file_cut_within_a_block_fails_its_month(desk: Any, left: float) -> None:
    path = desk.write("2025-01/a.avro", *(desk.row(cost=float(n)) for n in range(50)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])
    with pytest.raises(DeliveryError, match="an Avro file cannot be read") as caught:
        desk.read()
    assert caught.value.where == "2025-01/a.avro"


def test_rows_that_a_manifest_promises_are_counted(desk: Any) -> None:
    """A file that ends between two blocks looks whole: only a promise tells."""
    desk.write("2025-01/a.avro", desk.row(), desk.row())
    (desk.bucket / "2025-01/manifest.json").write_text(json.dumps({"files": [{"name": "a.avro", "rows": 3}]}))
    with pytest.raises(DeliveryError, match="2 rows instead of 3"):
        desk.read()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1", "it is none"),
        (b"Obj\x01", "cannot be read"),
        (b"cost,currency\n1,USD\n", "it is none"),
    ],
)
def test_what_is_no_avro_fails_its_month_alone(desk: Any, content: bytes, reason: str) -> None:
    desk.write("2025-01/a.avro", desk.row())
    (desk.bucket / "2025-02").mkdir()
    (desk.bucket / "2025-02/a.avro").write_bytes(content)
    assert desk.read("2025-01").one("SELECT count(*) FROM focus") == 1
    with pytest.raises(DeliveryError, match=reason):
        desk.read("2025-02")


def test_a_field_of_several_types_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avro"
    schema = {"type": "record", "name": "Root", "fields": [{"name": "cost", "type": ["string", "double"]}]}
    with path.open("wb") as stream:
        fastavro.writer(stream, schema, [{"cost": 1.0}])
    with pytest.raises(DeliveryError, match="a field is one of several types"):
        avro.as_parquet(LocalFile(SourceFile("a.avro"), path), tmp_path / "a.parquet")
