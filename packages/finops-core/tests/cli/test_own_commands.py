"""Commands that a provider adds: flags from its parameters, its rows in every format, mistakes told in words."""

from __future__ import annotations

import json

import pytest
from finops_core.cli import run

OWN = """
    @command(help="List the accounts.", columns=("account", "since", "cost", "main"))
    def list_accounts(
        self,
        *,
        since: Annotated[Period, "First month."],
        kinds: Annotated[tuple[str, ...], "Only these kinds."] = (),
        order: Annotated[Literal["name", "cost"], "Order of the rows."] = "name",
        most: Annotated[int | None, "Rows at most."] = None,
        closed: Annotated[bool, "Also those that are closed."] = False,
    ) -> list[dict[str, object]]:
        rows = [
            {"account": "=1+1", "since": str(since), "cost": Decimal("1.50"), "main": True},
            {"account": f"{self.bucket} {kinds} {order} {most} {closed}", "cost": Decimal(1000), "main": False},
        ]
        return rows[:most]

    def discover("""


@pytest.fixture
def accounts(acme):
    path = acme.folder / "finops_acme.py"
    source = path.read_text().replace("    def discover(", OWN.lstrip("\n"), 1)
    source = source.replace("    SourceFile,", "    SourceFile,\n    command,", 1)
    path.write_text(
        source.replace("import Any, ClassVar", "import Annotated, Any, ClassVar, Literal\nfrom decimal import Decimal")
    )
    return acme


def rows(capsys, *arguments: str) -> list[dict[str, object]]:
    assert run(["acme", "list-accounts", *arguments, "-o", "json"]) == 0
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["report"] == "list-accounts"
    return envelope["rows"]


def test_help_lists_it_beside_the_commands_that_every_provider_has(accounts, capsys):
    assert run(["acme", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.index("import-billing") < text.index("list-manifests") < text.index("list-accounts")
    assert "List the accounts." in text


def test_parameters_are_flags_of_their_types(accounts, capsys):
    assert run(["acme", "list-accounts", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--order [name|cost] Order of the rows. [default: name]" in text
    assert "--closed / --no-closed Also those that are closed." in text
    assert "--since YYYY-MM First month. [required]" in text
    assert "--bucket" in text
    assert "--table-strategy" not in text


def test_arguments_and_settings_arrive_as_values(accounts, capsys, monkeypatch):
    monkeypatch.setenv("ACME_BUCKET", "b")
    first, second = rows(capsys, "--since", "2024-01", "--kinds", "a", "--kinds", "b", "--closed", "--order", "cost")
    assert first == {"account": "=1+1", "since": "2024-01", "cost": "1.50", "main": True}
    assert second == {"account": "b ('a', 'b') cost None True", "since": None, "cost": "1000", "main": False}
    assert len(rows(capsys, "--since", "2024-01", "--most", "1")) == 1
    assert rows(capsys, "--since", "2024-01", "--most", "0") == []


def test_tables_and_csv_look_like_those_of_every_list(accounts, capsys):
    flags = ["acme", "list-accounts", "--bucket", "b", "--since", "2024-01"]
    assert run([*flags, "-o", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["account,since,cost,main", "'=1+1,2024-01,1.50,true"]
    assert run(flags) == 0
    assert "1,000" in capsys.readouterr().out


def test_each_export_is_asked(accounts, capsys):
    (accounts.workdir / "config.toml").write_text('[acme.exports.a]\nbucket = "x"\n[acme.exports.b]\nbucket = "y"\n')
    asked = rows(capsys, "--since", "2024-01")
    assert [(row["export"], row["account"].split()[0]) for row in asked[1::2]] == [("a", "x"), ("b", "y")]
    (only, _) = rows(capsys, "--since", "2024-01", "--export", "b")
    assert "export" not in only


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--bucket", "b"], "error FIN002: --since is missing: First month."),
        (["--bucket", "b", "--since", "2024"], "error FIN001: since: '2024' is not a billing month"),
        (["--since", "2024-01"], "error FIN001: acme needs the setting 'bucket'"),
        (
            ["--bucket", "b", "--since", "2024-01", "--order", "size"],
            "error FIN001: order: 'size' is none of name, cost",
        ),
    ],
    ids=["missing", "no month", "no bucket", "no choice"],
)
def test_wrong_calls_exit_with_2(accounts, capsys, arguments, line):
    assert run(["acme", "list-accounts", *arguments]) == 2
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("def list_accounts", "def list_manifests", "is called list-manifests"),
        ("def list_accounts", "def import_billing", "is called import-billing"),
        ("        since:", "        bucket:", "has a parameter 'bucket'"),
        ("        since:", "        force:", "has a parameter 'force'"),
        ('"First month."', '"First month"', "has a help text that is no sentence"),
        ("Annotated[int | None,", "Annotated[float,", "none of str"),
        ('Annotated[Period, "First month."]', "Period", "must be keyword-only and Annotated"),
        ('columns=("account", "since", "cost", "main")', "columns=()", "names no columns"),
    ],
)
def test_a_command_that_cannot_be_is_told(accounts, capsys, old, new, problem):
    path = accounts.folder / "finops_acme.py"
    source = path.read_text()
    assert source.count(old) == 1
    path.write_text(source.replace(old, new))
    assert run(["acme", "import-billing", "--bucket", "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error FIN004: command ")
    assert problem in said


def test_a_column_that_was_not_named_is_told(accounts, capsys):
    path = accounts.folder / "finops_acme.py"
    path.write_text(path.read_text().replace('"cost", "main")', '"cost")'))
    assert run(["acme", "list-accounts", "--bucket", "b", "--since", "2024-01"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "'main', which is none of its columns" in captured.err
