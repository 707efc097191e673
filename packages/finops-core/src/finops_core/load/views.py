"""Which views stand over the tables of the destination, by the names of the tables alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from finops_core.load.package import View

FOCUS_TABLE = "focus_cost_and_usage"
ROLLUP_TABLE = "cost_rollup"

OVER_ALL = {FOCUS_TABLE: "cost_and_usage", ROLLUP_TABLE: "cost_rollup"}
"""Table that every dataset has -> the view over all of them, in the schema `focus`."""


def period_views(dataset: str, tables: Collection[tuple[str, str]]) -> list[View]:
    """The views of one dataset over the periods of its raw tables: `billing`, and `billing_<part>` for parts."""
    found = _by_stem(name for schema, name in tables if schema == dataset)
    return [View(dataset, view, tuple((dataset, name) for name in names)) for view, names in found.items()]


def focus_views(tables: Collection[tuple[str, str]]) -> list[View]:
    """`focus.cost_and_usage` and `focus.cost_rollup`, over all datasets."""
    views = []
    for table, view in OVER_ALL.items():
        if holders := tuple((schema, name) for schema, name in tables if name == table):
            views.append(View("focus", view, holders))
    return views


def _by_stem(tables: Iterable[str]) -> Mapping[str, list[str]]:
    views: dict[str, list[str]] = {}
    for table in tables:
        stem = re.sub(r"_(\d{4}_\d{2}|data)$", "", table)
        if stem != table and (stem == "billing" or stem.startswith("billing_")):
            views.setdefault(stem, []).append(table)
    return views
