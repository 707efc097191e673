"""A provider's commands end to end: import, list, status, sample, demo, on a third party's provider."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from finops_core.cli import run

MONTHS = ("2024-01", "2024-02", "2024-03")


def bills(folder: Path, cost: str = "1.5") -> str:
    """Three months with two rows each. Returns the URL of their folder."""
    folder.mkdir(exist_ok=True)
    for number, month in enumerate(MONTHS, 1):
        rows = f"service,cost,currency,day\nCompute,{cost},USD,{month}-01\nStorage,{number}.25,EUR,{month}-02\n"
        (folder / f"{month}.csv").write_text(rows)
    return folder.as_uri()


@pytest.fixture
def bucket(acme) -> str:
    return bills(acme.workdir / "bills")


def rows_of(capsys, *arguments: str) -> list[dict]:
    assert run([*arguments, "-o", "json"]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def test_import_then_status_then_nothing_to_do(bucket, capsys):
    assert run(["acme", "import-billing", "--bucket", bucket]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    last = captured.err.splitlines()[-1]
    assert re.match(r"loaded 3 periods: 3 files, \d+ B, 6 rows, cost 6.75 EUR, 4.50 USD; 0 skipped, 0 failed", last)
    rows = rows_of(capsys, "status", "acme")
    assert [row["billing_period"] for row in rows] == list(MONTHS)
    assert {row["provider"] for row in rows} == {"acme"}
    assert [Decimal(row["cost"]["EUR"]) for row in rows] == [Decimal("1.25"), Decimal("2.25"), Decimal("3.25")]
    assert [row["rows"] for row in rows] == [2, 2, 2]
    assert set(rows[0]) >= {"provider", "export", "billing_period", "version", "state", "rows", "cost", "loaded_at"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", rows[0]["loaded_at"])

    assert run(["acme", "import-billing", "--bucket", bucket]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "nothing to do: 3 periods up to date"


def test_a_ledger_of_an_earlier_version_is_read_and_grows(bucket, capsys, acme):
    import duckdb

    assert run(["acme", "import-billing", "--bucket", bucket, "-q"]) == 0
    with duckdb.connect(str(acme.workdir / "data" / "finops.duckdb")) as connection:
        connection.execute("ALTER TABLE acme_billing.import_ledger DROP COLUMN focus_rules")
    assert [row["billing_period"] for row in rows_of(capsys, "status", "acme")] == list(MONTHS)
    assert run(["verify", "--fail-on", "mismatch"]) == 0
    capsys.readouterr()
    assert run(["acme", "import-billing", "--bucket", bucket, "--force", "-q"]) == 0
    with duckdb.connect(str(acme.workdir / "data" / "finops.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT count(*), count(focus_rules) FROM acme_billing.import_ledger").fetchall()
    assert found == [(6, 3)]


def test_the_environment_alone_is_enough(bucket, capsys, monkeypatch, acme):
    monkeypatch.setenv("ACME_BUCKET", bucket)
    monkeypatch.setenv("PROJECT_DATA_DIR", "elsewhere")
    assert run(["acme", "import-billing", "--start-date", "2024-02", "--end-date", "2024-02", "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert (acme.workdir / "elsewhere" / "finops.duckdb").exists()
    assert [row["billing_period"] for row in rows_of(capsys, "status")] == ["2024-02"]


def test_list_manifests_shows_the_plan_and_changes_nothing(bucket, capsys, acme):
    rows = rows_of(capsys, "acme", "list-manifests", "--bucket", bucket)
    assert [row["billing_period"] for row in rows] == list(MONTHS)
    assert {row["action"] for row in rows} == {"load"}
    assert rows[0]["loaded_version"] is None
    assert (rows[0]["format"], rows[0]["files"]) == ("csv", 1)
    assert rows[0]["bytes"] == (acme.workdir / "bills" / "2024-01.csv").stat().st_size
    assert not (acme.workdir / "data" / "finops.duckdb").exists()

    assert run(["acme", "import-billing", "--bucket", bucket, "--end-date", "2024-01"]) == 0
    bills(acme.workdir / "bills", cost="9.75")
    capsys.readouterr()
    assert run(["acme", "list-manifests", "--bucket", bucket, "-o", "csv"]) == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["action"] for row in listed] == ["reload", "load", "load"]
    assert listed[0]["loaded_version"] == rows[0]["version"]
    assert listed[0]["version"] != rows[0]["version"]


def test_dry_run_changes_nothing(bucket, capsys, acme):
    assert run(["acme", "import-billing", "--bucket", bucket, "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert all(month in captured.out for month in MONTHS)
    assert "nothing was changed" in captured.err
    assert not (acme.workdir / "data" / "finops.duckdb").exists()


def test_a_bad_period_fails_and_the_others_load(bucket, capsys, acme):
    (acme.workdir / "bills" / "2024-02.csv").write_text("service,cost,currency,day\nCompute,much,USD,2024-02-01\n")
    assert run(["acme", "import-billing", "--bucket", bucket]) == 1
    said = capsys.readouterr().err
    assert "error FIN021" in said
    assert "error FIN040: 1 import failed" in said
    assert "  where: bills 2024-02" in said
    assert "2 periods" in said
    assert [row["billing_period"] for row in rows_of(capsys, "status")] == ["2024-01", "2024-03"]


def test_nothing_delivered_is_exit_5(bucket, capsys):
    assert run(["acme", "import-billing", "--bucket", bucket, "--start-date", "2030-01"]) == 5
    assert "error FIN011" in capsys.readouterr().err


def test_a_list_of_nothing_is_no_error(bucket, capsys):
    later = ["--bucket", bucket, "--start-date", "2030-01"]
    said = "Acme Cloud: there is no delivery from 2030-01 to the last month"
    assert run(["acme", "list-manifests", *later, "-o", "json"]) == 0
    envelope = json.loads(capsys.readouterr().out)
    assert (envelope["rows"], envelope["notes"]) == ([], [said])
    for command in (["list-manifests"], ["import-billing", "--dry-run"]):
        assert run(["acme", *command, *later]) == 0
        assert f"note: {said}\n" in capsys.readouterr().err


def test_refused_is_exit_4(bucket, capsys, acme):
    source = (acme.folder / "finops_acme.py").read_text()
    refusal = "from finops_core.errors import AccessError; raise AccessError('refused', hint='log in'); store = Dir"
    (acme.folder / "finops_acme.py").write_text(source.replace("store = Dir", refusal, 1))
    assert run(["acme", "import-billing", "--bucket", bucket]) == 4
    assert capsys.readouterr().err.splitlines() == ["error FIN010: refused", "  hint:  log in"]


EXPORTS = """
[project]
data_dir = "store"

