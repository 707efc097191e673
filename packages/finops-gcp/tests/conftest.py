"""Small bills for tests: rows as Google exports them, written as files, read and converted as an import does it."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import gzip
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core import Delivery, Window
from finops_core.focus.conversion import convert
from finops_core.focus.invariants import CheckResult, run_checks
from finops_core.sql import identifier
from finops_core.stage import StagingFolder, fetch, stage
from finops_core.stage.faults import explained
from finops_core.tables import source_shape
from finops_gcp.provider import Gcp
from finops_gcp.sample.avro import write_avro

ORDINARY: dict[str, Any] = {
    "billing_account_id": "010101-F0FFF0-61C528",
    "service": {"id": "6F81-5844-456A", "description": "Compute Engine"},
    "sku": {"id": "2E27-4F75-95CD", "description": "N1 Predefined Instance Core running in Americas"},
    "usage_start_time": "2025-01-15 10:00:00 UTC",
    "usage_end_time": "2025-01-15 11:00:00 UTC",
    "project": {
        "id": "shop-prod",
        "number": "123456789012",
        "name": "Shop",
        "labels": [],
        "ancestry_numbers": "/1/2/",
        "ancestors": [],
    },
    "labels": [],
    "system_labels": [],
    "location": {"location": "us-central1-a", "country": "US", "region": "us-central1", "zone": "us-central1-a"},
    "resource": {"name": "vm-1", "global_name": "//compute.googleapis.com/projects/p/zones/z/instances/1"},
    "tags": [],
    "price": None,
    "subscription": {"instance_id": None},
    "transaction_type": "GOOGLE",
    "seller_name": "Google LLC",
    "export_time": "2025-01-15 18:00:00.123456 UTC",
    "cost": 1.0,
    "currency": "USD",
    "currency_conversion_rate": 1.0,
    "usage": {"amount": 3600.0, "unit": "seconds", "amount_in_pricing_units": 1.0, "pricing_unit": "hour"},
    "credits": [],
    "invoice": {"month": "202501", "publisher_type": "GOOGLE"},
    "cost_type": "regular",
    "adjustment_info": None,
    "cost_at_list": 1.0,
    "cost_at_effective_price_default": None,
    "consumption_model": None,
}

_PAIR = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
_NUMERIC = pa.decimal128(38, 9)
_UTC = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("billing_account_id", pa.string()),
        ("service", pa.struct([("id", pa.string()), ("description", pa.string())])),
        ("sku", pa.struct([("id", pa.string()), ("description", pa.string())])),
        ("usage_start_time", _UTC),
        ("usage_end_time", _UTC),
        (
            "project",
            pa.struct(
                [
                    *((name, pa.string()) for name in ("id", "number", "name")),
                    ("labels", _PAIR),
                    ("ancestry_numbers", pa.string()),
                    ("ancestors", pa.list_(pa.struct([("resource_name", pa.string()), ("display_name", pa.string())]))),
                ]
            ),
        ),
        ("labels", _PAIR),
        ("system_labels", _PAIR),
        ("location", pa.struct([(name, pa.string()) for name in ("location", "country", "region", "zone")])),
        ("resource", pa.struct([("name", pa.string()), ("global_name", pa.string())])),
        ("tags", _PAIR),
        (
            "price",
            pa.struct(
                [
                    ("effective_price", _NUMERIC),
                    ("tier_start_amount", _NUMERIC),
                    ("unit", pa.string()),
                    ("pricing_unit_quantity", _NUMERIC),
                    ("list_price", _NUMERIC),
                ]
            ),
        ),
        ("subscription", pa.struct([("instance_id", pa.string())])),
        ("transaction_type", pa.string()),
        ("seller_name", pa.string()),
        ("export_time", _UTC),
        ("cost", pa.float64()),
        ("currency", pa.string()),
        ("currency_conversion_rate", pa.float64()),
        (
            "usage",
            pa.struct(
                [
                    ("amount", pa.float64()),
                    ("unit", pa.string()),
                    ("amount_in_pricing_units", pa.float64()),
                    ("pricing_unit", pa.string()),
                ]
            ),
        ),
        (
            "credits",
            pa.list_(
                pa.struct(
                    [
                        ("name", pa.string()),
                        ("amount", pa.float64()),
                        ("full_name", pa.string()),
                        ("id", pa.string()),
                        ("type", pa.string()),
                    ]
                )
            ),
        ),
        ("invoice", pa.struct([("month", pa.string()), ("publisher_type", pa.string())])),
        ("cost_type", pa.string()),
        ("adjustment_info", pa.struct([(name, pa.string()) for name in ("id", "description", "mode", "type")])),
        ("cost_at_list", pa.float64()),
        ("cost_at_effective_price_default", _NUMERIC),
        ("consumption_model", pa.struct([("id", pa.string()), ("description", pa.string())])),
    ]
)
"""The detailed export as BigQuery writes it to Parquet."""


def row(**changes: Any) -> dict[str, Any]:
    """An ordinary row with changes; a dict changes fields of a struct, None removes it."""
    made = copy.deepcopy(ORDINARY)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name].update(value)
        else:
            made[name] = value
    return made


def credit(amount: float, kind: str | None, name: str = "A credit") -> dict[str, Any]:
    return {"name": name, "amount": amount, "full_name": name, "id": name, "type": kind}


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], written: dt.datetime | None = None) -> Path:
    """Write rows in the format of the path's ending, as an export job would; `written` is its modification time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    if path.suffix in (".parquet", ".avro"):
        table = pa.Table.from_pylist([_typed(item) for item in rows], schema=SCHEMA)
        if path.suffix == ".avro":
            write_avro(table.to_reader(), path)
        else:
            pq.write_table(table, path)
    elif ".csv" in path.name:
        flat = [_flat(item) for item in rows]
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(_flat(ORDINARY)))
            writer.writeheader()
            writer.writerows(flat)
    else:
        text = "".join(json.dumps(_without_nulls(item)) + "\n" for item in rows).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    if written:
        os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: item[name] for name in ("usage_start_time", "usage_end_time", "export_time")}
    return {**item, **{name: None if text is None else _time(text) for name, text in times.items()}}


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=dt.UTC)


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """As people flatten it for CSV: dotted names, lists as JSON."""
    cells: dict[str, Any] = {}
    for name, ordinary in ORDINARY.items():
        value = item.get(name)
        if isinstance(ordinary, dict):
            for inner in ordinary:
                cell = (value or {}).get(inner)
                cells[f"{name}.{inner}"] = json.dumps(cell) if isinstance(cell, list) else cell
        elif name in ("price", "adjustment_info", "consumption_model"):
            fields = {
                "price": ("list_price", "tier_start_amount"),
                "adjustment_info": ("id", "mode", "type"),
                "consumption_model": ("id", "description"),
            }[name]
            cells |= {f"{name}.{inner}": (value or {}).get(inner) for inner in fields}
        else:
            cells[name] = json.dumps(value) if isinstance(value, list) else value
    return cells


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


