"""Starting up: what `finops` costs before it works, exit codes, and how a mistake is said."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import finops_core
import pytest
from finops_core.cli import run
from finops_core.cli.catalog import CATALOG, GROUPS

HEAVY = ("dlt", "duckdb", "boto3", "botocore", "pyarrow", "pydantic", "rich", "sqlglot", "concurrent.futures.thread")


def imported_by(acme, *arguments: str) -> set[str]:
    program = (
        "import sys; from finops_core.cli import run; code = run(sys.argv[1:]); "
        "sys.stderr.write('\\n'.join(['MODULES', *sys.modules])); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=acme.workdir,
        env=acme.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split("MODULES\n")[1].split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_help_and_version_import_nothing_heavy(acme, arguments):
    modules = imported_by(acme, *arguments)
    assert not modules & set(HEAVY)
    assert not [name for name in modules if name.startswith("finops_") and not name.startswith("finops_core")]


@pytest.mark.parametrize("arguments", [("acme", "--help"), ("acme", "import-billing", "--help"), ("status", "--help")])
def test_help_of_a_provider_imports_that_provider_and_no_sdk(acme, arguments):
    acme.install("other", "finops_other", "raise RuntimeError('must not be imported')")
    modules = imported_by(acme, *arguments)
    assert not modules & {"dlt", "duckdb", "boto3", "pyarrow", "rich"}
    assert ("finops_acme" in modules) == (arguments[0] == "acme")


def test_help_is_grouped_and_has_one_example(acme, capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    positions = [text.index(f"\n{group}:") for group in GROUPS]
    assert positions == sorted(positions)
    assert "acme" in text[positions[1] : positions[2]]
    assert "acme bills, by a third party" in text
    assert text.count("Example:") == 1
    assert all(entry.name in text for entry in CATALOG)


def test_help_of_sample_names_values_and_not_types(capsys):
    assert run(["sample", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--format FORMAT " in text and "--months MONTHS " in text
    assert "<" not in text


COMMANDS = [
    ("demo",),
    ("config", "show"),
    ("config", "init"),
    ("config", "path"),
    ("status",),
    ("sample",),
    ("plugins", "list"),
    ("acme", "import-billing"),
    ("acme", "list-manifests"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_and_the_global_flags(acme, capsys, command):
    assert run([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("Example:\n    finops ") == 1
    assert all(flag in text for flag in ("-h, --help", "-q, --quiet", "-v, --verbose", "--debug"))


def test_groups_without_a_command_show_their_help(acme, capsys):
    for group in (["config"], ["plugins"], ["acme"], []):
        assert run(group) == 0
        assert "Usage: finops" in capsys.readouterr().out


def test_version_lists_the_providers(acme, capsys):
    assert run(["--version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"finops {finops_core.__version__}"
    assert "acme 1.2.3 (finops-acme)" in lines


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            ["stauts"],
            ["error FIN002: there is no command 'stauts'", "  where: finops", "  hint:  did you mean 'status'?"],
        ),
        (
            ["acme", "import-biling"],
            [
                "error FIN002: there is no command 'import-biling'",
                "  where: finops acme",
                "  hint:  did you mean 'import-billing'?",
            ],
        ),
        (["status", "acmee"], ["error FIN003: provider 'acmee' is not installed"]),
        (["acme", "import-billing", "--bukcet", "x"], ["error FIN002: No such option: --bukcet"]),
        (
            ["acme", "import-billing", "--bucket"],
            ["error FIN002: Option '--bucket' requires an argument.", "  where: finops acme import-billing"],
        ),
        (["sample", "acme"], ["error FIN002: Missing option '--out'."]),
        (["sample", "acme", "--out", "x", "--months", "0"], ["error FIN002: Invalid value for '--months'"]),
        (["plugins", "list", "-o", "xml"], ["error FIN002: there is no output format 'xml'"]),
        (["acme", "import-billing"], ["error FIN001: acme needs the setting 'bucket'"]),
        (["acme", "import-billing", "--no-raw", "--no-focus"], ["error FIN002: --no-focus and --no-raw together"]),
        (["acme", "import-billing", "--start-date", "2024"], ["error FIN001: start_date: '2024' is not a billing"]),
        (["acme", "import-billing", "--export", "x"], ["error FIN002: there is no export 'x'", "  where: --export"]),
        (["status", "--destination", "carrier-pigeon:x"], ["error FIN001: "]),
        (["status", "--config", "no.toml"], ["error FIN001: the configuration cannot be read"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2_and_say_three_lines(acme, capsys, arguments, lines):
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    said = captured.err.splitlines()
    assert len(said) <= 3
    assert "Traceback" not in captured.err
    for wanted, line in zip(lines, said, strict=False):
        assert line.startswith(wanted)


def test_a_provider_that_is_not_installed_says_what_to_install(acme, capsys):
    assert run(["zebra", "import-billing", "--bucket", "x"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error FIN003: provider 'zebra' is not installed",
        f"  where: installed providers: {', '.join(finops_core.registry.names())}",
        "  hint:  pip install finops-zebra",
    ]


def test_a_broken_provider_breaks_only_itself(acme):
    acme.install("rotten", "finops_rotten", "import a_module_that_nobody_has", commands=("rotten.import-x",))
    broken = acme.run("rotten", "import-x")
    assert broken.returncode == 1
    assert "error FIN004: provider 'rotten' cannot be used" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert "Traceback" in acme.run("--debug", "rotten", "import-x").stderr
    assert acme.run("acme", "list-manifests", "--help").returncode == 0
    listed = json.loads(acme.run("plugins", "list", "-o", "json").stdout)["rows"]
    assert {
        "name": "rotten",
        "version": "1.2.3",
        "distribution": "finops-rotten",
        "import_command": "import-x",
    } in listed
    assert "rotten" in acme.run("--help").stdout


def test_an_unexpected_error_is_said_in_three_lines_too(acme):
    source = (acme.folder / "finops_acme.py").read_text()
    (acme.folder / "finops_acme.py").write_text(source.replace("store = Dir", "1 / 0; store = Dir", 1))
    done = acme.run("acme", "list-manifests", "--bucket", "file:///nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error FIN000: unexpected ZeroDivisionError: division by zero"
    assert len(done.stderr.splitlines()) == 3
    debugged = acme.run("acme", "list-manifests", "--bucket", "file:///nowhere", "--debug")
    assert debugged.returncode == 1
    assert "Traceback" in debugged.stderr


def test_ctrl_c_exits_with_130(acme):
    source = (acme.folder / "finops_acme.py").read_text()
    wait = "import time; print('waiting', flush=True); time.sleep(60); store = Dir"
    (acme.folder / "finops_acme.py").write_text(source.replace("store = Dir", wait, 1))
    process = subprocess.Popen(
        [sys.executable, "-m", "finops_core", "acme", "import-billing", "--bucket", "file:///nowhere"],
        cwd=acme.workdir,
        env=acme.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "interrupted: what was not yet committed has changed nothing\n"


def test_global_flags_stand_anywhere(acme, capsys):
    for arguments in (["-q", "config", "path"], ["config", "-q", "path"], ["config", "path", "-q"]):
        assert run(arguments) == 0
        assert capsys.readouterr().err == ""
    assert run(["config", "path"]) == 0
    assert "the default" in capsys.readouterr().err


def test_what_is_piped_is_utf8_wherever_it_runs(acme):
    (acme.workdir / "config.toml").write_text('[acme]\nbucket = "Kostenstelle-Ü"\n', encoding="utf-8")
    command = [sys.executable, "-m", "finops_core", "config", "show", "-o", "json"]
    env = acme.environment(LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    done = subprocess.run(command, cwd=acme.workdir, env=env, capture_output=True, check=True)
    values = [row["value"] for row in json.loads(done.stdout.decode("utf-8"))["rows"]]
    assert "Kostenstelle-Ü" in values


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("form", ["json", "table"])
def test_a_full_disk_under_stdout_is_said(acme, form):
    command = [sys.executable, "-m", "finops_core", "plugins", "list", "-o", form]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=acme.workdir, env=acme.environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "error FIN032: there is no room left on the disk"
    assert lines[1] == "  where: standard output"
    assert len(lines) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("form", ["json", "table"])
def test_a_closed_stdout_takes_what_is_said(acme, form):
    command = f"exec {shlex.quote(sys.executable)} -m finops_core plugins list -o {form} >&-"
    done = subprocess.run(command, shell=True, cwd=acme.workdir, env=acme.environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
