"""Runs in the container: part files, manifests, and what else lies there."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core.sql import identifier, literal

from finops_azure.sample.catalog import guid
from finops_azure.sample.charges import Month
from finops_azure.sample.render import OutputColumn

if TYPE_CHECKING:
    import duckdb

CONTAINER = "acme-exports"
FOLDER = "billing"
SCOPE = "/providers/Microsoft.Billing/billingAccounts/8611537"

ROWS_PER_PART = 250_000
"""Azure splits by size, below one gigabyte; so that a month has several parts here, rows decide."""

VERSIONS = {"ea": "2024-08-01", "mca": "2023-12-01-preview"}

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Run:
    """One run of one export, about to be written. `early` is a first run of the month, with few rows."""

    root: Path
    month: Month
    type: str
    relation: str
    rows: int
    early: bool = False

    @property
    def export(self) -> str:
        return self.month.shape.exports[self.type]

    @property
    def id(self) -> str:
        number = 0 if self.early else self.month.delivery
        return guid(self.month.world.seed, "run", self.export, self.month.period, number)

    @property
    def submitted(self) -> dt.datetime:
        """A closed month comes last on the fifth day of the next one; an open one every morning."""
        month = self.month
        if self.early:
            day = month.period.start + dt.timedelta(days=3)
        elif month.world.is_open(month.period):
            day = month.last_day + dt.timedelta(days=1)
        else:
            day = month.period.end + dt.timedelta(days=4 + 7 * (month.delivery - 1))
        minute = 4 if self.type != "AmortizedCost" else 21
        return dt.datetime.combine(day, dt.time(4 + (month.delivery > 1), minute), dt.UTC)

    @property
    def range_folder(self) -> str:
        last = self.month.period.end - dt.timedelta(days=1)
        return f"{FOLDER}/{self.export}/{self.month.period.start:%Y%m%d}-{last:%Y%m%d}"

    @property
    def folder(self) -> str:
        time = "" if self.month.shape.overwrite else f"{self.submitted:%Y%m%d%H%M}/"
        return f"{self.range_folder}/{time}{self.id}"


def write_run(connection: duckdb.DuckDBPyConnection, run: Run, columns: Sequence[OutputColumn]) -> None:
    """Write the parts, then the manifest. With overwriting, the run that was there before goes."""
    if run.month.shape.overwrite:
        shutil.rmtree(run.root / run.range_folder, ignore_errors=True)
    folder = run.root / run.folder
    folder.mkdir(parents=True)
    parts = max(2, -(-run.rows // ROWS_PER_PART))
    bounds = [run.rows * part // parts for part in range(parts + 1)]
    ranges = [*zip(bounds, bounds[1:], strict=False), (run.rows, run.rows)]
    blobs = []
    for number, (low, high) in enumerate(ranges):
        path = folder / f"part_{number}_0001.{run.month.shape.file}"
        _write_part(connection, run, columns, path, f"LIMIT {high - low} OFFSET {low}")
        name = f"{run.folder}/{path.name}"
        blobs.append({"blobName": name, "byteCount": path.stat().st_size, "dataRowCount": high - low})
    _put(folder / "manifest.json", json.dumps(_manifest(run, blobs)))
    moment = run.submitted.timestamp()
    for path in folder.iterdir():
        os.utime(path, (moment, moment))


def _write_part(
    connection: duckdb.DuckDBPyConnection, run: Run, columns: Sequence[OutputColumn], path: Path, limit: str
) -> None:
    listed = ", ".join(f"{column.expression} AS {identifier(column.header)}" for column in columns)
    select = f"SELECT {listed} FROM (SELECT * FROM {run.relation} ORDER BY n {limit}) AS part ORDER BY n"
    options = {
        "csv": "FORMAT csv, HEADER, COMPRESSION none",
        "csv.gz": "FORMAT csv, HEADER, COMPRESSION gzip",
        "parquet": "FORMAT parquet, COMPRESSION snappy",
    }[run.month.shape.file]
    connection.execute(f"COPY ({select}) TO {literal(str(path))} ({options})")
    if run.month.shape.file == "csv":
        _as_windows_text(path)


def _as_windows_text(path: Path) -> None:
    """A byte order mark, and CRLF at the end of lines; no value of the sample holds a line break."""
    plain = path.with_suffix(".plain")
    path.rename(plain)
    with plain.open("rb") as source, path.open("wb") as out:
        out.write(b"\xef\xbb\xbf")
        while block := source.read(_BLOCK):
            out.write(block.replace(b"\n", b"\r\n"))
    plain.unlink()


def _manifest(run: Run, blobs: list[dict[str, Any]]) -> dict[str, Any]:
    month, last = run.month, run.month.period.end - dt.timedelta(days=1)
    file = {"csv": ("Csv", "None"), "csv.gz": ("Csv", "gzip"), "parquet": ("Parquet", "snappy")}[month.shape.file]
    return {
        "manifestVersion": "2024-04-01",
        "byteCount": sum(blob["byteCount"] for blob in blobs),
        "blobCount": len(blobs),
        "dataRowCount": sum(blob["dataRowCount"] for blob in blobs),
        "exportConfig": {
            "exportName": run.export,
            "resourceId": f"{SCOPE}/providers/Microsoft.CostManagement/exports/{run.export}",
            "dataVersion": month.shape.focus or VERSIONS[month.shape.agreement],
            "apiVersion": "2023-07-01-preview",
            "type": run.type,
            "timeFrame": "MonthToDate" if month.world.is_open(month.period) else "TheLastMonth",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "OverwritePreviousReport" if month.shape.overwrite else "CreateNewReport",
            "fileFormat": file[0],
            "compressionMode": file[1],
            "containerUri": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acme",
            "rootFolderPath": FOLDER,
        },
        "runInfo": {
            "executionType": "Scheduled",
            # Seven digits of a second, a start without a zone, an end with one: as Azure writes them.
            "submittedTime": f"{run.submitted:%Y-%m-%dT%H:%M:%S}.5234447Z",
            "runId": run.id,
            "startDate": f"{month.period.start}T00:00:00",
            "endDate": f"{month.last_day if month.world.is_open(month.period) else last}T00:00:00Z",
        },
        "blobs": blobs,
    }


def write_neighbours(root: Path, month: Month) -> None:
    """An export of another kind, an unrelated one whose name begins like ours, and one that is not finished: costs
    that nobody could overlook in a total."""
    first = month.period.start
    whole = f"{first:%Y%m%d}-{month.period.end - dt.timedelta(days=1):%Y%m%d}"
    rows = "Date,CostInBillingCurrency,BillingCurrencyCode\n" + f"{first:%m/%d/%Y},999999.99,USD\n" * 3
    for export in month.shape.exports.values():
        _put(root / FOLDER / export / whole / guid("unfinished", export) / "part_0_0001.csv", rows)
    old = f"{FOLDER}/{next(iter(month.shape.exports.values()))}-old/{whole}/{guid('old')}"
    _put(root / old / "part_0_0001.csv", rows)
    document = {
        "manifestVersion": "2024-04-01",
        "exportConfig": {"exportName": old.split("/")[1], "resourceId": "/subscriptions/old", "type": "ActualCost"},
        "runInfo": {"submittedTime": f"{first}T09:00:00Z", "runId": guid("old"), "startDate": f"{first}T00:00:00"},
        "blobs": [{"blobName": f" {old}/part_0_0001.csv", "byteCount": len(rows), "dataRowCount": 3}],
    }
    _put(root / old / "manifest.json", json.dumps(document))
    prices = f"{FOLDER}/acme-prices/{whole}/{guid('prices')}"
    _put(root / prices / "part_0_0001.csv", "MeterID,UnitPrice\nx,1\n")
    _put(root / prices / "manifest.json", json.dumps(document | {"exportConfig": {"type": "PriceSheet"}}))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
