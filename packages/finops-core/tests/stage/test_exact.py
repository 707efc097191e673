"""Every digit is kept, or the value is refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, localcontext

import duckdb
import pytest
from finops_core.sql import FAULT
from finops_core.stage.exact import exactly
from hypothesis import example, given
from hypothesis import strategies as st

SCALE = 18


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def cast(connection: duckdb.DuckDBPyConnection, value: object, found: str, wanted: str) -> object:
    sql = f"SELECT {exactly('x', found, wanted, 'lineItem/Cost')} FROM (SELECT CAST(? AS {found}) AS x)"
    return connection.execute(sql, [value]).fetchall()[0][0]


NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25).map(str),
    st.from_regex(r"[+-]?[0-9]{0,24}\.?[0-9]{0,24}([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.text(alphabet="0123456789.eE+-", max_size=12),
)


@given(text=NUMBERS)
@example("0.1234567890123456789")
@example("-9.3132257462E-10")
@example("1.2345678901234567E1")
@example("99999999999999999999.999999999999999999")
@example("100000000000000000000")
@example("0e-400")
@example("100000000000000000000E-1")
@example(".01E21")
def test_a_number_is_kept_to_the_last_digit_or_refused(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    try:
        with localcontext() as context:
            context.prec = 400
            value: Decimal | None = Decimal(text) if text else None
            fits = value is None or (
                abs(value) < 10 ** (38 - SCALE) and value == value.quantize(Decimal(1).scaleb(-SCALE))
            )
    except ArithmeticError:
        value, fits = None, False
    try:
        found = cast(connection, text, "VARCHAR", "DECIMAL(38,18)")
    except duckdb.Error as error:
        assert FAULT + "lineItem/Cost: " in str(error)
        # DuckDB refuses a number whose digits do not fit before its exponent has moved the point, or whose exponent is
        # larger than any number that fits.
        digits, exponent = [*re.split("[eE]", text), "0"][:2]
        assert not fits or abs(Decimal(digits)) >= 10 ** (38 - SCALE) or int(exponent) > 38 - SCALE, text
    else:
        assert fits, (text, found)
        assert found == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_double_is_taken_by_its_shortest_text(connection: duckdb.DuckDBPyConnection, value: float) -> None:
    found = cast(connection, value, "DOUBLE", "DECIMAL(38,18)")
    assert isinstance(found, Decimal)
    assert abs(found - Decimal(repr(value))) <= Decimal("5e-19")


@pytest.mark.parametrize("text", ["NaN", "inf", "--1", "1,5", "0x10", "1e", "abc", "1 2"])
def test_what_is_no_number_is_refused(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    with pytest.raises(duckdb.Error, match=FAULT):
        cast(connection, text, "VARCHAR", "DECIMAL(38,18)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-01T00:00:00Z", dt.datetime(2025, 1, 1)),
        ("2025-01-01T00:00:00.123Z", dt.datetime(2025, 1, 1, microsecond=123000)),
        ("2025-01-01T00:00Z", dt.datetime(2025, 1, 1)),
        ("2025-01-01 01:00:00+01:00", dt.datetime(2025, 1, 1)),
        ("2025-01-15 10:00:00.5 UTC", dt.datetime(2025, 1, 15, 10, 0, 0, 500000)),
        ("2025-01-31", dt.datetime(2025, 1, 31)),
        ("", None),
    ],
)
def test_times_become_naive_utc(connection: duckdb.DuckDBPyConnection, text: str, expected: object) -> None:
    assert cast(connection, text, "VARCHAR", "TIMESTAMP") == expected


@pytest.mark.parametrize("text", ["007", "1e5", "NULL", "NaN", "000000000012", "=1+1", "None"])
def test_text_stays_text(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert cast(connection, text, "VARCHAR", "VARCHAR") == text


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_json_keeps_what_is_not_json(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    import json

    found = cast(connection, text, "VARCHAR", "JSON")
    assert isinstance(found, str)
    assert found == text or json.loads(found) == text


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("2025-01-31", "DATE", dt.date(2025, 1, 31)),
        ("", "DATE", None),
        ("true", "BOOLEAN", True),
        ("", "BOOLEAN", None),
        ("12", "BIGINT", 12),
        ("1.0", "BIGINT", 1),
        ("1e3", "BIGINT", 1000),
        ("9007199254740993", "BIGINT", 9007199254740993),
    ],
)
def test_other_types(connection: duckdb.DuckDBPyConnection, text: str, wanted: str, expected: object) -> None:
    assert cast(connection, text, "VARCHAR", wanted) == expected


@pytest.mark.parametrize(
    ("value", "found", "wanted"),
    [
        ("31/01/2025", "VARCHAR", "DATE"),
        ("perhaps", "VARCHAR", "BOOLEAN"),
        ("1.5", "VARCHAR", "BIGINT"),
        ("1e20", "VARCHAR", "BIGINT"),
        (1.5, "DOUBLE", "BIGINT"),
        (Decimal("1.5"), "DECIMAL(9,2)", "INTEGER"),
        (2**40, "BIGINT", "INTEGER"),
    ],
)
def test_what_is_not_of_the_type_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, value: object, found: str, wanted: str
) -> None:
    with pytest.raises(duckdb.Error, match=f"{re.escape(FAULT)}lineItem/Cost"):
        cast(connection, value, found, wanted)
