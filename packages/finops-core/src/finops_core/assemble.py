"""Assemble one staged delivery into the package that load writes in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from finops_core import ledger, tables
from finops_core.account import Account
from finops_core.focus.conversion import convert
from finops_core.load import Package, Table
from finops_core.sql import identifier, slug

if TYPE_CHECKING:
    import duckdb

    from finops_core.options import ImportOptions
    from finops_core.plan import Step
    from finops_core.stage import Staged


def scratch(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory for describing files and SQL; it never sees the destination."""
    import duckdb

    connection = duckdb.connect(config={"temp_directory": str(folder / "duckdb")})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def assemble(
    options: ImportOptions, step: Step, staged: Staged, connection: duckdb.DuckDBPyConnection
) -> tuple[Account, Package]:
    """The tables of one period in their order, and the account that is taken of them before the commit."""
    delivery = step.delivery
    where = tables.Where(options.dataset_name, options.table_strategy, delivery.export, delivery.period)
    focus = options.focus and staged.dataset.focus is not None
    raw = tables.raw_tables(where, staged) if options.raw else []
    written = tuple(table.name for table in raw)
    account = Account(staged, where, written, focus, options.allow_unbalanced)
    sources = tables.source_relations(where, staged, written)
    converted = (
        [focus_table(where, staged, connection, sources), tables.rollup_table(where, delivery.version)] if focus else []
    )
    before = () if focus else sources
    book = Table(ledger.TABLE, ledger.COLUMNS, account.ledger_select, None, before)
    stale = tables.stale_statements(where, step.loaded, written, focus)
    package = Package(
        dataset=where.dataset,
        pipeline=slug(f"{where.dataset} {delivery.period.slug}"),
        tables=(*raw, tables.names_table(where, staged), *converted, book),
        check=lambda sql: None,
        after=lambda sql: [*stale, *tables.view_statements(sql, where.dataset, tables.dropped(step.loaded, written))],
        partition=f"billing_period={delivery.period}",
        history=(tables.ROLLUP_TABLE, ledger.TABLE),
    )
    return account, package


def focus_table(
    where: tables.Where, staged: Staged, connection: duckdb.DuckDBPyConnection, sources: tuple[str, ...]
) -> Table:
    """The FOCUS table: the provider's SELECT, its columns found out on empty relations of the same shape."""
    lookups = tables.lookup_relations(staged)
    for statement in (*_empty_sources(staged), *lookups):
        connection.execute(statement)
    converted = convert(connection, staged.delivery, staged.dataset)
    replaces = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
    return Table(tables.FOCUS_TABLE, converted.columns, converted.select, replaces, (*sources, *lookups))


def _empty_sources(staged: Staged) -> list[str]:
    statements = []
    for part, reading in staged.parts.items():
        columns = tables.source_shape(reading, staged.dataset.known)
        shape = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
        statements.append(f"CREATE OR REPLACE TEMP TABLE {identifier(tables.source_name(part))} ({shape})")
    return statements
