"""The finops command on Google Cloud bills: what it prints, and how it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finops_core import Period, SampleRequest
from finops_gcp.provider import Gcp

_spec = importlib.util.spec_from_file_location("bigquery_standin", Path(__file__).parent / "bigquery_standin.py")
assert _spec
assert _spec.loader
standin = sys.modules["bigquery_standin"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(standin)

TABLE = "gcp_billing_export_resource_v1_010101_F0FFF0_61C528"


def finops(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with nothing of this machine's Google settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GOOGLE_", "FINOPS_"))}
    return subprocess.run(
        [sys.executable, "-m", "finops_core", *words],
        cwd=folder,
        env={**kept, "NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(folder), "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_tree_of_files_is_listed_imported_and_left_alone(tmp_path: Path) -> None:
    settings = Gcp.sample(
        SampleRequest(tmp_path, "standard-csv", months=1, rows=400, last=Period(2024, 1), redeliver=Period(2024, 1))
    )
    where = ("--bucket", settings["bucket"], "--prefix", settings["prefix"])
    first = finops(tmp_path, "gcp", "import-billing", *where)
    assert (first.returncode, first.stdout) == (0, "")
    assert "left out as shards of an earlier, longer export" in first.stderr
    again = finops(tmp_path, "gcp", "import-billing", *where)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr
    listed = finops(tmp_path, "gcp", "list-manifests", *where, "-o", "json")
    found = json.loads(listed.stdout)
    assert [(row["billing_period"], row["export"], row["action"]) for row in found["rows"]] == [
        ("2024-01", "standard", "skip")
    ]
    assert "part-000000000002.csv.gz" in found["notes"][0]


@pytest.fixture
def cloud(desk: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    import pyarrow.parquet as pq

    path = desk.write_rows(desk.folder / "table.parquet", [desk.row(cost=1.5), desk.row(cost=2.0)])
    table = standin.ExportTable(pq.read_table(path), partitioned=False)
    service = standin.Service({("acme", "billing", TABLE): table})
    rest, read = standin.RestStandIn(service), standin.ReadStandIn(service)
    environment = {"GCP_PROJECT_ID": "acme", "GCP_DATASET_ID": "billing", "GCP_ANONYMOUS": "true"}
    try:
        yield service, {**environment, "GCP_ENDPOINT_URL": rest.url, "GCP_READ_ENDPOINT": read.url}
    finally:
        rest.stop()
        read.stop()


def test_bigquery_says_what_a_query_bills_before_it_runs(cloud: tuple[Any, dict[str, str]], tmp_path: Path) -> None:
    service, environment = cloud
    plan = finops(tmp_path, "gcp", "import-billing", "--dry-run", **environment)
    assert plan.returncode == 0, plan.stderr
    assert "2025-01: the query bills 5,000,000 bytes" in plan.stdout + plan.stderr
    assert [sql for sql, _, dry in service.queries if "SELECT *" in sql and not dry] == []
    done = finops(tmp_path, "gcp", "import-billing", **environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert "3.50 USD" in done.stderr
    assert "nothing to do" in finops(tmp_path, "gcp", "import-billing", **environment).stderr


def test_exit_codes_tell_why(cloud: tuple[Any, dict[str, str]], tmp_path: Path) -> None:
    service, environment = cloud
    assert finops(tmp_path, "gcp", "import-billing").returncode == 2
    assert finops(tmp_path, "gcp", "import-billing", "--bucket", "file:///no/such/folder").returncode == 5
    capped = finops(tmp_path, "gcp", "import-billing", "--maximum-bytes-billed", "1", **environment)
    assert capped.returncode == 2
    assert "more than maximum_bytes_billed: Query exceeded limit" in capped.stderr
    refused = finops(tmp_path, "gcp", "import-billing", **{**environment, "GCP_ANONYMOUS": "false"})
    assert refused.returncode == 4
    assert "gcloud auth application-default login" in refused.stderr
    service.refuse.append(standin.Refusal(403, "accessDenied", "Access Denied"))
    assert finops(tmp_path, "gcp", "list-manifests", **environment).returncode == 4
