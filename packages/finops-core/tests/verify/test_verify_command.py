"""`finops verify` on bills of a third party's provider: whatever is altered afterwards, and wherever, is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core.cli import run

MONTHS = ("2024-01", "2024-02")
FIXED_VERSION = ("version = hashlib.sha256(store.read(item.key)).hexdigest()[:12]", "version = 'v1'")
"""A provider whose manifest does not notice that a file was replaced."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves the loaded database for the others."""
    return tmp_path_factory.mktemp("loaded") / "finops.duckdb"


class Loaded:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.database = folder / "data" / "finops.duckdb"

    def bill(self, month: str, cost: str = "1.5") -> None:
        rows = f"service,cost,currency,day\nCompute,{cost},USD,{month}-01\nStorage,0.1,USD,{month}-02\nDisk,2,EUR,\n"
        (self.folder / "bills" / f"{month}.csv").write_text(rows)

    def alter(self, statement: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"USE acme_billing; {statement}")

    def verify(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        assert run(["verify", *arguments, "--fail-on", "mismatch", "-o", "json"]) == code
        rows: list[dict[str, Any]] = json.loads(self.capsys.readouterr().out)["rows"]
        return rows

    def mismatches(self, *arguments: str) -> list[tuple[str, str, str]]:
        rows = self.verify(*arguments, code=3)
        return [(row["billing_period"], row["level"], row["detail"]) for row in rows if row["result"] == "mismatch"]


@pytest.fixture
def loaded(acme: Any, kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Loaded:
    source = (acme.folder / "finops_acme.py").read_text()
    assert FIXED_VERSION[0] in source
    (acme.folder / "finops_acme.py").write_text(source.replace(*FIXED_VERSION))
    (acme.workdir / "bills").mkdir()
    made = Loaded(acme.workdir, capsys)
    for month in MONTHS:
        made.bill(month)
    monkeypatch.setenv("ACME_BUCKET", (acme.workdir / "bills").as_uri())
    if not kept.exists():
        assert run(["acme", "import-billing", "-q"]) == 0
        shutil.copy(made.database, kept)
    else:
        made.database.parent.mkdir()
        shutil.copy(kept, made.database)
    return made


def test_what_was_loaded_agrees_at_every_level(loaded: Loaded) -> None:
    rows = loaded.verify()
    assert {row["result"] for row in rows} == {"ok"}
    assert len(rows) == len(MONTHS) * 13
    january = {
        (row["level"], row["currency"]): (row["rows"], row["cost"], row["ledger_cost"])
        for row in rows
        if row["billing_period"] == "2024-01" and row["currency"]
    }
    for level in ("files", "staged", "raw", "focus", "rollup"):
        count, cost, ledger = january[level, "USD"]
        assert (count, float(cost), float(ledger)) == (2, 1.6, 1.6)
        assert january[level, "EUR"][0] == 1


ALTERED = {
    "a cost of a raw row": ("UPDATE billing_2024_01 SET cost = cost + 0.000000000000000001", {"raw"}),
    "a raw row less": ("DELETE FROM billing_2024_01 WHERE service = 'Disk'", {"raw"}),
    "a raw row twice": ("INSERT INTO billing_2024_01 SELECT * FROM billing_2024_01 LIMIT 1", {"raw"}),
    "two raw costs that cancel out": (
        "UPDATE billing_2024_01 SET cost = CASE service WHEN 'Compute' THEN 1 ELSE 0.6 END WHERE currency = 'USD'",
        {"values"},
    ),
    "a text of a raw row": ("UPDATE billing_2024_01 SET service = 'Disc' WHERE service = 'Disk'", {"values"}),
    "a raw row of another version": ("UPDATE billing_2024_01 SET source_version = 'v0'", {"raw"}),
    "another currency": ("UPDATE billing_2024_01 SET currency = 'EUR'", {"raw"}),
    "no raw table": ("DROP VIEW billing; DROP TABLE billing_2024_01", {"raw"}),
    "a billed cost": ("UPDATE focus_cost_and_usage SET BilledCost = -BilledCost WHERE {january}", {"focus"}),
    "a list cost that is lost": ("UPDATE focus_cost_and_usage SET ListCost = NULL WHERE {january}", {"checks"}),
    "a price": ("UPDATE focus_cost_and_usage SET ListUnitPrice = -1 WHERE {january}", {"checks"}),
    "an effective cost": ("UPDATE focus_cost_and_usage SET EffectiveCost = 7 WHERE {january}", {"focus"}),
    "a FOCUS row less": ("DELETE FROM focus_cost_and_usage WHERE {january} AND ServiceName = 'Disk'", {"focus"}),
    "the service of a FOCUS row": (
        "UPDATE focus_cost_and_usage SET ServiceName = 'Disc' WHERE {january} AND ServiceName = 'Disk'",
        {"conversion"},
    ),
    "tags that a FOCUS row did not have": (
        "UPDATE focus_cost_and_usage SET Tags = '{{}}' WHERE {january} AND ServiceName = 'Disk'",
        {"conversion"},
    ),
    "a FOCUS row in the place of another": (
        "DELETE FROM focus_cost_and_usage WHERE {january} AND ServiceName = 'Storage'; "
        "INSERT INTO focus_cost_and_usage SELECT * REPLACE (CAST(0.1 AS DECIMAL(38,18)) AS BilledCost, "
        "0.1 AS EffectiveCost, 0.1 AS ListCost, 0.1 AS ContractedCost) FROM focus_cost_and_usage "
        "WHERE {january} AND ServiceName = 'Compute'",
        {"conversion"},
    ),
    "services of two FOCUS rows that change places": (
        "UPDATE focus_cost_and_usage SET ServiceName = CASE ServiceName WHEN 'Compute' THEN 'Storage' "
        "WHEN 'Storage' THEN 'Compute' ELSE ServiceName END WHERE {january}",
        {"conversion"},
    ),
    "the service of a rollup row": (
        "UPDATE cost_rollup SET ServiceName = 'Disc' WHERE {january} AND ServiceName = 'Disk'",
        {"rollup"},
    ),
    "a rollup row less": ("DELETE FROM cost_rollup WHERE {january} AND BillingCurrency = 'EUR'", {"rollup"}),
    "the ledger's total": ("UPDATE import_ledger SET totals = '{{}}' WHERE billing_period = '2024-01'", {"raw"}),
    "the ledger's rows": ("UPDATE import_ledger SET \"rows\" = 4 WHERE billing_period = '2024-01'", {"files", "raw"}),
    "no ledger entry": ("DELETE FROM import_ledger WHERE billing_period = '2024-01'", {"ledger"}),
}


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_is_altered_in_the_destination_is_found(loaded: Loaded, what: str) -> None:
    statement, levels = ALTERED[what]
    loaded.alter(statement.format(january="x_BillingPeriod = '2024-01'"))
    found = loaded.mismatches(*(() if levels & {"values", "files"} else ("--no-files",)))
    assert {period for period, _, _ in found} == {"2024-01"}
    assert levels <= {level for _, level, _ in found}


def test_what_differs_is_named(loaded: Loaded) -> None:
    loaded.alter("UPDATE focus_cost_and_usage SET ServiceName = 'Disc' WHERE ServiceName = 'Disk'")
    loaded.alter("UPDATE cost_rollup SET RegionId = 'moon' WHERE ServiceName = 'Compute'")
    loaded.alter("UPDATE billing_2024_02 SET service = 'Storage' WHERE service = 'Disk'")
    found = {(period, level): detail for period, level, detail in loaded.mismatches()}
    assert "other values in ServiceName" in found["2024-01", "conversion"]
    assert "ServiceName, RegionId" in found["2024-01", "rollup"]
    assert "other values in service" in found["2024-02", "values"]
    assert set(found) == {(month, level) for month in MONTHS for level in ("conversion", "rollup")} | {
        ("2024-02", "values")
    }


def test_other_rules_are_a_change_and_no_mismatch(loaded: Loaded, acme: Any) -> None:
    rules = acme.folder / "acme.sql"
    rules.write_text(rules.read_text().replace("service AS ServiceName", "upper(service) AS ServiceName"))
    rows = [row for row in loaded.verify("--no-files") if row["level"] == "conversion"]
    assert {row["result"] for row in rows} == {"changed"}
    assert all("other rules" in row["detail"] and "--force" in row["detail"] for row in rows)
    assert run(["acme", "import-billing", "--force", "-q"]) == 0
    rows = [row for row in loaded.verify("--no-files") if row["level"] == "conversion"]
    assert {row["result"] for row in rows} == {"ok"}


@pytest.mark.parametrize("column", ["finops_version", "focus_rules"])
def test_rows_of_other_rules_are_a_change_whichever_package_brought_them(loaded: Loaded, column: str) -> None:
    loaded.alter("UPDATE focus_cost_and_usage SET ServiceName = 'Disc' WHERE ServiceName = 'Disk'")
    assert {level for _, level, _ in loaded.mismatches("--no-files")} == {"conversion", "rollup"}
    loaded.alter(f"UPDATE import_ledger SET {column} = '0.0.1'")
    assert {level for _, level, _ in loaded.mismatches("--no-files")} == {"rollup"}


def test_focus_rows_without_raw_rows_are_made_again_from_the_files(loaded: Loaded) -> None:
    assert run(["acme", "import-billing", "--no-raw", "--force", "-q"]) == 0
    for options, result in (((), "ok"), (("--no-files",), "not checked")):
        assert {row["result"] for row in loaded.verify(*options) if row["level"] == "conversion"} == {result}
    loaded.alter("UPDATE focus_cost_and_usage SET ServiceName = 'Disc' WHERE ServiceName = 'Disk'")
    assert "conversion" in {level for _, level, _ in loaded.mismatches()}


def test_a_file_that_was_replaced_behind_the_manifest_is_found(loaded: Loaded) -> None:
    loaded.bill("2024-02", cost="1.6")
    found = loaded.mismatches("acme", "2024-02")
    assert {level for _, level, _ in found} == {"files", "staged", "values"}
    assert any("SHA-256 differs" in detail for _, _, detail in found)
    assert any("cost 1.7" in detail for _, _, detail in found)
    assert {row["result"] for row in loaded.verify("acme", "2024-01")} == {"ok"}


def test_a_new_delivery_is_a_change_and_no_mismatch(loaded: Loaded, acme: Any) -> None:
    path = acme.folder / "finops_acme.py"
    path.write_text(path.read_text().replace("'v1'", "'v2'"))
    rows = loaded.verify()
    assert {row["result"] for row in rows if row["level"] == "files"} == {"changed"}
    assert {row["result"] for row in rows if row["level"] != "files"} == {"ok"}


def test_a_damaged_file_is_found(loaded: Loaded) -> None:
    (loaded.folder / "bills" / "2024-01.csv").write_bytes(b"PK\x03\x04 no zip file")
    assert [level for _, level, _ in loaded.mismatches("acme", "2024-01")] == ["files"]


def test_files_that_are_not_configured_are_not_checked_and_it_is_said(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_BUCKET")
    rows = loaded.verify()
    [said] = {row["detail"] for row in rows if row["level"] == "files"}
    assert "bucket" in said
    assert {row["result"] for row in rows if row["level"] == "files"} == {"not checked"}


def test_without_fail_on_a_mismatch_is_told_with_exit_0(loaded: Loaded) -> None:
    loaded.alter("DELETE FROM focus_cost_and_usage")
    assert run(["verify", "--no-files"]) == 0
    said = loaded.capsys.readouterr()
    assert "mismatch" in said.out
    assert "do not agree" in said.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("2024-01",), 2), (("acme", "2030-01"), 5), (("acme", "x"), 2), (("--fail-on", "x"), 2)],
)
def test_what_cannot_be_verified_is_refused(loaded: Loaded, arguments: tuple[str, ...], code: int) -> None:
    assert run(["verify", *arguments]) == code
