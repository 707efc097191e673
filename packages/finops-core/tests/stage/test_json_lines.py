"""JSON lines: strings are taken without their quotes, and no digit of a number is lost in silence."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core.dataset import Dataset
from finops_core.delivery import Column, Delivery, Found, LocalFile, SourceFile
from finops_core.errors import DeliveryError, ValueDoesNotFit
from finops_core.periods import Period
from finops_core.stage import Staged
from finops_core.stage.content import LONGEST_OBJECT, json_lines
from finops_core.stage.faults import explained
from finops_core.stage.inspection import inspect
from finops_core.stage.numbers import check_numbers
from finops_core.stage.reading import reading
from hypothesis import example, given
from hypothesis import strategies as st

TYPES = {"cost": "DECIMAL(38,18)", "day": "TIMESTAMP", "tags": "JSON", "free": "BOOLEAN"}


def columns(found: Sequence[Found]) -> list[Column]:
    return [Column(field.name, TYPES.get(field.name, "VARCHAR"), field.name) for field in found]


BILL = Dataset("bill", "Acme bill", columns, TYPES, ("cost",), "cost", "currency")
DELIVERY = Delivery("acme", "main", Period(2024, 1), "v1", "bill", "jsonl", (SourceFile("bill.jsonl"),))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def read(connection: duckdb.DuckDBPyConnection, path: Path, content: bytes) -> list[dict[str, Any]]:
    path.write_bytes(content)
    file = inspect(connection, DELIVERY, BILL, LocalFile(DELIVERY.files[0], path), path.parent)
    result = connection.execute(reading(connection, DELIVERY, BILL, [file], {}).select)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_values_are_taken_as_they_are_meant(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = [
        {"id": "007", "cost": "0.123456789012345678", "day": "2024-01-01T01:00:00+01:00", "tags": {"a": "1"}},
        {"id": 7, "cost": 1e-7, "day": "2024-01-01T00:00:00Z", "tags": None, "free": True, "other": {"x": [1, "2"]}},
        {"id": 'a "b"', "cost": None, "free": "false", "other": ""},
    ]
    content = gzip.compress("\n".join(map(json.dumps, lines)).encode())
    first, second, third = read(connection, tmp_path / "bill.jsonl.gz", content)
    assert (first["id"], second["id"], third["id"]) == ("007", "7", 'a "b"')
    assert (first["cost"], second["cost"], third["cost"]) == (
        Decimal("0.123456789012345678"),
        Decimal("0.0000001"),
        None,
    )
    assert first["day"] == second["day"] == dt.datetime(2024, 1, 1)
    assert (json.loads(first["tags"]), second["tags"]) == ({"a": "1"}, None)
    assert (second["free"], third["free"]) == (True, False)
    assert (json.loads(second["other"]), third["other"]) == ({"x": [1, "2"]}, None)


@pytest.mark.parametrize("nested", ["{}", '{{"amount": {}}}', '[1, {}, "x"]'])
@pytest.mark.parametrize("number", ["0.12345678901234567", "123456789012345.678", "-1.00000000000000000001e3"])
def test_a_number_that_would_lose_digits_fails(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, number: str, nested: str
) -> None:
    line = f'{{"cost": "1", "usage": {nested.format(number)}}}'
    with pytest.raises(DeliveryError, match="digits") as raised:
        read(connection, tmp_path / "bill.jsonl", f'{{"cost": 1}}\n{line}\n'.encode())
    assert raised.value.where == "bill.jsonl"
    assert number in str(raised.value)


def test_a_value_that_does_not_fit_is_told_with_its_row(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "bill.jsonl"
    path.write_text('{"cost": "1.5"}\n{"id": 1}\n{"id": 2, "cost": "much"}\n')
    file = inspect(connection, DELIVERY, BILL, LocalFile(DELIVERY.files[0], path), tmp_path)
    staged = Staged(DELIVERY, BILL, {"": reading(connection, DELIVERY, BILL, [file], {})}, (file,), 0)
    with pytest.raises(ValueDoesNotFit, match="'much'") as raised, explained(DELIVERY, staged):
        connection.execute(staged.main.select).fetchall()
    assert raised.value.where == "bill.jsonl, row 3, column cost"


@pytest.mark.parametrize(
    "text",
    [
        "0.12345678901234567",
        '{"x": 0.12345678901234567, "y": [1.12345678901234567]}',
        "at: 1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7",
    ],
)
def test_digits_in_a_string_are_no_number(connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str) -> None:
    line = {"cost": 1, "note": text, "long": 123456789012345678901234567890}
    (row,) = read(connection, tmp_path / "bill.jsonl", json.dumps(line).encode())
    assert (row["note"], row["long"]) == (text, "123456789012345678901234567890")


TEXTS = st.text(st.sampled_from('0123456789.,:[]{}"\\e- '), max_size=60)


@given(values=st.dictionaries(TEXTS, st.recursive(TEXTS | st.floats(allow_nan=False, allow_infinity=False), st.lists)))
def test_no_text_is_taken_for_a_number(connection: duckdb.DuckDBPyConnection, values: dict[str, Any]) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE written AS SELECT ? AS json", [json.dumps(values)])
    check_numbers(connection, "written", "bill.jsonl")


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@example(123456789.01234567)
@example(1e-7)
def test_what_was_a_double_is_read(connection: duckdb.DuckDBPyConnection, value: float) -> None:
    relation = f"(SELECT '{{\"cost\": {value!r}}}' AS json)"
    check_numbers(connection, relation, "bill.jsonl")


@given(number=st.from_regex(r"-?(0|[1-9][0-9]{0,12})\.[0-9]{1,17}", fullmatch=True))
def test_no_number_passes_that_duckdb_changes(connection: duckdb.DuckDBPyConnection, number: str) -> None:
    """The check is held against DuckDB itself."""
    relation = f"(SELECT '{{\"cost\": {number}}}' AS json)"
    ((parsed,),) = connection.execute(f"SELECT json ->> '$.cost' FROM {relation}").fetchall()
    try:
        check_numbers(connection, relation, "bill.jsonl")
    except DeliveryError:
        assert Decimal(parsed) != Decimal(number)
    else:
        assert Decimal(parsed) == Decimal(number)


def test_lines_are_counted_so_that_as_many_rows_have_to_arrive(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "bill.jsonl"
    path.write_bytes(b'{"cost": "1"}\n\n{"cost": "2", "more": 1}\n{"cost": "1"}')
    file = inspect(connection, DELIVERY, BILL, LocalFile(SourceFile("bill.jsonl"), path), tmp_path)
    assert [found.name for found in file.found] == ["cost", "more"]
    assert file.rows == 3
    assert len(read(connection, path, path.read_bytes())) == 3


@pytest.mark.parametrize("line", ['[{"cost": "1"}]', "[]", "null", "1", '"{}"', "\x00", "\ufeff{}"])
@pytest.mark.parametrize("squeezed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_that_is_no_object_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, line: str, squeezed: Callable[[bytes], bytes]
) -> None:
    for number, content in ((1, line), (3, f'{{"cost": "1"}}\n\n{line}\n')):
        with pytest.raises(DeliveryError, match="no object") as caught:
            read(connection, tmp_path / "bill.jsonl", squeezed(content.encode()))
        assert caught.value.where == f"bill.jsonl, line {number}"


def test_a_line_too_long_for_a_row_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="too long for a row") as caught:
        read(connection, tmp_path / "bill.jsonl", b'{"cost": "1"}\n{"cost": "' + b"1" * LONGEST_OBJECT + b'"}\n')
    assert caught.value.where == "bill.jsonl, line 2"


def test_rows_that_duckdb_passes_over_are_noticed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finops_core.stage.inspection.json_lines", lambda *_: 3)
    with pytest.raises(DeliveryError, match="of 3 lines of JSON 2 were read"):
        read(connection, tmp_path / "bill.jsonl", b'{"cost": "1"}\n{"cost": "2"}\n')


@given(st.lists(st.sampled_from(["{}", ' {"a": 1}', '{"a": "\\n"}\r', "", " ", "\t\r"])), st.sampled_from(["", "\n"]))
def test_as_many_lines_are_counted_as_duckdb_reads(
    connection: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    path = tmp_path_factory.mktemp("lines") / "bill.jsonl"
    path.write_bytes(("\n".join(lines) + end).encode())
    objects = f"read_json_objects('{path}', format='newline_delimited')"
    assert connection.execute(f"SELECT count(*) FROM {objects}").fetchall() == [(json_lines(path, "none", "key"),)]
