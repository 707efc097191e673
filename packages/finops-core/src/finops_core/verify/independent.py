"""A second reading of a bill's files that shares nothing with the first: Python's csv, json and Decimal, or pyarrow.

It counts records and sums the cost column per currency. Slow beside DuckDB, and that is its point: a mistake in how
DuckDB is asked, or in DuckDB itself, is not made twice. One thing is asked of DuckDB here as well: what an amount in
a bill means that a provider reads by an expression (decimal commas, say), since only that expression knows.
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
    cost, currency = columns[dataset.cost], columns.get(dataset.currency)
    expressions = [cost.expression, currency.expression if currency else None]
    used = [found for found in file.found if any(found.ref in sql for sql in expressions if sql)]
    wanted = [cost.source, currency.source if currency else None, *(found.name for found in used)]
    rows = _cells(dataset, file, wanted)
    if not any(expressions):
        yield from ((row[0], row[1]) for row in rows)
        return
    import duckdb

    try:
        yield from _converted(rows, expressions, used)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        what = f"what {dataset.cost} and {dataset.currency} are computed from does not suffice: {reason}"
        raise DeliveryError(what, where=file.local.source.key) from error


def _converted(
    rows: Iterator[Sequence[Any]], expressions: Sequence[str | None], used: Sequence[Found]
) -> Iterator[tuple[Any, Any]]:
    """(cost, currency) of rows of cost, currency and the columns that the expressions use. A cost that its expression
    makes no number of stays as it is written."""
    import duckdb

    cost, currency = (_text_of(sql) if sql else "NULL" for sql in expressions)
    written = ['unnest(CAST($1 AS VARCHAR[])) AS "as written"']
    columns = [f"unnest(CAST(${number} AS {field.type}[])) AS {field.ref}" for number, field in enumerate(used, 2)]
    query = f"""
        SELECT CASE WHEN {cost} IS NOT NULL THEN
                   coalesce(CAST(TRY_CAST({cost} AS DECIMAL(38,18)) AS VARCHAR), "as written", {cost}) END, {currency}
        FROM (SELECT {", ".join([*written, *columns])})
    """
    with duckdb.connect() as connection:
        while batch := list(islice(rows, BATCH)):
            costs, codes, *others = zip(*batch, strict=True)
            cells = [[_bound(cell, field) for cell in column] for column, field in zip(others, used, strict=True)]
            made = connection.execute(query, [_texts(costs), *cells]).fetchall()
            for as_it_is, computed in zip(zip(costs, codes, strict=True), made, strict=True):
                yield tuple(new if sql else old for new, old, sql in zip(computed, as_it_is, expressions, strict=True))


def _text_of(expression: str) -> str:
    """A JSON text without its quotes, as an import takes it."""
    text = f"CAST(({expression}) AS VARCHAR)"
    return f"CASE WHEN typeof(({expression})) = 'JSON' THEN json_extract_string({text}, '$') ELSE {text} END"


def _texts(values: Iterable[Any]) -> list[str | None]:
    return [None if value in (None, "") else str(value) for value in values]


def _bound(value: Any, field: Found) -> Any:
    """A value as DuckDB takes it for a column of the field's type."""
    if value is None or value == "":
        return None
    return _json(value) if field.type == "JSON" else str(value) if isinstance(value, Decimal) else value


def _json(value: Any) -> str:
    """JSON again, with every digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _cells(dataset: Dataset, file: Inspected, wanted: Sequence[str | None]) -> Iterator[Sequence[Any]]:
    """The wanted columns of every record as Python has them; nothing for one that is None or not there."""
    if file.kind == "parquet":
        yield from _parquet(file.local.path, wanted)
        return
    with _text(file.local.path) as stream:
        if file.found[0].type == "JSON":
            objects = (json.loads(line, parse_float=Decimal) for line in stream if line.strip())
            yield from ([row.get(name) for name in wanted] for row in objects)
        else:
            yield from _csv(stream, dataset.csv.delimiter, wanted)


def _csv(stream: Iterable[str], delimiter: str, wanted: Sequence[str | None]) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(stream, delimiter=delimiter, strict=True)
    header = next(rows, [])
    places = [header.index(name) if name in header else -1 for name in wanted]
    for row in rows:
        if row:
            yield [row[place] if place >= 0 else "" for place in places]


def _parquet(path: Path, wanted: Sequence[str | None]) -> Iterator[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for name in wanted if name is not None))
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=names):
            nothing = [None] * batch.num_rows
            columns = [nothing if name is None else map(_plain, batch.column(name).to_pylist()) for name in wanted]
            yield from zip(*columns, strict=True)


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
