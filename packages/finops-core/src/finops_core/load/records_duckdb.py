"""dlt's DuckDB client on our connection and in our transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dlt
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.sql_client import raise_database_error

from finops_core.load.records import NAMING, InOurTransaction, RecordsOnly


class Statements(InOurTransaction, DuckDbSqlClient):
    @contextmanager
    @raise_database_error
    def execute_query(self, query: str, *args: Any, **kwargs: Any) -> Iterator[Any]:  # type: ignore[override]
        """dlt's own, but for the rollback that it does when a statement fails."""
        parameters = args or kwargs or None
        text = query.replace("%s", "?") if parameters else query
        yield self.cursor_impl(self._conn.execute(text, parameters))


class Client(RecordsOnly, DuckDbClient):
    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        theirs = self.sql_client
        self.sql_client = Statements(theirs.dataset_name, theirs.staging_dataset_name, config.credentials, capabilities)


class records_in_duckdb(dlt.destinations.duckdb):  # noqa: N801 (dlt's own name for a destination is lower case)
    @property
    def client_class(self) -> type[Client]:
        return Client


def records_in(database: str) -> Any:
    """The destination for `record`; dlt does not open the file. Names are taken as they are: finops has made them."""
    return records_in_duckdb(
        database,
        destination_name="duckdb",
        naming_convention=NAMING,
        preferred_loader_file_format="parquet",
    )
