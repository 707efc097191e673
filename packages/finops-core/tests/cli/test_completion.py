"""Shell completion, asked as the shells' own scripts ask: commands, providers, flags, values, names of exports."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest
from finops_core.cli import run
from finops_core.cli.catalog import CATALOG

CONFIG = '[acme]\nbucket = "b"\n[acme.exports.east]\n[acme.exports.west-2]\n'


def asked(shell: str, line: str) -> dict[str, str]:
    """The environment in which a shell's script calls finops. `line` ends where the cursor is."""
    variables = {"_FINOPS_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        cursor = len(line.split()) - (0 if line.endswith(" ") else 1)
        return {**variables, "COMP_WORDS": line, "COMP_CWORD": str(cursor)}
    return {**variables, "_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}


@pytest.fixture
def offered(acme, capsys, monkeypatch):
    def ask(line: str, shell: str = "bash") -> list[str]:
        for name, value in asked(shell, line).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            run([])
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.splitlines()

    (acme.workdir / "config.toml").write_text(CONFIG)
    return ask


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("finops sta", ["status"]),
        ("finops acm", ["acme"]),
        ("finops acme ", ["import-billing", "list-manifests"]),
        ("finops config in", ["init"]),
        ("finops acme import-billing --flav", ["--flavour"]),
        ("finops acme import-billing --flavour ", ["auto", "plain", "spicy"]),
        ("finops acme import-billing --flavour sp", ["spicy"]),
        ("finops acme import-billing --table-strategy ", ["separate", "single"]),
        ("finops acme import-billing --export ", ["east", "west-2"]),
        ("finops acme list-manifests --bucket x --export we", ["west-2"]),
        ("finops config show acme --export ", ["east", "west-2"]),
        ("finops config show acme --flavour ", ["auto", "plain", "spicy"]),
        ("finops plugins check acme --export ", ["east", "west-2"]),
        ("finops status ac", ["acme"]),
        ("finops verify ac", ["acme"]),
        ("finops demo ac", ["acme"]),
        ("finops sample ac", ["acme"]),
        ("finops config show ac", ["acme"]),
        ("finops export focus --provider ac", ["acme"]),
        ("finops focus explain --provider ac", ["acme"]),
        ("finops schema diff --provider ac", ["acme"]),
        ("finops sample acme --format ", ["csv"]),
        ("finops status -o ", ["table", "json", "csv", "md"]),
        ("finops verify --fail-on ", ["mismatch"]),
        ("finops export focus --focus-version 1.", ["1.0", "1.1", "1.2", "1.3", "1.4"]),
    ],
)
def test_what_is_offered(offered, line, wanted):
    assert offered(line) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "finops acme import-billing --start-date ",
        "finops acme list-manifests --end-date ",
        "finops verify acme ",
        "finops schema diff ",
        "finops export focus --start-date ",
        "finops sample acme --redeliver ",
    ],
)
def test_months_are_offered_newest_first(offered, line):
    found = offered(line)
    assert found[0] == f"{dt.datetime.now(dt.UTC):%Y-%m}"
    assert found == sorted(found, reverse=True)
    assert len(found) == 13


def test_every_command_is_offered(offered):
    assert {entry.name for entry in CATALOG} | {"acme"} <= set(offered("finops "))


def test_exports_are_those_of_the_file_that_is_named(offered, acme, monkeypatch):
    (acme.workdir / "other.toml").write_text("[acme.exports.north]\n")
    assert offered("finops acme import-billing --config other.toml --export ") == ["north"]
    monkeypatch.setenv("FINOPS_CONFIG", "other.toml")
    assert offered("finops acme import-billing --export ") == ["north"]


@pytest.mark.parametrize("text", ["[acme", "[acme]\nexports = 3\n", ""], ids=["no TOML", "no tables", "empty"])
def test_a_file_that_is_broken_is_no_error_before_the_command_runs(offered, acme, text):
    (acme.workdir / "config.toml").write_text(text)
    assert not "".join(offered("finops acme import-billing --export ")).strip()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_the_same(offered, shell):
    said = "\n".join(offered("finops acme import-billing --export ", shell))
    assert all(name in said for name in ("east", "west-2"))
    said = "\n".join(offered("finops acme li", shell))
    assert "list-manifests" in said
    assert "List what is delivered" in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(acme, shell):
    done = acme.run(_FINOPS_COMPLETE=f"source_{shell}")
    assert "complete_" + shell in done.stdout
    assert "finops" in done.stdout


def test_bash_itself_offers_what_it_is_told(acme, tmp_path):
    (acme.workdir / "config.toml").write_text(CONFIG)
    (tmp_path / "finops").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m finops_core "$@"\n')
    (tmp_path / "finops").chmod(0o755)
    script = (
        'eval "$(_FINOPS_COMPLETE=source_bash finops)"; complete -p finops; '
        'COMP_WORDS=(finops acme import-billing --export ""); COMP_CWORD=4; _finops_completion finops; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = acme.environment()
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=acme.workdir, env=environment, capture_output=True, text=True, check=True)
    registered, *names = done.stdout.splitlines()
    assert "-F _finops_completion finops" in registered
    assert names == ["east", "west-2"]


@pytest.mark.parametrize("line", ["finops ", "finops acme import-billing --export ", "finops acme import-billing --"])
def test_completing_loads_nothing_heavy(acme, line):
    acme.install("other", "finops_other", "raise RuntimeError('must not be imported')")
    (acme.workdir / "config.toml").write_text(CONFIG)
    program = (
        "import sys\nfrom finops_core.cli import run\n"
        "try:\n    run([])\nfinally:\n    sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=acme.workdir,
        env=acme.environment(**asked("bash", line)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip()
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"dlt", "duckdb", "boto3", "botocore", "pyarrow", "rich", "sqlglot", "azure", "google"}
    assert ("finops_acme" in loaded) == ("acme" in line)


@pytest.mark.parametrize(
    ("line", "wanted"), [("finops dis", {"disputed"}), ("finops rott", {"rotten"}), ("finops rotten ", set())]
)
def test_it_works_beside_a_broken_and_a_disputed_provider(acme, line, wanted):
    acme.install("rotten", "finops_rotten", "import a_module_that_nobody_has")
    acme.install("disputed", "finops_one", "", distribution="one")
    acme.install("disputed", "finops_two", "", distribution="two")
    done = acme.run(**asked("bash", line))
    assert set(done.stdout.split()) == wanted
    assert done.stderr == "", "an error would be written into the command line"
