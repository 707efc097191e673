"""Writing a whole tree: every month's export in order of time, and the truth about it."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core import Period, SampleRequest
from finops_core.errors import UsageError
from finops_core.sample import World, make_world
from finops_core.sql import literal

from finops_gcp.sample.avro import write_avro
from finops_gcp.sample.formats import SampleFormat, format_named
from finops_gcp.sample.lines import create_lines
from finops_gcp.sample.truth import truth_of_lines

if TYPE_CHECKING:
    import duckdb

BUCKET = "acme-billing-export"

ROWS_PER_SHARD = 250_000

AVRO_BATCH = 10_000
"""Rows that are Python objects at one time."""

FEWEST_SHARDS = 3
"""So that a second, shorter export of a month leaves a stale shard behind."""


@dataclass(frozen=True)
class _Export:
    """One run of the export job for one month."""

    root: Path
    shape: SampleFormat
    period: Period
    rows: int
    number: int

    @property
    def folder(self) -> Path:
        start = self.period.start
        name = self.shape.folder.format(month=self.period, yyyymm=f"{start:%Y%m}", year=f"{start:%Y}", mm=f"{start:%m}")
        return self.root / self.shape.root / name

    @property
    def shards(self) -> int:
        """The second run has one fewer: BigQuery chooses their number as it likes."""
        return max(FEWEST_SHARDS, -(-self.rows // ROWS_PER_SHARD)) - (self.number - 1)

    @property
    def finished(self) -> dt.datetime:
        return dt.datetime.combine(self.period.end, dt.time(4, 0), dt.UTC) + dt.timedelta(days=3 * self.number)


def write(request: SampleRequest) -> dict[str, Any]:
    """Write the bills into `request.out`/acme-billing-export and their true totals into `request.out`/truth.json.

    Returns the settings that import them. A month that is delivered again is exported into fewer files over the old
    ones, so that a stale one stays. truth.json:

        {"provider", "format", "seed", "settings", "periods": {"2024-01": {...}}, "earlier": {"2024-02": {...}}}

    with the totals of truth_of_lines() per month; `earlier` holds those of a first delivery that was replaced.
    Raises UsageError for an unknown format and for a month to redeliver that is not written.
    """
    shape = format_named(request.format)
    world = make_world(request.seed, request.months, request.last)
    if request.redeliver and request.redeliver not in world.periods:
        raise UsageError(
            f"month {request.redeliver} is not among the months written",
            hint=f"choose one from {world.periods[0]} to {world.periods[-1]}",
        )
    root = request.out.resolve() / BUCKET
    settings = {"bucket": root.as_uri(), "prefix": shape.root}
    truth: dict[str, Any] = {"provider": "gcp", "format": shape.name, "seed": request.seed, "settings": settings}
    truth |= {"periods": {}, "earlier": {}}
    with _connect() as connection:
        for period, rows in world.rows(request.rows).items():
            totals = list(_write_month(connection, request, world, _Export(root, shape, period, rows, 1)))
            truth["periods"][str(period)] = totals[-1]
            if len(totals) > 1:
                truth["earlier"][str(period)] = totals[0]
        if shape.daily:
            _write_days(connection, root, shape)
    _write_neighbour(root, shape)
    (request.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", "utf-8")
    return settings


def _write_month(
    connection: duckdb.DuckDBPyConnection, request: SampleRequest, world: World, first: _Export
) -> Iterator[dict[str, Any]]:
    for number in (1, 2) if first.period == request.redeliver else (1,):
        export = _Export(first.root, first.shape, first.period, first.rows, number)
        create_lines(connection, world, export.period, rows=export.rows, delivery=number)
        if first.shape.daily:
            if number == 1 + (first.period == request.redeliver):
                connection.execute(_append("every_month"))
        else:
            _write_shards(connection, export)
        yield truth_of_lines(connection, native_focus=export.shape.root == "focus")


def _append(table: str) -> str:
    """Keep the month's rows in the table that the days are cut from."""
    return f"CREATE TABLE IF NOT EXISTS {table} AS FROM export WITH NO DATA; INSERT INTO {table} FROM export"


def _write_shards(connection: duckdb.DuckDBPyConnection, export: _Export) -> None:
    export.folder.mkdir(parents=True, exist_ok=True)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE month_rows AS SELECT row_number() OVER () AS shard_row, * FROM export"
    )
    for shard in range(export.shards):
        rows = f"(SELECT * EXCLUDE shard_row FROM month_rows WHERE shard_row % {export.shards} = {shard}) AS month_rows"
        path = export.folder / f"part-{shard:012d}.{export.shape.ending}"
        _copy(connection, export.shape, rows, path, export.finished + dt.timedelta(seconds=shard))


def _write_days(connection: duckdb.DuckDBPyConnection, root: Path, shape: SampleFormat) -> None:
    """A file per day of ingestion over all months; after a month's end it holds rows of two invoice months."""
    days = connection.execute("SELECT DISTINCT export_time::DATE FROM every_month ORDER BY 1").fetchall()
    for (day,) in days:
        folder = root / shape.root / f"dt={day}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = f"(SELECT * FROM every_month WHERE export_time::DATE = DATE '{day}') AS day_rows"
        written = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(4, 0), dt.UTC)
        _copy(connection, shape, rows, folder / f"part-000000000000.{shape.ending}", written)


def _copy(
    connection: duckdb.DuckDBPyConnection, shape: SampleFormat, rows: str, path: Path, written: dt.datetime
) -> None:
    select = shape.select.format(rows=rows)
    if shape.copy:
        connection.execute(f"COPY ({select}) TO {literal(str(path))} ({shape.copy})")
    else:
        write_avro(connection.sql(select).to_arrow_reader(AVRO_BATCH), path)
    os.utime(path, (written.timestamp(), written.timestamp()))


def _write_neighbour(root: Path, shape: SampleFormat) -> None:
    """Another export, whose folder's name begins like ours."""
    folder = root / f"{shape.root}-archive" / "billing_period=2019-01"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part-000000000000.csv").write_text("usage_start_time,cost,currency,credits\n", "utf-8")


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection
