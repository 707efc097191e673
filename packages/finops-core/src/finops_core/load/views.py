"""Which views stand over the tables of the destination, by the tables' names; and the rows that they have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from finops_core.load.package import Sql, View
from finops_core.sql import identifier, literal, qualified

FOCUS_TABLE = "focus_cost_and_usage"
ROLLUP_TABLE = "cost_rollup"

_NUMBER = re.compile(r"BIGINT|DECIMAL\(38,(\d+)\)")

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


def rows_of(view: View, sql: Sql) -> str:
    """The SELECT of a view in DuckDB. By itself UNION ALL would round DECIMALs that differ to one of their types."""
    listed = ", ".join(f"({literal(schema)}, {literal(name)})" for schema, name in view.tables)
    differing = sql.query(
        "SELECT schema_name, table_name, lower(column_name) AS name, data_type FROM duckdb_columns() "
        f"WHERE database_name = current_database() AND (schema_name, table_name) IN ({listed}) "
        "QUALIFY min(data_type) OVER (PARTITION BY name) <> max(data_type) OVER (PARTITION BY name)"
    )
    shapes: dict[tuple[str, str], dict[str, str]] = {table: {} for table in view.tables}
    for schema, table, name, kind in differing:
        shapes[schema, table][name] = kind
    kinds = common_types(shapes, sql)
    selects = []
    for table, shape in shapes.items():
        casts = [f"CAST({identifier(name)} AS {kinds[name]}) AS {identifier(name)}" for name in shape]
        columns = f"* REPLACE ({', '.join(casts)})" if casts else "*"
        selects.append(f"SELECT {columns} FROM {qualified(*table)}")
    return " UNION ALL BY NAME ".join(selects)


def common_types(shapes: Mapping[tuple[str, str], Mapping[str, str]], sql: Sql) -> dict[str, str]:
    """Column -> the type that holds each of its values in all tables. `shapes`: (schema, table) -> column -> type.

    The type that all tables have; of several kinds of exact numbers the DECIMAL with the most decimals, if all values
    have room in it; else text.
    """
    kinds: dict[str, set[str]] = {}
    for shape in shapes.values():
        for name, kind in shape.items():
            kinds.setdefault(name, set()).add(kind)
    return {name: min(found) if len(found) == 1 else _widest(name, found, shapes, sql) for name, found in kinds.items()}


def _widest(name: str, kinds: set[str], shapes: Mapping[tuple[str, str], Mapping[str, str]], sql: Sql) -> str:
    scales = [int(match[1] or 0) for kind in kinds if (match := _NUMBER.fullmatch(kind))]
    if len(scales) < len(kinds):
        return "VARCHAR"
    for table, shape in shapes.items():
        if name in shape:
            [(largest,)] = sql.query(f"SELECT max(abs({identifier(name)})) FROM {qualified(*table)}")
            if largest is not None and largest >= 10 ** (38 - max(scales)):
                return "VARCHAR"
    return f"DECIMAL(38,{max(scales)})"


def _by_stem(tables: Iterable[str]) -> Mapping[str, list[str]]:
    views: dict[str, list[str]] = {}
    for table in tables:
        stem = re.sub(r"_(\d{4}_\d{2}|data)$", "", table)
        if stem != table and (stem == "billing" or stem.startswith("billing_")):
            views.setdefault(stem, []).append(table)
    return views
