"""The example providers and a new one: built as wheels, unpacked where nothing else of theirs is, and tested there."""

from __future__ import annotations

import shutil
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
