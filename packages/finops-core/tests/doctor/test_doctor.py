"""`finops doctor`: everything that keeps an import from working is found, with the fix; nothing is changed."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core import doctor
from finops_core.cli import run
from finops_core.errors import DestinationError
from finops_core.ledger import LedgerEntry
from finops_core.periods import Period

NOW = dt.datetime(2024, 3, 20, 12, tzinfo=dt.UTC)


class Doctor:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
        self.capsys.readouterr()
        assert run(["doctor", *arguments, "-o", "json"]) == code
        rows = json.loads(self.capsys.readouterr().out)["rows"]
        return {row["check"]: row for row in rows}


@pytest.fixture
def examine(acme: Any, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(acme.workdir, capsys)


def bills(examine: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = examine.folder / "bills"
    folder.mkdir()
    (folder / "2024-01.csv").write_text("service,cost,currency,day\nCompute,1,USD,2024-01-01\n")
    monkeypatch.setenv("ACME_BUCKET", folder.as_uri())


def test_a_fresh_installation_is_fine_and_nothing_is_made(examine: Doctor) -> None:
    found = examine()
    assert {row["verdict"] for row in found.values()} <= {"ok", "warn"}
    assert found["provider acme"]["detail"] == "finops-acme 1.2.3, contract 1"
    assert found["configuration"]["verdict"] == "warn"
    assert "config init" in found["configuration"]["fix"]
    assert "nothing is imported yet" in found["destination"]["detail"]
    assert not list(examine.folder.iterdir())


def test_what_is_loaded_and_how_old_it_is(examine: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    bills(examine, monkeypatch)
    assert run(["acme", "import-billing", "-q"]) == 0
    found = examine()
    assert found["configuration"]["detail"] == "configured: acme"
    assert "billing periods loaded: 1" in found["destination"]["detail"]
    assert found["freshness acme_billing"]["verdict"] == "warn"
    assert "2024-01" in found["freshness acme_billing"]["detail"]
    assert found["freshness acme_billing"]["fix"] == "finops acme import-billing"
    assert "bills of acme" not in found, "clouds are asked with --online only"


def test_the_cloud_is_asked_with_online(examine: Doctor, acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bills(examine, monkeypatch)
    assert examine("--online")["bills of acme"]["verdict"] == "ok"
    source = (acme.folder / "finops_acme.py").read_text()
    refusal = "from finops_core.errors import AccessError; raise AccessError('refused', hint='log in'); store = Dir"
    (acme.folder / "finops_acme.py").write_text(source.replace("store = Dir", refusal, 1))
    monkeypatch.delitem(__import__("sys").modules, "finops_acme")
    row = examine("--online", code=1)["bills of acme"]
    assert (row["verdict"], row["detail"], row["fix"]) == ("fail", "refused", "log in")


def test_a_mistake_in_the_configuration_is_a_failure(examine: Doctor) -> None:
    (examine.folder / "config.toml").write_text("[acme]\nbuckte = 'file:///x'\n")
    row = examine(code=1)["configuration"]
    assert row["verdict"] == "fail"
    assert "bucket" in row["fix"] + row["detail"]


def test_a_setting_that_is_missing_is_a_failure(examine: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_PAGES", "3")
    assert "'bucket'" in examine(code=1)["configuration"]["detail"]


def test_a_broken_provider_is_told_and_the_others_go_on(examine: Doctor, acme: Any) -> None:
    acme.install("broken", "finops_broken", "import no_such_module\n")
    found = examine(code=1)
    assert found["provider broken"]["verdict"] == "fail"
    assert "pip" in found["provider broken"]["fix"]
    assert found["provider acme"]["verdict"] == "ok"


def test_a_database_that_is_in_use_is_a_warning(examine: Doctor, acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (examine.folder / "data").mkdir()
    with duckdb.connect(str(examine.folder / "data" / "finops.duckdb")):
        row = examine("--lock-wait", "0")["destination"]
    assert row["verdict"] == "warn"
    assert "in use" in row["detail"]


def test_a_file_that_is_no_database_is_a_failure(examine: Doctor) -> None:
    (examine.folder / "data").mkdir()
    (examine.folder / "data" / "finops.duckdb").write_text("not a database" * 500)
    assert examine(code=1)["destination"]["verdict"] == "fail"


def test_a_destination_that_does_not_exist_is_a_failure(examine: Doctor) -> None:
    assert examine("--destination", "nosuch://x", code=1)["destination"]["verdict"] == "fail"


def test_a_data_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    [found] = doctor.data_directory(tmp_path / "file" / "data")
    assert found.verdict == "fail"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    [found] = doctor.data_directory(tmp_path)
    assert (found.verdict, bool(found.fix)) == ("fail", True)


def test_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**9}))
    [_, room] = doctor.data_directory(tmp_path)
    assert (room.verdict, room.detail) == ("warn", "1.0 GB")


@pytest.mark.parametrize(
    ("period", "days", "now", "verdict"),
    [
        ("2024-03", 0, NOW, "ok"),
        ("2024-03", 2, NOW, "ok"),
        ("2024-03", 3, NOW, "warn"),
        ("2024-02", 0, NOW, "warn"),
        ("2024-02", 0, NOW.replace(day=2), "ok"),
        ("2024-01", 0, NOW.replace(day=2), "warn"),
    ],
)
def test_freshness(period: str, days: int, now: dt.datetime, verdict: str) -> None:
    at = now.replace(tzinfo=None) - dt.timedelta(days=days, hours=1)
    entry = LedgerEntry("acme_billing", "acme", "bills", Period.parse(period), "v", "bill", 1, {}, at)
    [found] = doctor.freshness([entry], now)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("periods", "verdict", "detail"),
    [
        (["2024-01"], "ok", "2024-01 to 2024-01"),
        (["2024-01", "2023-12", "2023-11"], "ok", "2023-11 to 2024-01"),
        (["2023-11", "2024-01"], "warn", "2023-11 to 2024-01 without 2023-12"),
        (["2023-01", "2024-01"], "warn", "2023-01 to 2024-01 without 2023-02, 2023-03, 2023-04 and 8 more"),
    ],
)
def test_months_in_between(periods: list[str], verdict: str, detail: str) -> None:
    at = NOW.replace(tzinfo=None)
    entries = [
        LedgerEntry("acme_billing", "acme", "bills", Period.parse(period), "v", "bill", 1, {}, at) for period in periods
    ]
    [found] = doctor.months(entries)
    assert (found.check, found.verdict, found.detail) == ("months acme_billing", verdict, detail)
    assert bool(found.fix) == (verdict == "warn")


def test_one_bill_in_two_schemas_is_a_warning(examine: Doctor, acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = acme.folder / "acme.sql"
    sql.write_text(sql.read_text().replace("service AS ServiceName", "service AS SubAccountId, service AS ServiceName"))
    bills(examine, monkeypatch)
    assert run(["acme", "import-billing", "-q"]) == 0
    assert "counted once" not in examine(), "there is one schema"
    other = examine.folder / "other"
    other.mkdir()
    (other / "2024-01.csv").write_text("service,cost,currency,day\nStorage,2,USD,2024-01-01\n")
    arguments = ["acme", "import-billing", "-q", "--dataset-name", "second", "--bucket", other.as_uri()]
    assert run(arguments) == 0
    assert examine()["counted once"]["verdict"] == "ok"

    (other / "2024-01.csv").write_text("service,cost,currency,day\nCompute,2,USD,2024-01-01\n")
    assert run(arguments) == 0
    row = examine()["counted once"]
    assert row["verdict"] == "warn"
    assert "acme_billing and second both hold account Compute in 2024-01:" in row["detail"]

    (other / "2024-01.csv").write_text("service,cost,currency,day\nStorage,3,USD,2024-01-01\n")
    assert run(arguments) == 0
    assert examine()["counted once"]["verdict"] == "ok", "an earlier version counts no more"


def test_views_over_what_was_removed_by_hand_are_a_failure(
    examine: Doctor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bills(examine, monkeypatch)
    for schema in ("acme_billing", "second"):
        assert run(["acme", "import-billing", "-q", "--dataset-name", schema]) == 0
    assert examine()["views"]["verdict"] == "ok"
    with duckdb.connect(str(examine.folder / "data" / "finops.duckdb")) as connection:
        connection.execute("DROP SCHEMA second CASCADE")

    row = examine(code=1)["views"]
    assert row["verdict"] == "fail"
    assert row["detail"].startswith("focus.cost_and_usage, focus.cost_rollup cannot be read")
    assert run(["export", "focus", "--out", "focus.csv"]) == DestinationError.exit_code
    assert "cannot be read" in capsys.readouterr().err

    advice = row["fix"].split()
    assert advice == ["finops", "acme", "import-billing", "--force", "--start-date", "2024-01"]
    assert run([*advice[1:], "-q"]) == 0
    assert examine()["views"]["verdict"] == "ok"
    assert run(["export", "focus", "--out", "focus.csv"]) == 0
