"""One delivery of one month, laid out in the bucket as AWS does it: data files first, then the manifest."""

from __future__ import annotations

import datetime as dt
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_core import Period
from finops_core.sample import World, draw

from finops_aws.sample.chunks import ChunkWriter, chunk_ranges
from finops_aws.sample.company import account_id
from finops_aws.sample.render import OutputColumn
from finops_aws.sample.shapes import Shape

BUCKET = "acme-billing"
PREFIX = "exports"
LEFT_OVER_ROWS = 40


@dataclass(frozen=True)
class DeliveryPlan:
    """Which delivery of which month is written where: `number` 0 is an early one of the first days, 1 the month's
    bill, 2 the restated one. `rows` is the number of line items, which the chunks share."""

    root: Path
    world: World
    shape: Shape
    period: Period
    number: int
    rows: int

    @property
    def id(self) -> str:
        """assemblyId or executionId: differs whenever the content does."""
        parts = (
            self.world.seed,
            self.world.months,
            self.world.last,
            self.shape.name,
            self.period,
            self.number,
            self.rows,
        )
        return str(uuid.UUID(int=draw("delivery", *parts) << 64 | draw("execution", *parts)))

    @property
    def delivered(self) -> dt.datetime:
        if self.number == 0:
            day = self.period.start + dt.timedelta(days=10)
        elif self.world.is_open(self.period):
            day = self.period.start + dt.timedelta(days=self.world.days(self.period) + self.number - 1)
        else:
            day = self.period.end + dt.timedelta(days=5 if self.number == 1 else 19)
        return dt.datetime.combine(day, dt.time(4, 30, 12), dt.UTC)

    @property
    def span(self) -> str:
        return f"{self.period.start:%Y%m%d}-{self.period.end:%Y%m%d}"

    def chunks(self) -> list[tuple[int, int]]:
        return [(0, self.rows)] if self.number == 0 else chunk_ranges(self.rows)


class Folder:
    """Objects of the bucket, written below its directory with the time of their delivery."""

    def __init__(self, root: Path, delivered: dt.datetime) -> None:
        self._root, self._time = root, delivered.timestamp()
        self.keys: list[str] = []

    def path(self, key: str) -> Path:
        """Where a file of the delivery belongs; it counts as written."""
        self.keys.append(key)
        return self._root / key

    def put(self, key: str, content: str | bytes) -> None:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def put_json(self, key: str, content: dict[str, Any]) -> None:
        self.put(key, json.dumps(content, indent=1))

    def close(self) -> None:
        for key in self.keys:
            os.utime(self._root / key, (self._time, self._time))


def write_delivery(plan: DeliveryPlan, writer: ChunkWriter, columns: Sequence[OutputColumn]) -> None:
    """Write the files of one delivery and its manifests; earlier deliveries stay where the layout keeps them."""
    folder = Folder(plan.root, plan.delivered)
    layout = _cur_v1 if plan.shape.table == "v1" else _data_export
    with writer:
        keys = layout(plan)
        for key, (first, last) in zip(keys, plan.chunks(), strict=True):
            writer.write(folder.path(key), first, last)
        if plan.shape.overwrite:
            # A longer delivery stood here once: its last chunk stays, and no manifest names it.
            stale = (
                keys[-1]
                .replace(f"{len(keys):05d}", f"{len(keys) + 1:05d}")
                .replace(f"-{len(keys)}.", f"-{len(keys) + 1}.")
            )
            writer.write(folder.path(stale), 0, min(LEFT_OVER_ROWS, plan.rows))
    manifests = _cur_v1_manifests if plan.shape.table == "v1" else _data_export_manifests
    manifests(plan, folder, keys, columns)
    folder.close()


def _cur_v1(plan: DeliveryPlan) -> list[str]:
    name, base = plan.shape.export_name, f"{PREFIX}/{plan.shape.export_name}"
    numbers = range(1, len(plan.chunks()) + 1)
    if plan.shape.parquet and plan.shape.overwrite:
        place = f"{base}/{name}/year={plan.period.year}/month={plan.period.month}"
    else:
        place = f"{base}/{plan.span}" + ("" if plan.shape.overwrite else f"/{plan.id}")
    if plan.shape.parquet:
        return [f"{place}/{name}-{number:05d}.snappy.parquet" for number in numbers]
    return [f"{place}/{name}-{number}.{plan.shape.file}" for number in numbers]


