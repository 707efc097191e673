"""Reading a data lake: DuckDB in memory, with a view of the files that count for each table.

What stands in the lake when it is opened is what is seen until it is closed.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from finops_core.load.embedded import DuckDbSql, limits
from finops_core.load.failures import nothing_yet, told_of_lake
from finops_core.load.lake import LOADS, Lake, Store, opened_store, reads, snapshot
from finops_core.load.package import View
from finops_core.load.target import Target
from finops_core.load.views import focus_views, period_views, rows_of
from finops_core.sql import identifier, literal, qualified

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

Place = tuple[str, str]
"""Schema and name of a table or view."""

_READERS = itertools.count()


class LakeSql(DuckDbSql):
    """Opens the files of a table when a statement or its parameters first name it: most questions need few of them.

    Until then an empty table stands there, so that the schema can be looked at.
    """

    def __init__(
        self, connection: DuckDBPyConnection, tables: Mapping[Place, str], views: Mapping[Place, View]
    ) -> None:
        super().__init__(connection)
        self.tables, self.views = dict(tables), dict(views)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        self._bring(sql, *parameters)
        return super().query(sql, *parameters)

    def batches(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        self._bring(sql)
        return super().batches(sql, schema, rows)

    def columns(self, schema: str, relation: str) -> dict[str, str]:
        self._bring(relation)
        return super().columns(schema, relation)

    def _bring(self, *texts: object) -> None:
        named = set(re.findall(r"\w+", " ".join(map(str, texts)).lower()))
        if "columns" in named and not any(name in named for _, name in (*self.tables, *self.views)):
            named |= {name for _, name in (*self.tables, *self.views)}  # asked for those of all tables
        for place in [place for place in self.views if place[1] in named]:
            view = self.views.pop(place)
            for table in view.tables:
                self._bring(table[1])
            super().query(f"CREATE OR REPLACE VIEW {qualified(*place)} AS {rows_of(view, DuckDbSql(self.connection))}")
        for place in [place for place in self.tables if place[1] in named]:
            select = self.tables.pop(place)
            super().query(f"DROP TABLE {qualified(*place)}")
            super().query(f"CREATE VIEW {qualified(*place)} AS SELECT * FROM {select}")


@contextmanager
def reading_lake(target: Target) -> Iterator[LakeSql]:
    """`finops_core.load.connect_readonly` for a data lake."""
    import duckdb

    with told_of_lake(target):
        store = opened_store(target)
        lake = snapshot(store, target)
        if not lake.loads:
            raise nothing_yet(target)
        spill = target.work_dir.with_suffix(f".reading-{os.getpid()}-{next(_READERS)}")
        with duckdb.connect(config={**limits(target), "temp_directory": str(spill)}) as connection:
            store.open_to(connection)
            for setting in (
                "TimeZone = 'UTC'",
                f"allowed_directories = [{literal(store.url(store.root) + '/')}]",
                "enable_external_access = false",
                "lock_configuration = true",
            ):
                connection.execute(f"SET {setting}")
            try:
                yield _opened(connection, store, lake)
            finally:
                shutil.rmtree(spill, ignore_errors=True)


def _opened(connection: DuckDBPyConnection, store: Store, lake: Lake) -> LakeSql:
    files: dict[Place, list[Any]] = {}
    for file in lake.current():
        files.setdefault((file.dataset, file.table), []).append(file)
    standing = list(files)
    views = [view for dataset in lake.loads for view in period_views(dataset, standing)] + focus_views(standing)
    for schema in sorted({*lake.loads, *(view.schema for view in views)}):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
    for dataset, loads in lake.loads.items():
        _records(connection, dataset, loads)
    for place in standing:
        connection.execute(f"CREATE TABLE {qualified(*place)} (unread BOOLEAN)")
    tables = {place: reads(store, found) for place, found in files.items()}
    return LakeSql(connection, tables, {(view.schema, view.name): view for view in views})


def _records(connection: DuckDBPyConnection, dataset: str, loads: Mapping[str, str]) -> None:
    """`_dlt_loads`, from the names of its files: dlt writes one when a load is complete, always with status 0."""
    values = ", ".join(f"({literal(load_id)}, {literal(pipeline)})" for load_id, pipeline in loads.items())
    connection.execute(
        f"CREATE TABLE {qualified(dataset, LOADS)} AS SELECT load_id, schema_name, CAST(0 AS BIGINT) AS status, "
        f"to_timestamp(CAST(load_id AS DOUBLE)) AS inserted_at FROM (VALUES {values}) t(load_id, schema_name)"
    )
