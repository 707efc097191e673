"""Files of one delivery, read by name with types pinned: orders, columns, compressions and collisions differ."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core.dataset import Dataset
from finops_core.delivery import Column, Delivery, Found, LocalFile, SourceFile
from finops_core.errors import DeliveryError, ValueDoesNotFit
from finops_core.periods import Period
from finops_core.stage import Staged
from finops_core.stage.faults import explained
from finops_core.stage.inspection import Inspected, inspect, rows_in
from finops_core.stage.reading import reading
from hypothesis import given
from hypothesis import strategies as st

TYPES = {"cost": "DECIMAL(38,18)", "day": "TIMESTAMP"}


def rule(found: Sequence[Found]) -> list[Column]:
    return [Column(f.name.lower().replace(" ", "_"), TYPES.get(f.name.lower(), "VARCHAR"), f.name) for f in found]


BILL = Dataset("bill", "Acme bill", rule, {"cost": "DECIMAL(38,18)"}, ("cost",), "cost", "currency")


def delivery(*files: str, format: str = "csv") -> Delivery:
    return Delivery("acme", "main", Period(2024, 1), "v1", "bill", format, tuple(map(SourceFile, files)))  # type: ignore[arg-type]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def stage(connection: duckdb.DuckDBPyConnection, folder: Path, names: Sequence[str], format: str = "csv") -> Staged:
    found = delivery(*names, format=format)
    with explained(found):
        files = tuple(inspect(connection, found, BILL, LocalFile(SourceFile(n), folder / n), folder) for n in names)
        return Staged(found, BILL, {"": reading(connection, found, BILL, files, {})}, files, 0)


def rows(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[dict[str, Any]]:
    with explained(staged.delivery, staged):
        result = connection.execute(staged.main.select)
        assert result.description is not None
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_files_of_one_month_may_differ_in_order_and_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "1.csv").write_text("id,cost,Env,env\n001,1.5,A,b\n")
    (tmp_path / "2.csv").write_text("env,Env,extra,cost,id\nb2,A2,x,2e-7,007\n")
    staged = stage(connection, tmp_path, ["1.csv", "2.csv"])
    names = {column.source: column.name for column in staged.main.sources}
    assert names["Env"] != names["env"]
    one, two = sorted(rows(connection, staged), key=lambda row: row["source_file"])
    assert (one["id"], one["cost"], one[names["Env"]], one[names["env"]]) == ("001", Decimal("1.5"), "A", "b")
    assert (two["id"], two["cost"], two[names["Env"]], two[names["env"]]) == ("007", Decimal("2e-7"), "A2", "b2")
    assert (one["extra"], two["extra"]) == (None, "x")
    assert one["billing_period"] == "2024-01"
    assert (one["source_export"], one["source_version"]) == ("main", "v1")
    assert (one["source_file"], two["source_file"]) == ("1.csv", "2.csv")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.csv.zip", "no-ending"])
@pytest.mark.parametrize("kind", ["plain", "gzip", "zip", "two gzip members"])
def test_content_decides_the_compression(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, kind: str
) -> None:
    text = b'\xef\xbb\xbfid,cost,note\r\n1,2.5,"a, ""b""\r\nc"\r\n'
    path = tmp_path / name
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", text)
    else:
        halves = gzip.compress(text[:20]) + gzip.compress(text[20:])
        path.write_bytes({"plain": text, "gzip": gzip.compress(text), "two gzip members": halves}[kind])
    [row] = rows(connection, stage(connection, tmp_path, [name]))
    assert (row["id"], row["cost"], row["note"], row["source_file"]) == ("1", Decimal("2.5"), 'a, "b"\r\nc', name)


@pytest.mark.parametrize(
    "content",
    [b"", b"id,cost\n", gzip.compress(b""), gzip.compress(b"id,cost\n")],
    ids=["zero bytes", "header only", "gzip of nothing", "gzip of a header"],
)
def test_files_without_rows(connection: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.csv").write_bytes(content)
    (tmp_path / "1.csv").write_text("id,cost\n1,2\n")
    assert rows(connection, stage(connection, tmp_path, ["0.csv"])) == []
    assert [row["id"] for row in rows(connection, stage(connection, tmp_path, ["0.csv", "1.csv"]))] == ["1"]


def test_every_damage_to_a_gzip_file_is_noticed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    whole = gzip.compress(b"id,cost\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(3000)))
    for position in range(10, len(whole), len(whole) // 60):
        for damaged in (whole[:position], whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :]):
            (tmp_path / "x.csv.gz").write_bytes(damaged)
            with pytest.raises(DeliveryError):
                rows(connection, stage(connection, tmp_path, ["x.csv.gz"]))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_damage_to_a_zip_file_is_noticed_or_does_no_harm(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, method: int
) -> None:
    path = tmp_path / "x.csv.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x.csv", b"id,cost\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(300)))
    whole, refused = path.read_bytes(), 0
    for position in [*range(4, 40), *range(40, len(whole), len(whole) // 20), *range(len(whole) - 70, len(whole))]:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x91]) + whole[position + 1 :])
        try:
            found = rows(connection, stage(connection, tmp_path, ["x.csv.zip"]))
        except DeliveryError as error:
            assert "x.csv.zip" in error.where
            refused += 1
        else:
            assert len(found) == 300
            assert sum(row["cost"] for row in found) == Decimal(45000)
    assert refused > 20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,cost\n1,2\n3\n", "malformed"),
        ("id,cost\n1,2,3\n", "malformed"),
        ("id,price\n1,2\n", "lacks cost"),
        ('id,cost\n1,"2\n', "malformed"),
    ],
)
def test_malformed_csv_is_refused_with_its_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DeliveryError, match=told) as error:
        rows(connection, stage(connection, tmp_path, ["x.csv"]))
    assert "x.csv" in error.value.where


def test_a_value_that_does_not_fit_names_file_row_and_column(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id,cost\n1,2\n")
    (tmp_path / "b.csv").write_text("id,cost\n1,2\n2,0.1234567890123456789\n")
    with pytest.raises(ValueDoesNotFit, match=r"0\.1234567890123456789") as error:
        rows(connection, stage(connection, tmp_path, ["a.csv", "b.csv"]))
    assert error.value.where == "b.csv, row 2, column cost"


@pytest.mark.parametrize("cost", [float("nan"), float("-inf"), 1e30])
def test_a_binary_number_that_is_no_amount_names_file_row_and_column(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, cost: float
) -> None:
    for number, values in enumerate([[1.0], [None, 2.0, cost]]):
        pq.write_table(pa.table({"cost": pa.array(values, pa.float64())}), tmp_path / f"{number}.parquet")
    with pytest.raises(ValueDoesNotFit, match="cost") as error:
        rows(connection, stage(connection, tmp_path, ["0.parquet", "1.parquet"], "parquet"))
    assert error.value.where == "1.parquet, row 3, column cost"


def test_a_time_that_is_none_names_file_row_and_column(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("day,cost\n2024-01-01,2\n2024-13-01T00:00:00Z,2\n")
    with pytest.raises(ValueDoesNotFit, match="2024-13") as error:
        rows(connection, stage(connection, tmp_path, ["a.csv"]))
    assert error.value.where == "a.csv, row 2, column day"


def test_the_damaged_one_of_several_parquet_files_is_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name in ("1.parquet", "2.parquet"):
        pq.write_table(pa.table({"id": ["a"] * 50, "cost": [1.0] * 50}), tmp_path / name)
    whole = (tmp_path / "2.parquet").read_bytes()
    (tmp_path / "2.parquet").write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])
    with pytest.raises(DeliveryError, match="cannot be read") as error:
        rows(connection, stage(connection, tmp_path, ["1.parquet", "2.parquet"], "parquet"))
    assert error.value.where == "2.parquet"


def test_parquet_by_position_exact_and_without_blanks(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    one = pa.table({"id": ["", "b"], "cost": [0.1, 1e-7], "Env": ["A", None], "env": ["x", "y"]})
    two = pa.table({"env": ["z"], "cost": ["3.25"], "id": ["c"]})
    pq.write_table(one, tmp_path / "1.parquet")
    pq.write_table(two, tmp_path / "2.parquet")
    staged = stage(connection, tmp_path, ["1.parquet", "2.parquet"], "parquet")
    names = {column.source: column.name for column in staged.main.sources}
    found = [(r["id"], r["cost"], r[names["Env"]], r[names["env"]]) for r in rows(connection, staged)]
    assert sorted(found, key=str) == sorted(
        [(None, Decimal("0.1"), "A", "x"), ("b", Decimal("1e-7"), None, "y"), ("c", Decimal("3.25"), None, "z")],
        key=str,
    )
    assert [file.rows for file in staged.files] == [2, 1]


def test_a_damaged_parquet_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"cost": [1.0]}), tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-9])
    with pytest.raises(DeliveryError, match="damaged"):
        stage(connection, tmp_path, ["x.parquet"], "parquet")


def test_a_parquet_file_with_altered_bytes_is_read_or_refused(tmp_path: Path) -> None:
    """What a damaged page or footer makes of DuckDB's reader are errors without a kind, and failed assertions."""
    table = pa.table({"id": [str(i % 7) for i in range(40)], "cost": [i / 8 for i in range(40)]})
    pq.write_table(table, tmp_path / "x.parquet", store_schema=False)
    whole, refused = (tmp_path / "x.parquet").read_bytes(), set()
    altered = [whole[:at] + b"\xff" + whole[at + 1 :] for at in range(4, len(whole) - 8, 9)]
    for content in (*altered, whole.replace(b"cost", b"c\xffst")):
        (tmp_path / "x.parquet").write_bytes(content)
        try:
            with duckdb.connect(config={"threads": 1}) as connection:
                rows(connection, stage(connection, tmp_path, ["x.parquet"], "parquet"))
        except DeliveryError as error:
            refused.add(type(error.__cause__))
    assert UnicodeDecodeError in refused
    assert refused & {duckdb.Error, duckdb.InternalException}


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)


