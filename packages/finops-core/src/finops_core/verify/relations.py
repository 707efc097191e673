"""A period's rows in the destination as relations of an embedded DuckDB, under the names that a load gave them.

In a DuckDB destination they are views of what stands there. From any other destination the period's rows are copied,
some at a time, into a database on this machine, which has tables of the same names: from there on it is all the same.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core.dataset import Dataset
from finops_core.ledger import LedgerEntry
from finops_core.load import Connection, Sql, Target, connect_readonly
from finops_core.sql import identifier, literal, qualified
from finops_core.stage.reading import LINEAGE
from finops_core.tables import FOCUS_TABLE, ROLLUP_TABLE, source_name
from finops_core.verify.multisets import JSON_MEANING
from finops_core.verify.standing import raw_parts, where_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INSERTED = 500
"""Rows of a lookup in one statement."""

COPIED = 20_000
"""Rows on their way from a server at once: tens of megabytes."""


@dataclass(frozen=True)
class Standing:
    """`opened()` gives a DuckDB for reading that has the tables of one period, under the names that a load gave them.

    Keep it short: nobody can load into a DuckDB file meanwhile. `written`: JSON is there as it was written, not as a
    server writes it.
    """

    opened: Callable[[], AbstractContextManager[Sql]]
    written: bool = True


@contextmanager
def standing_rows(target: Target, entry: LedgerEntry, dataset: Dataset) -> Iterator[Standing]:
    """What stands in the destination of one period. A table that is not there is not there either.

    Raises DataMissing, DestinationLocked.
    """
    if target.in_duckdb:
        yield Standing(lambda: connect_readonly(target))
        return
    import duckdb

    from finops_core.load.embedded import DuckDbSql
    from finops_core.stage import staging_folder

    with staging_folder(target.data_dir) as folder:
        config: dict[str, Any] = {"memory_limit": target.memory_limit, "temp_directory": str(folder / "spill")}
        with duckdb.connect(str(folder / "period.duckdb"), config=config) as copy:
            copy.execute("SET TimeZone = 'UTC'")
            copy.execute(JSON_MEANING)
            _copy_period(target, copy, entry, dataset)
            yield Standing(lambda: nullcontext(DuckDbSql(copy)), written=False)


def _copy_period(target: Target, copy: DuckDBPyConnection, entry: LedgerEntry, dataset: Dataset) -> None:
    from finops_core.load.postgres import stored_name

    where = where_of(entry)
    conditions = dict.fromkeys(raw_parts(entry, dataset).values(), where.rows_of_period())
    if entry.focus_rows is not None:
        focus = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
        conditions |= dict.fromkeys((FOCUS_TABLE, ROLLUP_TABLE), focus)
    names = {stored_name(name): name for name in dataset.known}
    copy.execute(f"CREATE SCHEMA {identifier(entry.dataset_name)}")
    with connect_readonly(target) as sql:
        for table, condition in conditions.items():
            shape = sql.columns(entry.dataset_name, table)
            if shape:
                _copy(sql, copy, qualified(entry.dataset_name, table), condition, shape, names)


def _copy(
    sql: Connection, copy: DuckDBPyConnection, table: str, condition: str, shape: Mapping[str, str],
    names: Mapping[str, str],
) -> None:  # fmt: skip
    """`names`: stored name -> name of the dataset's own columns, the only ones that may be too long for a server."""
    import pyarrow as pa

    columns = ", ".join(f"{identifier(names.get(name, name))} {kind}" for name, kind in shape.items())
    copy.execute(f"CREATE TABLE {table} ({columns})")
    form = copy.sql(f"FROM {table} LIMIT 0").to_arrow_reader().schema
    batches = sql.batches(f"SELECT {', '.join(map(identifier, shape))} FROM {table} WHERE {condition}", form, COPIED)
    copy.register("arriving", pa.RecordBatchReader.from_batches(form, batches))
    copy.execute(f"INSERT INTO {table} FROM arriving")
    copy.unregister("arriving")


def relate(sql: Sql, entry: LedgerEntry, dataset: Dataset) -> str:
    """Make `source`, `source_<part>`, `focus` and the lookups, as they were when the load checked.

    Returns the name of a table that is not there, in which case nothing is made, else "".
    """
    tables = raw_parts(entry, dataset)
    shapes = {
        table: shape_of(sql, entry.dataset_name, table) for table in (*tables.values(), FOCUS_TABLE, ROLLUP_TABLE)
    }
    if missing := next((table for table, shape in shapes.items() if not shape), ""):
        return missing
    where = where_of(entry)
    for part in ("", *dataset.parts):
        if part in tables:
            columns = _as_known(shapes[tables[part]], dataset.known)
            rows = f"{columns} FROM {qualified(entry.dataset_name, tables[part])} WHERE {where.rows_of_period()}"
        else:
            none = {**dataset.known, **LINEAGE}
            rows = f"{', '.join(_null(name, kind) for name, kind in none.items())} WHERE false"
        sql.run(f"CREATE OR REPLACE TEMP VIEW {identifier(source_name(part))} AS SELECT {rows}")
    period = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
    focus = qualified(entry.dataset_name, FOCUS_TABLE)
    sql.run(f"CREATE OR REPLACE TEMP VIEW focus AS SELECT * FROM {focus} WHERE {period}")
    for name, path in dataset.lookups.items():
        for statement in _lookup(name, Path(str(path))):
            sql.run(statement)
    return ""


def shape_of(sql: Sql, schema_name: str, table: str) -> dict[str, str]:
    """Column -> type; empty when there is no such table."""
    rows = sql.query(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ? AND table_name = ?",
        schema_name,
        table,
    )
    return dict(rows)


def _as_known(have: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The columns that SQL may name: what the bill lacks is NULL, amounts with more decimals than usual are rounded."""
    have = {name.lower(): kind for name, kind in have.items()}
    columns = []
    for name, kind in {**known, **LINEAGE}.items():
        if name.lower() not in have:
            columns.append(_null(name, kind))
        elif kind.startswith("DECIMAL") and have[name.lower()] != kind:
            columns.append(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}")
        else:
            columns.append(identifier(name))
    return ", ".join(columns)


def _null(name: str, kind: str) -> str:
    return f"CAST(NULL AS {kind}) AS {identifier(name)}"


def _lookup(name: str, path: Path) -> Iterator[str]:
    """A lookup as values in SQL: a database that is open for reading only can reach no files."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        columns = next(rows)
        shape = ", ".join(f"{identifier(column)} VARCHAR" for column in columns)
        yield f"CREATE OR REPLACE TEMP TABLE {identifier(name)} ({shape})"
        while some := list(islice(rows, INSERTED)):
            yield f"INSERT INTO {identifier(name)} VALUES {', '.join(map(_tuple, some))}"


def _tuple(cells: Iterable[str]) -> str:
    return "(" + ", ".join(literal(cell) if cell else "NULL" for cell in cells) + ")"
