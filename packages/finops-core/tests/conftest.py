"""Providers that tests install: real distributions with metadata, on a path of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ACME = Path(__file__).parent / "acme"


@dataclass(frozen=True)
class Site:
    """A site-packages folder of a test. `run` starts finops in a process that sees it."""

    folder: Path
    workdir: Path

    def install(
        self,
        name: str,
        module: str,
        source: str | None = None,
        *,
        distribution: str = "",
        version: str = "1.2.3",
        commands: tuple[str, ...] = (),
    ) -> None:
        distribution = distribution or f"finops-{name}"
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        summary = f"{name} bills, by a third party"
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\nSummary: {summary}\n"
        )
        points = f"[finops]\n{name} = {module}\n\n[finops.commands]\n"
        (info / "entry_points.txt").write_text(points + "".join(f"{command} = {module}\n" for command in commands))
        if source is not None:
            (self.folder / f"{module}.py").write_text(source)

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {
            key: os.environ[key] for key in ("PATH", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH") if key in os.environ
        }
        return {**kept, "HOME": str(self.workdir), "PYTHONPATH": str(self.folder), **variables}

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "finops_core", *arguments],
            cwd=self.workdir,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty site-packages folder and an empty working directory."""
    folder, workdir = tmp_path / "site", tmp_path / "work"
    folder.mkdir()
    workdir.mkdir()
    return Site(folder, workdir)


@pytest.fixture
def acme(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site with the provider `acme` installed; also importable in this process, whose directory is the site's."""
    site.install("acme", "finops_acme", (ACME / "finops_acme.py").read_text(), commands=("acme.import-billing",))
    (site.folder / "acme.sql").write_text((ACME / "acme.sql").read_text())
    monkeypatch.syspath_prepend(str(site.folder))
    monkeypatch.chdir(site.workdir)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    for variable in list(os.environ):
        if variable.startswith(("ACME_", "FINOPS_", "PROJECT_")):
            monkeypatch.delenv(variable)
    monkeypatch.delitem(sys.modules, "finops_acme", raising=False)
    return site
