"""A second reading of a bill's files that shares nothing with the first: Python's csv, json and Decimal, or pyarrow.

It counts records and sums the cost column per currency. Slow beside DuckDB, and that is its point: a mistake in how
DuckDB is asked, or in DuckDB itself, is not made twice. One thing is asked of DuckDB here as well: what an amount in
CSV means that a provider reads by an expression (decimal commas, say), since only that expression knows.
"""

from __future__ import annotations

import csv
import decimal
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from finops_core.account import NO_CURRENCY
from finops_core.dataset import Dataset
from finops_core.delivery import Found
from finops_core.errors import DeliveryError
from finops_core.ledger import measure_of
from finops_core.stage.inspection import Inspected
from finops_core.verify.findings import Tally

SCALE = Decimal("1e-18")
"""Amounts are kept with 18 decimals; what a binary number (DOUBLE in Parquet) has beyond them is noise."""

EXACT = decimal.Context(prec=100, rounding=ROUND_HALF_UP)
"""Wide enough for any sum of DECIMAL(38,18); Python's usual 28 digits would round."""

LONGEST_FIELD = 1 << 30

BATCH = 10_000
"""Records whose amounts are converted at once: enough that asking costs little, few enough to be held."""


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
    columns = {column.name: column for column in dataset.columns(file.found)}
    cost = columns[dataset.cost].source
    currency = columns[dataset.currency].source if dataset.currency in columns else None
    path = file.local.path
    if file.kind == "parquet":
        yield from _parquet(path, cost, currency)
        return
    with _text(path) as stream:
        if file.found[0].type == "JSON":
            objects = (json.loads(line, parse_float=Decimal) for line in stream if line.strip())
            yield from ((row.get(cost), row.get(currency)) for row in objects)
        else:
            expression = columns[dataset.cost].expression
            used = [field for field in file.found if expression and field.ref in expression]
            rows = _csv(stream, dataset.csv.delimiter, [cost, currency, *(field.name for field in used)])
            yield from _converted(rows, expression, used) if expression else ((row[0], row[1]) for row in rows)


def _csv(stream: Iterable[str], delimiter: str, wanted: Sequence[str | None]) -> Iterator[list[str]]:
    """The wanted columns of every record, "" for one that is None or not there."""
    csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(stream, delimiter=delimiter, strict=True)
    header = next(rows, [])
    places = [header.index(name) if name in header else -1 for name in wanted]
    for row in rows:
        if row:
            yield [row[place] if place >= 0 else "" for place in places]


def _converted(rows: Iterator[list[str]], expression: str, used: Sequence[Found]) -> Iterator[tuple[str | None, str]]:
    """(cost, currency) of rows of cost, currency and the columns that the expression uses. A cost that it makes no
    number of stays as it is written."""
    import duckdb

    named = ", ".join(f"unnest(CAST(${number} AS VARCHAR[])) AS {field.ref}" for number, field in enumerate(used, 2))
    amount = f"CAST(TRY_CAST(({expression}) AS DECIMAL(38,18)) AS VARCHAR)"
    query = f"""
        SELECT CASE WHEN ({expression}) IS NOT NULL THEN coalesce({amount}, "as written") END
        FROM (SELECT unnest(CAST($1 AS VARCHAR[])) AS "as written", {named})
    """
    with duckdb.connect() as connection:
        while batch := list(islice(rows, BATCH)):
            written, codes, *others = ([cell or None for cell in column] for column in zip(*batch, strict=True))
            costs = connection.execute(query, [written, *others]).fetchall()
            yield from ((cost, code or "") for (cost,), code in zip(costs, codes, strict=True))


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
