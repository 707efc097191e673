"""The load stage: a period's rows, FOCUS, rollup, ledger and dlt's own record of them, in ONE transaction.

    Target, Package -> load() -> Loaded

    target.py        where bills are loaded
    package.py       what is loaded: tables, each a SELECT in DuckDB's dialect, and the checks before the commit
    columns.py       DuckDB types as dlt's hints; whether new rows fit the columns that stand in the destination
    embedded.py      one DuckDB connection: its settings, waiting for its lock, reading from it
    apply.py         runs a package's SELECTs inside an open transaction
    records.py       dlt: creates and migrates the tables, keeps _dlt_version and _dlt_loads, in that transaction
    failures.py      what the database says, as errors of finops
    scratch.py       a package computed for destinations that get finished rows: the two below
    postgres.py      the same on a PostgreSQL server (server.py: a connection to it)
    lake.py          what stands in a data lake, and how a period stays whole there (write_lake.py, read_lake.py)
    views.py         the views over the tables
    records_duckdb.py, records_postgres.py, records_lake.py, naming.py   dlt's destinations, and how it names

Nothing outside this package knows dlt. On DuckDB readers of other processes see the old period or the new one, whenever
the loading process ends; a load that fails leaves not even an empty table behind. A lake has no transactions: there one
small file, dlt's record, is written last and makes the load count.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from finops_core.load.failures import nothing_yet
from finops_core.load.package import Connection, Loaded, Package, Sql, Table, View, Watch, incoming
from finops_core.load.target import Target

__all__ = [
    "Connection",
    "Loaded",
    "Package",
    "Sql",
    "Table",
    "Target",
    "View",
    "Watch",
    "connect_readonly",
    "get_ready",
    "incoming",
    "load",
    "read_rows",
]


def get_ready() -> None:
    """Import dlt in the background: it takes as long as a small bill, and files are fetched and checked meanwhile."""

    def imported() -> None:
        with suppress(ImportError):  # `load` imports it too, and lets the error out
            importlib.import_module("finops_core.load.records")

    threading.Thread(target=imported, name="finops-dlt").start()


def load(
    target: Target, package: Package, waiting: Callable[[str], None] | None = None, watch: Watch | None = None
) -> Loaded:
    """Apply the package's tables, in order, in one transaction: afterwards all of it is new, or none of it.

    `waiting` is told once, in words, when another process holds the database; `watch` how far the rows are. Raises
    DestinationLocked when the database is still held after `target.lock_wait` seconds, DiskFull, DestinationError (the
    columns do not fit), whatever `package.check` raises, and DuckDB's own error when a SELECT fails: a value that
    cannot be converted, a file that cannot be read. KeyboardInterrupt stays KeyboardInterrupt.
    """
    if target.kind == "duckdb":
        from finops_core.load.embedded import load_embedded

        return load_embedded(target, package, waiting, watch)
    if target.kind == "lake":
        from finops_core.load.write_lake import load_lake

        return load_lake(target, package, waiting, watch)
    from finops_core.load.postgres import load_postgres

    return load_postgres(target, package, waiting, watch)


def connect_readonly(
    target: Target, waiting: Callable[[str], None] | None = None
) -> AbstractContextManager[Connection]:
    """Open the destination for reading only, for as long as the `with` block lasts.

    DuckDB: files of the machine cannot be reached and settings cannot be changed through it. Raises DataMissing when
    there is no database yet, DestinationLocked when a load still holds it after `target.lock_wait` seconds.
    """
    if target.kind == "duckdb":
        from finops_core.load.embedded import reading

        return reading(target, waiting)
    if target.kind == "lake":
        from finops_core.load.read_lake import reading_lake

        return reading_lake(target)
    from finops_core.load.server import reading_postgres

    return reading_postgres(target)


def read_rows(target: Target, dataset: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows of one query on the tables of `dataset` (bare names are its tables), `?` standing for each parameter.

    Raises DataMissing when the database, the dataset or a table is not there yet.
    """
    with connect_readonly(target) as connection:
        try:
            connection.enter(dataset)
            return connection.query(sql, *parameters)
        except connection.missing as error:
            raise nothing_yet(target) from error
