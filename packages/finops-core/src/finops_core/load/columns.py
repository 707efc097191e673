"""DuckDB's types as dlt's column hints, and whether new rows fit the columns that already stand in the destination."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from finops_core.errors import DestinationError
from finops_core.sql import identifier

HINTS: Mapping[str, Mapping[str, Any]] = {
    "VARCHAR": {"data_type": "text"},
    "BIGINT": {"data_type": "bigint"},
    "DOUBLE": {"data_type": "double"},
    "DATE": {"data_type": "date"},
    "BOOLEAN": {"data_type": "bool"},
    "JSON": {"data_type": "json"},
    "TIMESTAMP": {"data_type": "timestamp", "timezone": False},
}
"""Types without arguments. TIMESTAMP is naive and in UTC: `timezone: False`, or dlt makes TIMESTAMP WITH TIME ZONE."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def hints(columns: Mapping[str, str]) -> dict[str, Any]:
    """dlt's hints for these columns. Raises DestinationError for a type that no destination table here has."""
    return {name: {**_hint(name, kind), "nullable": True} for name, kind in columns.items()}


def _hint(name: str, kind: str) -> Mapping[str, Any]:
    if match := _DECIMAL.fullmatch(kind):
        return {"data_type": "decimal", "precision": int(match[1]), "scale": int(match[2])}
    if kind not in HINTS:
        raise DestinationError(f"a column has the type {kind}, which is not loaded", where=name)
    return HINTS[kind]


def check_yield(table: str, declared: Mapping[str, str], found: Sequence[tuple[str, str]]) -> None:
    """Raises DestinationError unless a SELECT yields exactly the declared columns, in whatever order.

    Names are compared as DuckDB does, without case: `cost AS "Cost"` yields a column called cost.
    """
    yielded = {name.lower(): kind for name, kind in found}
    for name, kind in declared.items():
        if name.lower() not in yielded:
            raise DestinationError("the rows lack a column of the table", where=f"{table}.{name}")
        if yielded[name.lower()] != kind:
            raise DestinationError(
                f"the rows have {yielded[name.lower()]} where the table declares {kind}", where=f"{table}.{name}"
            )
    if len(found) != len(declared):
        known = {name.lower() for name in declared}
        further = next((name for name, _ in found if name.lower() not in known), "a column that is there twice")
        raise DestinationError("the rows have a column that the table does not declare", where=f"{table}.{further}")


def fitted(table: str, columns: Mapping[str, str], standing: Mapping[str, str], roomy: Collection[str] = ()) -> str:
    """The select list that brings new rows of `columns` into a table whose columns are `standing` (name -> type).

    A type that differs is cast only where nothing can be lost: to VARCHAR, and where the column is `roomy`, which is
    to say that the type that stands was chosen to hold the new rows too. DuckDB itself would cast and round without a
    word. Raises DestinationError naming the column and both types.
    """
    have = {name.lower(): kind for name, kind in standing.items()}
    return ", ".join(
        _fitted(table, name, kind, have.get(name.lower(), kind), name in roomy) for name, kind in columns.items()
    )


def _fitted(table: str, name: str, kind: str, standing: str, roomy: bool) -> str:
    if kind == standing:
        return identifier(name)
    if roomy:
        return f"CAST({identifier(name)} AS {standing}) AS {identifier(name)}"
    if standing == "VARCHAR":
        return f"CAST({identifier(name)} AS VARCHAR) AS {identifier(name)}"
    raise DestinationError(
        f"the column is {standing} in the destination and {kind} in the new rows",
        where=f"{table}.{name}",
        hint="a table per period has no such limit (table_strategy = separate); or load into another dataset_name",
    )
