"""The same load on a PostgreSQL server.

    SELECTs -> scratch DuckDB, checked there -> CSV -> COPY, in one transaction with dlt's tables and records

DuckDB does all the work that it does for its own files; PostgreSQL gets finished rows. Everything becomes visible with
one COMMIT: rows are removed by DELETE, so that readers go on seeing the old ones until then and never wait. Loads into
one database take turns by an advisory lock. Columns beyond 63 bytes get a shorter name with a hash (PostgreSQL would
cut them); JSON is jsonb.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from finops_core.errors import BalanceError, DestinationError
from finops_core.load.columns import fitted
from finops_core.load.embedded import ONE_AT_A_TIME
from finops_core.load.package import WHOLE, Loaded, Package, Table, View, Watch
from finops_core.load.scratch import LOAD_ID, computed, scratch
from finops_core.load.server import TYPES, PostgresSql, connected, standing, take_turn
from finops_core.load.target import Target
from finops_core.load.views import common_types
from finops_core.sql import identifier, qualified

LONGEST_NAME = 63
"""Bytes of an identifier, see 'Limits' in the PostgreSQL manual."""

_MADE = "finops makes this view again at every load"
"""Comment by which our views are known: they stand in the way when a column goes."""


def load_postgres(
    target: Target, package: Package, waiting: Callable[[str], None] | None, watch: Watch | None = None
) -> Loaded:
    """`finops_core.load.load` for PostgreSQL."""
    with scratch(target, package, waiting) as (connection, work):
        rows = computed(package, connection, watch)
        return _written(target, package, connection, rows, work, waiting)


def _written(
    target: Target, package: Package, connection: Any, rows: dict[str, int], work: Path,
    waiting: Callable[[str], None] | None,
) -> Loaded:  # fmt: skip
    from finops_core.load.records import record
    from finops_core.load.records_postgres import records_in

    tables = [_shortened(table) for table in package.tables]
    with ONE_AT_A_TIME, connected(target) as server:
        sql = PostgresSql(server)
        take_turn(target, sql, waiting)
        for table in tables:
            _make_room(package.dataset, table, sql)
        load_id = record(replace(package, tables=tuple(tables)), records_in(server.info.dbname), server, work)
        for table, original in zip(tables, package.tables, strict=True):
            _check_types(package.dataset, table, sql)
            if table.replaces not in (None, WHOLE):
                sql.run(f"DELETE FROM {qualified(package.dataset, table.name)} WHERE {table.replaces}")
            file = work.parent / "rows.csv"
            _copy_out(connection, package.dataset, original, load_id, file)
            copied = _copy_in(server, package.dataset, table, file)
            if copied != rows[table.name]:
                raise BalanceError(f"{copied:,} rows arrived of {rows[table.name]:,}", where=table.name)
        sql.enter(package.dataset)
        _finish(list(package.after(sql)) if package.after else [], sql)
        server.commit()
    return Loaded(load_id, rows)


def _shortened(table: Table) -> Table:
    columns = {stored_name(name): kind for name, kind in table.columns.items()}
    if len(columns) != len(table.columns):
        raise DestinationError("two columns of the table would get one name", where=table.name)
    return replace(table, columns=columns)


def stored_name(name: str) -> str:
    """The name under which a column stands: itself, or what fits with a hash of all of it."""
    data = name.encode()
    if len(data) <= LONGEST_NAME:
        return name
    mark = "_" + hashlib.sha256(data).hexdigest()[:8]
    return data[: LONGEST_NAME - len(mark)].decode(errors="ignore") + mark


def _copy_out(connection: Any, dataset: str, table: Table, load_id: str, file: Path) -> None:
    text = [name for name, kind in table.columns.items() if kind in ("VARCHAR", "JSON")]
    values = ", ".join(
        f"'{load_id}' AS {identifier(name)}" if name == LOAD_ID else identifier(name) for name in table.columns
    )
    # Text is quoted throughout, NULL never: so they cannot be taken for each other, nor text for the end of the data.
    force = f", FORCE_QUOTE ({', '.join(map(identifier, text))})" if text else ""
    where = str(file).replace("'", "''")
    connection.execute(
        f"COPY (SELECT {values} FROM {qualified(dataset, table.name)}) TO '{where}' "
        f"(FORMAT csv, HEADER false, NULLSTR '\\N'{force})"
    )


def _copy_in(server: Any, dataset: str, table: Table, file: Path) -> int:
    names = ", ".join(map(identifier, table.columns))
    statement = f"COPY {qualified(dataset, table.name)} ({names}) FROM STDIN (FORMAT csv, NULL '\\N')"
    with server.cursor() as cursor, file.open("rb") as stream:
        cursor.copy_expert(statement, stream, size=1 << 20)
        count = cursor.rowcount
    file.unlink()
    return int(count)


def _make_room(dataset: str, table: Table, sql: PostgresSql) -> None:
    """Empty a table that is replaced whole, and take away the columns that it will not have."""
    columns = standing(dataset, table.name, sql)
    if table.replaces != WHOLE or not columns:
        return
    target = qualified(dataset, table.name)
    sql.run(f"DELETE FROM {target}")
    gone = [name for name, kind in columns.items() if table.columns.get(name) != kind]
    if gone:
        _drop_our_views(dataset, table.name, sql)
        for name in gone:
            sql.run(f"ALTER TABLE {target} DROP COLUMN {identifier(name)}")


def _check_types(dataset: str, table: Table, sql: PostgresSql) -> None:
    fitted(table.name, table.columns, standing(dataset, table.name, sql))


def _drop_our_views(dataset: str, table: str, sql: PostgresSql) -> None:
    """Drop the views of ours that read a table. A view of somebody else's stays, and PostgreSQL says which it is."""
    found = sql.query(
        "SELECT DISTINCT v.oid::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid "
        "JOIN pg_class v ON v.oid = r.ev_class WHERE v.relkind = 'v' AND d.refobjid = to_regclass(?) "
        "AND obj_description(v.oid, 'pg_class') = ?",
        qualified(dataset, table),
        _MADE,
    )
    for (name,) in found:
        sql.run(f"DROP VIEW {name}")


