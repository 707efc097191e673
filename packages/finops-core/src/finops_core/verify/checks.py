"""The invariants between a bill and its FOCUS rows, run again on what stands in the destination."""

from __future__ import annotations

from collections.abc import Iterator

from finops_core.account import told
from finops_core.dataset import Dataset
from finops_core.focus.invariants import CheckResult, run_checks
from finops_core.ledger import LedgerEntry
from finops_core.load import Sql
from finops_core.verify.findings import Finding, about


def checked(sql: Sql, entry: LedgerEntry, dataset: Dataset) -> Iterator[Finding]:
    """Every check that the period's load ran, as findings: those that do not hold, or one that says that all do.

    `sql` has the relations of the period. A violated money check is a mismatch; so is a quality check that does not
    find what the ledger recorded.
    """
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
