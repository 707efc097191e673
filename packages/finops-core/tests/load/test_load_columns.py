"""Types: DuckDB's as dlt's hints, and new rows against the columns that stand."""

from __future__ import annotations

import pytest
from finops_core.errors import DestinationError
from finops_core.load.columns import check_yield, fitted, hints
from finops_core.sql import identifier
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("VARCHAR", {"data_type": "text"}),
        ("BIGINT", {"data_type": "bigint"}),
        ("DOUBLE", {"data_type": "double"}),
        ("DATE", {"data_type": "date"}),
        ("BOOLEAN", {"data_type": "bool"}),
        ("JSON", {"data_type": "json"}),
        ("TIMESTAMP", {"data_type": "timestamp", "timezone": False}),
        ("DECIMAL(38,18)", {"data_type": "decimal", "precision": 38, "scale": 18}),
        ("DECIMAL(9,0)", {"data_type": "decimal", "precision": 9, "scale": 0}),
    ],
)
def test_each_type_has_its_hint(kind: str, hint: dict[str, object]) -> None:
    assert hints({"c": kind}) == {"c": {**hint, "nullable": True}}


@pytest.mark.parametrize("kind", ["HUGEINT", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]", "", "decimal(38,18)"])
def test_a_type_that_is_not_loaded_is_refused_by_name(kind: str) -> None:
    with pytest.raises(DestinationError, match="cost"):
        hints({"cost": kind})


def test_the_same_types_need_no_cast() -> None:
    assert fitted("t", {"a": "BIGINT", "B": "DATE"}, {"A": "BIGINT", "b": "DATE"}) == '"a", "B"'


def test_text_takes_everything() -> None:
    assert fitted("t", {"a": "BIGINT"}, {"a": "VARCHAR"}) == 'CAST("a" AS VARCHAR) AS "a"'


@pytest.mark.parametrize(
    ("standing", "new"),
    [
        ("DECIMAL(10,2)", "DECIMAL(38,18)"),
        ("DECIMAL(38,18)", "DECIMAL(38,10)"),
        ("BIGINT", "DECIMAL(38,18)"),
        ("BIGINT", "VARCHAR"),
        ("DATE", "TIMESTAMP"),
        ("JSON", "VARCHAR"),
    ],
)
def test_another_type_is_refused_naming_the_column_and_both(standing: str, new: str) -> None:
    with pytest.raises(DestinationError) as caught:
        fitted("billing_data", {"cost": new}, {"cost": standing})
    assert caught.value.where == "billing_data.cost"
    assert standing in caught.value.what
    assert new in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([("a", "VARCHAR")], "t.b"),
        ([("a", "VARCHAR"), ("b", "BIGINT"), ("c", "DATE")], "t.c"),
        ([("a", "VARCHAR"), ("b", "DOUBLE")], "t.b"),
        ([("a", "VARCHAR"), ("b", "BIGINT"), ("a", "VARCHAR")], "there twice"),
    ],
)
def test_rows_must_yield_what_the_table_declares(found: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(DestinationError) as caught:
        check_yield("t", {"a": "VARCHAR", "b": "BIGINT"}, found)
    assert says in caught.value.where


def test_order_and_case_of_yielded_columns_do_not_matter() -> None:
    check_yield("t", {"Cost": "BIGINT", "a": "DATE"}, [("a", "DATE"), ("cost", "BIGINT")])


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_quoted_names_survive_duckdb(name: str) -> None:
    import duckdb

    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert [row[0] for row in duckdb.execute(f"DESCRIBE SELECT 1 AS {identifier(name)}").fetchall()] == [name]
