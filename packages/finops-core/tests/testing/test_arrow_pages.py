"""Pages of an API as Parquet: every row, every digit, in groups that are quick to read, and nothing unexpected."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core import arrow
from finops_core.arrow import text_batch, write_batches
from finops_core.errors import ValueDoesNotFit
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = pa.schema([("id", pa.string()), ("amount", pa.string())])
ROWS = st.lists(st.fixed_dictionaries({}, optional={"id": st.none() | st.text(), "amount": st.none() | st.text()}))


def page(*rows: dict[str, object]) -> pa.RecordBatch:
    return text_batch(SCHEMA, rows, "page 1")


@given(pages=st.lists(ROWS, max_size=4))
def test_what_is_read_is_what_was_answered(tmp_path_factory: pytest.TempPathFactory, pages: list[list]) -> None:
    path = tmp_path_factory.mktemp("pages") / "lines.parquet"
    rows = write_batches(path, SCHEMA, (text_batch(SCHEMA, some, "page") for some in pages))
    wanted = [{"id": row.get("id"), "amount": row.get("amount")} for some in pages for row in some]
    assert rows == len(wanted)
    assert pq.read_table(path).to_pylist() == wanted


def test_no_page_at_all_is_a_file_without_rows(tmp_path: Path) -> None:
    assert write_batches(tmp_path / "lines.parquet", SCHEMA, []) == 0
    assert pq.read_table(tmp_path / "lines.parquet").schema.equals(SCHEMA)


def test_small_pages_share_a_group_and_no_group_gathers_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "ROW_GROUP", 10)
    pages = (page(*({"id": f"{number}-{at}"} for at in range(4))) for number in range(8))
    assert write_batches(tmp_path / "lines.parquet", SCHEMA, pages) == 32
    file = pq.ParquetFile(tmp_path / "lines.parquet")
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [12, 12, 8]


def test_digits_survive_only_as_text() -> None:
    answer = '{"id": "a", "amount": 0.1234567890123456789}'
    [row] = page(json.loads(answer, parse_float=str)).to_pylist()
    assert row["amount"] == "0.1234567890123456789"
    with pytest.raises(ValueDoesNotFit, match="a value of another type") as error:
        page(json.loads(answer))
    assert error.value.where == "page 1"


def test_a_field_that_is_not_expected_is_told_and_not_dropped() -> None:
    with pytest.raises(ValueDoesNotFit, match="a field that is not expected: 'discount'"):
        page({"id": "a"}, {"id": "b", "discount": "1"})


def test_a_page_of_another_schema_is_refused(tmp_path: Path) -> None:
    other = pa.RecordBatch.from_pylist([{"id": "a", "amount": 1.5}])
    with pytest.raises(ValueDoesNotFit, match="a page has columns"):
        write_batches(tmp_path / "lines.parquet", SCHEMA, [page({"id": "a"}), other])
