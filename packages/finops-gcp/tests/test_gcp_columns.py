"""Which raw columns the fields of a file become: nothing is lost, nothing is doubled."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import duckdb
import pytest
from finops_core import Found
from finops_core.names import assign
from finops_gcp.datasets import DETAILED, FOCUS, detailed_columns, dictionary, focus_columns
from hypothesis import given
from hypothesis import strategies as st

LIST_OR_VALUE = st.sampled_from(["VARCHAR", "DOUBLE", "BIGINT", "DECIMAL(38,9)", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"])
NAMES = st.text("abcXY_. \"'ü1", min_size=1, max_size=6)


def _struct(fields: list[tuple[str, str]]) -> str:
    seen: dict[str, str] = {}
    for name, kind in fields:
        seen.setdefault(name.lower(), '"' + name.replace('"', '""') + f'" {kind}')
    return f"STRUCT({', '.join(seen.values())})"


TYPES = st.recursive(
    LIST_OR_VALUE,
    lambda inner: st.one_of(
        inner.map(lambda kind: f"{kind}[]"),
        st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(_struct),
    ),
    max_leaves=6,
)


def _leaves(kind: Any) -> int:
    return sum(_leaves(child) for _, child in kind.children) if kind.id == "struct" else 1


@given(st.dictionaries(NAMES, TYPES, min_size=1, max_size=4))
def test_every_leaf_becomes_a_column_and_the_sql_runs(shape: dict[str, str]) -> None:
    found = [Found(name, kind, f"c{i}") for i, (name, kind) in enumerate(shape.items())]
    columns = detailed_columns(found)
    assert len(columns) == sum(_leaves(duckdb.type(kind)) for kind in shape.values())
    assert len({column.source for column in columns}) == len(columns)
    assert len({name.lower() for name in assign(columns).values()}) == len(columns)
    nulls = ", ".join(f"CAST(NULL AS {item.type}) AS {item.ref}" for item in found)
    wanted = ", ".join(f"{column.expression} AS v{i}" for i, column in enumerate(columns))
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {wanted} FROM (SELECT {nulls})").fetchall() == [(None,) * len(columns)]


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True))
def test_any_csv_header_becomes_columns_of_its_own(header: list[str]) -> None:
    columns = detailed_columns([Found(name, "VARCHAR", f"c{i}") for i, name in enumerate(header)])
    assert [column.source for column in columns] == header
    assert len({name.lower() for name in assign(columns).values()}) == len(header)


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True))
def test_any_json_field_becomes_columns_of_its_own(fields: list[str]) -> None:
    columns = detailed_columns([Found(name, "JSON", f"c{i}") for i, name in enumerate(fields)])
    assert len({column.source for column in columns}) == len(columns) >= len(fields)


@pytest.mark.parametrize("spelling", ["dotted", "underscored", "upper"])
def test_every_documented_field_has_its_name_and_type(spelling: str) -> None:
    rows = list(csv.DictReader((files("finops_gcp") / "data/detailed_columns.csv").read_text("utf-8").splitlines()))
    repeated = {row["path"] for row in rows if row["mode"] == "REPEATED"}
    plain = [
        row
        for row in rows
        if row["type"] != "RECORD" and not any(row["path"].startswith(f"{parent}.") for parent in repeated)
    ]
    paths = [row["path"] for row in plain] + sorted(repeated)
    spell = {"dotted": str, "underscored": lambda path: path.replace(".", "_"), "upper": str.upper}[spelling]
    columns = detailed_columns([Found(spell(path), "VARCHAR", f"c{i}") for i, path in enumerate(paths)])
    assert {column.name: column.type for column in columns} == DETAILED.known
    assert {column.name for column in columns} == {path.replace(".", "_") for path in paths}


def test_focus_columns_keep_their_names_and_nested_ones_stay_whole() -> None:
    found = [
        Found("billedcost", "DECIMAL(38,9)", "c0"),
        Found("x_Credits", "STRUCT(Amount DECIMAL(38,9))[]", "c1"),
        Found("x_Project", "STRUCT(Id VARCHAR)", "c2"),
        Found("x_Novelty", "DOUBLE", "c3"),
    ]
    columns = focus_columns(found)
    assert [(column.name, column.type) for column in columns] == [
        ("BilledCost", "DECIMAL(38,18)"),
        ("x_Credits", "JSON"),
        ("x_Project", "JSON"),
        ("x_Novelty", "DECIMAL(38,18)"),
    ]


def test_the_dictionaries_are_whole() -> None:
    assert len(dictionary("detailed").known) == 53
    assert set(FOCUS.known) >= {"BilledCost", "x_Credits", "Tags", "x_ConsumptionModelDescription"}
    for dataset in (DETAILED, FOCUS):
        assert set(dataset.required) <= set(dataset.known)
        assert {dataset.cost, dataset.currency} <= set(dataset.known)
