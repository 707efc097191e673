"""Small trees of AWS bills, written line by line, and the whole pipeline over them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_aws.names import parquet_name
from finops_aws.provider import Aws
from finops_core import Window
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import ImportReport, run_import
from finops_core.progress import QuietReporter

Line = Mapping[str, Any]

LINE: dict[str, str] = {
    "identity/LineItemId": "id1",
    "bill/InvoiceId": "",
    "bill/BillType": "Anniversary",
    "bill/PayerAccountId": "000011112222",
    "bill/BillingPeriodStartDate": "2024-01-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2024-02-01T00:00:00Z",
    "lineItem/UsageAccountId": "001122334455",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2024-01-05T00:00:00Z",
    "lineItem/UsageEndDate": "2024-01-05T01:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:t3.micro",
    "lineItem/Operation": "RunInstances",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedRate": "1.5",
    "lineItem/UnblendedCost": "1.5",
    "lineItem/LineItemDescription": "",
    "product/ProductName": "Amazon Elastic Compute Cloud",
    "pricing/unit": "Hrs",
}
"""A line of CUR v1 as AWS names its columns; a test names what differs."""

FOCUS_LINE: dict[str, str] = {
    "BilledCost": "1.5",
    "BillingAccountId": "000011112222",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2024-01-01T00:00:00.000Z",
    "BillingPeriodEnd": "2024-02-01T00:00:00.000Z",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2024-01-05T00:00:00.000Z",
    "ChargePeriodEnd": "2024-01-05T01:00:00.000Z",
    "ConsumedQuantity": "1",
    "ConsumedUnit": "Hrs",
    "ContractedCost": "1.5",
    "EffectiveCost": "1.5",
    "ListCost": "1.5",
    "PricingQuantity": "1",
    "ServiceName": "Amazon EC2",
    "SubAccountId": "001122334455",
    "Tags": '{"user_Name":"web"}',
}


def following(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + (number == 12)}-{number % 12 + 1:02d}"


def csv_text(lines: Sequence[Line], header: Sequence[str] | None = None) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(header or dict.fromkeys(name for line in lines for name in line))
    writer.writerow(names)
    writer.writerows([line.get(name, "") for name in names] for line in lines)
    return out.getvalue()


def parquet_bytes(lines: Sequence[Line], types: Mapping[str, Any] | None = None) -> bytes:
    """As AWS writes them: amounts double, dates timestamp, everything else text."""
    import datetime as dt

    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in dict.fromkeys(name for line in lines for name in line):
        values = [line.get(name) for line in lines]
        kind = (types or {}).get(name)
        if kind is None and name.lower().endswith(("cost", "amount", "quantity")):
            values, kind = [float(value) if value else None for value in values], pa.float64()
        elif kind is None and name.lower().endswith(("_date", "periodstart", "periodend")):
            values = [dt.datetime.fromisoformat(value).replace(tzinfo=None) if value else None for value in values]
            kind = pa.timestamp("ms")
        columns[name] = pa.array(values, kind or pa.string())
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def snake(line: Line) -> dict[str, Any]:
    """A line in the names of CUR 2.0 and of Parquet files."""
    return {parquet_name(name): value for name, value in line.items()}


class Bills:
    """A directory laid out like a bucket, and the database that it is imported into."""

    csv_text, parquet_bytes, snake = staticmethod(csv_text), staticmethod(parquet_bytes), staticmethod(snake)
    focus_line = FOCUS_LINE

    def __init__(self, folder: Path) -> None:
        self.root, self.data = folder / "bucket", folder / "data"
        self.root.mkdir()
        self.target = Target.parse("duckdb", self.data)

    def line(self, month: str = "2024-01", **changes: Any) -> dict[str, Any]:
        """A line of a month; `cost=`, `kind=` and `tags=` for short, other columns in a dict as `more=`."""
        shift = {name: value.replace("2024-01", month) for name, value in LINE.items() if "Date" in name}
        shift["bill/BillingPeriodEndDate"] = f"{following(month)}-01T00:00:00Z"
        short = {"cost": "lineItem/UnblendedCost", "kind": "lineItem/LineItemType", "id": "identity/LineItemId"}
        more = changes.pop("more", {})
        named = {short[name]: value for name, value in changes.items()}
        return {**LINE, **shift, **named, **more}

    def put(self, key: str, content: bytes | str) -> Path:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def v1(
        self,
        *files: Sequence[Line] | bytes,
        month: str = "2024-01",
        assembly: str = "a1",
        root: str = "p/cur",
        ending: str = "csv.gz",
        folder: str = "",
        **changes: Any,
    ) -> dict[str, Any]:
        """One delivery of a CUR v1 report: each file a list of lines, or its bytes. Returns the manifest."""
        name = root.rpartition("/")[2]
        first, last = f"{month.replace('-', '')}01", f"{following(month).replace('-', '')}01"
        period = f"{root}/{first}-{last}"
        place = folder or f"{period}/{assembly}"
        keys = []
        for number, file in enumerate(files, 1):
            keys.append(f"{place}/{name}-{number}.{ending}")
            self.put(keys[-1], file if isinstance(file, bytes) else gzip.compress(csv_text(file).encode()))
        manifest = {
            "assemblyId": assembly,
            "account": "000011112222",
            "columns": [],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": "494124ba",
            "reportName": name,
            "billingPeriod": {"start": f"{first}T000000.000Z", "end": f"{last}T000000.000Z"},
            "bucket": "acme-billing",
            "reportKeys": keys,
            "additionalArtifactKeys": [],
        } | changes
        for where in {period, place}:
            self.put(f"{where}/{name}-Manifest.json", json.dumps(manifest))
        return manifest

    def export(
        self,
        *files: bytes,
        month: str = "2024-01",
        execution: str = "e1",
        root: str = "p/exp",
        ending: str = "csv.gz",
        partition: str = "BILLING_PERIOD",
        **changes: Any,
    ) -> dict[str, Any]:
        """One delivery of a data export, in overwrite mode. Returns the manifest."""
        name, part = root.rpartition("/")[2], f"{partition}={month}"
        keys = [f"{root}/data/{part}/{name}-{number:05d}.{ending}" for number in range(1, len(files) + 1)]
        for key, file in zip(keys, files, strict=True):
            self.put(key, file)
        manifest = {
            "executionId": execution,
            "dataFiles": [f"s3://acme-billing/{key}" for key in keys],
            "columns": [{"name": "line_item_unblended_cost", "type": "double"}],
            "billingPeriod": month,
            "exportName": name,
        } | changes
        self.put(f"{root}/metadata/{part}/{name}-Manifest.json", json.dumps(manifest))
        return manifest

    def v2(self, *files: Sequence[Line], **changes: Any) -> dict[str, Any]:
        """A delivery of CUR 2.0 in CSV, from lines in the names of CUR v1."""
        return self.export(*(gzip.compress(csv_text(list(map(snake, lines))).encode()) for lines in files), **changes)

    def load(self, options: Mapping[str, Any] | None = None, **settings: Any) -> ImportReport:
        given = {"window": Window(), "target": self.target, "dataset_name": "aws_billing", **(options or {})}
        return run_import(Aws(bucket=self.root.as_uri(), **settings), ImportOptions(**given), QuietReporter(sys.stderr))

    def loaded(self, **settings: Any) -> ImportReport:
        """As `load`, and nothing may fail."""
        report = self.load(**settings)
        assert not report.failed, [str(error) for _, error in report.failed]
        return report

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data / "finops.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def column(self, source: str) -> str:
        """The quoted name that a source column got."""
        rows = self.query("SELECT source_name, column_name FROM aws_billing.column_names ORDER BY billing_period DESC")
        return '"' + dict(reversed(rows))[source] + '"'

    def values(self, source: str) -> list[Any]:
        """A source column's values in all periods, sorted by the line's id."""
        column = self.column(source)
        return [
            row[0] for row in self.query(f"SELECT {column} FROM aws_billing.billing ORDER BY identity_line_item_id")
        ]


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)
