"""The package's page says every setting, with its default."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from finops_azure.provider import Azure

README = Path(__file__).parents[1] / "README.md"


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", README.read_text("utf-8"), re.MULTILINE)
    said = {name: default.strip().strip("`") for name, default in rows}
    settings = {item.name: item.default for item in dataclasses.fields(Azure)}
    assert said == {name: default if isinstance(default, str) else "" for name, default in settings.items()}


def test_every_format_and_type_is_named() -> None:
    text = README.read_text("utf-8")
    assert all(f"`{kind}`" in text for kind in ("auto", "actual", "amortized", "focus", "usage"))
