"""The columns of the Cost and Usage dataset in every FOCUS version, as data.

Names, types, feature levels and allowed values are adapted from the FOCUS specification (see NOTICE); the
descriptions are our own. Within a version the specification orders columns by name, and so does this module.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from finops_core.errors import UsageError

FocusType = Literal["String", "Decimal", "Date/Time", "JSON"]

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
"""The versions that can be written."""

VERSION = "1.2"
"""The version of the table in the destination: the newest that two clouds export natively, and a superset of 1.0
and 1.1."""

_DUCKDB: Mapping[str, str] = {
    "String": "VARCHAR",
    "Decimal": "DECIMAL(38,18)",
    "Date/Time": "TIMESTAMP",
    "JSON": "JSON",
}


@dataclass(frozen=True)
class FocusColumn:
    """One column. `introduced` is the first version that has it, `removed` the first that has it no more ("" if none);
    `allowed_values` is empty where any value may stand."""

    name: str
    display_name: str
    type: FocusType
    feature_level: str
    allows_nulls: bool
    introduced: str
    removed: str
    allowed_values: tuple[str, ...]
    meaning: str

    @property
    def duckdb_type(self) -> str:
        return _DUCKDB[self.type]

    def stands_in(self, version: str) -> bool:
        return _order(self.introduced) <= _order(version) and not (
            self.removed and _order(self.removed) <= _order(version)
        )


def columns(version: str = VERSION) -> tuple[FocusColumn, ...]:
    """The columns of a version in the specification's order. Raises UsageError for one that is not in VERSIONS."""
    if version not in VERSIONS:
        raise UsageError(f"FOCUS {version} is not known", hint=f"versions are {', '.join(VERSIONS)}")
    return tuple(
        replace(column, allows_nulls=False) if not_null_since and _order(not_null_since) <= _order(version) else column
        for column, not_null_since in _catalogue()
        if column.stands_in(version)
    )


@cache
def subcategories() -> Mapping[str, str]:
    """ServiceSubcategory -> the ServiceCategory it belongs to."""
    return {row["ServiceSubcategory"]: row["ServiceCategory"] for row in _read("subcategories.csv")}


@cache
def _catalogue() -> tuple[tuple[FocusColumn, str], ...]:
    """Every column of every version, with the version since which it must not be null although it could before."""
    return tuple((_column(row), row["not_null_since"]) for row in _read("columns.csv"))


def _column(row: Mapping[str, str]) -> FocusColumn:
    return FocusColumn(
        name=row["name"],
        display_name=row["display_name"],
        type=row["type"],  # type: ignore[arg-type]
        feature_level=row["feature_level"],
        allows_nulls=row["allows_nulls"] == "true",
        introduced=row["introduced"],
        removed=row["removed"],
        allowed_values=tuple(value for value in row["allowed_values"].split("|") if value),
        meaning=row["meaning"],
    )


def _read(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


DUCKDB_TYPES: Mapping[str, str] = {column.name: column.duckdb_type for column in columns(VERSION)}
"""FOCUS column -> DuckDB type of the wide table, in the specification's order. Money is DECIMAL(38,18), exact."""
