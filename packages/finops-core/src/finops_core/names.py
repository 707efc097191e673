"""Column names of the raw tables: nothing is merged or lost when two source columns want the same name.

Databases ignore case, so names collide when they are equal in lower case. A source column keeps the name that it got
first (`history`, from the `column_names` table); a newcomer that would collide, with a column beside it or with one of
another month, gets a suffix made from its own source name, which is the same in every month and on every machine.

One bill may come under two spellings: an export that changes from CSV to Parquet writes `line_item_unblended_cost`
where it wrote `lineItem/UnblendedCost`. So a name of the dataset's own (`known`), and a source that is already spelt as
the name that it wants, share the name with other months; in the same month they never do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from finops_core.delivery import Column

LONGEST = 63
"""PostgreSQL cuts longer identifiers without a word; two of them could become one. A dataset's own names stay as they
are, or its FOCUS SQL and its checks would not find the column and take it for one that the bill lacks."""

RESERVED = frozenset({"billing_period", "source_export", "source_version", "source_file"})
"""Lineage columns that every raw table has."""


def apart(written: Sequence[str]) -> list[str]:
    """The source names of a file's columns: one that is written twice gets a number, `x (2)`, so that both are kept."""
    names: dict[str, None] = {}
    for name in written:
        own, number = name, 1
        while own in names or (number > 1 and own in written):
            number += 1
            own = f"{name} ({number})"
        names[own] = None
    return list(names)


def assign(
    columns: Iterable[Column], history: Mapping[str, str] | None = None, known: Collection[str] = ()
) -> dict[str, str]:
    """Source name -> unique column name, for all columns of one delivery.

    Pure: the result depends on the set of (source, wanted name) pairs and the history, not on their order.
    """
    wanted = {column.source: column.name for column in columns}
    before = history or {}
    taken, names = set(RESERVED), {}
    for source in sorted(wanted):
        if source in before and before[source].lower() not in taken:
            names[source] = before[source]
            taken.add(before[source].lower())
    elsewhere = {name.lower() for source, name in before.items() if source not in names and source != name}
    for source in sorted(wanted.keys() - names.keys(), key=lambda source: (source != wanted[source], source)):
        name = wanted[source]
        shared = name in known or source == name
        too_long = len(name.encode()) > LONGEST and name not in known
        if not name or too_long or name.lower() in (taken if shared else taken | elsewhere):
            name = _suffixed(name, source, taken | elsewhere)
        names[source] = name
        taken.add(name.lower())
    return names


def named(columns: Iterable[Column], names: Mapping[str, str]) -> list[Column]:
    """The columns under their assigned names."""
    return [replace(column, name=names[column.source]) for column in columns]


def _suffixed(name: str, source: str, taken: set[str]) -> str:
    digest = hashlib.sha256(source.encode()).hexdigest()
    for length in range(6, len(digest)):
        suffix = "_" + digest[:length]
        stem = name.encode()[: LONGEST - len(suffix)].decode(errors="ignore") or "column"
        if (stem + suffix).lower() not in taken:
            return stem + suffix
    raise AssertionError("a digest of 256 bits was taken at every length")
