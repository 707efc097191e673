"""Quantities with more than 18 decimals are kept whole; a cost that has as many fails the period, as it always did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core.dataset import Dataset
from finops_core.delivery import Column, Delivery, Found, LocalFile, SourceFile
from finops_core.errors import ValueDoesNotFit
from finops_core.periods import Period
from finops_core.stage import Staged
from finops_core.stage.exact import decimals
from finops_core.stage.faults import explained
from finops_core.stage.reading import inspect, readings
from finops_core.stage.widen import rounded, told, widened
from hypothesis import example, given, settings
from hypothesis import strategies as st

AMOUNT = "DECIMAL(38,18)"


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def rule(found: Sequence[Found]) -> list[Column]:
    return [Column(item.name, "VARCHAR" if item.name == "note" else AMOUNT, item.name) for item in found]


BILL = Dataset("bill", "Bill", rule, {"cost": AMOUNT, "usage": AMOUNT}, (), "cost", "currency", quantities=("usage",))


def staged(
    connection: duckdb.DuckDBPyConnection, folder: Path, texts: Sequence[str], dataset: Dataset = BILL
) -> Staged:
    for number, text in enumerate(texts):
        (folder / f"{number}.csv").write_text(text)
    sources = tuple(SourceFile(f"{number}.csv") for number in range(len(texts)))
    delivery = Delivery("acme", "main", Period(2024, 1), "v1", "bill", "csv", sources)
    locals_ = [LocalFile(source, folder / source.key) for source in sources]
    files = tuple(inspect(connection, delivery, dataset, local, folder) for local in locals_)
    return Staged(delivery, dataset, readings(connection, delivery, dataset, files, {}), files, 0)


def read(connection: duckdb.DuckDBPyConnection, found: Staged, column: str) -> list[Any]:
    with explained(found.delivery, found):
        return [row[0] for row in connection.execute(f'SELECT "{column}" FROM ({found.main.select})').fetchall()]


NUMBERS = st.builds(
    "{}{}.{}E{}".format, st.sampled_from(["", "-"]), st.integers(0, 9), st.integers(0, 10**16), st.integers(-36, 12)
) | st.decimals(-(10**12), 10**12, allow_nan=False).map(str)
"""As AWS writes them: plain, or with one digit before the point and an exponent."""


@settings(max_examples=40)
@given(st.lists(NUMBERS, min_size=1, max_size=4))
@example(["9.3132257462E-10", "1"])
@example(["1e-37"])
@example(["1e-38"])
@example(["12345678901234567890", "1e-19"])
@example(["0e-30"])
def test_every_digit_of_a_quantity_is_kept_or_the_value_is_named(
    database: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    with localcontext(prec=200):
        values = [Decimal(text) for text in texts]
        scale = max([18, *(-int(value.normalize().as_tuple().exponent) for value in values if value)])
        fits = scale <= 37 and all(abs(value) < 10 ** (38 - scale) for value in values)
    lines = "".join(f"1,{text}\n" for text in texts)
    first = staged(database, tmp_path_factory.mktemp("bill"), [f"cost,usage\n{lines}"])
    try:
        found, types = read(database, first, "usage"), first.main.columns
    except ValueDoesNotFit as error:
        assert error.column == "usage"
        wider = widened(database, first, {}, error.column)
        if wider is None:
            assert not fits, texts
            return
        try:
            found, types = read(database, wider, "usage"), wider.main.columns
        except ValueDoesNotFit:
            assert not fits, texts
            return
    assert fits, texts
    assert found == values
    assert types["usage"] == f"DECIMAL(38,{scale})"
    assert types["cost"] == AMOUNT


@given(NUMBERS)
def test_decimals_are_counted_as_python_does(database: duckdb.DuckDBPyConnection, text: str) -> None:
    [(found,)] = database.execute(f"SELECT {decimals('x')} FROM (SELECT ? AS x)", [text]).fetchall()
    value = Decimal(text)
    with localcontext(prec=200):
        assert found == (-int(value.normalize().as_tuple().exponent) if value else 0)


def test_a_cost_is_never_widened(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        bill = staged(connection, tmp_path, ["cost,usage\n1e-19,1e-19\n"])
        with pytest.raises(ValueDoesNotFit) as caught:
            read(connection, bill, "cost")
        assert widened(connection, bill, {}, caught.value.column) is None
        wider = widened(connection, bill, {}, "usage")
        assert wider is not None
        with pytest.raises(ValueDoesNotFit, match="cost") as caught:
            read(connection, wider, "cost")
        assert caught.value.where == "0.csv, row 1, column cost"


def test_a_provider_that_names_no_quantities_gets_none_widened(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        bill = staged(connection, tmp_path, ["cost,usage\n1,1e-19\n"], replace(BILL, quantities=()))
        assert widened(connection, bill, {}, "usage") is None


def test_all_files_are_measured_and_what_is_no_number_still_fails(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        texts = ["usage,cost,note\n1e-20,1,a\n", "note,cost,usage\nb,2,1e-25\n", "cost\n3\n"]
        wider = widened(connection, staged(connection, tmp_path, texts), {}, "usage")
        assert wider is not None
        assert set(read(connection, wider, "usage")) == {Decimal("1e-20"), Decimal("1e-25"), None}
        assert rounded(wider.main, BILL.known) == {"usage": AMOUNT}
        assert told(wider) == ["more than 18 decimals, which FOCUS rounds: usage"]
        assert widened(connection, wider, {}, "usage") is None, "it is as wide as it needs to be"

        wrong = widened(connection, staged(connection, tmp_path, ["cost,usage\n1,1e-20\n1,many\n"]), {}, "usage")
        assert wrong is not None
        with pytest.raises(ValueDoesNotFit, match="many"):
            read(connection, wrong, "usage")
