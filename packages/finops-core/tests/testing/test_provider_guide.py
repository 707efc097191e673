"""The guide for providers quotes the examples word for word, and lists the promises as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from finops_core.hooks import CONTRACT
from finops_core.testing import promises
from finops_core.testing.guide import promises_table

ROOT = Path(__file__).parents[4]
GUIDE = ROOT / "docs" / "providers.md"
TEXT = GUIDE.read_text(encoding="utf-8")

INVENTED = "exceptions = {"
"""The one block that no example has: acme keeps every promise."""

SOURCES = [
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "examples").rglob("*"))
    if path.suffix in {".py", ".sql", ".toml"} and "_cache" not in str(path)
]
QUOTES = [
    code for kind, code in re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL) if kind in {"python", "sql", "toml"}
]


@pytest.mark.parametrize("quote", [quote for quote in QUOTES if INVENTED not in quote])
def test_what_is_quoted_stands_in_an_example(quote: str) -> None:
    assert any(quote in source for source in SOURCES), quote


def test_the_guide_quotes_something() -> None:
    assert len(QUOTES) >= 9


def test_the_promises_are_those_of_the_kit() -> None:
    """Write it again with: python -m finops_core.testing.guide docs/providers.md"""
    assert promises_table() in TEXT
    assert all(name in TEXT for name in promises())


def test_the_contract_is_the_one_that_is_in_force() -> None:
    assert f"now {CONTRACT}, and a provider's class" in TEXT
