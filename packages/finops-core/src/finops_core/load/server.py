"""A connection to a PostgreSQL server: opening, reading, taking turns, and what its tables look like."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from finops_core.errors import AccessError, ConfigError, DestinationError, DestinationLocked
from finops_core.load.embedded import POLL
from finops_core.load.target import Target
from finops_core.sql import identifier

if TYPE_CHECKING:
    import pyarrow as pa

TURN = 0x46494E4F5053
"""Key of the advisory lock ("FINOPS"): one load at a time per database, since loads share tables and views."""

TYPES = {
    "character varying": "VARCHAR",
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double precision": "DOUBLE",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "jsonb": "JSON",
    "timestamp without time zone": "TIMESTAMP",
}
"""PostgreSQL's name of a type -> DuckDB's; numeric(p,s) is DECIMAL(p,s)."""

_REFUSED = ("authentication failed", "no password supplied", "pg_hba.conf", "does not exist", "permission denied")


class PostgresSql:
    """A PostgreSQL connection as `Connection`. JSON comes as text, as from DuckDB."""

    def __init__(self, server: Any) -> None:
        errors = importlib.import_module("psycopg2.errors")
        self.server = server
        self.missing: tuple[type[Exception], ...] = (errors.UndefinedTable, errors.InvalidSchemaName)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.server.cursor() as cursor:
            if parameters:
                cursor.execute(sql.replace("%", "%%").replace("?", "%s"), parameters)
            else:
                cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def run(self, sql: str) -> None:
        self.query(sql)

    def enter(self, dataset: str) -> None:
        self.run(f"SET search_path TO {identifier(dataset)}")

    def columns(self, schema: str, relation: str) -> dict[str, str]:
        return standing(schema, relation, self)

    def batches(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self.server.cursor("finops_rows", withhold=True) as cursor:
            cursor.execute(sql)
            while found := cursor.fetchmany(rows):
                columns = zip(*found, strict=True)
                yield pa.record_batch(
                    [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
                )


@contextmanager
def reading_postgres(target: Target) -> Iterator[PostgresSql]:
    """`finops_core.load.connect_readonly` for PostgreSQL."""
    with connected(target) as server:
        server.set_session(readonly=True, autocommit=True)
        yield PostgresSql(server)


def standing(dataset: str, table: str, sql: PostgresSql) -> dict[str, str]:
    """Column -> DuckDB's name of its type; empty when there is no such table."""
    found = sql.query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 "
        "AND NOT a.attisdropped ORDER BY a.attnum",
        dataset,
        table,
    )
    return {name: TYPES.get(kind) or re.sub(r"^numeric\(", "DECIMAL(", kind) for name, kind in found}


def take_turn(target: Target, sql: PostgresSql, waiting: Callable[[str], None] | None) -> None:
    """Hold the advisory lock until the transaction ends. Raises DestinationLocked after `target.lock_wait` seconds."""
    until, told = time.monotonic() + target.lock_wait, False
    while not sql.query(f"SELECT pg_try_advisory_xact_lock({TURN})")[0][0]:
        holders = sql.query(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = ?", TURN % 2**32
        )
        who = ", ".join(f"server process {pid}" for (pid,) in holders) or "another connection"
        if time.monotonic() >= until:
            raise DestinationLocked(f"another import is running ({who})", where=target.shown, hint="try again later")
        if waiting and not told:
            waiting(f"waiting up to {target.lock_wait:.0f} s: another import is running ({who})")
            told = True
        time.sleep(POLL)


@contextmanager
def connected(target: Target) -> Iterator[Any]:
    try:
        driver: Any = importlib.import_module("psycopg2")
        extras: Any = importlib.import_module("psycopg2.extras")
    except ModuleNotFoundError:
        raise ConfigError(
            "loading into PostgreSQL needs its driver", where=target.shown, hint="pip install 'finops-core[postgres]'"
        ) from None
    try:
        server = driver.connect(target.location, fallback_application_name="finops")
    except driver.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        kind = AccessError if any(sign in said for sign in _REFUSED) else DestinationError
        raise kind(f"PostgreSQL: {said}", where=target.shown) from error
    try:
        server.autocommit = True
        PostgresSql(server).run("SET TIME ZONE 'UTC'")
        server.autocommit = False
        extras.register_default_jsonb(server, loads=str)
        extras.register_default_json(server, loads=str)
        yield server
    except driver.Error as error:
        if isinstance(error, PostgresSql(server).missing):
            raise
        raise DestinationError(
            f"PostgreSQL: {str(error).strip().splitlines()[0]}", where=_where(error, target)
        ) from error
    finally:
        server.close()


def _where(error: Any, target: Target) -> str:
    """What the server says about the place: `COPY billing, line 3, column cost: "x"`."""
    context = (error.diag.context or "").splitlines()
    return f"{target.shown}: {context[0]}" if context else target.shown
