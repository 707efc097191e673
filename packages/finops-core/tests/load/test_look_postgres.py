"""`finops verify` and `finops export focus` on a PostgreSQL server."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow.parquet as pq
import pytest
from finops_core.cli import run
from finops_core.load import Target


@pytest.fixture
def loaded(acme: Any, server_target: Target, monkeypatch: pytest.MonkeyPatch) -> Path:
    bills = acme.workdir / "bills"
    bills.mkdir()
    header = "service,cost,currency,day\n"
    (bills / "2024-01.csv").write_text(f"{header}Compute,0.000000000000000001,USD,2024-01-01\nDisk,2,EUR,2024-01-02\n")
    monkeypatch.setenv("ACME_BUCKET", bills.as_uri())
    monkeypatch.setenv("PROJECT_DESTINATION", server_target.location)
    assert run(["acme", "import-billing", "-q"]) == 0
    folder: Path = acme.workdir
    return folder


def verified(capsys: pytest.CaptureFixture[str], code: int) -> dict[tuple[str, str | None], str]:
    capsys.readouterr()
    assert run(["verify", "--fail-on", "mismatch", "-o", "json"]) == code
    return {(row["level"], row["currency"]): row["result"] for row in json.loads(capsys.readouterr().out)["rows"]}


def test_verify(loaded: Path, server_target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(capsys, 0)
    assert {level for level, _ in found} >= {"files", "staged", "raw", "focus", "rollup"}
    assert {key for key, result in found.items() if result != "ok"} == {("checks", None)}
    with psycopg2.connect(server_target.location) as server, server.cursor() as cursor:
        cursor.execute("""UPDATE acme_billing.focus_cost_and_usage SET "BilledCost" = 3 WHERE "BilledCost" = 2""")
    server.close()
    assert verified(capsys, 3)["focus", "EUR"] == "mismatch"


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.4"])
def test_export(loaded: Path, version: str) -> None:
    assert run(["export", "focus", "--out", "focus.parquet", "--focus-version", version]) == 0
    table = pq.read_table(loaded / "focus.parquet")
    assert sorted(table.column("BilledCost").to_pylist()) == [Decimal("1e-18"), Decimal(2)]
    assert table.column("x_SourceFile").to_pylist() == ["2024-01.csv"] * 2
    assert run(["export", "focus", "--out", "focus.csv", "--focus-version", version]) == 0
    assert "0.000000000000000001" in (loaded / "focus.csv").read_text()
