"""A package computed in a scratch DuckDB, for destinations that get finished rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.load.apply import apply, write_ahead
from finops_core.load.embedded import DuckDbSql, made, opened, working_folder
from finops_core.load.failures import translated
from finops_core.load.package import Package, Watch
from finops_core.load.target import Target
from finops_core.sql import identifier, qualified

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOAD_ID = "_dlt_load_id"
"""The column for dlt's load id, which is not known yet when rows are computed: there it says `pending`."""


@contextmanager
def scratch(
    target: Target, package: Package, waiting: Callable[[str], None] | None
) -> Iterator[tuple[DuckDBPyConnection, Path]]:
    """A database of this package's own in `target.data_dir`, and an empty folder; both go when the block ends.

    Loads of the same period take turns by its lock.
    """
    folder = made(target.data_dir) / f"{package.dataset}-{package.pipeline}"
    place = replace(target, kind="duckdb", location=str(folder.with_suffix(".scratch.duckdb")))
    with translated(place), opened(place, waiting) as connection:
        try:
            with working_folder(place) as work:
                yield connection, work
        finally:
            place.path.unlink(missing_ok=True)  # while its lock is held; the next load makes a new one


def computed(package: Package, connection: DuckDBPyConnection, watch: Watch | None = None) -> dict[str, int]:
    """Run the SELECTs and the checks in the scratch database, which is empty but for what a killed load left.

    Rows of other periods are not there. Returns the rows per table.
    """
    sql = DuckDbSql(connection, watch)
    sql.run(f"DROP SCHEMA IF EXISTS {identifier(package.dataset)} CASCADE")
    sql.run(f"CREATE SCHEMA {identifier(package.dataset)}")
    for table in package.tables:
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in table.columns.items())
        sql.run(f"CREATE TABLE {qualified(package.dataset, table.name)} ({columns})")
    write_ahead(package, sql)
    return apply(replace(package, after=None), sql, "pending")