@given(st.lists(st.tuples(CELLS, st.decimals(-(10**9), 10**9, places=10)), min_size=1, max_size=5))
def test_text_in_is_text_out_and_sums_are_exact(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, Decimal]]
) -> None:
    import csv

    folder = tmp_path_factory.mktemp("cells")
    with (folder / "x.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["note", "cost"])
        writer.writerows(cells)
    with duckdb.connect() as connection:
        found = rows(connection, stage(connection, folder, ["x.csv"]))
    assert sorted((row["note"], row["cost"]) for row in found) == sorted(cells)
    assert sum(row["cost"] for row in found) == sum(cost for _, cost in cells)


NOTES = st.text(st.sampled_from('x, "\n\r'), max_size=6)


@given(st.lists(st.tuples(NOTES, st.integers(0, 9))), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_rows_are_counted_as_duckdb_reads_them(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, int]], end: str, cut: bool, squeezed: bool
) -> None:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=end)
    writer.writerows([("note", "cost"), *cells])
    content = text.getvalue().removesuffix(end if cut else "").encode()
    folder = tmp_path_factory.mktemp("counted")
    (folder / "x.csv").write_bytes(gzip.compress(content) if squeezed else content)
    with duckdb.connect() as connection:
        [file] = (staged := stage(connection, folder, ["x.csv"])).files
        assert rows_in(file, BILL, len(rows(connection, staged))) == len(cells)
    assert rows_in(file, BILL, len(cells) + 1) == len(cells)


