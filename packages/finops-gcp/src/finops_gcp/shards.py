"""Shards that an earlier, longer export left behind. Pure.

BigQuery numbers the files of one EXPORT from 0 and `overwrite=true` replaces those of equal name only: when a month is
exported again into fewer shards, the surplus ones of the run before stay, and their rows would count twice. They betray
themselves: the newest run is exactly the shards 0 to k, and all higher numbers are older than every one of these.

A number that is missing before others is a file that is missing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from finops_gcp.layout import Place

ONE_RUN = dt.timedelta(minutes=5)
"""Shards of one run appear within minutes of one another: a shorter gap is no sign of two runs."""

TWO_RUNS = dt.timedelta(hours=1)
"""A longer gap surely is. Between the two we refuse to guess."""

_NUMBERED = re.compile(r"(.*?)(\d{3,12})(\D*)")
"""`part-000000000012.parquet`: what stands before the last number, the number, what follows."""

BIGQUERY_DIGITS = "12"
"""BigQuery's own numbers have twelve digits, and none is left out. Others may be dates, or parts chosen by hand."""

FEWER_THAN = 1_000_000
"""Shards of one export: twelve digits may also be a time, 202501151030."""


@dataclass(frozen=True)
class Shards:
    """The files of one month that count, those that an earlier run left, and why neither can be told, if so."""

    current: tuple[Place, ...]
    stale: tuple[Place, ...] = ()
    doubt: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        stale = ", ".join(item.file.key for item in self.stale)
        return (f"left out as shards of an earlier, longer export: {stale}",) if stale else ()


def newest_run(places: Sequence[Place]) -> Shards:
    """Leave the stale shards out. Files without numbers, and series that do not fit the rule, all count."""
    series: dict[tuple[str, str, str], list[tuple[int, Place]]] = defaultdict(list)
    current: list[Place] = []
    for item in places:
        if match := _NUMBERED.fullmatch(item.name):
            series[item.folder + match[1], match[3], str(len(match[2]))].append((int(match[2]), item))
        else:
            current.append(item)
    stale: list[Place] = []
    for (_, _, digits), unsorted in series.items():
        numbered = sorted(unsorted, key=lambda pair: pair[0])
        if digits == BIGQUERY_DIGITS and (gap := _gap(numbered)):
            return Shards(tuple(places), (), gap)
        kept, left, doubt = _split(numbered)
        if doubt:
            return Shards(tuple(places), (), doubt)
        current += kept
        stale += left
    return Shards(tuple(sorted(current, key=_key)), tuple(sorted(stale, key=_key)))


def _gap(numbered: list[tuple[int, Place]]) -> str:
    """What to say where a shard is missing among those of an export."""
    for expected, (number, item) in enumerate(numbered):
        if number != expected and numbered[-1][0] < FEWER_THAN:
            return f"{item.name} is there, but no shard {expected:012d} before it: a file is missing. Export again"
    return ""


def _split(numbered: list[tuple[int, Place]]) -> tuple[list[Place], list[Place], str]:
    """Where the shards 0..k are all newer than all that follow, the wider gap decides."""
    shards = [item for _, item in numbered]
    if [number for number, _ in numbered] != list(range(len(numbered))):
        return shards, [], ""
    gap, cut = _widest_gap([item.file.modified for item in shards])
    if gap <= ONE_RUN:
        return shards, [], ""
    if gap < TWO_RUNS:
        first = shards[cut].name
        return (
            shards,
            [],
            f"the files from {first} on are older than those before it: shards of an earlier export? Delete them",
        )
    return shards[:cut], shards[cut:], ""


def _widest_gap(times: Sequence[dt.datetime]) -> tuple[dt.timedelta, int]:
    """Over all k: how much older the youngest from k on is than the oldest before k; negative when it is not."""
    oldest_before = list(accumulate(times, min))
    youngest_from = list(accumulate(reversed(times), max))[::-1]
    gaps = [(oldest_before[k - 1] - youngest_from[k], k) for k in range(1, len(times))]
    return max(gaps, default=(dt.timedelta(), 0))


def _key(item: Place) -> str:
    return item.file.key
