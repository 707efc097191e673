"""What else lies in a real bucket: AWS's permission probe, and reports with names like ours."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

from finops_core import Period
from finops_core.sample import draw

from finops_aws.sample.layout import BUCKET, PREFIX, Folder

NAMES = ("acme", "acme-cur-old", "acme-cur2-old", "acme-focus-old")

HEADER = "identity/LineItemId,lineItem/LineItemType,lineItem/CurrencyCode,lineItem/UnblendedCost"


def write_neighbours(root: Path, period: Period) -> None:
    """One month of each, with costs that nobody could overlook in a total."""
    folder = Folder(root, dt.datetime.combine(period.end, dt.time(3, 0), dt.UTC))
    folder.put("aws-programmatic-access-test-object", "")
    for name in NAMES:
        _write_report(folder, name, period)
    folder.close()


def _write_report(folder: Folder, name: str, period: Period) -> None:
    dated = f"{PREFIX}/{name}/{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    assembly = f"{draw('assembly', name):016x}"
    key = f"{dated}/{assembly}/{name}-1.csv.gz"
    rows = "\n".join(f"{name}{number},Usage,USD,999999.99" for number in range(3))
    folder.put(key, gzip.compress(f"{HEADER}\n{rows}\n".encode(), mtime=0))
    columns = [column.split("/") for column in HEADER.split(",")]
    manifest = {
        "assemblyId": assembly,
        "account": "111122223333",
        "columns": [{"category": category, "name": column, "type": "String"} for category, column in columns],
        "charset": "UTF-8",
        "compression": "GZIP",
        "contentType": "text/csv",
        "reportId": assembly * 4,
        "reportName": name,
        "billingPeriod": {"start": f"{period.start:%Y%m%d}T000000.000Z", "end": f"{period.end:%Y%m%d}T000000.000Z"},
        "bucket": BUCKET,
        "reportKeys": [key],
        "additionalArtifactKeys": [],
    }
    folder.put_json(f"{dated}/{assembly}/{name}-Manifest.json", manifest)
    folder.put_json(f"{dated}/{name}-Manifest.json", manifest)
