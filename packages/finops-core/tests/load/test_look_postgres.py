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
from finops_core.errors import DestinationError
from finops_core.load import Target
from finops_core.load.postgres import stored_name

LONG = "the_name_of_a_column_of_the_provider_that_is_longer_than_63_bytes_are"
LONG_STORED = f'"{stored_name(LONG)}"'


@pytest.fixture
def loaded(acme: Any, server_target: Target, monkeypatch: pytest.MonkeyPatch) -> Path:
    bills = acme.workdir / "bills"
    bills.mkdir()
    module = acme.folder / "finops_acme.py"
    module.write_text(module.read_text().replace("KNOWN = {", f'KNOWN = {{"{LONG}": "VARCHAR", '))
    rules = acme.folder / "acme.sql"
    tags = """CAST('{"team":  "a", "bb": [1.50, {}]}' AS JSON) AS Tags,"""
    rules.write_text(rules.read_text().replace("SELECT\n", f"SELECT\n    {tags} {LONG} AS SubAccountName,\n"))
    header = f"service,cost,currency,day,{LONG}\n"
    lines = "Compute,0.000000000000000001,USD,2024-01-01,a\nDisk,2,EUR,2024-01-02,b\n"
    (bills / "2024-01.csv").write_text(header + lines)
    monkeypatch.setenv("ACME_BUCKET", bills.as_uri())
    monkeypatch.setenv("PROJECT_DESTINATION", server_target.location)
    assert run(["acme", "import-billing", "-q"]) == 0
    folder: Path = acme.workdir
    return folder


def verified(capsys: pytest.CaptureFixture[str], code: int) -> dict[tuple[str, str | None], str]:
    capsys.readouterr()
    assert run(["verify", "--fail-on", "mismatch", "-o", "json"]) == code
    return {(row["level"], row["currency"]): row["result"] for row in json.loads(capsys.readouterr().out)["rows"]}


ALTERED = {
    """UPDATE focus_cost_and_usage SET "BilledCost" = 3 WHERE "BilledCost" = 2""": {"focus", "conversion"},
    """UPDATE focus_cost_and_usage SET "ListUnitPrice" = -1 WHERE "BilledCost" = 2""": {"conversion", "checks"},
    """UPDATE focus_cost_and_usage SET "ServiceName" = 'Disc' WHERE "ServiceName" = 'Disk'""": {"conversion"},
    """UPDATE focus_cost_and_usage SET "Tags" = '{"team": "ab"}' WHERE "ServiceName" = 'Disk'""": {"conversion"},
    """UPDATE billing_2024_01 SET service = 'Disc' WHERE service = 'Disk'""": {"values", "conversion"},
    f"UPDATE billing_2024_01 SET {LONG_STORED} = 'c' WHERE service = 'Disk'": {"values"},
    """UPDATE cost_rollup SET "ServiceName" = 'Disc' WHERE "ServiceName" = 'Disk'""": {"rollup"},
    """DROP VIEW focus.cost_rollup; DROP TABLE cost_rollup""": {"rollup"},
}


def test_verify(loaded: Path, server_target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(capsys, 0)
    assert {level for level, _ in found} == {
        "files", "staged", "values", "raw", "conversion", "focus", "rollup", "checks"
    }  # fmt: skip
    assert set(found.values()) == {"ok"}
    for statement, levels in ALTERED.items():
        with psycopg2.connect(server_target.location) as server, server.cursor() as cursor:
            cursor.execute(f"SET search_path TO acme_billing; {statement}")
        server.close()
        mismatches = {level for (level, _), result in verified(capsys, 3).items() if result == "mismatch"}
        assert levels <= mismatches, statement
        assert run(["acme", "import-billing", "--force", "-q"]) == 0


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.4"])
def test_export(loaded: Path, version: str) -> None:
    assert run(["export", "focus", "--out", "focus.parquet", "--focus-version", version]) == 0
    table = pq.read_table(loaded / "focus.parquet")
    assert sorted(table.column("BilledCost").to_pylist()) == [Decimal("1e-18"), Decimal(2)]
    assert table.column("x_SourceFile").to_pylist() == ["2024-01.csv"] * 2
    assert run(["export", "focus", "--out", "focus.csv", "--focus-version", version]) == 0
    assert "0.000000000000000001" in (loaded / "focus.csv").read_text()


def test_a_view_that_was_removed_is_told(
    loaded: Path, server_target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg2.connect(server_target.location) as server, server.cursor() as cursor:
        cursor.execute("DROP VIEW focus.cost_and_usage")
    server.close()
    assert run(["export", "focus", "--out", "focus.csv"]) == DestinationError.exit_code
    assert "cannot be read" in capsys.readouterr().err
    assert run(["doctor", "-o", "json"]) == 1
    [row] = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["check"] == "views"]
    assert row["detail"].startswith("focus.cost_and_usage cannot be read")
    assert run(["acme", "import-billing", "--force", "-q"]) == 0
    assert run(["export", "focus", "--out", "focus.csv"]) == 0
