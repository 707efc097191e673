"""The invariants between a bill and its FOCUS rows, run again on what stands in the destination."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from finops_core.account import told
from finops_core.dataset import Dataset
from finops_core.focus.invariants import CheckResult, run_checks
from finops_core.ledger import LedgerEntry
from finops_core.load import Connection
from finops_core.sql import identifier, literal, qualified
from finops_core.stage.reading import LINEAGE
from finops_core.tables import FOCUS_TABLE, source_name
from finops_core.verify.findings import Finding, about
from finops_core.verify.standing import raw_parts, where_of

INSERTED = 500
"""Rows of a lookup in one statement."""


def checked(sql: Connection, entry: LedgerEntry, dataset: Dataset) -> Iterator[Finding]:
    """Every check that the period's load ran, as findings: those that do not hold, or one that says that all do.

    A violated money check is a mismatch; so is a quality check that does not find what the ledger recorded.
    """
    try:
        for statement in _relations(sql, entry, dataset):
            sql.run(statement)
    except sql.missing:
        yield about(entry, "checks", "not checked", "a table is not there")
        return
    text = dataset.checks.read_text(encoding="utf-8") if dataset.checks and entry.raw_tables else ""
    results = run_checks(sql, text)
    broken = [result for result in results if _differs(result, entry)]
    for result in broken:
        yield about(entry, "checks", "mismatch", told(result))
    if not broken:
        noted = sum(1 for result in results if not result.ok)
        partly = "" if entry.raw_tables else "; those against the bill need raw rows"
        known = f"; {noted} of quality do not hold, as recorded when it was loaded" if noted else ""
        yield about(entry, "checks", "ok", f"{len(results)} checks{known}{partly}", rows=len(results))


def _differs(result: CheckResult, entry: LedgerEntry) -> bool:
    if result.severity == "money":
        return not result.ok
    recorded = next((check for check in entry.checks if check["id"] == result.id), None)
    # A check that the version of finops which loaded the period did not have has nothing to be compared with.
    return recorded is not None and result.count != recorded["count"]


def _relations(sql: Connection, entry: LedgerEntry, dataset: Dataset) -> Iterator[str]:
    """Statements that make `source`, `source_<part>`, `focus` and the lookups, as they were when the load checked."""
    where = where_of(entry)
    tables = raw_parts(entry, dataset)
    for part in ("", *dataset.parts):
        view = f"CREATE OR REPLACE TEMP VIEW {identifier(source_name(part))} AS SELECT "
        if part in tables:
            table = qualified(entry.dataset_name, tables[part])
            have = {row[0].lower(): row[1] for row in sql.query(f"DESCRIBE {table}")}
            columns = _as_known(have, dataset.known)
            yield f"{view}{columns} FROM {table} WHERE {where.rows_of_period()}"
        else:
            none = {**dataset.known, **LINEAGE}
            yield f"{view}{', '.join(_null(name, kind) for name, kind in none.items())} WHERE false"
    period = where.rows_of_period("x_SourceExport", "x_BillingPeriod")
    focus = qualified(entry.dataset_name, FOCUS_TABLE)
    yield f"CREATE OR REPLACE TEMP VIEW focus AS SELECT * FROM {focus} WHERE {period}"
    for name, path in dataset.lookups.items():
        yield from _lookup(name, Path(str(path)))


def _as_known(have: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Every column, those that the bill lacks as NULL, and amounts with more decimals than SQL expects rounded."""
    missing = [f", {_null(name, kind)}" for name, kind in known.items() if name.lower() not in have]
    finer = [
        f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}"
        for name, kind in known.items()
        if kind.startswith("DECIMAL") and have.get(name.lower(), kind) != kind
    ]
    replaced = f" REPLACE ({', '.join(finer)})" if finer else ""
    return f"*{replaced}{''.join(missing)}"


def _null(name: str, kind: str) -> str:
    return f"CAST(NULL AS {kind}) AS {identifier(name)}"


def _lookup(name: str, path: Path) -> Iterator[str]:
    """A lookup as values in SQL: a database that is open for reading only can reach no files."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        columns = next(rows)
        shape = ", ".join(f"{identifier(column)} VARCHAR" for column in columns)
        yield f"CREATE OR REPLACE TEMP TABLE {identifier(name)} ({shape})"
        while some := list(islice(rows, INSERTED)):
            yield f"INSERT INTO {identifier(name)} VALUES {', '.join(map(_tuple, some))}"


def _tuple(cells: Iterable[str]) -> str:
    return "(" + ", ".join(literal(cell) if cell else "NULL" for cell in cells) + ")"
