"""The example providers and a new one: built as wheels, unpacked where nothing else of theirs is, and tested there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from finops_core.scaffold import new
from tools import complaints

EXAMPLES = Path(__file__).parents[4] / "examples"
NAMES = ("acme", "paged", "my-cloud")


@pytest.fixture(params=NAMES)
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the package's folder, or a new one; in either the tools may leave what they like."""
    example = EXAMPLES / f"finops-{request.param}"
    if not example.exists():
        return new(request.param, tmp_path)
    rubbish = shutil.ignore_patterns(".*_cache", "__pycache__", ".hypothesis", "dist")
    return Path(shutil.copytree(example, tmp_path / example.name, ignore=rubbish))


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """What installing the wheel leaves in site-packages: a wheel of Python alone is unpacked, no more."""
    assert complaints(package, "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")) == ""
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    shutil.rmtree(package / "src")
    return tmp_path / "site"


@pytest.mark.slow
def test_the_wheel_carries_all_it_needs_and_passes_its_tests(package: Path, unpacked: Path) -> None:
    """SQL files, types and entry points are in it: without its sources beside it, the package keeps every promise."""
    module = package.name.replace("-", "_")
    carried = {path.relative_to(unpacked / module).as_posix() for path in (unpacked / module).rglob("*.*")}
    assert {"focus.sql", "py.typed", "provider.py", "datasets.py"} <= carried
    [metadata] = unpacked.glob("*.dist-info/METADATA")
    assert HeaderParser().parsestr(metadata.read_text())["Requires-Dist"] == "finops-core>=0.1"
    assert complaints(package, "pytest", "-q", "-p", "no:cacheprovider", importable=unpacked) == ""


@pytest.mark.slow
@pytest.mark.parametrize("package", ["acme"], indirect=True)
def test_its_generated_bills_are_imported_by_the_command_that_is_printed(unpacked: Path, tmp_path: Path) -> None:
    """The rest of the guide's first steps: the provider is listed, generates bills, checks out and imports them."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "HOME": str(tmp_path)}

    def finops(*words: str) -> str:
        command = [sys.executable, "-m", "finops_core", *words]
        options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run(command, **options, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "acme" in {row["name"] for row in json.loads(finops("plugins", "list", "-o", "json"))["rows"]}
    _, *words = shlex.split(finops("sample", "acme", "--out", "bills", "--rows", "300"))
    finops(*words)
    environment["ACME_BUCKET"] = words[words.index("--bucket") + 1]
    checked = json.loads(finops("plugins", "check", "acme", "-o", "json"))["rows"]
    assert {row["state"] for row in checked} == {"ok"}
    truth = json.loads((tmp_path / "bills" / "truth.json").read_text())["periods"]
    months = json.loads(finops("status", "-o", "json"))["rows"]
    assert {row["billing_period"]: row["rows"] for row in months} == {p: facts["rows"] for p, facts in truth.items()}


@pytest.mark.slow
def test_lint_and_types_are_content(package: Path) -> None:
    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        assert complaints(package, *command) == ""


@pytest.mark.slow
def test_the_wheel_of_core_carries_the_template(tmp_path: Path) -> None:
    """Dotfiles too, which build tools like to leave out: `finops plugins new` works where core is installed from it."""
    core = Path(__file__).parents[2]
    copy = shutil.copytree(core, tmp_path / "core", ignore=shutil.ignore_patterns(".*_cache", "__pycache__"))
    assert complaints(copy, "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")) == ""
    [wheel] = (tmp_path / "dist").glob("*.whl")
    template = core / "src" / "finops_core" / "scaffold" / "template"
    wanted = {
        f"finops_core/scaffold/template/{path.relative_to(template).as_posix()}" for path in template.rglob("*.txt")
    }
    assert len(wanted) == 12
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
