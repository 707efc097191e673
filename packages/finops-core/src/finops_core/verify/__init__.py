"""Prove what is loaded, again and at any time. Nothing is changed.

LedgerEntry -> verify() -> Finding, ...

findings.py     a finding: one billing period, level and currency, compared with the import ledger
files.py        files fetched again: the same as those that were loaded? summed by DuckDB (`staged`), and
                compared value by value with the raw rows (`values`)
independent.py  the files once more, without DuckDB (`files`)
standing.py     raw rows, FOCUS rows and rollup in the destination summed (`raw`, `focus`, `rollup`); rows that the
                ledger knows nothing of
conversion.py   FOCUS rows and rollup made once more, and compared value by value (`conversion`, `rollup`)
checks.py       the invariants between bill and FOCUS rows, on what stands in the destination
multisets.py    whether two SELECTs yield the same rows
relations.py    the rows of the destination as relations of an embedded DuckDB
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_core.dataset import Dataset
from finops_core.ledger import LedgerEntry
from finops_core.load import Target, connect_readonly
from finops_core.provider import Provider
from finops_core.verify.findings import Finding, about

if TYPE_CHECKING:
    from finops_core.verify.relations import Standing

__all__ = ["Finding", "Proof", "strays", "verify"]


@dataclass(frozen=True)
class Proof:
    """What the caller knows of a ledger entry: its dataset (None: the provider is not installed), and the provider
    that delivers its files, or in words why they are not read."""

    dataset: Dataset | None
    files: Provider | str


def verify(target: Target, entry: LedgerEntry, proof: Proof) -> Iterator[Finding]:
    """From the files of one period to its rollup, each level against the ledger.

    Raises AccessError when the provider refuses its files, and DestinationLocked.
    """
    from finops_core.verify.files import from_files
    from finops_core.verify.relations import standing_rows

    if proof.dataset is None:
        yield about(entry, "files", "not checked", str(proof.files))
        yield about(entry, "raw", "not checked", f"provider {entry.provider} is not installed")
        return
    with standing_rows(target, entry, proof.dataset) as standing:
        if isinstance(proof.files, str):
            yield about(entry, "files", "not checked", proof.files)
            if entry.focus_rows is not None and not entry.raw_tables:
                yield about(entry, "conversion", "not checked", "there are no raw rows, and the files are not read")
        else:
            yield from from_files(target, entry, proof.files, standing)
        yield from _in_destination(target, entry, proof.dataset, standing)


def _in_destination(target: Target, entry: LedgerEntry, dataset: Dataset, rows: Standing) -> Iterator[Finding]:
    from finops_core.verify.checks import checked
    from finops_core.verify.conversion import converted_again
    from finops_core.verify.relations import relate
    from finops_core.verify.standing import standing

    with connect_readonly(target) as sql:
        yield from standing(sql, entry, dataset)
    if entry.focus_rows is None:
        return
    with rows.opened() as copy:
        if missing := relate(copy, entry, dataset):
            yield about(entry, "checks", "not checked", f"there is no table {missing}")
            return
        yield from converted_again(copy, entry, dataset, rows.written)
        yield from checked(copy, entry, dataset)


def strays(target: Target, dataset_name: str, entries: Sequence[LedgerEntry]) -> list[Finding]:
    """Rows in the tables of a dataset that none of its ledger entries speaks of."""
    from finops_core.verify.standing import unaccounted

    with connect_readonly(target) as sql:
        return list(unaccounted(sql, dataset_name, [entry for entry in entries if entry.dataset_name == dataset_name]))
