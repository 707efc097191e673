"""Column names of the raw tables: nothing is merged or lost when two source columns want the same name.

Databases ignore case, so names collide when they are equal in lower case. A source column keeps the name that it got
first (`history`, from the `column_names` table); a newcomer that would collide gets a suffix made from its own source
name, which is the same in every month and on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from finops_core.delivery import Column

LONGEST = 63
"""PostgreSQL cuts longer identifiers without a word; two of them could become one."""

RESERVED = frozenset({"billing_period", "source_export", "source_version", "source_file"})
"""Lineage columns that every raw table has."""


def assign(columns: Iterable[Column], history: Mapping[str, str] | None = None) -> dict[str, str]:
    """Source name -> unique column name, for all columns of one delivery.

    Pure: the result depends on the set of (source, wanted name) pairs and the history, not on their order.
    """
    wanted = {column.source: column.name for column in columns}
    taken, names = set(RESERVED), {}
    for source in sorted(wanted):
        before = (history or {}).get(source)
        if before and before.lower() not in taken:
            names[source] = before
            taken.add(before.lower())
    for source in sorted(wanted.keys() - names.keys(), key=lambda source: (_is_rewritten(source, wanted), source)):
        name = wanted[source]
        if len(name.encode()) > LONGEST or name.lower() in taken or not name:
            name = _suffixed(name, source, taken)
        names[source] = name
        taken.add(name.lower())
    return names


def named(columns: Iterable[Column], names: Mapping[str, str]) -> list[Column]:
    """The columns under their assigned names."""
    return [replace(column, name=names[column.source]) for column in columns]


def _is_rewritten(source: str, wanted: Mapping[str, str]) -> bool:
    """Columns that already carry the wanted name as written come first: they cannot have meant anything else."""
    return source != wanted[source]


def _suffixed(name: str, source: str, taken: set[str]) -> str:
    digest = hashlib.sha256(source.encode()).hexdigest()
    for length in range(6, len(digest)):
        suffix = "_" + digest[:length]
        stem = name.encode()[: LONGEST - len(suffix)].decode(errors="ignore") or "column"
        if (stem + suffix).lower() not in taken:
            return stem + suffix
    raise AssertionError("a digest of 256 bits was taken at every length")