def _finish(statements: list[str | View], sql: PostgresSql) -> None:
    """Run the closing statements. Views go first, or they would keep a table from being dropped."""
    for view in (statement for statement in statements if isinstance(statement, View)):
        sql.run(f"CREATE SCHEMA IF NOT EXISTS {identifier(view.schema)}")
        sql.run(f"DROP VIEW IF EXISTS {qualified(view.schema, view.name)}")
    for statement in statements:
        _make_view(statement, sql) if isinstance(statement, View) else sql.run(statement)


def _make_view(view: View, sql: PostgresSql) -> None:
    """PostgreSQL has no UNION BY NAME, and cannot replace a view by one with other columns."""
    shapes = {table: standing(*table, sql) for table in view.tables}
    kinds = common_types(shapes, sql)
    selects = [f"SELECT {_aligned(kinds, shape)} FROM {qualified(*table)}" for table, shape in shapes.items()]
    name = qualified(view.schema, view.name)
    sql.run(f"CREATE VIEW {name} AS {' UNION ALL '.join(selects)}")
    sql.run(f"COMMENT ON VIEW {name} IS '{_MADE}'")


def _aligned(kinds: Mapping[str, str], shape: Mapping[str, str]) -> str:
    spelled = {duckdb: postgres for postgres, duckdb in TYPES.items()} | {"VARCHAR": "varchar"}
    return ", ".join(
        f"CAST({identifier(name) if name in shape else 'NULL'} AS {spelled.get(kind, kind)}) AS {identifier(name)}"
        for name, kind in kinds.items()
    )
