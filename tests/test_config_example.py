"""config.toml.example is what `finops config init` writes where all providers of this repository are installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from finops_core import registry
from finops_core.cli import run

ROOT = Path(__file__).parent.parent
REGENERATE = "finops config init --force --config config.toml.example"


def test_the_example_is_current(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if registry.names() != ["aws", "azure", "gcp"]:
        pytest.fail(f"the example is written for aws, azure and gcp; installed are {registry.names()}")
    assert run(["config", "init", "--config", "fresh.toml"]) == 0
    capsys.readouterr()
    example = (ROOT / "config.toml.example").read_text(encoding="utf-8")
    assert example == Path("fresh.toml").read_text(encoding="utf-8"), f"regenerate it: {REGENERATE}"


def test_the_example_is_a_configuration_as_it_stands():
    parsed = tomllib.loads((ROOT / "config.toml.example").read_text(encoding="utf-8"))
    assert parsed == {"project": {}, "aws": {}, "azure": {}, "gcp": {}}
