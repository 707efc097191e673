"""A provider of another contract is refused in plain words, with what to update, and breaks nothing but itself."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from finops_core import hooks, registry
from finops_core.errors import ProviderBroken

SOURCE = """
import dataclasses
from finops_sound.provider import Sound
from finops_core import hookimpl
{imports}

@dataclasses.dataclass(frozen=True)
class Zeta(Sound):
    name = "zeta"
    contract = {contract}

@hookimpl
def finops_provider():
    return Zeta
"""


def refused(site: Path, monkeypatch: pytest.MonkeyPatch, contract: str, imports: str = "") -> ProviderBroken:
    (site / "finops_zeta.py").write_text(SOURCE.format(contract=contract, imports=imports))
    metadata = site / "finops_zeta-9.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: finops-zeta\nVersion: 9.0\n")
    (metadata / "entry_points.txt").write_text("[finops]\nzeta = finops_zeta\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "finops_zeta", raising=False)
    importlib.invalidate_caches()
    with pytest.raises(ProviderBroken) as error:
        registry.load("zeta")
    sys.modules.pop("finops_zeta", None)
    return error.value


def test_a_newer_contract_asks_for_a_newer_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(tmp_path, monkeypatch, "2")
    assert error.what == (
        "provider 'zeta' cannot be used: it was built for a newer finops: it is written for contract 2, "
        "and this one knows contracts up to 1"
    )
    assert error.where == "finops-zeta 9.0, module finops_zeta"
    assert error.hint == "pip install --upgrade finops-core; the other providers go on working"


def test_a_newer_provider_that_cannot_even_be_imported_does_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(tmp_path, monkeypatch, "2", "from finops_core import StreamOfTomorrow")
    assert "cannot import name 'StreamOfTomorrow' from 'finops_core'" in error.what
    assert error.hint.startswith("pip install --upgrade finops-core;")


def test_an_older_contract_asks_for_a_newer_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(tmp_path, monkeypatch, "0")
    assert "it was built for an older finops: contract 0 is gone, this one begins with 1" in error.what
    assert error.hint.startswith("pip install --upgrade finops-zeta, or pip uninstall it;")


def test_a_contract_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "its contract is '1', which is no whole number" in refused(tmp_path, monkeypatch, "'1'").what


def test_another_mistake_does_not_blame_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(tmp_path, monkeypatch, "1", "import acme_sdk_that_is_not_here")
    assert error.hint.startswith("pip install --upgrade finops-zeta,")


def test_the_contracts_that_run_are_those_that_are_written_down() -> None:
    """Raising the number is a decision: it needs a rule for the old one, a test above and a release note."""
    assert (hooks.OLDEST_CONTRACT, hooks.CONTRACT) == (1, 1)
    for rule in ("keeps? the number", r"OLDEST_CONTRACT up to CONTRACT", "is refused"):
        assert re.search(rule, hooks.__doc__ or ""), rule