def _cur_v1_manifests(plan: DeliveryPlan, folder: Folder, keys: list[str], columns: Sequence[OutputColumn]) -> None:
    name, base = plan.shape.export_name, f"{PREFIX}/{plan.shape.export_name}"
    dated = f"{base}/{plan.span}"
    athena = plan.shape.parquet and plan.shape.overwrite
    if athena:
        _athena_files(plan, folder, dated, columns)
    artifacts = [] if plan.shape.parquet else _redshift_files(plan, folder, keys, columns)
    manifest = {
        "assemblyId": plan.id,
        "account": account_id(plan.world, 0),
        "columns": [
            {"category": column.category, "name": listed, "type": column.type}
            for column in columns
            for listed in column.names
        ],
        "charset": "UTF-8",
        "compression": {"csv.gz": "GZIP", "csv.zip": "ZIP"}.get(plan.shape.file, "Parquet"),
        "contentType": "Parquet" if plan.shape.parquet else "text/csv",
        "reportId": f"{draw('report', name):016x}" * 4,
        "reportName": name,
        "billingPeriod": {
            "start": f"{plan.period.start:%Y%m%d}T000000.000Z",
            "end": f"{plan.period.end:%Y%m%d}T000000.000Z",
        },
        "bucket": BUCKET,
        "reportKeys": keys,
        "additionalArtifactKeys": [{"artifactType": kind, "name": key} for kind, key in artifacts],
    }
    if not plan.shape.overwrite:
        folder.put_json(f"{dated}/{plan.id}/{name}-Manifest.json", manifest)
    folder.put_json(f"{dated}/{name}-Manifest.json", manifest)


def _redshift_files(
    plan: DeliveryPlan, folder: Folder, keys: list[str], columns: Sequence[OutputColumn]
) -> list[tuple[str, str]]:
    stem = keys[0].rpartition("/")[0] + f"/{plan.shape.export_name}"
    fields = ", ".join(f'"{column.header}" varchar(256)' for column in columns)
    entries = [{"url": f"s3://{BUCKET}/{key}", "mandatory": True} for key in keys]
    folder.put(f"{stem}-RedshiftCommands.sql", f"create table AWSBilling({fields});\n")
    folder.put_json(f"{stem}-RedshiftManifest.json", {"entries": entries})
    folder.put_json(
        f"{stem}-QuickSightManifest.json", {"fileLocations": [{"URIs": [entry["url"] for entry in entries]}]}
    )
    suffixes = {"RedshiftCommands": "sql", "RedshiftManifest": "json", "QuickSightManifest": "json"}
    return [(kind, f"{stem}-{kind}.{suffix}") for kind, suffix in suffixes.items()]


def _athena_files(plan: DeliveryPlan, folder: Folder, dated: str, columns: Sequence[OutputColumn]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, base = plan.shape.export_name, f"{PREFIX}/{plan.shape.export_name}"
    fields = ",\n".join(f"  {column.header} STRING" for column in columns)
    folder.put(
        f"{dated}/{name}-create-table.sql",
        f"CREATE EXTERNAL TABLE {name.replace('-', '_')}(\n{fields}\n)\nSTORED AS PARQUET\n",
    )
    folder.put(f"{dated}/crawler-cfn.yml", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n")
    status = folder.path(f"{base}/{name}/cost_and_usage_data_status/cost_and_usage_data_status.parquet")
    status.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"status": ["READY"]}), status)


def _data_export(plan: DeliveryPlan) -> list[str]:
    name = plan.shape.export_name
    place = f"{PREFIX}/{name}/data/{_partition(plan)}" + ("" if plan.shape.overwrite else f"/{_execution_folder(plan)}")
    return [f"{place}/{name}-{number:05d}.{plan.shape.file}" for number in range(1, len(plan.chunks()) + 1)]


def _data_export_manifests(
    plan: DeliveryPlan, folder: Folder, keys: list[str], columns: Iterable[OutputColumn]
) -> None:
    name = plan.shape.export_name
    table = {"v2": "COST_AND_USAGE_REPORT"}.get(
        plan.shape.table, plan.shape.table.upper().replace("-", "_").replace(".", "_") + "_AWS"
    )
    payer = account_id(plan.world, 0)
    listed = [{"name": column.header, "type": column.type} for column in columns]
    manifest = {
        "executionId": plan.id,
        "exportName": name,
        "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{payer}:export/{name}-{draw('export', name):016x}",
        "billingPeriod": str(plan.period),
        "createdAt": plan.delivered.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "queryStatement": f"SELECT {', '.join(column['name'] for column in listed)} FROM {table}",
        "columns": listed,
        "dataFiles": [f"s3://{BUCKET}/{key}" for key in keys],
        "additionalOutputFiles": [],
    }
    place = f"{PREFIX}/{name}/metadata/{_partition(plan)}"
    if not plan.shape.overwrite:
        folder.put_json(f"{place}/{_execution_folder(plan)}/{name}-Manifest.json", manifest)
    folder.put_json(f"{place}/{name}-Manifest.json", manifest)
    folder.put_json(f"{place}/{name}-Metadata.json", {"exportName": name})


def _partition(plan: DeliveryPlan) -> str:
    """CUR 2.0 writes the partition's key in capitals, FOCUS exports in small letters."""
    return f"{'BILLING_PERIOD' if plan.shape.table == 'v2' else 'billing_period'}={plan.period}"


def _execution_folder(plan: DeliveryPlan) -> str:
    return f"{plan.delivered:%Y%m%dT%H%M%SZ}-{plan.id}"
