"""Columns over time: which a dataset has had, under which names, and what came, went or changed type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_core.errors import DataMissing
from finops_core.periods import Period

if TYPE_CHECKING:
    from finops_core.load import Target
    from finops_core.stage import Staged

TABLE = "column_names"


@dataclass(frozen=True)
class KnownColumn:
    """One column of one billing period as it was loaded."""

    period: Period
    part: str
    source: str
    name: str
    type: str


@dataclass(frozen=True)
class Change:
    """What happened to one source column between two periods: `came`, `went` or `changed`, with types."""

    change: str
    part: str
    source: str
    name: str
    before: str
    after: str


def known_columns(target: Target, dataset: str, export: str) -> list[KnownColumn]:
    """Every column of every period that is loaded of an export; empty before the first load."""
    from finops_core.load import read_rows

    try:
        rows = read_rows(
            target,
            dataset,
            "SELECT billing_period, part, source_name, column_name, column_type FROM column_names "
            "WHERE export = ? ORDER BY billing_period, part, position",
            export,
        )
    except DataMissing:
        return []
    return [KnownColumn(Period.parse(row[0]), *row[1:]) for row in rows]


def names_so_far(known: Iterable[KnownColumn]) -> dict[str, str]:
    """Source name -> the name that it got first."""
    names: dict[str, str] = {}
    for column in known:
        names.setdefault(column.source, column.name)
    return names


def columns_of(staged: Staged) -> list[KnownColumn]:
    """The columns of a delivery that is about to be loaded."""
    return [
        KnownColumn(staged.delivery.period, part, column.source, column.name, reading.columns[column.name])
        for part, reading in staged.parts.items()
        for column in reading.sources
    ]


def types_so_far(known: Iterable[KnownColumn], period: Period | None = None) -> dict[str, str]:
    """Column name -> its type in that period, or in the newest one that has it."""
    return {column.name: column.type for column in known if period in (None, column.period)}


def changes(known: Iterable[KnownColumn], period: Period, new: Iterable[KnownColumn]) -> list[Change]:
    """What differs from the newest earlier period; nothing when there is none."""
    earlier = [column for column in known if column.period < period]
    if not earlier:
        return []
    newest = max(column.period for column in earlier)
    return diff([column for column in earlier if column.period == newest], new)


def diff(before: Iterable[KnownColumn], after: Iterable[KnownColumn]) -> list[Change]:
    """Columns that came, went or changed type, by source name."""
    old, new = _by_source(before), _by_source(after)
    found = [Change("came", *key, new[key].name, "", new[key].type) for key in new.keys() - old.keys()]
    found += [Change("went", *key, old[key].name, old[key].type, "") for key in old.keys() - new.keys()]
    found += [
        Change("changed", *key, new[key].name, old[key].type, new[key].type)
        for key in old.keys() & new.keys()
        if old[key].type != new[key].type
    ]
    return sorted(found, key=lambda change: (change.change, change.part, change.source))


def _by_source(columns: Iterable[KnownColumn]) -> Mapping[tuple[str, str], KnownColumn]:
    return {(column.part, column.source): column for column in columns}


def told(found: Iterable[Change], most: int = 5) -> list[str]:
    """One sentence for each kind of change, for the summary of a run."""
    labels = {"came": "new columns", "went": "columns no longer there", "changed": "columns of another type"}
    sentences = []
    for kind, label in labels.items():
        names = [change.source for change in found if change.change == kind]
        if names:
            more = f" and {len(names) - most} more" if len(names) > most else ""
            sentences.append(f"{label}: {', '.join(names[:most])}{more}")
    return sentences
