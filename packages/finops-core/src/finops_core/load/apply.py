"""Runs a package's SELECTs on DuckDB, inside a transaction that is open and stays open."""

from __future__ import annotations

from finops_core.load.columns import check_yield, fitted, qualified, quoted
from finops_core.load.package import WHOLE, Package, Sql, Table, View


def apply(package: Package, sql: Sql, load_id: str) -> dict[str, int]:
    """Write every table in order, then check, then run the closing statements; returns the rows written per table.

    The tables exist. Raises DestinationError when rows do not fit, whatever the check raises, and DuckDB's own errors.
    """
    sql.run(f"SET VARIABLE finops_load_id = '{load_id}'")
    sql.run(f"USE {quoted(package.dataset)}")
    rows = {table.name: _write(package.dataset, table, sql) for table in package.tables}
    package.check(sql)
    for statement in package.after(sql) if package.after else ():
        sql.run(_view(statement) if isinstance(statement, View) else statement)
    return rows


def _view(view: View) -> str:
    rows = " UNION ALL BY NAME ".join(f"SELECT * FROM {qualified(*table)}" for table in view.tables)
    schema = f"CREATE SCHEMA IF NOT EXISTS {quoted(view.schema)}"
    return f"{schema}; CREATE OR REPLACE VIEW {qualified(view.schema, view.name)} AS {rows}"


def _write(dataset: str, table: Table, sql: Sql) -> int:
    for statement in table.before:
        sql.run(statement)
    select = table.select if isinstance(table.select, str) else table.select(sql)
    check_yield(table.name, table.columns, _described(sql, f"({select})"))
    target, names = qualified(dataset, table.name), ", ".join(map(quoted, table.columns))
    if table.replaces == WHOLE:
        # A new table rather than DELETE: no column of the old one is left, and a reader in this process cannot see old
        # and new rows together while a large commit runs.
        [(count,)] = sql.query(f"CREATE OR REPLACE TABLE {target} ({names}) AS SELECT {names} FROM ({select})")
        return int(count)
    values = fitted(table.name, table.columns, dict(_described(sql, target)))
    if table.replaces is not None:
        sql.run(f"DELETE FROM {target} WHERE {table.replaces}")
    [(count,)] = sql.query(f"INSERT INTO {target} ({names}) SELECT {values} FROM ({select})")
    return int(count)


def _described(sql: Sql, relation: str) -> list[tuple[str, str]]:
    return [(str(name), str(kind)) for name, kind, *_ in sql.query(f"DESCRIBE SELECT * FROM {relation}")]
