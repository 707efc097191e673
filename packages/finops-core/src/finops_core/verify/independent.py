"""A second reading of a bill's files that shares nothing with the first: Python's csv, json and Decimal, or pyarrow.

It counts records and sums the cost column per currency. Slow beside DuckDB, and that is its point: a mistake in how
DuckDB is asked, or in DuckDB itself, is not made twice.
"""

from __future__ import annotations

import csv
import decimal
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from finops_core.account import NO_CURRENCY
from finops_core.dataset import Dataset
from finops_core.errors import DeliveryError
from finops_core.ledger import measure_of
from finops_core.stage.inspection import Inspected
from finops_core.verify.findings import Tally

SCALE = Decimal("1e-18")
"""Amounts are kept with 18 decimals; what a binary number (DOUBLE in Parquet) has beyond them is noise."""

EXACT = decimal.Context(prec=100, rounding=ROUND_HALF_UP)
"""Wide enough for any sum of DECIMAL(38,18); Python's usual 28 digits would round."""

LONGEST_FIELD = 1 << 30


def tallies(dataset: Dataset, files: Iterable[Inspected], part: str) -> dict[str, Tally]:
    """Rows and cost per currency of all files of a part. Raises DeliveryError for a cost that is no number."""
    found: dict[str, Tally] = {}
    with decimal.localcontext(EXACT):
        for file in files:
            for number, (cost, currency) in enumerate(_records(dataset, file), 1):
                tally = found.setdefault(currency or NO_CURRENCY, Tally())
                tally.add(measure_of(part), _amount(cost, file, number))
    return found


def _amount(value: Any, file: Inspected, number: int) -> Decimal:
    if value is None or value == "":
        return Decimal(0)
    try:
        return Decimal(repr(value) if isinstance(value, float) else value).quantize(SCALE)
    except (decimal.InvalidOperation, TypeError, ValueError):
        where = f"{file.local.source.key}, record {number}"
        raise DeliveryError(f"{value!r} is no amount", where=where) from None


def _records(dataset: Dataset, file: Inspected) -> Iterator[tuple[Any, Any]]:
    """(cost, currency) of every record."""
    if file.kind == "empty":
        return
    sources = {column.name: column.source for column in dataset.columns(file.found)}
    cost, currency = sources[dataset.cost], sources.get(dataset.currency)
    path = file.local.path
    if file.kind == "parquet":
        yield from _parquet(path, cost, currency)
        return
    with _text(path) as stream:
        if file.found[0].type == "JSON":
            objects = (json.loads(line, parse_float=Decimal) for line in stream if line.strip())
            yield from ((row.get(cost), row.get(currency)) for row in objects)
        else:
            yield from _csv(stream, dataset.csv.delimiter, cost, currency)


def _csv(stream: Iterable[str], delimiter: str, cost: str, currency: str | None) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(stream, delimiter=delimiter, strict=True)
    header = next(rows, [])
    at, code = header.index(cost), header.index(currency) if currency in header else -1
    for row in rows:
        if row:
            yield row[at], row[code] if code >= 0 else ""


def _parquet(path: Path, cost: str, currency: str | None) -> Iterator[tuple[Any, Any]]:
    import pyarrow.parquet as pq

    columns = [cost, *([currency] if currency else [])]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=columns):
            costs = batch.column(cost).to_pylist()
            codes = batch.column(currency).to_pylist() if currency else [None] * len(costs)
            yield from zip(map(_plain, costs), map(_plain, codes), strict=True)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOWrapper]:
    """The text of a plain, gzip or zip file, by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(2)
    if head == b"PK":
        with zipfile.ZipFile(path) as archive:
            member = next(info for info in archive.infolist() if not info.is_dir())
            with archive.open(member) as inner:
                yield io.TextIOWrapper(inner, "utf-8-sig", newline="")
        return
    with gzip.open(path, "rb") if head == b"\x1f\x8b" else path.open("rb") as plain:
        yield io.TextIOWrapper(plain, "utf-8-sig", newline="")
