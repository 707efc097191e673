"""`finops plugins check`: what is wrong with a package or with a user's settings, told without reading a bill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from finops_core import Period
from finops_core.cli.main import run
from finops_core.config import Sources
from finops_core.errors import ProviderMissing
from finops_core.plugin_check import check, failed, listing
from finops_sound.provider import Sound
from sound_bills import SoundBills

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def bills(tmp_path: Path) -> SoundBills:
    folder = tmp_path / "bills"
    folder.mkdir()
    bills = SoundBills(folder, Sound)
    for month in (1, 2, 3):
        bills.deliver(Period(2024, month), 5)
    return bills


def states(name: str, bills: SoundBills) -> dict[str, str]:
    found = check(name, Sources({"bucket": bills.folder.as_uri()}))
    return {verdict.check: verdict.state for verdict in found}


GOOD = {
    "installed": "ok",
    "contract": "ok",
    "start-up": "ok",
    "settings": "ok",
    "FOCUS of bill": "ok",
    "secrets": "ok",
    "discovery": "ok",
    "versions": "ok",
}


def test_a_sound_provider_has_nothing_to_be_told(bills: SoundBills) -> None:
    assert states("hoarder", bills) == GOOD, "memory is nothing that can be seen without reading bills"


def test_no_bill_is_read(bills: SoundBills) -> None:
    """Without the files of the bills the answer is the same."""
    files = list(bills.folder.rglob("*.csv"))
    assert files
    for file in files:
        file.unlink()
    assert states("shuffled", bills) == GOOD


@pytest.mark.parametrize(
    ("name", "row", "state"),
    [
        ("leadselsewhere", "contract", "fail"),
        ("withoutcontract", "contract", "warn"),
        ("heavy", "start-up", "warn"),
        ("undocumented", "settings", "warn"),
        ("takenname", "settings", "fail"),
        ("lackscolumns", "FOCUS of bill", "fail"),
        ("floatingpoint", "FOCUS of bill", "fail"),
        ("plaintoken", "secrets", "fail"),
        ("foreign", "discovery", "fail"),
        ("unsteady", "versions", "fail"),
    ],
)
def test_what_is_wrong_stands_in_its_row_alone(name: str, row: str, state: str, bills: SoundBills) -> None:
    found = states(name, bills)
    assert found == {key: state if key == row else good for key, good in GOOD.items() if key in found}
    assert found[row] == state


def test_a_place_that_is_not_there_is_told_with_what_to_do(bills: SoundBills) -> None:
    *_, last = check("chatty", Sources({"bucket": "file:///nowhere/at/all"}))
    assert (last.check, last.state) == ("discovery", "fail")
    assert last.detail == "FIN011: there is no such directory (/nowhere/at/all)"
    assert "file:// URL" in last.hint


def test_a_bad_manifest_is_a_warning_about_its_month(bills: SoundBills) -> None:
    (bills.folder / "2024-02" / "manifest.json").write_text("{")
    found = {verdict.check: verdict for verdict in check("chatty", Sources({"bucket": bills.folder.as_uri()}))}
    assert found["discovery"].state == "ok"
    assert found["deliveries"].state == "warn"
    assert found["deliveries"].detail.startswith("2024-02: the manifest cannot be read")


def test_a_provider_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(ProviderMissing):
        listing("nobody", check("nobody", Sources()))


def test_only_failures_fail(bills: SoundBills) -> None:
    sources = Sources({"bucket": bills.folder.as_uri()})
    assert not failed(listing("undocumented", check("undocumented", sources)))
    assert failed(listing("plaintoken", check("plaintoken", sources)))


def test_the_command_exits_with_1_on_a_failure_and_its_rows_are_json(
    bills: SoundBills, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSTEADY_BUCKET", bills.folder.as_uri())
    assert run(["plugins", "check", "unsteady", "-o", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["check"] for row in rows if row["state"] == "fail"] == ["versions"]
    assert set(rows[0]) == {"check", "state", "detail", "hint"}
    monkeypatch.setenv("SHUFFLED_BUCKET", bills.folder.as_uri())
    assert run(["plugins", "check", "shuffled"]) == 0


def test_the_command_writes_a_package_and_prints_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["plugins", "new", "zeta", "--out", "src"]) == 0
    assert capsys.readouterr().out == "src/finops-zeta\n"
    assert (tmp_path / "src" / "finops-zeta" / "pyproject.toml").is_file()
    assert run(["plugins", "new", "zeta", "--out", "src"]) == 2
    assert "there already" in capsys.readouterr().err
