"""Two SELECTs are the same exactly when they yield the same rows as often; JSON may be compared by its meaning."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from finops_core.load.embedded import DuckDbSql
from finops_core.verify.multisets import JSON_MEANING, Rows, difference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KINDS = {"name": "VARCHAR", "cost": "DECIMAL(38,18)"}

rows = st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from([0, 1, None])), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("ab.\"'é", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab.", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def sql() -> Iterator[DuckDbSql]:
    with duckdb.connect() as connection:
        connection.execute(JSON_MEANING)
        yield DuckDbSql(connection)


def table(sql: DuckDbSql, name: str, found: list[tuple[Any, ...]]) -> Rows:
    sql.run(f"CREATE OR REPLACE TABLE {name} (name VARCHAR, cost DECIMAL(38,18))")
    if found:
        sql.connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", found)
    return Rows(sql, name)


@given(rows, rows)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_differ_when_they_are_not_the_same_as_often(
    sql: DuckDbSql, found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]
) -> None:
    differing = difference(table(sql, "found", found), table(sql, "expected", expected), KINDS)
    assert (differing == "") is (Counter(found) == Counter(expected))


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ([("a", 1)], [("a", 1), ("a", 1)], "1 rows instead of 2; other values in name, cost"),
        ([("a", 1)], [("a", 0)], "other values in cost"),
        ([("", 1)], [(None, 1)], "other values in name"),
        ([("a", 0), ("b", 1)], [("a", 1), ("b", 0)], "values stand in other rows"),
    ],
)
def test_what_differs_is_told(sql: DuckDbSql, found: list[Any], expected: list[Any], told: str) -> None:
    assert difference(table(sql, "found", found), table(sql, "expected", expected), KINDS) == told


@given(values, values)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_is_the_same_when_it_means_the_same(sql: DuckDbSql, one: Any, other: Any) -> None:
    def select(text: str) -> Rows:
        return Rows(sql, f"SELECT CAST('{text.replace(chr(39), chr(39) * 2)}' AS JSON) AS tags")

    def same(first: str, second: str) -> bool:
        return difference(select(first), select(second), {"tags": "JSON"}, written=False) == ""

    spaced = json.dumps(one, sort_keys=True, indent=1)
    assert same(json.dumps(one), spaced)
    assert same(json.dumps(one), json.dumps(other)) is (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_numbers_may_be_written_in_several_ways(sql: DuckDbSql) -> None:
    def select(number: str) -> Rows:
        return Rows(sql, f"SELECT CAST('[{number}]' AS JSON) AS tags")

    for other in ("1.50", "15e-1"):
        assert difference(select("1.5"), select(other), {"tags": "JSON"}, written=False) == ""
    assert difference(select("1.5"), select('"1.5"'), {"tags": "JSON"}, written=False)
    assert difference(select("1.5"), select("1.50"), {"tags": "JSON"})
