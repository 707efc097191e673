"""Runs a package's SELECTs on DuckDB, inside a transaction that is open and stays open."""

from __future__ import annotations

from collections.abc import Collection

from finops_core.load.columns import check_yield, fitted
from finops_core.load.package import WHOLE, Package, Sql, Table, View, Writing, incoming
from finops_core.load.views import common_types, rows_of
from finops_core.sql import identifier, qualified


def write_ahead(package: Package, sql: Writing) -> None:
    """Write and commit, under names that nothing reads, the rows of tables that are written ahead.

    What a load that died left under such a name is replaced or removed. Raises what `apply` raises for such a table.
    """
    ahead = [table for table in package.tables if table.ahead]
    if not ahead:
        return
    sql.run(f"CREATE SCHEMA IF NOT EXISTS {identifier(package.dataset)}")
    forget_ahead(package, sql)
    for table in ahead:
        check_yield(table.name, table.columns, _described(sql, f"({table.select})"))
        names = ", ".join(map(identifier, table.columns))
        target = qualified(package.dataset, incoming(table.name))
        sql.write(table.name, f"CREATE TABLE {target} ({names}) AS SELECT {names} FROM ({table.select})")


def forget_ahead(package: Package, sql: Sql) -> None:
    """Remove what was written ahead and not put in its place, by this load or by one that died."""
    left = sql.query(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = ? AND starts_with(table_name, ?)",
        package.dataset,
        incoming(""),
    )
    for (name,) in left:
        sql.run(f"DROP TABLE {qualified(package.dataset, name)}")


def apply(package: Package, sql: Writing, load_id: str) -> dict[str, int]:
    """Write every table in order, then check, then run the closing statements; returns the rows written per table.

    The tables exist. Raises DestinationError when rows do not fit, whatever the check raises, and DuckDB's own errors.
    """
    sql.run(f"SET VARIABLE finops_load_id = '{load_id}'")
    sql.run(f"USE {identifier(package.dataset)}")
    rows = {table.name: _write(package.dataset, table, sql) for table in package.tables}
    package.check(sql)
    forget_ahead(package, sql)
    for statement in package.after(sql) if package.after else ():
        sql.run(_view(statement, sql) if isinstance(statement, View) else statement)
    return rows


def _view(view: View, sql: Sql) -> str:
    schema = f"CREATE SCHEMA IF NOT EXISTS {identifier(view.schema)}"
    return f"{schema}; CREATE OR REPLACE VIEW {qualified(view.schema, view.name)} AS {rows_of(view, sql)}"


def _write(dataset: str, table: Table, sql: Writing) -> int:
    for statement in table.before:
        sql.run(statement)
    if table.ahead:
        return _place(dataset, table, sql)
    select = table.select if isinstance(table.select, str) else table.select(sql)
    check_yield(table.name, table.columns, _described(sql, f"({select})"))
    target, names = qualified(dataset, table.name), ", ".join(map(identifier, table.columns))
    if table.replaces == WHOLE:
        # A new table rather than DELETE: no column of the old one is left, and a reader in this process cannot see old
        # and new rows together while a large commit runs.
        return sql.write(table.name, f"CREATE OR REPLACE TABLE {target} ({names}) AS SELECT {names} FROM ({select})")
    return _fill(dataset, table, f"({select})", sql)


def _place(dataset: str, table: Table, sql: Writing) -> int:
    """Put rows that were written ahead in their place; those of a condition stay there too until the end."""
    target, source = qualified(dataset, table.name), qualified(dataset, incoming(table.name))
    if table.replaces == WHOLE:
        [(count,)] = sql.query(f"SELECT count(*) FROM {source}")
        sql.run(f"DROP TABLE IF EXISTS {target}")
        sql.run(f"ALTER TABLE {source} RENAME TO {identifier(table.name)}")
        return int(count)
    _give_room(dataset, table, sql)
    return _fill(dataset, table, source, sql, table.varying)


def _fill(dataset: str, table: Table, rows: str, sql: Writing, roomy: Collection[str] = ()) -> int:
    """Bring rows into a table that stands, for those that they replace; `roomy` as for `fitted`."""
    target, names = qualified(dataset, table.name), ", ".join(map(identifier, table.columns))
    values = fitted(table.name, table.columns, dict(_described(sql, target)), roomy)
    if table.replaces is not None:
        sql.run(f"DELETE FROM {target} WHERE {table.replaces}")
    return sql.write(table.name, f"INSERT INTO {target} ({names}) SELECT {values} FROM {rows}")


def _give_room(dataset: str, table: Table, sql: Sql) -> None:
    """Give columns whose type may vary one that holds the rows that stand and the new ones."""
    standing, new = (dataset, table.name), (dataset, incoming(table.name))
    shapes = {
        place: {name: kind for name, kind in _described(sql, qualified(*place)) if name in table.varying}
        for place in (standing, new)
    }
    for name, kind in common_types(shapes, sql).items():
        if shapes[standing].get(name, kind) != kind:
            sql.run(f"ALTER TABLE {qualified(*standing)} ALTER COLUMN {identifier(name)} TYPE {kind}")


def _described(sql: Sql, relation: str) -> list[tuple[str, str]]:
    return [(str(name), str(kind)) for name, kind, *_ in sql.query(f"DESCRIBE SELECT * FROM {relation}")]
