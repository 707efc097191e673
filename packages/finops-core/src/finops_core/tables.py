"""Which tables one staged delivery becomes, in the order in which they are filled, in one transaction.

    raw (one per part) -> column_names -> focus_cost_and_usage -> cost_rollup -> import_ledger -> views

Each is a SELECT; later ones read what earlier ones have written. Nothing is appended twice: every table is replaced
for the period, except the ledger, whose newest committed row counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from finops_core import schema
from finops_core.focus.rollup import ROLLUP_COLUMNS, rollup_select
from finops_core.ledger import LedgerEntry
from finops_core.load import Connection, Sql, Table, View, incoming, views
from finops_core.options import Strategy
from finops_core.periods import Period
from finops_core.sql import identifier, literal, qualified
from finops_core.stage import Staged
from finops_core.stage.kinds import may_vary
from finops_core.stage.reading import LINEAGE, Reading
from finops_core.stage.widen import rounded

FOCUS_TABLE = views.FOCUS_TABLE
ROLLUP_TABLE = views.ROLLUP_TABLE

NAMES_COLUMNS = {
    "export": "VARCHAR",
    "billing_period": "VARCHAR",
    "source_version": "VARCHAR",
    "part": "VARCHAR",
    "position": "BIGINT",
    "source_name": "VARCHAR",
    "column_name": "VARCHAR",
    "column_type": "VARCHAR",
}
"""One row per column, period and part: what `finops schema diff` compares and what keeps names stable."""

_PERIOD_TABLE = re.compile(r"billing(_[a-z][a-z0-9_]*)?_\d{4}_\d{2}")


@dataclass(frozen=True)
class Where:
    """Where a delivery's rows go."""

    dataset: str
    strategy: Strategy
    export: str
    period: Period

    def raw(self, part: str) -> str:
        """`billing_2024_01` or `billing_data`; `billing_amortized_2024_01` for a part."""
        stem = f"billing_{part}" if part else "billing"
        return f"{stem}_{self.period.slug}" if self.strategy == "separate" else f"{stem}_data"

    def rows_of_period(self, export: str = "source_export", period: str = "billing_period") -> str:
        """The condition for this export and period, by the names of the two columns."""
        return f"{identifier(export)} = {literal(self.export)} AND {identifier(period)} = {literal(str(self.period))}"

    def table(self, name: str) -> str:
        return qualified(self.dataset, name)


def raw_tables(where: Where, staged: Staged) -> list[Table]:
    """One table per part that was delivered; the main part always, since an empty delivery empties the period."""
    replaces = "true" if where.strategy == "separate" else where.rows_of_period()
    delivered = {"", *(file.part for file in staged.delivery.files)}
    return [
        Table(where.raw(part), reading.columns, reading.select, replaces, ahead=True, varying=_varying(staged, reading))
        for part, reading in staged.parts.items()
        if part in delivered
    ]


def _varying(staged: Staged, reading: Reading) -> frozenset[str]:
    names = reading.columns.keys() - LINEAGE.keys()
    return frozenset(name for name in names if may_vary(staged.dataset, name))


def names_table(where: Where, staged: Staged) -> Table:
    """The names of this delivery's columns; what an earlier version of the period said goes."""
    lineage = [where.export, str(where.period), staged.delivery.version]
    rows = []
    for part, reading in staged.parts.items():
        for position, column in enumerate(reading.sources):
            texts = [*lineage, part, str(position), column.source, column.name, reading.columns[column.name]]
            rows.append(f"({', '.join(map(literal, texts))})")
    values = f"VALUES {', '.join(rows)}" if rows else f"SELECT {', '.join(['NULL'] * len(NAMES_COLUMNS))} WHERE false"
    casts = ", ".join(f"CAST({name} AS {kind}) AS {identifier(name)}" for name, kind in NAMES_COLUMNS.items())
    select = f"SELECT {casts} FROM ({values}) AS t({', '.join(NAMES_COLUMNS)})"
    return Table(schema.TABLE, NAMES_COLUMNS, select, where.rows_of_period("export"))


def source_name(part: str) -> str:
    """The relation that the provider's SQL reads a part from."""
    return f"source_{part}" if part else "source"


