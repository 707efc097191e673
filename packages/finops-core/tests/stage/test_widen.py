"""Quantities with more than 18 decimals are kept whole, and so is any value of a column that nobody knows; a cost that
does not fit fails the period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core.dataset import Dataset
from finops_core.delivery import Column, Delivery, Format, Found, LocalFile, SourceFile
from finops_core.errors import ValueDoesNotFit
from finops_core.periods import Period
from finops_core.stage import Staged
from finops_core.stage.exact import decimals
from finops_core.stage.faults import explained
from finops_core.stage.inspection import inspect
from finops_core.stage.reading import readings
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
    return bill_of(connection, folder, [f"{number}.csv" for number in range(len(texts))], dataset)


def bill_of(
    connection: duckdb.DuckDBPyConnection, folder: Path, names: Sequence[str], dataset: Dataset = BILL
) -> Staged:
    sources = tuple(map(SourceFile, names))
    form: Format = "parquet" if names[0].endswith("parquet") else "csv"
    delivery = Delivery("acme", "main", Period(2024, 1), "v1", "bill", form, sources)
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


@settings(max_examples=30)
@given(
    st.lists(NUMBERS | st.sampled_from(["NaN", "", "many", "1,5", "1e-300", "0x10", "1_000"]), min_size=1, max_size=4)
)
@example(["9.313225746154785E-10", ""])
@example(["12345678901234567890", "1e-19"])
def test_a_column_that_nobody_knows_never_fails_a_bill(
    database: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Its values are kept to the last digit, as numbers where one DECIMAL holds all, else as they are written."""
    lines = "".join(f'1,"{text}"\n' for text in texts)
    bill = staged(database, tmp_path_factory.mktemp("bill"), [f"cost,newcomer\n{lines}"])
    try:
        found = read(database, bill, "newcomer")
    except ValueDoesNotFit as error:
        wider = widened(database, bill, {}, error.column)
        assert wider is not None
        found, bill = read(database, wider, "newcomer"), wider
    if bill.main.columns["newcomer"] == "VARCHAR":
        assert found == [text or None for text in texts]
        assert told(bill) == ["kept as text, since not every value is of the column's type: newcomer"]
    else:
        with localcontext(prec=200):
            assert found == [Decimal(text) if text else None for text in texts]


def test_binary_numbers_and_times_of_a_column_that_nobody_knows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def typed(found: Sequence[Found]) -> list[Column]:
        return [Column(item.name, "TIMESTAMP" if item.name == "day" else AMOUNT, item.name) for item in found]

    content = pa.table({"cost": [1.0, 2.0], "newcomer": [float("nan"), 0.1], "day": ["2024-01-01", "never"]})
    pq.write_table(content, tmp_path / "0.parquet")
    dataset = replace(BILL, columns=typed)
    with duckdb.connect() as connection:
        first = bill_of(connection, tmp_path, ["0.parquet"], dataset)
        with pytest.raises(ValueDoesNotFit) as caught:
            read(connection, first, "newcomer")
        wider = widened(connection, first, {}, caught.value.column)
        assert wider is not None
        assert wider.main.columns["cost"] == AMOUNT
        assert read(connection, wider, "newcomer") == ["nan", "0.1"]
        assert read(connection, wider, "day") == ["2024-01-01", "never"]


def test_a_type_of_an_earlier_load_stays_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_text("cost,usage,newcomer\n1,2,3\n")
    with duckdb.connect() as connection:
        bill = bill_of(connection, tmp_path, ["0.csv"])
        earlier = {"cost": "VARCHAR", "usage": "DECIMAL(38,25)", "newcomer": "VARCHAR"}
        [part] = readings(connection, bill.delivery, BILL, bill.files, {}, earlier).values()
        assert dict(part.columns) == dict(part.columns) | {**earlier, "cost": AMOUNT}


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
