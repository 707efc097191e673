"""Every shell block of the README, the tutorial and the how-tos does what it says, in order.

The README and the tutorial begin in an empty folder; how-tos go on where the tutorial has ended. Every SQL block runs
on the database that the tutorial has left. Commands in blocks that cannot be run here are held against the real command
line by test_written_commands.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from .blocks import ROOT, Block, blocks

NOT_RUN = {
    "pip install uv && uv run finops demo": "installs; `finops demo` itself is run instead",
    "uv run nox": "is what runs this test",
    "pip install finops-aws": "installs; the wheels' own tests do that",
}
"""Lines that are left out, and why. A line of this list that no page has any more fails the tests."""

INSTEAD = {
    "pip install uv && uv run finops demo": "finops demo --rows 2000",
    "--bucket acme-billing": '--bucket "file://$PWD/bills/acme-billing"',
}
"""What needs a cloud, and what is run in its place: the same command on generated bills."""

PAYERS, MOVE = "docs/howto/payers.md", "docs/howto/postgresql.md"

BILLS = "finops sample aws --out bills --rows 1000 --quiet >/dev/null"


def runnable(text: str) -> str:
    """The block without what NOT_RUN lists, on generated bills where it names a bucket."""
    lines = []
    for line in text.splitlines():
        bare = re.sub(r"\s+#.*$", "", line)
        if bare in NOT_RUN and bare not in INSTEAD:
            continue
        for real, local in INSTEAD.items():
            bare = bare.replace(real, local)
        lines.append(bare)
    return "\n".join(lines)


def shell(script: str, folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as somebody without any configuration, with this interpreter's `finops` and `python`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    env = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


def run_all(found: Sequence[Block], folder: Path, home: Path) -> list[str]:
    """Run blocks one after the other and return what each has written to stdout."""
    written = []
    for block in found:
        done = shell(runnable(block.text), folder, home)
        assert done.returncode == 0, f"{block} exits with {done.returncode}:\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"{block}:\n{done.stderr}"
        written.append(done.stdout)
    return written


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory, home):
    """The folder in which the tutorial has been followed, and what each block wrote."""
    folder = tmp_path_factory.mktemp("tutorial")
    return folder, run_all(blocks("docs/tutorial.md", "sh"), folder, home)


def test_the_tutorial_runs_and_ends_in_a_report(tutorial):
    _, written = tutorial
    (report,) = [text for text in written if re.search(r"^ +[\d,]+\.\d\d USD {2}\S", text, re.MULTILINE)]
    assert len(report.splitlines()) == 5


def test_the_tutorial_restates_february_alone(tutorial):
    folder, written = tutorial
    (planned,) = [text for text in written if "new version" in text]
    assert [re.findall(r"\b(load|reload|skip)\b", line)[0] for line in planned.splitlines() if " 2024-" in line] == [
        "skip",
        "reload",
        "skip",
    ]
    with duckdb.connect(str(folder / "data" / "finops.duckdb"), read_only=True) as connection:
        loads = connection.execute(
            "SELECT billing_period, count(*) FROM aws_billing.import_ledger GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert loads == [("2024-01", 1), ("2024-02", 2), ("2024-03", 1)]


def test_the_readme_runs(tmp_path, home):
    prepared = shell(BILLS, tmp_path, home)
    assert prepared.returncode == 0, prepared.stderr
    written = "".join(run_all(blocks("README.md", "sh"), tmp_path, home))
    assert (tmp_path / "finops-demo").is_dir()
    assert "2024-03" in written


@pytest.mark.parametrize(
    "block",
    [block for page in ("README.md", "docs/howto/restate.md") for block in blocks(page, "sql")],
    ids=str,
)
def test_sql_answers(block, tutorial):
    folder, _ = tutorial
    with duckdb.connect(str(folder / "data" / "finops.duckdb"), read_only=True) as connection:
        assert connection.execute(block.text).fetchall(), f"{block} finds nothing"


@pytest.fixture
def afterwards(tutorial, tmp_path):
    """A copy of the tutorial's folder: what a how-to does there is not in the way of other tests."""
    folder, _ = tutorial
    return Path(shutil.copytree(folder, tmp_path / "afterwards"))


def test_a_month_is_restated(afterwards, home):
    run_all(blocks("docs/howto/restate.md", "sh"), afterwards, home)
    with duckdb.connect(str(afterwards / "data" / "finops.duckdb"), read_only=True) as connection:
        loads = connection.execute(
            "SELECT billing_period, count(*) FROM aws_billing.import_ledger GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert loads == [("2024-01", 1), ("2024-02", 3), ("2024-03", 1)]


def test_bills_move_to_another_destination(afterwards, home):
    found = [replace(block, text=block.text.replace("/srv/finops", str(afterwards))) for block in blocks(MOVE, "sh")]
    (compared,) = run_all(found, afterwards, home)
    assert "mismatch" not in compared
    assert (afterwards / "new.duckdb").exists()


def test_every_payer_has_a_schema(tmp_path, home):
    settings, _old_and_new = blocks(PAYERS, "toml")
    written = settings.text
    for bucket in ("acme-billing-eu", "acme-billing-us"):
        assert shell(BILLS.replace("--out bills", f"--out {bucket}"), tmp_path, home).returncode == 0
        written = written.replace(f'"{bucket}"', f'"{(tmp_path / bucket / "acme-billing").as_uri()}"')
    (tmp_path / "config.toml").write_text(written)
    run_all(blocks(PAYERS, "sh"), tmp_path, home)
    with duckdb.connect(str(tmp_path / "data" / "finops.duckdb"), read_only=True) as connection:
        both = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'import_ledger' ORDER BY 1"
        ).fetchall()
    assert both == [("aws_billing_america",), ("aws_billing_europe",)]


@pytest.mark.parametrize(
    "block", [block for page in ("README.md", PAYERS, MOVE) for block in blocks(page, "toml")], ids=str
)
def test_settings_are_such_as_finops_knows(block, tmp_path, home):
    (tmp_path / "config.toml").write_text(block.text)
    done = shell("finops config show -o json", tmp_path, home)
    assert done.returncode == 0, done.stderr
    assert "is read by no installed provider" not in done.stdout


def test_nothing_is_left_out_without_need():
    pages = "\n".join(block.text for page in ("README.md", "docs/tutorial.md") for block in blocks(page, "sh"))
    unused = [line for line in {**NOT_RUN, **INSTEAD} if line not in pages]
    assert not unused, f"no page says {unused}"


def test_every_shell_block_of_the_documentation_is_run():
    """Elsewhere a block that cannot be run here stands without a language, so that nobody takes it for a tested one."""
    run = {"README.md", "docs/tutorial.md", "docs/howto/restate.md", MOVE, PAYERS}
    others = {"docs/providers.md": "the scaffold's tests follow it: packages/finops-core/tests/testing"}
    pages = [str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")]
    untested = [page for page in pages if page not in {*run, *others} and blocks(page, "sh", "bash", "console")]
    assert not untested