@pytest.mark.parametrize("content", ["id,cost\n1,2\n\n3,4\n\n", "\ufeffid,cost\n\n1,2\n3,4", "id,cost\r1,2\r3,4\r"])
def test_blank_lines_are_no_rows(connection: duckdb.DuckDBPyConnection, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_bytes(content.encode())
    [file] = (staged := stage(connection, tmp_path, ["x.csv"])).files
    assert len(rows(connection, staged)) == rows_in(file, BILL, 2) == rows_in(file, BILL, 1) == 2


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", "\ufeff\n"])
def test_a_blank_line_is_no_header(connection: duckdb.DuckDBPyConnection, tmp_path: Path, blank: str) -> None:
    (tmp_path / "x.csv").write_bytes(blank.encode())
    assert stage(connection, tmp_path, ["x.csv"]).files[0].kind == "empty"
    (tmp_path / "x.csv").write_bytes(f"{blank}id,cost\n1,2\n".encode())
    with pytest.raises(DeliveryError, match="begins with a blank line") as error:
        stage(connection, tmp_path, ["x.csv"])
    assert error.value.where == "x.csv, line 1"


def test_inspected_files_say_what_they_are(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(gzip.compress(b"id,cost\n1,2\n"))
    file = inspect(connection, delivery("x.csv"), BILL, LocalFile(SourceFile("x.csv"), tmp_path / "x.csv"), tmp_path)
    assert file == Inspected(
        file.local, tmp_path / "x.csv", "gzip", (Found("id", "VARCHAR", "c0"), Found("cost", "VARCHAR", "c1")), None, 2
    )
