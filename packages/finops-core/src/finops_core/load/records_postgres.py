"""dlt's PostgreSQL client on our connection and in our transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import dlt
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
from dlt.destinations.sql_client import DBApiCursorImpl, raise_database_error

from finops_core.load.records import NAMING, InOurTransaction, RecordsOnly


class Statements(InOurTransaction, Psycopg2SqlClient):
    @contextmanager
    @raise_database_error
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """dlt's own, but for the reset of the connection that it does when a statement fails."""
        with self._conn.cursor() as cursor:
            cursor.execute(query, args or kwargs or None)
            yield DBApiCursorImpl(cursor)


class Client(RecordsOnly, PostgresClient):
    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        theirs = self.sql_client
        self.sql_client = Statements(theirs.dataset_name, theirs.staging_dataset_name, config.credentials, capabilities)


class records_in_postgres(dlt.destinations.postgres):  # noqa: N801 (dlt's own name for a destination is lower case)
    @property
    def client_class(self) -> type[Client]:
        return Client


def records_in(database: str) -> Any:
    """The destination for `record`. Names are taken as they are: finops has made them."""
    # Only the database's name is used: dlt insists on a password although it does not connect.
    credentials = PostgresCredentials(f"postgresql://finops:unused@localhost:5432/{quote(database)}")
    return records_in_postgres(
        credentials,
        destination_name="postgres",
        naming_convention=NAMING,
        preferred_loader_file_format="csv",
    )
