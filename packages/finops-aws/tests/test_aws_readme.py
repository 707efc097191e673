"""The package's page says every setting, with its default, and the columns that a data export must have."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from finops_aws.datasets import CUR_V1, CUR_V2
from finops_aws.provider import Aws

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", README, re.MULTILINE)
    said = {name: default.strip().strip("`") for name, default in rows}
    settings = {item.name: item.default for item in dataclasses.fields(Aws)}
    shown = {name: str(value).lower() if isinstance(value, str | bool) else "" for name, value in settings.items()}
    assert said == shown


def test_the_columns_that_are_needed() -> None:
    [listed] = re.findall(r"Needed are (.*?); without", README, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed)) == {*CUR_V1.required} == {*CUR_V2.required}
