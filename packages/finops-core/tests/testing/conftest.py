"""A sound provider, as `finops plugins new` writes it, and broken ones made of it: importable here and in processes
that the kit starts. Their metadata is there when a test asks for it."""

from __future__ import annotations

import atexit
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from finops_core.scaffold import new

HERE = Path(__file__).parent
WRITTEN = Path(tempfile.mkdtemp(prefix="finops-kit-"))
atexit.register(shutil.rmtree, WRITTEN, ignore_errors=True)
sys.path[:0] = [str(HERE), str(new("sound", WRITTEN) / "src")]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken providers are installed, as far as metadata goes."""
    import broken_heavy

    lines = [f"{name} = broken_providers:HOOKS.{name}" for name in vars(broken_heavy.HOOKS)]
    metadata = tmp_path / "site" / "broken-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("\n".join(["[finops]", *lines, ""]))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