def source_shape(reading: Reading, known: Mapping[str, str]) -> dict[str, str]:
    """The columns of `source`: those that the dataset knows, in the types that this bill has them, and the lineage."""
    found = {name: reading.columns.get(name, kind) for name, kind in known.items()}
    return {**found, **rounded(reading, known), **LINEAGE}


def source_relations(where: Where, staged: Staged, written: Collection[str]) -> tuple[str, ...]:
    """Statements that make `source` and `source_<part>`: the period's raw rows, with the columns that SQL may name.

    Those and no other: a column of the bill that nobody knows shall not meet a name of the SQL's own. They read raw
    tables that have been `written` just before; other parts are read from their files.
    """
    statements = []
    for part, reading in staged.parts.items():
        shape = source_shape(reading, staged.dataset.known).items()
        columns = ", ".join(
            identifier(name)
            if reading.columns.get(name) == kind
            else f"CAST({identifier(name) if name in reading.columns else 'NULL'} AS {kind}) AS {identifier(name)}"
            for name, kind in shape
        )
        name = identifier(source_name(part))
        if where.raw(part) in written:
            raw = where.raw(part)
            origin = where.table(raw if where.strategy == "separate" else incoming(raw))
            statements.append(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {origin}")
        else:
            statements.append(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM ({reading.select})")
    return tuple(statements)


def lookup_relations(staged: Staged) -> tuple[str, ...]:
    """The provider's tables of services, regions, units: all text, every time from the installed package."""
    return tuple(
        f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * FROM "
        f"read_csv({literal(str(path))}, header=true, all_varchar=true, delim=',', quote='\"')"
        for name, path in staged.dataset.lookups.items()
    )


def rollup_table(where: Where, version: str) -> Table:
    """Old versions stay, which is what a comparison of deliveries reads; the same version is never there twice."""
    condition = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
    replaces = f"{condition} AND {identifier('x_SourceVersion')} = {literal(version)}"
    focus = f"CREATE OR REPLACE TEMP VIEW focus AS SELECT * FROM {where.table(FOCUS_TABLE)} WHERE {condition}"
    return Table(ROLLUP_TABLE, ROLLUP_COLUMNS, rollup_select(), replaces, (focus,))


def dropped(loaded: LedgerEntry | None, written: Collection[str]) -> set[str]:
    """Tables of the period alone that an earlier load wrote and this one does not replace."""
    before = loaded.raw_tables if loaded else ()
    return {table for table in before if table not in written and _PERIOD_TABLE.fullmatch(table)}


def stale_statements(where: Where, loaded: LedgerEntry | None, written: Collection[str], focus: bool) -> list[str]:
    """Remove what an earlier load of the period left in tables that this one does not replace."""
    if loaded is None:
        return []
    gone = dropped(loaded, written)
    statements = [f"DROP TABLE IF EXISTS {where.table(table)}" for table in sorted(gone)]
    for table in sorted({*loaded.raw_tables} - {*written} - gone):
        statements.append(f"DELETE FROM {where.table(table)} WHERE {where.rows_of_period()}")
    if not focus and loaded.focus_rows is not None:
        condition = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
        statements.append(f"DELETE FROM {where.table(FOCUS_TABLE)} WHERE {condition}")
    return statements


def view_statements(sql: Sql, dataset: str, gone: Collection[str]) -> Sequence[View]:
    """The views: `billing` over all periods of a dataset; `focus.cost_and_usage` and `focus.cost_rollup` over all.

    `gone`: tables of the dataset that are about to be dropped.
    """
    standing = [(schema, name) for schema, name in _standing(sql) if schema != dataset or name not in gone]
    return [*views.period_views(dataset, standing), *views.focus_views(standing)]


def lost_views(sql: Connection, datasets: Collection[str]) -> list[str]:
    """Views of these datasets, and over all, that cannot be read: somebody removed a table or a schema below them."""
    standing = _standing(sql)
    wanted = [view for dataset in datasets for view in views.period_views(dataset, standing)]
    lost = []
    for view in (*wanted, *views.focus_views(standing)):
        try:
            sql.query(f"SELECT 1 FROM {qualified(view.schema, view.name)} LIMIT 0")
        except sql.missing:
            lost.append(f"{view.schema}.{view.name}")
    return lost


def _standing(sql: Sql) -> list[tuple[str, str]]:
    tables = sql.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
        "AND table_catalog = current_database() ORDER BY table_schema, table_name"
    )
    return [(schema, name) for schema, name in tables]
