"""The FOCUS rows and the rollup made once more, and compared with those that stand in the destination, value by value.

FOCUS rows come from the raw rows in the destination, or where there are none from the files; the rollup from the FOCUS
rows that stand there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from finops_core import __version__
from finops_core.dataset import Dataset
from finops_core.focus.conversion import Conversion, Lineage, convert, focus_select, strip
from finops_core.focus.rollup import ROLLUP_COLUMNS, rollup_select
from finops_core.ledger import LedgerEntry
from finops_core.load import Sql
from finops_core.sql import identifier, literal, qualified
from finops_core.tables import FOCUS_TABLE, ROLLUP_TABLE, lookup_relations, source_relations
from finops_core.verify.findings import Finding, about
from finops_core.verify.multisets import Rows, difference
from finops_core.verify.relations import Standing, shape_of
from finops_core.verify.standing import where_of

if TYPE_CHECKING:
    import duckdb

    from finops_core.stage import Staged

OWN = "_dlt_"
"""How columns that dlt adds begin."""


def converted_again(sql: Sql, entry: LedgerEntry, dataset: Dataset, written: bool) -> Iterator[Finding]:
    """From the raw rows to FOCUS, and from FOCUS to the rollup. `sql` has the relations of the period.

    `written`: JSON stands there as it was written.
    """
    assert dataset.focus is not None
    if entry.raw_tables:
        text = strip(dataset.focus.read_text(encoding="utf-8"))
        found = {row[0]: row[1] for row in sql.query(f"DESCRIBE {text}")}
        conversion = focus_select(text, found, lineage_of(entry))
        yield compared(entry, dataset, Rows(sql, "focus"), Rows(sql, conversion.select), conversion, written)
    rollup = qualified(entry.dataset_name, ROLLUP_TABLE)
    period = where_of(entry).rows_of_period("x_SourceExport", "x_BillingPeriod")
    standing = f"SELECT * FROM {rollup} WHERE {period} AND {identifier('x_SourceVersion')} = {literal(entry.version)}"
    if differing := difference(Rows(sql, standing), Rows(sql, rollup_select()), ROLLUP_COLUMNS):
        yield about(entry, "rollup", "mismatch", f"not the sums of the FOCUS rows: {differing}")


def converted_from_files(
    connection: duckdb.DuckDBPyConnection, staged: Staged, entry: LedgerEntry, standing: Standing
) -> Finding:
    """From the files to FOCUS, for a period without raw rows. `connection` is the scratch that reads the files."""
    from finops_core.load.embedded import DuckDbSql

    where = where_of(entry)
    for statement in (*source_relations(where, staged, ()), *lookup_relations(staged)):
        connection.execute(statement)
    conversion = convert(connection, staged.delivery, staged.dataset)
    made = Rows(DuckDbSql(connection), conversion.select)
    focus = qualified(entry.dataset_name, FOCUS_TABLE)
    stands = f"SELECT * FROM {focus} WHERE {where.rows_of_period('x_SourceExport', 'x_BillingPeriod')}"
    with standing.opened() as sql:
        if not shape_of(sql, entry.dataset_name, FOCUS_TABLE):
            return about(entry, "conversion", "mismatch", f"there is no table {FOCUS_TABLE}")
        return compared(entry, staged.dataset, Rows(sql, stands), made, conversion, standing.written)


def lineage_of(entry: LedgerEntry) -> Lineage:
    return Lineage(str(entry.period), entry.provider, entry.export, entry.version)


def compared(
    entry: LedgerEntry, dataset: Dataset, standing: Rows, made: Rows, conversion: Conversion, written: bool
) -> Finding:
    """Other rules than those of the load make other rows, which is no fault of the rows."""
    select = standing.select if " " in standing.select else f"FROM {standing.select}"
    shape = {row[0]: row[1] for row in standing.sql.query(f"DESCRIBE {select}") if not row[0].startswith(OWN)}
    if lacking := [name for name in conversion.columns if name not in shape]:
        return about(entry, "conversion", "mismatch", f"{FOCUS_TABLE} lacks {', '.join(lacking)}")
    # Columns of the provider's other datasets, which have no value here.
    others = [f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in shape.items()
              if name not in conversion.columns]  # fmt: skip
    made = Rows(made.sql, f"SELECT {', '.join(['*', *others])} FROM ({made.select})")
    differing = difference(standing, made, shape, written=written)
    if not differing:
        return about(entry, "conversion", "ok", f"{len(shape)} columns", rows=entry.focus_rows)
    if (entry.finops_version, entry.focus_rules) != (__version__, dataset.rules):
        detail = f"made by other rules, those of today make {differing}; --force applies them"
        return about(entry, "conversion", "changed", detail)
    return about(entry, "conversion", "mismatch", f"not what the rules make of the bill: {differing}")
