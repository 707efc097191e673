"""The same load into a data lake; lake.py says how a period stays whole there.

    SELECTs -> scratch DuckDB, checked there -> Parquet -> dlt's filesystem destination -> its record -> old files go

A period is replaced as a whole: its rows of all tables are in the files of one load. The rows of earlier loads that
stay (`Package.history`: the ledger, the rollup of earlier versions) are taken over into the new files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.errors import BalanceError, DestinationError
from finops_core.load.columns import fitted
from finops_core.load.embedded import ONE_AT_A_TIME, DuckDbSql
from finops_core.load.failures import store_errors, told_of_lake
from finops_core.load.lake import File, Lake, Store, moment, opened_store, reads, snapshot
from finops_core.load.package import WHOLE, Loaded, Package, Table, Watch
from finops_core.load.scratch import LOAD_ID, computed, scratch
from finops_core.load.target import Target
from finops_core.sql import identifier, literal, qualified

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from finops_core.load.records_lake import Rows

FILE_SIZE = "512MB"
"""About how large a Parquet file may become: engines that read a lake share the work by files."""


def load_lake(
    target: Target, package: Package, waiting: Callable[[str], None] | None, watch: Watch | None = None
) -> Loaded:
    """`finops_core.load.load` for a data lake. `waiting` is also told when old files could not be removed."""
    from finops_core.load.records_lake import upload

    with scratch(target, package, waiting) as (connection, work):
        with told_of_lake(target):  # first, since computing takes long
            store = opened_store(target)
            before = snapshot(store, target, package.dataset)
        counted = computed(package, connection, watch)
        with told_of_lake(target):
            store.open_to(connection)
            period = _Period(connection, package, store, target, before)
            with ONE_AT_A_TIME:
                load_id = upload(target, package, period.rows(counted), work, period.check)
            _remove_superseded(store, target, package.dataset, waiting)
    return Loaded(load_id, counted)


@dataclass
class _Period:
    """The rows of one period on their way into the lake. `sizes`: what was written for each table, in bytes."""

    connection: DuckDBPyConnection
    package: Package
    store: Store
    target: Target
    before: Lake
    sizes: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def partition(self) -> str:
        return self.package.partition or self.package.pipeline

    def rows(self, counted: Mapping[str, int]) -> list[Rows]:
        """What is uploaded: the package's tables, and tables with a history that it does not have."""
        from finops_core.load.records_lake import Rows

        selects = {table.name: self._select(table) for table in self.package.tables}
        for name in self.package.history:
            if name not in selects and (kept := self._kept(name)):
                selects[name] = f"SELECT * FROM {kept}"
        return [Rows(name, self._columns(select), partial(self._write, name, select, counted.get(name)))
                for name, select in selects.items()]  # fmt: skip

    def check(self, load_id: str) -> None:
        """Before the load is recorded: is every file in the lake, whole, and has nobody loaded the period since?"""
        now = snapshot(self.store, self.target, self.package.dataset)
        arrived = Counter(
            (file.table, file.size)
            for file in now.files
            if file.load_id == load_id and file.partition == self.partition
        )
        if arrived != self.sizes:
            raise DestinationError("the files in the lake are not those that were written", where=self.target.shown)
        there = now.newest().get((self.package.dataset, self.partition), "0")
        if moment(there) > moment(load_id):
            raise DestinationError(
                "a later load of the same period is in the lake already",
                where=f"{self.target.shown}, {self.partition}",
                hint="another import was faster, or the clock of this machine or of that one is wrong",
            )

    def _select(self, table: Table) -> str:
        keeps = table.name in self.package.history
        if table.replaces is None and not keeps:
            raise ValueError(f"rows are added to {table.name}, which has no history")
        loaded = f"getvariable('finops_load_id')::VARCHAR AS {identifier(LOAD_ID)}"
        columns = f"* REPLACE ({loaded})" if LOAD_ID in table.columns else "*"
        rows = f"(SELECT {columns} FROM {qualified(self.package.dataset, table.name)})"
        standing = {} if table.replaces == WHOLE else self._elsewhere(table.name)
        select = f"SELECT {fitted(table.name, table.columns, standing)} FROM {rows}"
        if keeps and (kept := self._kept(table.name)):
            stays = f"({table.replaces}) IS NOT TRUE" if table.replaces else "true"
            select += f" UNION ALL BY NAME SELECT * FROM {kept} WHERE {stays}"
        return select

    def _kept(self, table: str) -> str:
        """The rows of the period that stand now; "" when there are none."""
        return reads(self.store, [file for file in self._current(table) if file.partition == self.partition])

    def _elsewhere(self, table: str) -> dict[str, str]:
        """The columns of all other periods, which the new rows have to fit: files that differ would be read rounded."""
        others = [file for file in self._current(table) if file.partition != self.partition]
        return self._columns(f"SELECT * FROM {reads(self.store, others)}") if others else {}

    def _current(self, table: str) -> list[File]:
        return [file for file in self.before.current() if file.table == table]

    def _columns(self, select: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self.connection.execute(f"DESCRIBE {select}").fetchall()}

    def _write(self, table: str, select: str, count: int | None, load_id: str, folder: Path) -> list[tuple[Path, int]]:
        import pyarrow.parquet as pq

        self.connection.execute(f"SET VARIABLE finops_load_id = {literal(load_id)}")
        # Or DuckDB declares columns without NULL as required, and dlt writes the whole file again.
        self.connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        DuckDbSql(self.connection).run(
            f"COPY ({select}) TO {literal(str(folder))} "
            f"(FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES '{FILE_SIZE}')"
        )
        files = [(path, pq.read_metadata(path).num_rows) for path in sorted(folder.glob("*.parquet"))]
        rows = sum(number for _, number in files)
        if count is not None and table not in self.package.history and rows != count:
            raise BalanceError(f"{rows:,} rows were written of {count:,}", where=table)
        self.sizes.update((table, path.stat().st_size) for path, _ in files)
        return files


def _remove_superseded(store: Store, target: Target, dataset: str, waiting: Callable[[str], None] | None) -> None:
    """Remove what cannot be read any more. The load counts already; what stays now is removed by the next one."""
    failures: tuple[type[Exception], ...] = (*store_errors(store.scheme), DestinationError)
    try:
        if gone := snapshot(store, target, dataset).superseded():
            store.fs.rm(gone)
    except failures as error:
        if waiting:
            waiting(f"files that no longer count could not be removed from the lake: {error}")
