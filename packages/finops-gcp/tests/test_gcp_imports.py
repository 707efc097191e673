"""What importing the provider costs, and what its distribution brings along."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("google", "grpc", "pyarrow", "duckdb", "dlt", "rich", "typer", "boto3", "azure")


@pytest.mark.parametrize("code", ["import finops_gcp.provider", "import finops_gcp.sample"])
def test_no_sdk_is_imported_before_it_is_used(code: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(HEAVY) & set(found.stdout.split())


def test_the_distribution_brings_google_and_no_other_cloud() -> None:
    names = {re.split(r"[^a-z0-9-]", text.lower())[0] for text in importlib.metadata.requires("finops-gcp") or []}
    google = {"google-cloud-bigquery", "google-cloud-bigquery-storage", "google-cloud-storage"}
    assert names == {"finops-core", "fastavro", *google}


def test_every_module_is_short_enough_to_read() -> None:
    folder = Path(__file__).parent.parent / "src"
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in folder.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 350} == {}
