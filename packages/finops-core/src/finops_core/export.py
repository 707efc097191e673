"""FOCUS rows as a file: one version of FOCUS, exact, streamed, with the metadata that FOCUS asks for beside it.

    focus.cost_and_usage -> Arrow batches -> out.parquet or out.csv, and out.metadata.json

The file is data for programs: its values are not altered, hence not neutralised for spreadsheets either. NULL is an
empty field in CSV; times are UTC, in ISO 8601 with a Z.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.arrow import write_batches
from finops_core.errors import DataMissing, DestinationError, UsageError
from finops_core.focus.columns import VERSION, columns
from finops_core.focus.versions import losses, metadata, projection
from finops_core.load import Connection, Target, connect_readonly
from finops_core.periods import Window
from finops_core.sql import literal
from finops_core.tables import lost_views

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 50_000
"""Rows at once: about 100 MB of FOCUS rows."""

SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class Wanted:
    """Which rows, in which version of FOCUS; `own`: the x_ columns too."""

    version: str = VERSION
    provider: str | None = None
    window: Window = field(default_factory=Window)
    own: bool = True

    @property
    def condition(self) -> str:
        parts = []
        if self.provider:
            parts.append(f'"x_Provider" = {literal(self.provider)}')
        if self.window.start:
            parts.append(f'"x_BillingPeriod" >= {literal(str(self.window.start))}')
        if self.window.end:
            parts.append(f'"x_BillingPeriod" <= {literal(str(self.window.end))}')
        return " AND ".join(parts) or "true"


@dataclass(frozen=True)
class Exported:
    """What was written. `lost`: column -> rows whose value the version has no place for."""

    rows: int
    bytes: int
    columns: int
    metadata: Path
    lost: Mapping[str, int]


def export_focus(target: Target, wanted: Wanted, out: Path) -> Exported:
    """Write the rows to `out`, whose suffix chooses the format. The file appears when it is whole.

    Raises UsageError for another suffix or version, DataMissing when there are no such rows, DestinationError when the
    view of all rows cannot be read.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"FOCUS is not exported as {out.suffix or out.name!r}", hint=f"use {' or '.join(SUFFIXES)}")
    with connect_readonly(target) as sql, replacing(out) as new:
        try:
            standing = sql.columns("focus", "cost_and_usage")
        except sql.missing:
            standing = {}
        if not standing and lost_views(sql, ()):
            raise DestinationError(
                "the view of all FOCUS rows cannot be read: a table or a schema below it was removed",
                where=f"{target.shown}: focus.cost_and_usage",
                hint="finops doctor says which import renews it",
            )
        kept = {name: kind for name, kind in standing.items() if wanted.own or not name.startswith("x_")}
        source = f"(SELECT * FROM focus.cost_and_usage WHERE {wanted.condition}) AS focus"
        if not standing or not sql.query(f"SELECT 1 FROM {source} LIMIT 1"):
            raise _nothing(wanted)
        shapes = {column.name: column.duckdb_type for column in columns(wanted.version)}
        shapes |= {name: kind for name, kind in kept.items() if name.startswith("x_")}
        select = f"SELECT {projection(wanted.version, kept)} FROM {source}"
        write = write_parquet if out.suffix.lower() == ".parquet" else write_csv
        rows = write(sql, select, shapes, new)
        lost = dict(sql.query(f"WITH focus AS (SELECT * FROM {source}) {losses(wanted.version)}"))
    beside = out.with_suffix(".metadata.json")
    facts = metadata(wanted.version, shapes, dt.datetime.now(dt.UTC))
    beside.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return Exported(rows, out.stat().st_size, len(shapes), beside, lost)


def write_parquet(sql: Connection, select: str, shapes: Mapping[str, str], path: Path) -> int:
    """DECIMAL(38,18) stays what it is; timestamps are marked as UTC. Returns the rows."""
    schema = _schema(shapes, "UTC")
    return write_batches(path, schema, sql.batches(select, schema, BATCH))


def write_csv(sql: Connection, select: str, shapes: Mapping[str, str], path: Path) -> int:
    """Every digit, never an exponent. Written by DuckDB: pyarrow would write 1E-7. Returns the rows."""
    import duckdb
    import pyarrow as pa

    schema = _schema(shapes, None)
    reader = pa.RecordBatchReader.from_batches(schema, sql.batches(select, schema, BATCH))
    with duckdb.connect() as connection:
        connection.register("focus_rows", reader)
        options = "FORMAT csv, HEADER true, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'"
        [(count,)] = connection.execute(f"COPY (FROM focus_rows) TO {literal(str(path))} ({options})").fetchall()
    return int(count)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new file that takes the place of `out` when the block ends well. Raises UsageError where none can be made."""
    new = out.with_name(f"{out.name}.part")
    try:
        with new.open("wb"):
            pass
        yield new
        new.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}", where="--out") from error
    finally:
        new.unlink(missing_ok=True)


def _schema(shapes: Mapping[str, str], zone: str | None) -> pa.Schema:
    """DuckDB's types as Arrow's. JSON is text."""
    import pyarrow as pa

    kinds = {
        "DECIMAL(38,18)": pa.decimal128(38, 18),
        "TIMESTAMP": pa.timestamp("us", tz=zone),
        "DATE": pa.date32(),
        "BOOLEAN": pa.bool_(),
        "BIGINT": pa.int64(),
    }
    return pa.schema([(name, kinds.get(kind, pa.string())) for name, kind in shapes.items()])


def _nothing(wanted: Wanted) -> DataMissing:
    what = f"{wanted.provider or 'any provider'}, {wanted.window}"
    return DataMissing("there are no FOCUS rows to export", where=what, hint="finops status shows what is loaded")
