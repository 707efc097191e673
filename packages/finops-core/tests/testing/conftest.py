"""Broken providers, importable here and in processes that the kit starts; their metadata when a test asks for it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ACME = HERE.parents[3] / "examples" / "finops-acme"
for folder in (HERE, ACME / "src"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


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
