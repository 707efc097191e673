"""dlt's part of a load: it creates and migrates the tables and keeps `_dlt_version` and `_dlt_loads`.

A pipeline run loads a package that has the schema of every table and no rows; our SELECTs bring the rows afterwards.
dlt works on a connection with an open transaction of ours and neither begins nor ends one, so its tables, its records
and the rows become visible together or not at all. Its working directory serves one run and is thrown away: there is
nothing to resume, and nothing that grows.

What rests on dlt's internals is all in this module; test_dlt_internals.py has a test for each.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.destination.client import LoadJob, RunnableLoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.exceptions import DltException
from dlt.common.runtime.run_context import RunContext

from finops_core.errors import DestinationError
from finops_core.load.columns import hints
from finops_core.load.package import Package, Table

SETTINGS = {
    # Telemetry would look up a host on the internet. Messages reach the user through our errors, not through a log.
    "runtime": {"dlthub_telemetry": False, "log_level": "CRITICAL", "intercept_signals": False},
    "normalize": {"workers": 1},
    "load": {"workers": 1, "delete_completed_jobs": True, "raise_on_max_retries": 1},
    # The schema of a run is what its package says; the tables that stand are compared when it is applied.
    "restore_from_destination": False,
    "enable_runtime_trace": False,
}
"""All of dlt's configuration: no environment variable and no `.dlt` folder of the machine is read."""


NAMING = "finops_core.load.naming"
"""Module of the naming convention, for the destinations."""


class Surroundings(RunContext):
    """dlt's run context with our settings, all of its directories inside one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self._folder = str(folder)

    @property
    def global_dir(self) -> str:
        return self._folder

    run_dir = local_dir = data_dir = settings_dir = global_dir

    def initial_providers(self) -> list[ConfigProvider]:
        return [CustomLoaderDocProvider("finops", lambda: SETTINGS, supports_secrets=True)]


class NoRows(RunnableLoadJob):
    """The load job of a file that has no rows."""

    def run(self) -> None:
        pass


class InOurTransaction:
    """Mixin for a SQL client of dlt: it uses our connection, and leaves its transaction alone."""

    ours: ClassVar[Any] = None
    """Set for the time of one run. dlt makes its clients itself, several of them, and knows no connection that is
    shared by all."""

    _conn: Any

    def open_connection(self) -> Any:
        self._conn = self.ours
        return self._conn

    def close_connection(self) -> None:
        self._conn = None

    @contextmanager
    def begin_transaction(self) -> Iterator[Any]:
        yield self

    def commit_transaction(self) -> None:
        raise DestinationError("dlt tried to commit before the rows were there")

    def rollback_transaction(self) -> None:
        """Nothing: the error that made dlt ask ends our transaction."""


class RecordsOnly:
    """Mixin for a job client of dlt that migrates and records, and loads no rows."""

    schema: Any

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        return False

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        return False

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        return NoRows(file_path)

    def get_stored_schema_by_hash(self, version_hash: str) -> Any:
        """dlt asks a table that may not be there; inside a transaction that error would end it."""
        known, _ = self.get_storage_table(self.schema.version_table_name)  # type: ignore[attr-defined]
        return super().get_stored_schema_by_hash(version_hash) if known else None  # type: ignore[misc]

    def update_stored_schema(self, only_tables: Any = None, expected_update: Any = None, force: bool = False) -> Any:
        """Always compare with the tables that stand: one may have been dropped, or replaced with fewer columns."""
        return super().update_stored_schema(only_tables, expected_update, force=True)  # type: ignore[misc]


def record(package: Package, destination: Any, connection: Any, folder: Path) -> str:
    """Let dlt create and migrate the package's tables and record the load; returns its load id.

    `destination` is a dlt destination whose client has both mixins, `connection` has a transaction open, `folder` is
    dlt's working directory, empty. One run at a time in a process. Raises DestinationError, or the database's own
    error where that is the cause.
    """
    InOurTransaction.ours = connection
    try:
        return run(package, [_resource(table) for table in package.tables], destination, Surroundings(folder))
    finally:
        InOurTransaction.ours = None


def run(package: Package, resources: list[Any], destination: Any, surroundings: Surroundings) -> str:
    """Run the package's pipeline once, in a folder of its own; returns the load id. Raises as `record` does."""
    folder = surroundings.global_dir
    try:
        with Container().injectable_context(PluggableRunContext(surroundings)):
            pipeline = dlt.pipeline(
                package.pipeline, pipelines_dir=folder, dataset_name=package.dataset, destination=destination
            )
            try:
                return str(pipeline.run(resources).loads_ids[0])
            finally:
                pipeline.deactivate()
    except (DltException, OSError) as error:
        raise cause(error) from error


def _resource(table: Table) -> Any:
    import pyarrow as pa

    def no_rows() -> Iterable[Any]:
        # An empty Arrow table makes dlt materialize the schema, and unlike dlt.mark.materialize_table_schema() adds no
        # columns of dlt's own. The hints decide the types.
        yield pa.schema([(name, pa.string()) for name in table.columns]).empty_table()

    return dlt.resource(no_rows, name=table.name, columns=hints(table.columns), write_disposition="append")


def cause(error: Exception) -> BaseException:
    """What made dlt stop: an interrupt or a full disk wherever it hides, else the first cause."""
    first: BaseException = error
    while (inner := _reason(first)) is not None:
        first = inner
    hidden: BaseException | None = error
    while hidden is not None:
        if isinstance(hidden, KeyboardInterrupt) or getattr(hidden, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return hidden
        # A second error, raised while dlt cleaned up after the first, has it as its context only.
        hidden = _reason(hidden) or hidden.__context__
    if isinstance(first, DltException):
        return DestinationError(f"dlt refused the load: {type(first).__name__}: {first}")
    return first


def _reason(error: BaseException) -> BaseException | None:
    """The error that led to this one; dlt keeps some in an attribute."""
    reason = error.__cause__ or getattr(error, "exception", None)
    return reason if isinstance(reason, BaseException) else None
