"""Providers are found by metadata, imported one at a time, and a broken one breaks only itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from finops_core import registry
from finops_core.errors import ProviderBroken, ProviderMissing

BROKEN = {
    "ImportError": "import a_module_that_nobody_has",
    "SyntaxError": "def (",
    "AttributeError": "import sys; sys.nothing_like_this",
    "RuntimeError": "raise RuntimeError('no')",
    "ValueError": "raise ValueError('no')",
}

HOOK = """
import dataclasses
from dataclasses import dataclass
from typing import ClassVar
from finops_core import Provider, hookimpl, setting

class Base(Provider):
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme"
    import_command: ClassVar[str] = "import-billing"
    datasets: ClassVar[tuple] = ()
    def discover(self, window): return []
    def fetch(self, delivery, staging): return []

{body}

@hookimpl
def finops_provider():
    return {result}
"""

REFUSED = {
    "returned None": ("", "None"),
    "not a class derived from": ("", "dict"),
    "contract 99": ("@dataclass(frozen=True)\nclass A(Base):\n    contract: ClassVar[int] = 99", "A"),
    "not a @dataclass(frozen=True)": ("class A(Base):\n    pass", "A"),
    "calls itself 'other'": ("@dataclass(frozen=True)\nclass A(Base):\n    name: ClassVar[str] = 'other'", "A"),
    "promises 'import-billing', its class brings 'import-x'": (
        "@dataclass(frozen=True)\nclass A(Base):\n    import_command: ClassVar[str] = 'import-x'",
        "A",
    ),
    "does not say its title": (
        "@dataclass(frozen=True)\nclass A(Provider):\n"
        "    name: ClassVar[str] = 'acme'\n    import_command: ClassVar[str] = 'import-billing'\n"
        "    datasets: ClassVar[tuple] = ()",
        "A",
    ),
}


def test_facts_come_from_metadata(acme):
    found = {plugin.name: plugin for plugin in registry.plugins()}["acme"]
    assert (found.version, found.distribution, found.import_command) == ("1.2.3", "finops-acme", "import-billing")
    assert found.summary == "acme bills, by a third party"
    assert "acme" in registry.names()


def test_listing_imports_no_provider(acme):
    program = (
        "import sys; from finops_core import registry; registry.plugins(); registry.names(); "
        "from finops_core.cli import run; run(['plugins', 'list']); "
        "print([m for m in sys.modules if m.startswith('finops_') and not m.startswith('finops_core')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=acme.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_loading_imports_only_that_one(acme):
    acme.install("other", "finops_other", "raise RuntimeError('must not be imported')")
    assert registry.load("acme").title == "Acme Cloud"


def test_missing_says_what_to_install(acme):
    with pytest.raises(ProviderMissing) as error:
        registry.load("zebra")
    assert error.value.hint == "pip install finops-zebra"
    assert "acme" in error.value.where


def test_misspelled_says_the_nearest(acme):
    with pytest.raises(ProviderMissing) as error:
        registry.load("acmee")
    assert "did you mean 'acme'?" in error.value.hint


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_broken_module_names_its_package_and_breaks_only_itself(acme, source):
    acme.install("rotten", "finops_rotten", source)
    with pytest.raises(ProviderBroken) as error:
        registry.load("rotten")
    assert "'rotten'" in error.value.what
    assert "finops-rotten 1.2.3" in error.value.where
    assert error.value.__cause__ is not None
    sys.modules.pop("finops_rotten", None)
    assert registry.load("acme").name == "acme"
    assert {"acme", "rotten"} <= set(registry.names())


@pytest.mark.parametrize("promise", REFUSED)
def test_a_class_that_breaks_the_contract_is_refused(site, monkeypatch, promise):
    body, result = REFUSED[promise]
    site.install("acme", "finops_bad", HOOK.format(body=body, result=result), commands=("acme.import-billing",))
    monkeypatch.syspath_prepend(str(site.folder))
    monkeypatch.delitem(sys.modules, "finops_bad", raising=False)
    with pytest.raises(ProviderBroken, match=r"provider 'acme' cannot be used") as error:
        registry.load("acme")
    assert promise in error.value.what
    monkeypatch.delitem(sys.modules, "finops_bad", raising=False)


def test_metadata_without_an_import_command_is_enough(site, monkeypatch):
    body = "@dataclass(frozen=True)\nclass A(Base):\n    pass"
    site.install("acme", "finops_bare", HOOK.format(body=body, result="A"))
    monkeypatch.syspath_prepend(str(site.folder))
    assert [plugin.import_command for plugin in registry.plugins() if plugin.name == "acme"] == [""]
    assert registry.load("acme").import_command == "import-billing"
    monkeypatch.delitem(sys.modules, "finops_bare", raising=False)


def test_a_name_that_two_packages_claim_names_both(acme):
    acme.install("acme", "finops_fork", "", distribution="acme-fork", version="9")
    with pytest.raises(ProviderBroken) as error:
        registry.load("acme")
    assert "finops-acme 1.2.3" in error.value.what
    assert "acme-fork 9" in error.value.what
    listed = acme.run("plugins", "list", "-o", "json")
    rows = [row for row in json.loads(listed.stdout)["rows"] if row["name"] == "acme"]
    assert sorted(row["distribution"] for row in rows) == ["acme-fork", "finops-acme"]
    assert listed.returncode == 0