[acme.exports.east]
bucket = "{east}"
[acme.exports.west]
bucket = "{west}"
table_strategy = "single"
"""


def test_every_export_runs_and_one_that_fails_does_not_keep_the_others(acme, capsys):
    east = bills(acme.workdir / "east")
    (acme.workdir / "config.toml").write_text(EXPORTS.format(east=east, west="file:///not/there"))
    assert run(["acme", "import-billing"]) == 1
    said = capsys.readouterr().err
    assert "export east" in said
    assert "error FIN011" in said
    assert "  where: export west" in said
    assert {row["dataset_name"] for row in rows_of(capsys, "status")} == {"acme_billing_east"}

    west = bills(acme.workdir / "west")
    (acme.workdir / "config.toml").write_text(EXPORTS.format(east=east, west=west))
    assert run(["acme", "import-billing", "--export", "west"]) == 0
    capsys.readouterr()
    assert len(rows_of(capsys, "status")) == 6
    assert len(rows_of(capsys, "acme", "list-manifests")) == 6


def test_config_show_tells_where_each_value_comes_from(acme, capsys, monkeypatch):
    text = '[project]\n\n[acme]\nbucket = "from file"\ntoken = "hunter2"\nflavour = "plain"\n[zebra]\nstripes = 3\n'
    (acme.workdir / "config.toml").write_text(text)
    monkeypatch.setenv("ACME_FLAVOUR", "spicy")
    monkeypatch.setenv("FINOPS_ACME_PAGES", "7")
    assert run(["config", "show", "--origin", "-o", "json", "--data-dir", "there"]) == 0
    output = capsys.readouterr().out
    assert "hunter2" not in output
    envelope = json.loads(output)
    shown = {(row["section"], row["setting"]): (row["value"], row["origin"]) for row in envelope["rows"]}
    assert shown["acme", "bucket"] == ("from file", "config.toml:4")
    assert shown["acme", "token"] == ("********", "config.toml:5")
    assert shown["acme", "flavour"] == ("spicy", "environment ACME_FLAVOUR")
    assert shown["acme", "pages"] == ("7", "environment FINOPS_ACME_PAGES")
    assert shown["acme", "audited"] == ("false", "default")
    assert shown["acme", "dataset_name"] == ("acme_billing", "default")
    assert shown["project", "data_dir"] == ("there", "flag --data-dir")
    assert any("[zebra] is read by no installed provider" in note for note in envelope["notes"])


def test_config_show_takes_the_flags_of_a_provider(acme, capsys, monkeypatch):
    """Flag > environment > file, for one setting after the other."""
    text = '[acme]\nbucket = "a"\npages = 1\nflavour = "plain"\n[acme.exports.east]\n[acme.exports.west]\npages = 2\n'
    (acme.workdir / "config.toml").write_text(text)
    monkeypatch.setenv("ACME_PAGES", "3")
    flags = ["--pages", "4", "--no-audited", "--export", "west"]
    for words in (["acme", "--origin", *flags], [*flags, "--origin", "acme"]):
        assert run(["config", "show", *words, "-o", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert {row["section"] for row in rows} == {"project", "acme"}
        assert {row["export"] for row in rows if row["section"] == "acme"} == {"west"}
        shown = {row["setting"]: (row["value"], row["origin"]) for row in rows}
        assert shown["bucket"] == ("a", "config.toml:2")
        assert shown["pages"] == ("4", "flag --pages")
        assert shown["audited"] == ("false", "flag --audited")
        assert shown["flavour"] == ("plain", "config.toml:4")
    assert run(["config", "show", "acme", "--pages", "many"]) == 2
    assert run(["config", "show", "--pages", "4"]) == 2
    assert run(["config", "show", "zebra"]) == 2
    assert run(["config", "show", "acme", "--help"]) == 0
    assert "--pages NUMBER" in capsys.readouterr().out


def test_config_show_without_origin_has_no_origin(acme, capsys):
    assert run(["config", "show", "-o", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "section,export,setting,value"


@pytest.mark.parametrize(
    ("toml", "line", "says"),
    [
        ("[acme]\nbukcet = 'x'\n", 2, "did you mean 'bucket'?"),
        ("[acmee]\n", 1, "did you mean [acme]?"),
        ("[acme]\npages = 'ten'\n", 2, "Pages to ask for."),
        ("[acme]\nstart_date = 2024-01\n", 2, "quotes"),
    ],
)
def test_mistakes_in_the_file_stop_every_command_that_reads_it(acme, capsys, toml, line, says):
    (acme.workdir / "config.toml").write_text(toml)
    for command in (["acme", "import-billing"], ["acme", "list-manifests"], ["config", "show"]):
        assert run(command) == 2
        said = capsys.readouterr().err
        assert f"config.toml:{line}" in said
        assert says in said
        assert len(said.splitlines()) == 3


def test_config_init_writes_what_config_show_can_read(acme, capsys):
    assert run(["config", "init"]) == 0
    assert capsys.readouterr().out == "config.toml\n"
    text = Path("config.toml").read_text()
    assert "# --bucket, ACME_BUCKET\n# bucket = " in text
    assert "# token" not in text
    assert "ACME_TOKEN" in text
    assert run(["config", "show"]) == 0

    assert run(["config", "init"]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    Path("config.toml").write_text("")
    assert run(["config", "init", "--force"]) == 0
    assert Path("config.toml").read_text() == text


def test_every_setting_in_the_template_can_be_uncommented(acme, capsys):
    assert run(["config", "init"]) == 0
    lines = Path("config.toml").read_text().splitlines()
    live = [line.removeprefix("# ") if re.match(r"# [a-z_]+ = ", line) else line for line in lines]
    assert len([line for line in live if " = " in line and not line.startswith("#")]) >= 14
    Path("config.toml").write_text("\n".join(live))
    capsys.readouterr()
    assert run(["config", "show"]) == 0


def test_config_path(acme, capsys, monkeypatch):
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{Path('config.toml').absolute()}\n"
    monkeypatch.setenv("FINOPS_CONFIG", "other.toml")
    assert run(["config", "path"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("other.toml\n")
    assert "it is not there" in captured.err


def test_sample_prints_a_command_that_imports_it(acme, capsys):
    assert run(["sample", "acme", "--out", "some bills", "--months", "2", "--rows", "40"]) == 0
    line = capsys.readouterr().out.strip()
    assert line.startswith("finops acme import-billing --bucket file://")
    assert run(line.split()[1:]) == 0
    assert "40 rows" in capsys.readouterr().err


def test_sample_of_a_format_that_does_not_exist(acme, capsys):
    assert run(["sample", "acme", "--out", "x", "--format", "csw"]) == 2
    assert "did you mean 'csv'?" in capsys.readouterr().err


def test_demo_shows_a_table_that_ties_out_and_touches_nothing_else(acme, capsys):
    assert run(["demo", "acme", "--rows", "300"]) == 0
    captured = capsys.readouterr()
    table = captured.out.splitlines()
    assert table[0].split() == ["provider", "service", "2024-01", "2024-02", "2024-03", "total"]
    per_month = sum(Decimal(row) + Decimal("0.5") for row in range(100))
    assert table[-1].split() == ["total", *[f"{per_month:,.2f}"] * 3, f"{3 * per_month:,.2f}", "USD"]
    assert "try next: finops status --config finops-demo/config.toml" in captured.err
    assert [path.name for path in Path().iterdir()] == ["finops-demo"]
    assert run(["demo", "acme"]) == 0
    captured = capsys.readouterr()
    assert "nothing to do: 3 periods up to date" in captured.err
    assert captured.out.splitlines() == table


def test_lists_go_to_a_file_whose_suffix_chooses_the_format(acme, capsys):
    assert run(["plugins", "list", "--out", "plugins.json"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(Path("plugins.json").read_text())["report"] == "plugins"


def test_status_before_anything_is_loaded_is_empty_and_fine(acme, capsys):
    assert rows_of(capsys, "status") == []


def test_the_installed_script_is_the_same_program():
    script = Path(sys.executable).parent / "finops"
    assert script.exists() or script.with_suffix(".exe").exists()
