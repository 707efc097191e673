"""`finops verify` on every cloud's generated bills: what an import made agrees, and what was altered does not."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from finops_core import registry

COSTS = {"aws": "line_item_unblended_cost", "azure": "costInBillingCurrency", "gcp": "cost"}


LEAST = "(SELECT arg_min(rowid, CAST(Tags AS VARCHAR)) FROM {focus})"
MOST = "(SELECT arg_max(rowid, CAST(Tags AS VARCHAR)) FROM {focus})"
ALTERED = {
    "UPDATE {focus} SET BilledCost = 0.5 WHERE rowid = (SELECT min(rowid) FROM {focus} WHERE BilledCost > 1)": {
        "conversion", "focus", "rollup", "checks",
    },
    # Every value of every column is there as often as before.
    "UPDATE {focus} SET Tags = CASE rowid WHEN " + LEAST + " THEN (SELECT max(CAST(Tags AS VARCHAR)) FROM {focus}) "
    "ELSE (SELECT min(CAST(Tags AS VARCHAR)) FROM {focus}) END WHERE rowid IN (" + f"{LEAST}, {MOST})": {"conversion"},
}  # fmt: skip
"""What is altered in FOCUS rows -> the levels where it is found, in every cloud's bill."""


@dataclass
class Project:
    folder: Path

    def finops(self, *arguments: str, code: int = 0) -> str:
        env = {**os.environ, "HOME": str(self.folder), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "finops_core", *arguments],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    def load(self, provider: str, *options: str) -> None:
        """Generate a month and import it, with the settings in config.toml."""
        line = self.finops("sample", provider, "--out", "bills", "--months", "1", "--rows", "600", *options)
        _, _, command, *flags = shlex.split(line)
        pairs = zip(flags[::2], flags[1::2], strict=True)
        lines = [f"{flag[2:].replace('-', '_')} = {json.dumps(value)}" for flag, value in pairs]
        (self.folder / "config.toml").write_text("\n".join([f"[{provider}]", *lines]) + "\n")
        self.finops(provider, command, "-q")

    @property
    def database(self) -> Path:
        return self.folder / "data" / "finops.duckdb"

    def verify(self, *options: str, code: int = 0) -> list[dict[str, Any]]:
        out = self.finops("verify", "--fail-on", "mismatch", "-o", "json", "-q", *options, code=code)
        rows: list[dict[str, Any]] = json.loads(out)["rows"]
        return rows

    def loaded_file(self) -> Path:
        """One of the files that were loaded; the tree has others beside them."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            [(files,)] = connection.execute("SELECT files FROM aws_billing.import_ledger").fetchall()
        key = json.loads(files)[0]["key"]
        return next(path for path in (self.folder / "bills").rglob("*") if path.as_posix().endswith(f"/{key}"))

    def alter(self, statement: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(statement)


def levels(rows: Sequence[dict[str, Any]], result: str) -> set[str]:
    return {row["level"] for row in rows if row["result"] == result}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("provider", sorted(COSTS))
def test_a_generated_bill_agrees_from_file_to_rollup(project: Project, provider: str) -> None:
    if provider not in registry.names():
        pytest.skip(f"{provider} is not installed")
    project.load(provider)
    rows = project.verify()
    assert levels(rows, "ok") == {"files", "staged", "values", "raw", "conversion", "focus", "rollup", "checks"}
    assert {row["result"] for row in rows} == {"ok"}
    costs = [row for row in rows if row["level"] in ("files", "raw") and not row["part"]]
    assert all(row["rows"] and row["cost"] == row["ledger_cost"] for row in costs)
    focus = f"{provider}_billing.focus_cost_and_usage"
    for statement, found in ALTERED.items():
        before = project.database.read_bytes()
        project.alter(statement.format(focus=focus))
        assert levels(project.verify("--no-files", code=3), "mismatch") == found, statement
        project.database.write_bytes(before)


@pytest.mark.slow
def test_a_parquet_file_that_was_replaced_is_found(project: Project) -> None:
    project.load("aws", "--format", "cur-v1-parquet")
    path = project.loaded_file()
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)
    rows = project.verify(code=3)
    assert "files" in levels(rows, "mismatch")
    assert {"raw", "focus", "rollup", "checks"} <= levels(rows, "ok"), "what is loaded is as it was"


@pytest.mark.slow
def test_one_table_for_all_months_agrees_too(project: Project) -> None:
    project.load("aws")
    config = project.folder / "config.toml"
    config.write_text(config.read_text() + 'table_strategy = "single"\n')
    project.finops("aws", "import-cur", "-q")
    assert {row["result"] for row in project.verify()} == {"ok"}
