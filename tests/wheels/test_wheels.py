"""What users get: four wheels and four sdists, installed where nothing else is."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import HeaderParser
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BUILT = Path(os.environ["FINOPS_WHEELS"])
PACKAGES = ("core", "aws", "azure", "gcp")
COMBINATIONS = tuple(("core", *clouds) for count in range(4) for clouds in combinations(PACKAGES[1:], count))
"""Each cloud alone, in pairs, all of them, and none."""

CLOUDS = {"aws": ("boto3", "botocore", "awscrt"), "azure": ("azure", "msal"), "gcp": ("google", "grpc")}
"""Top-level modules that only this provider's package brings."""


@functools.cache
def wheel(name: str) -> Path:
    (found,) = BUILT.glob(f"finops_{name}-*.whl")
    return found


def names(archive: Path) -> set[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return set(opened.namelist())
    with tarfile.open(archive) as packed:
        return {member.name.partition("/")[2] for member in packed.getmembers() if member.isfile()}


def metadata(archive: Path) -> Message:
    with zipfile.ZipFile(archive) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(opened.read(name).decode())


def sources(folder: Path) -> set[str]:
    """Files below a folder, relative to it, without what running Python leaves there."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_nothing_else_was_built():
    assert {path.name.split("-")[0] for path in BUILT.glob("*.whl")} == {f"finops_{name}" for name in PACKAGES}
    assert len(list(BUILT.glob("*.tar.gz"))) == len(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_carries_every_file_of_its_package(name):
    module = f"finops_{name}"
    carried = {file.removeprefix(f"{module}/") for file in names(wheel(name)) if file.startswith(f"{module}/")}
    wanted = sources(ROOT / "packages" / f"finops-{name}" / "src" / module)
    assert wanted <= carried, f"left out: {sorted(wanted - carried)}"
    assert "py.typed" in carried
    assert any(file.endswith(".sql") for file in carried)
    assert any(file.endswith(".csv") for file in carried)
    extra = carried - wanted
    assert not extra, f"not of the package: {sorted(extra)}"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_carries_its_licence(name):
    """What is adapted from FOCUS and from the clouds' documentation stands in NOTICE, which Apache-2.0 wants kept."""
    licences = {file.rpartition("/")[2] for file in names(wheel(name)) if ".dist-info/licenses/" in file}
    wanted = {"LICENSE", "NOTICE"} if (ROOT / "packages" / f"finops-{name}" / "NOTICE").exists() else {"LICENSE"}
    assert licences == wanted
    assert name != "core" or "NOTICE" in licences
    assert metadata(wheel(name))["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("name", PACKAGES)
def test_an_sdist_builds_the_wheel_again(name):
    (sdist,) = BUILT.glob(f"finops_{name}-*.tar.gz")
    carried, module = names(sdist), f"finops_{name}"
    assert {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= carried
    assert {file for file in names(wheel(name)) if file.startswith(f"{module}/")} <= {
        file.removeprefix("src/") for file in carried
    }


def test_versions_agree():
    versions = {name: metadata(wheel(name))["Version"] for name in PACKAGES}
    assert len(set(versions.values())) == 1, versions
    core = versions["core"]
    for name in PACKAGES[1:]:
        assert f"finops-core=={core}" in metadata(wheel(name)).get_all("Requires-Dist")
    source = (ROOT / "packages/finops-core/src/finops_core/__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{core}"' in source
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == core
    assert f"## {core}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_provider_metadata_names_no_other_cloud():
    for name in PACKAGES:
        needed = " ".join(metadata(wheel(name)).get_all("Requires-Dist") or [])
        others = [other for other in PACKAGES if other not in ("core", name)]
        assert not [other for other in others if f"finops-{other}" in needed]


class Environment:
    """A virtual environment with the wheels of some packages, and what they depend on."""

    def __init__(self, folder: Path, installed: tuple[str, ...]) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.installed = installed
        subprocess.run(["uv", "venv", "-q", "-p", sys.executable, str(folder / "venv")], check=True)
        wheels = [str(wheel(name)) for name in installed]
        command = ["uv", "pip", "install", "-q", "-p", str(self.python), "-c", str(ROOT / "constraints.txt"), *wheels]
        subprocess.run(command, check=True)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{self.scripts}{os.pathsep}{os.defpath}", "HOME": str(self.home), "LANG": "C.UTF-8"}
        program = str(self.scripts / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=self.home, env=env, capture_output=True, text=True, check=check, timeout=600
        )


@pytest.fixture(scope="module", params=COMBINATIONS, ids="+".join)
def environment(request, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("env"), request.param)


def test_the_command_knows_what_is_installed(environment):
    version = metadata(wheel("core"))["Version"]
    providers = sorted(name for name in environment.installed if name != "core")
    said = environment.run("finops", "--version").stdout.splitlines()
    assert said == [f"finops {version}", *(f"{name} {version} (finops-{name})" for name in providers)]
    listed = json.loads(environment.run("finops", "plugins", "list", "-o", "json").stdout)["rows"]
    assert [row["name"] for row in listed] == providers
    assert all(row["import_command"] for row in listed)


def test_no_other_cloud_comes_along(environment):
    foreign = [module for name, modules in CLOUDS.items() if name not in environment.installed for module in modules]
    script = f"import importlib.util as u; print([m for m in {foreign!r} if u.find_spec(m)])"
    assert environment.run("python", "-c", script).stdout.strip() == "[]"
    own = [module for name, modules in CLOUDS.items() if name in environment.installed for module in modules]
    script = f"import importlib.util as u; print([m for m in {own!r} if not u.find_spec(m)])"
    assert environment.run("python", "-c", script).stdout.strip() == "[]"


def test_a_provider_that_is_not_there_is_named(environment):
    for name in PACKAGES[1:]:
        done = environment.run("finops", name, "--help", check=False)
        if name in environment.installed:
            assert done.returncode == 0
        else:
            assert done.returncode == 2
            assert f"pip install finops-{name}" in done.stderr


def test_generated_bills_load(environment):
    """SQL, service tables and the world behind generated bills are all in the wheels."""
    if environment.installed == ("core",):
        assert "FIN003" in environment.run("finops", "demo", check=False).stderr
        return
    assert "total" in environment.run("finops", "demo", "--rows", "900").stdout
    status = environment.run("finops", "status", "--config", "finops-demo/config.toml", "-o", "json")
    loaded = {(row["provider"], row["billing_period"]) for row in json.loads(status.stdout)["rows"]}
    months = ("2024-01", "2024-02", "2024-03")
    assert loaded == {(name, month) for name in environment.installed[1:] for month in months}


def test_types_are_there(environment):
    """A provider's author gets finops_core checked by mypy from the wheel alone."""
    if environment.installed != ("core",):
        pytest.skip("once is enough: types come with core")
    subprocess.run(["uv", "pip", "install", "-q", "-p", str(environment.python), "mypy"], check=True)
    module = environment.home / "typed.py"
    module.write_text("from finops_core import Period\nreveal_type(Period(2024, 1))\n", encoding="utf-8")
    done = environment.run("mypy", "--strict", str(module))
    assert 'Revealed type is "finops_core.periods.Period"' in done.stdout
