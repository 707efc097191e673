"""DuckDB in this process: one connection from dlt's first look to the commit, so that nobody slips in between."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core.errors import ConfigError, unusable_folder
from finops_core.load.apply import apply, forget_ahead, write_ahead
from finops_core.load.failures import being_made, is_locked, locked, nothing_yet, translated
from finops_core.load.package import Loaded, Package, Watch
from finops_core.load.target import Target
from finops_core.sql import identifier, qualified

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MAKING = 5.0
"""Seconds that another process may take to write the first blocks of a new database."""

POLL = 0.1
"""Seconds between two tries for a locked file: short for a person, long for the file system."""

WATCHED = 0.25
"""Seconds between two looks at how far a statement is: a bar that moves, and none for what takes a moment."""

MERGED_UP_TO = 122_880
"""Rows of the largest table of a load, at most, for DuckDB to merge row groups after it.

Each thread leaves its last row group unfilled, and DuckDB merges such neighbours when the file is closed: of a bill
that has but few row groups it writes nearly all again, which took up to a third of an import and of the file. Row
groups without rows are dropped all the same. A load of up to one row group merges as DuckDB does, also what others have
left: small tables that every load adds to, as the ledger, would otherwise end in one row group a load.
"""

ONE_AT_A_TIME = threading.Lock()
"""dlt keeps its run context per process; DuckDB would let two threads of a process write at once."""

_READERS = itertools.count()


class DuckDbSql:
    """A DuckDB connection as `Connection` and `Writing`. Ctrl-C ends the statement that runs."""

    def __init__(self, connection: DuckDBPyConnection, watch: Watch | None = None) -> None:
        import duckdb

        self.connection = connection
        self.watch = watch
        self.missing: tuple[type[Exception], ...] = (duckdb.CatalogException,)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._wait(sql, list(parameters) or None, lambda running: None)

    def write(self, table: str, sql: str) -> int:
        def watched(running: Future[Any]) -> None:
            while self.watch and not wait([running], WATCHED).done:
                self.watch(table, max(0.0, self.connection.query_progress()))  # -1 while DuckDB does not know yet

        [(count,)] = self._wait(sql, None, watched)
        return int(count)

    def _wait(
        self, sql: str, parameters: list[object] | None, meanwhile: Callable[[Future[Any]], None]
    ) -> list[tuple[Any, ...]]:
        # In a thread: DuckDB's execute() does not see a signal while the work is with DuckDB's own threads, so that
        # reading one large gzip file could not be interrupted for minutes.
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(self._rows, sql, parameters)
            try:
                meanwhile(running)
                return running.result()
            except KeyboardInterrupt:
                self.connection.interrupt()
                raise

    def _rows(self, sql: str, parameters: list[object] | None) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, parameters).fetchall()

    def run(self, sql: str) -> None:
        self.query(sql)

    def enter(self, dataset: str) -> None:
        self.run(f"USE {identifier(dataset)}")

    def columns(self, schema: str, relation: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self.query(f"DESCRIBE {qualified(schema, relation)}")}

    def batches(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        for batch in self.connection.sql(sql).to_arrow_reader(rows):
            yield batch.cast(schema)


def load_embedded(
    target: Target, package: Package, waiting: Callable[[str], None] | None, watch: Watch | None = None
) -> Loaded:
    """`finops_core.load.load` for DuckDB."""
    if target.path.stem.lower() == package.dataset.lower():
        raise ConfigError(
            f"the dataset {package.dataset!r} has the name of the database file", where=target.shown,
            hint="DuckDB could not tell them apart: choose another dataset_name",
        )  # fmt: skip
    with ONE_AT_A_TIME, translated(target):
        for folder in (target.path.parent, target.data_dir):
            made(folder)
        with opened(target, waiting) as connection, working_folder(target) as work:
            return _load_through(DuckDbSql(connection, watch), target, package, work)


def _load_through(sql: DuckDbSql, target: Target, package: Package, folder: Path) -> Loaded:
    from finops_core.load.records import record
    from finops_core.load.records_duckdb import records_in

    connection = sql.connection
    try:
        write_ahead(package, sql)
        sql.run("BEGIN TRANSACTION")
        load_id = record(package, records_in(target.location), connection, folder)
        rows = apply(package, sql, load_id)
        if max(rows.values(), default=0) > MERGED_UP_TO:
            sql.run("SET max_vacuum_tasks = 0")
        sql.run("COMMIT")
    except BaseException:
        import duckdb

        with suppress(duckdb.Error):  # there is no transaction any more where the database itself gave up
            connection.rollback()
        with suppress(duckdb.Error):  # what cannot be removed now is removed by the next load
            forget_ahead(package, sql)
        raise
    return Loaded(load_id, rows)


@contextmanager
def opened(target: Target, waiting: Callable[[str], None] | None = None) -> Iterator[DuckDBPyConnection]:
    """The only connection of any process to the target's file, with our settings; waits for whoever holds it."""
    config = {**limits(target), "temp_directory": str(target.work_dir / "spill"), "preserve_insertion_order": False}
    with _connected(target, config, waiting, read_only=False) as connection:
        # The progress bar is what DuckDB counts for `query_progress`; it draws none.
        for setting in ("TimeZone = 'UTC'", "enable_progress_bar = true", "enable_progress_bar_print = false"):
            connection.execute(f"SET {setting}")
        yield connection


@contextmanager
def reading(target: Target, waiting: Callable[[str], None] | None = None) -> Iterator[DuckDbSql]:
    """`finops_core.load.connect_readonly` for DuckDB."""
    with translated(target):
        if not target.path.exists():
            raise nothing_yet(target)
        # A directory of its own: readers of several processes would write over each other's spilled blocks.
        spill = target.work_dir.with_suffix(f".reading-{os.getpid()}-{next(_READERS)}")
        config = {**limits(target), "temp_directory": str(spill)}
        with _connected(target, config, waiting, read_only=True) as connection:
            # In this order: each of the last two forbids what comes before it.
            for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
                connection.execute(f"SET {setting}")
            try:
                yield DuckDbSql(connection)
            finally:
                shutil.rmtree(spill, ignore_errors=True)


def made(folder: Path) -> Path:
    """The folder, made if it is not there. Raises DestinationError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable_folder(folder, error) from error
    return folder


@contextmanager
def working_folder(target: Target) -> Iterator[Path]:
    """An empty folder for dlt. The caller holds the database's lock, so whatever is left there is nobody's."""
    for leftover in (target.work_dir, *target.data_dir.glob(f"{target.work_dir.stem}.reading-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = target.work_dir / "dlt"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(target.work_dir, ignore_errors=True)


@contextmanager
def _connected(
    target: Target, config: dict[str, Any], waiting: Callable[[str], None] | None, *, read_only: bool
) -> Iterator[DuckDBPyConnection]:
    import duckdb

    until, told = time.monotonic() + target.lock_wait, False
    made_by = time.monotonic() + MAKING
    while True:
        try:
            connection = duckdb.connect(str(target.path), read_only=read_only, config=config)
            break
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            if being_made(error, target) and time.monotonic() < made_by:
                time.sleep(POLL)
                continue
            if not is_locked(error):
                raise
            if time.monotonic() >= until:
                raise locked(error, target) from error
            if waiting and not told:
                waiting(f"waiting up to {target.lock_wait:.0f} s: {locked(error, target).what}")
                told = True
            time.sleep(POLL)
    try:
        yield connection
    finally:
        connection.close()


def limits(target: Target) -> dict[str, Any]:
    """DuckDB's settings for memory and threads."""
    return {"memory_limit": target.memory_limit, **({"threads": target.threads} if target.threads else {})}