@dataclass
class Bill:
    """A delivery as an import reads it: relations `source` and `focus`, the lookups, and its checks."""

    delivery: Delivery
    connection: duckdb.DuckDBPyConnection
    checks: list[CheckResult] | None = None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        return self.query(sql)[0][0]

    def dicts(self, sql: str) -> list[dict[str, Any]]:
        found = self.connection.execute(sql)
        return [dict(zip([column[0] for column in found.description], item, strict=True)) for item in found.fetchall()]

    @property
    def broken(self) -> list[str]:
        """Ids of the checks that do not hold, as of the first time that it is asked."""
        if self.checks is None:
            return self.recheck()
        return [check.id for check in self.checks if not check.ok]

    def recheck(self) -> list[str]:
        text = Gcp.dataset(self.delivery.dataset).checks.read_text("utf-8")  # type: ignore[union-attr]
        self.checks = run_checks(self, text)
        return self.broken


class Desk:
    """A directory as a bucket, and the provider that reads it."""

    row = staticmethod(row)
    credit = staticmethod(credit)
    write_rows = staticmethod(write_rows)

    def __init__(self, folder: Path) -> None:
        self.folder, self.bucket = folder, folder / "bucket"
        self.bucket.mkdir()

    def write(self, key: str, *rows: Mapping[str, Any], written: dt.datetime | None = None) -> Path:
        return write_rows(self.bucket / key, rows, written)

    def provider(self, **settings: Any) -> Gcp:
        return Gcp(**{"bucket": self.bucket.as_uri(), **settings})

    def deliveries(self, **settings: Any) -> list[Delivery]:
        return list(self.provider(**settings).discover(Window()))

    def read(self, month: str = "2025-01", **settings: Any) -> Bill:
        """Stage and convert the delivery of a month."""
        provider = self.provider(**settings)
        delivery = next(item for item in provider.discover(Window()) if str(item.period) == month)
        return read_delivery(provider, delivery, self.folder)


def read_delivery(provider: Gcp, delivery: Delivery, folder: Path) -> Bill:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    staging = folder / f"staging-{delivery.period}-{len(list(folder.iterdir()))}"
    staging.mkdir()
    staged = stage(fetch(provider, delivery, StagingFolder(staging, lambda _: None)), connection)
    with explained(delivery, staged):
        connection.execute(f"CREATE TABLE raw AS {staged.main.select}")
    columns = [
        identifier(name) if name in staged.main.columns else f"CAST(NULL AS {kind}) AS {identifier(name)}"
        for name, kind in source_shape(staged.main, staged.dataset.known).items()
    ]
    connection.execute(f"CREATE VIEW source AS SELECT {', '.join(columns)} FROM raw")
    for name, path in staged.dataset.lookups.items():
        connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{path}', all_varchar=true, header=true)")
    connection.execute(f"CREATE TABLE focus AS {convert(connection, delivery, staged.dataset).select}")
    return Bill(delivery, connection)


Desk.read_delivery = staticmethod(read_delivery)  # type: ignore[attr-defined]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
