"""What stands in the destination: raw rows, FOCUS rows and rollup of a period, summed again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from finops_core.account import MEASURES, NO_CURRENCY
from finops_core.dataset import Dataset
from finops_core.ledger import LedgerEntry, measure_of
from finops_core.load import Connection
from finops_core.options import Strategy
from finops_core.sql import identifier, literal, qualified
from finops_core.tables import FOCUS_TABLE, ROLLUP_TABLE, Where
from finops_core.verify.findings import Compared, Finding, Tallies, Tally, about, compare

_RAW = re.compile(r"billing(_[a-z0-9_]+)?_(\d{4}_\d{2}|data)")


def where_of(entry: LedgerEntry) -> Where:
    strategy: Strategy = "single" if entry.table_strategy == "single" else "separate"
    return Where(entry.dataset_name, strategy, entry.export, entry.period)


def raw_parts(entry: LedgerEntry, dataset: Dataset) -> dict[str, str]:
    """Part -> its raw table, for the parts that were loaded."""
    where = where_of(entry)
    return {part: where.raw(part) for part in ("", *dataset.parts) if where.raw(part) in entry.raw_tables}


def standing(sql: Connection, entry: LedgerEntry, dataset: Dataset) -> Iterator[Finding]:
    """Raw, FOCUS and rollup rows of one period against its ledger entry."""
    where = where_of(entry)
    for part, table in raw_parts(entry, dataset).items():
        what = Compared("raw", [measure_of(part)], entry.rows if part == entry.part else None, part)
        source = _Source(table, dataset.currency, {measure_of(part): dataset.cost}, where.rows_of_period())
        yield from _compared(sql, entry, what, source, "source_version")
    if not entry.raw_tables:
        yield about(entry, "raw", "not checked", "loaded without raw rows")
    if entry.focus_rows is None:
        yield about(entry, "focus", "not checked", "loaded without FOCUS rows")
        return
    period = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
    focus = _Source(FOCUS_TABLE, "BillingCurrency", MEASURES, period)
    yield from _compared(sql, entry, Compared("focus", list(MEASURES), entry.focus_rows), focus, "x_SourceVersion")
    period += f" AND {identifier('x_SourceVersion')} = {literal(entry.version)}"
    rollup = _Source(ROLLUP_TABLE, "BillingCurrency", MEASURES, period, f"sum({identifier('x_Rows')})")
    yield from _compared(sql, entry, Compared("rollup", list(MEASURES), entry.focus_rows), rollup, "x_SourceVersion")


@dataclass(frozen=True)
class _Source:
    """Rows of one table, and how they are summed. `count` is SQL for how many rows they stand for."""

    table: str
    currency: str
    measures: Mapping[str, str]
    rows: str
    count: str = "count(*)"

    def query(self, dataset_name: str, version_column: str, version: str) -> str:
        code = f"coalesce({identifier(self.currency)}, {literal(NO_CURRENCY)})"
        sums = ", ".join(f"coalesce(sum({identifier(column)}), 0)" for column in self.measures.values())
        others = f"count(*) FILTER (WHERE {identifier(version_column)} IS DISTINCT FROM {literal(version)})"
        table = qualified(dataset_name, self.table)
        return f"SELECT {code}, {self.count}, {others}, {sums} FROM {table} WHERE {self.rows} GROUP BY 1"


def _compared(
    sql: Connection, entry: LedgerEntry, what: Compared, source: _Source, version_column: str
) -> list[Finding]:
    try:
        rows = sql.query(source.query(entry.dataset_name, version_column, entry.version))
    except sql.missing:
        return [about(entry, what.level, "mismatch", f"the table {source.table} is not there", what.part)]
    found: Tallies = {row[0]: Tally(int(row[1]), dict(zip(source.measures, row[3:], strict=True))) for row in rows}
    strange = sum(row[2] for row in rows)
    return compare(entry, what, found, f"{strange:,} rows of another version" if strange else "")


def unaccounted(sql: Connection, dataset_name: str, entries: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """Rows of periods that no ledger entry speaks of."""
    known = {(entry.export, str(entry.period)): entry for entry in entries}
    provider = next((entry.provider for entry in known.values()), "")
    tables = [
        name
        for (name,) in sql.query(
            "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            f"AND table_schema = {literal(dataset_name)} ORDER BY table_name"
        )
        if name == FOCUS_TABLE or _RAW.fullmatch(name)
    ]
    for table in tables:
        focus = table == FOCUS_TABLE
        names = ("x_SourceExport", "x_BillingPeriod") if focus else ("source_export", "billing_period")
        columns = ", ".join(map(identifier, names))
        counted = f"SELECT {columns}, count(*) FROM {qualified(dataset_name, table)} GROUP BY {columns}"
        for export, period, rows in sorted(sql.query(counted), key=str):
            entry = known.get((export, period))
            if entry is None or not (entry.focus_rows is not None if focus else table in entry.raw_tables):
                yield Finding(
                    provider,
                    dataset_name,
                    str(export),
                    str(period),
                    "ledger",
                    "mismatch",
                    rows=rows,
                    detail=f"rows of {table} that the ledger knows nothing of",
                )
