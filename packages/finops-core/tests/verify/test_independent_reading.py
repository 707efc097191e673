"""The second reading of files: other code than DuckDB's, and the same sums to the last digit."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core import Column, CsvDialect, Dataset, Delivery, LocalFile, Period, SourceFile
from finops_core.errors import DeliveryError
from finops_core.stage.inspection import inspect
from finops_core.stage.reading import reading
from finops_core.verify.independent import tallies
from hypothesis import given, settings
from hypothesis import strategies as st

BILL = Dataset(
    name="bill",
    title="bill",
    columns=lambda found: [
        Column(
            f.name.lower(),
            "DECIMAL(38,18)" if f.name == "Cost" else "VARCHAR",
            f.name,
            f"json_extract_string({f.ref}, '$')" if f.type == "JSON" else None,
        )
        for f in found
    ],
    known={"cost": "DECIMAL(38,18)", "currency": "VARCHAR"},
    required=("cost",),
    cost="cost",
    currency="currency",
)

amounts = st.decimals(
    min_value=Decimal(-(10**15)), max_value=Decimal(10**15), places=18, allow_nan=False, allow_infinity=False
)
notes = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=8)
records = st.lists(st.tuples(amounts, st.sampled_from(["USD", "EUR", ""]), notes), min_size=1, max_size=20)


GERMAN = replace(
    BILL,
    columns=lambda found: [
        Column("cost", "DECIMAL(38,18)", f.name, f"replace(replace({f.ref}, '.', ''), ',', '.')")
        if f.name == "Betrag"
        else Column(f.name.lower(), "VARCHAR", f.name)
        for f in found
    ],
    csv=CsvDialect(delimiter=";"),
)


def both(
    folder: Path, data: bytes, form: str, dataset: Dataset = BILL
) -> tuple[dict[str, tuple[int, Decimal]], dict[str, tuple[int, Decimal]]]:
    """What the second reading and DuckDB find in a file."""
    path = folder / "file"
    path.write_bytes(data)
    source = SourceFile("file", len(data))
    delivery = Delivery("p", "e", Period(2024, 1), "v", "bill", form, (source,))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        inspected = inspect(connection, delivery, dataset, LocalFile(source, path), folder)
        select = reading(connection, delivery, dataset, [inspected], {}).select
        rows = connection.execute(
            f"SELECT coalesce(currency, 'XXX'), count(*), coalesce(sum(cost), 0) FROM ({select}) GROUP BY 1"
        ).fetchall()
    found = tallies(dataset, [inspected], "")
    return {code: (tally.rows, tally.costs["cost"]) for code, tally in found.items()}, {r[0]: r[1:] for r in rows}


def as_csv(rows: list[tuple[Decimal, str, str]]) -> bytes:
    import csv

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Note", "Currency", "Cost"])
    writer.writerows((note, code, format(cost, "f")) for cost, code, note in rows)
    return text.getvalue().encode("utf-8-sig")


@given(records, st.sampled_from(["plain", "gzip", "zip"]))
@settings(max_examples=25, deadline=None)
def test_csv_of_any_packing(tmp_path_factory: pytest.TempPathFactory, rows: list, packing: str) -> None:
    data = as_csv(rows)
    if packing == "gzip":
        data = gzip.compress(data[:9]) + gzip.compress(data[9:])
    if packing == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("bill.csv", data)
        data = packed.getvalue()
    first, second = both(tmp_path_factory.mktemp("csv"), data, "csv")
    assert first == second
    assert sum(count for count, _ in first.values()) == len(rows)


@given(records)
@settings(max_examples=15, deadline=None)
def test_json_lines(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    # Digits that a binary number has no room for stand in quotes: DuckDB refuses them where they do not.
    lines = [
        f'{{"Cost": "{format(cost, "f")}", "Currency": {json.dumps(code)}, "Note": {json.dumps(note)}}}'
        for cost, code, note in rows
    ]
    found, read = both(tmp_path_factory.mktemp("jsonl"), "\n".join(lines).encode(), "jsonl")
    assert found == read
    for code in {code for _, code, _ in rows}:
        costs = [cost for cost, other, _ in rows if other == code]
        assert found[code or "XXX"][0] == len(costs)


def test_json_lines_with_bare_numbers(tmp_path: Path) -> None:
    lines = [f'{{"Cost": {cost}, "Currency": "USD"}}' for cost in ("0.1", "-12345.678901", "1e-7", "12")]
    first, second = both(tmp_path, "\n".join(lines).encode(), "jsonl")
    assert first == second == {"USD": (4, Decimal("-12333.5789009"))}


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.decimal128(38, 18), pa.decimal128(20, 9), pa.string(), pa.large_string()]
)
def test_parquet_of_any_type(tmp_path: Path, kind: pa.DataType) -> None:
    texts = ["0.1", "0.2", "-3", "1234.123456789", None, "0.000000001"]
    values = [None if text is None else float(text) if pa.types.is_floating(kind) else text for text in texts]
    if pa.types.is_decimal(kind):
        values = [None if text is None else Decimal(text) for text in texts]
    table = pa.table({"Cost": pa.array(values, kind), "Currency": ["USD", "USD", "EUR", "USD", "USD", None]})
    pq.write_table(table, tmp_path / "made")
    first, second = both(tmp_path, (tmp_path / "made").read_bytes(), "parquet")
    assert first == second
    assert first["USD"] == (4, Decimal("1234.423456789"))


def test_csv_whose_amounts_need_an_expression(tmp_path: Path) -> None:
    data = b"Betrag;Currency\n1.234,5;EUR\n;EUR\n-0,000000000000000001;EUR\n7;USD\n"
    first, second = both(tmp_path, data, "csv", GERMAN)
    assert first == second == {"EUR": (3, Decimal("1234.499999999999999999")), "USD": (1, Decimal(7))}


def nested(cost: str, currency: str) -> Dataset:
    """A bill whose cost is taken out of the column `price`, and the currency out of `unit`."""
    rules = {"price": ("cost", "DECIMAL(38,18)", cost), "unit": ("currency", "VARCHAR", currency)}
    return replace(
        BILL,
        columns=lambda found: [
            Column(name, kind, f.name, sql.format(f.ref)) for f in found for name, kind, sql in [rules[f.name]]
        ],
    )


@pytest.mark.parametrize("cost", ["{} ->> 'amount'", "{} -> 'amount'"], ids=["text", "JSON"])
def test_json_lines_whose_amounts_need_an_expression(tmp_path: Path, cost: str) -> None:
    lines = [
        '{"price": {"amount": "1234.000000000000000001", "of": [0.10, null]}, "unit": {"code": "usd"}}',
        '{"price": {"amount": 1e-7}, "unit": {"code": "eur"}}',
        '{"price": {"amount": "-4"}, "unit": {"code": "usd"}}',
        '{"price": null}',
    ]
    first, second = both(tmp_path, "\n".join(lines).encode(), "jsonl", nested(cost, "upper({} ->> 'code')"))
    expected = {"USD": (2, Decimal("1230.000000000000000001")), "EUR": (1, Decimal("1e-7")), "XXX": (1, Decimal(0))}
    assert first == second == expected


@pytest.mark.parametrize("kind", [pa.decimal128(38, 18), pa.float64(), pa.string()])
def test_parquet_whose_amounts_need_an_expression(tmp_path: Path, kind: pa.DataType) -> None:
    amounts = [text if kind == pa.string() else Decimal(text) for text in ("1234.123456789", "0.1", "-4")]
    amounts = [float(amount) if kind == pa.float64() else amount for amount in amounts]
    prices = pa.array([*({"amount": amount} for amount in amounts), None], pa.struct({"amount": kind}))
    units = pa.array([{"code": "usd"}, {"code": "eur"}, {"code": "usd"}, None])
    pq.write_table(pa.table({"price": prices, "unit": units}), tmp_path / "made")
    dataset = nested("{}.amount", "upper({}.code)")
    first, second = both(tmp_path, (tmp_path / "made").read_bytes(), "parquet", dataset)
    expected = {"USD": (2, Decimal("1230.123456789")), "EUR": (1, Decimal("0.1")), "XXX": (1, Decimal(0))}
    assert first == second == expected


def test_an_expression_over_something_else_than_columns_is_told(tmp_path: Path) -> None:
    dataset = nested("CASE WHEN filename = '' THEN {0} ELSE {0} END", "'USD'")
    with pytest.raises(DeliveryError, match="cost and currency are computed from does not suffice: .*filename"):
        both(tmp_path, b"price,unit\n1,USD\n", "csv", dataset)


@pytest.mark.parametrize(
    ("dataset", "text"),
    [(BILL, "Note,Currency,Cost\na,USD,1\nb,USD,lots\n"), (GERMAN, "Betrag;Currency\n1,5;EUR\nlots;EUR\n")],
    ids=["plain", "expression"],
)
def test_what_is_no_number_is_named(tmp_path: Path, dataset: Dataset, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    source = SourceFile("bill.csv", path.stat().st_size)
    delivery = Delivery("p", "e", Period(2024, 1), "v", "bill", "csv", (source,))
    with duckdb.connect() as connection:
        inspected = inspect(connection, delivery, dataset, LocalFile(source, path), tmp_path)
    with pytest.raises(DeliveryError, match="'lots' is no amount") as caught:
        tallies(dataset, [inspected], "")
    assert caught.value.where == "bill.csv, record 2"
