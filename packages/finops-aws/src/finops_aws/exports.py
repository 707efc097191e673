"""Find AWS's exports in a bucket, and the manifest of each of their billing periods. Folders are listed, never data.

P/R/20250101-20250201/R-Manifest.json                    report (CUR v1); its last day or the next month's first
P/R/R/year=2025/month=1/R-Manifest.json                  report, as AWS wrote Athena's reports until about 2019
P/E/metadata/BILLING_PERIOD=2025-01/E-Manifest.json      data export; the key's case differs
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from finops_core import Period
from finops_core.errors import ConfigError
from finops_core.store import StoredObject

from finops_aws.bucket import Bucket, Level, level
from finops_aws.manifests import SUFFIX

DEEPEST = 5
"""Folders below the prefix that are searched for exports: a prefix of four parts and the export's own name."""

MOST_PAGES = 500
"""Listings that a search may cost, about a minute on S3. A bucket with more folders needs aws.prefix."""

THREADS = 8

SHOWN = 10
"""Names that an error quotes of what it saw."""

NEVER_EXPORTS = frozenset({"AWSLogs"})
"""Folders that other AWS services fill with thousands of folders of their own."""

Kind = Literal["report", "data export"]

_DATED = re.compile(r"(\d{4})(\d{2})\d{2}-\d{8}")
_PARTITION = re.compile(r"billing_period=(\d{4})-(\d{2})", re.IGNORECASE)
_HIVE = re.compile(r"[^/=]+=[^/]*")
_YEAR, _MONTH = re.compile(r"year=(\d{4})"), re.compile(r"month=(\d{1,2})")

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Export:
    """An export's folder: `root` is "" or ends in `/`. `folders`: the places where a period's manifest may lie."""

    name: str
    root: str
    kind: Kind
    folders: tuple[tuple[Period, str], ...]

    @property
    def periods(self) -> list[Period]:
        return sorted({period for period, _ in self.folders})

    def __str__(self) -> str:
        return f"{self.name} ({self.kind} in {self.root or 'the top folder'})"


@dataclass(frozen=True)
class Search:
    """What was found below a prefix; `seen`: what lies directly in it, for those who find nothing."""

    exports: tuple[Export, ...]
    seen: tuple[str, ...]


def find(bucket: Bucket, prefix: str, name: str) -> Search:
    """Every export at or below `prefix`, a folder's name or ""; with `name`, those of that name.

    An export at `prefix/name/` is taken without looking any further. Raises ConfigError when the bucket has more
    folders than can be searched.
    """
    start = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    budget = Budget(bucket)
    if name:
        for folder in ([start] if _last(start) == name else []) + [f"{start}{name.strip('/')}/"]:
            if direct := _exports_at(budget, folder, budget.level(folder)):
                return Search(tuple(direct), ())
    found, seen = _search(budget, start)
    named = [item for item in found if name in ("", item.name)]
    return Search(tuple(named), (*(str(item) for item in found), *seen))


def manifest_of(bucket: Bucket, folder: str, name: str) -> tuple[StoredObject | None, str]:
    """The manifest in one period's folder, and a remark if it is not where it should be, or is not there.

    It is called `name-Manifest.json`. In a copy under another folder name the only manifest there is taken. Without
    one, the newest of the copies that AWS keeps beside each version's files.
    """
    here = level(bucket, folder)
    manifests = [item for item in here.objects if item.key.endswith(SUFFIX)]
    own = [item for item in manifests if item.key == f"{folder}{name}{SUFFIX}"]
    if own or len(manifests) == 1:
        return (own or manifests)[0], ""
    if manifests:
        return None, f"several manifests, none of them of {name}: {', '.join(item.key for item in manifests[:5])}"
    copies = [item for below in here.folders for item in level(bucket, below).objects if item.key.endswith(SUFFIX)]
    if copies:
        newest = max(copies, key=lambda item: (item.modified, item.key))
        return newest, f"{folder} has no manifest of its own: took the newest version's copy"
    return None, f"{folder} has no manifest" if here.objects or here.folders else ""


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results in the items' order. The first failure stops the rest."""
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(work, item) for item in items]
        try:
            return [job.result() for job in jobs]
        finally:
            pool.shutdown(cancel_futures=True)


class Budget:
    """Lists folders, as many as a search may cost. Of the objects in a folder it keeps the first few only."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._spent = itertools.count(1)

    def level(self, folder: str) -> Level:
        folders: list[str] = []
        objects: list[StoredObject] = []
        for page in self.bucket.pages(folder):
            if next(self._spent) > MOST_PAGES:
                raise ConfigError(
                    f"the bucket has too much in it to search for exports (stopped after {MOST_PAGES} listings)",
                    where=f"{self.bucket.url}/{folder}",
                    hint="set aws.prefix and aws.export_name",
                )
            folders += page.folders
            objects += page.objects[: SHOWN - len(objects)]
        return Level(tuple(folders), tuple(objects))


def _search(budget: Budget, start: str) -> tuple[list[Export], list[str]]:
    """Breadth first, down to DEEPEST: every export at or below a folder, and what lies directly in that folder."""
    found: list[Export] = []
    seen: list[str] = []
    folders = [start]
    for _ in range(DEEPEST + 1):
        levels = in_parallel(budget.level, folders)
        seen = seen or [*levels[0].folders, *(item.key for item in levels[0].objects)][:SHOWN]
        below: list[str] = []
        for folder, listed in zip(folders, levels, strict=True):
            here = _exports_at(budget, folder, listed)
            found += here
            own = {f"{folder}data/", f"{folder}metadata/", _inner(folder)} if here else set()
            below += [child for child in listed.folders if child not in own and _may_hold_exports(child)]
        if not below:
            break
        folders = below
    return found, seen


def _may_hold_exports(folder: str) -> bool:
    last = _last(folder)
    return last not in NEVER_EXPORTS and not _DATED.fullmatch(last) and not _HIVE.fullmatch(last)


def _exports_at(budget: Budget, folder: str, listed: Level) -> list[Export]:
    """The exports whose own folder this is: a report, a data export, or one of each under the same name."""
    reports = [*_dated(listed.folders), *_years(budget, listed.folders)]
    if _inner(folder) in listed.folders:
        reports += _years(budget, budget.level(_inner(folder)).folders)
    exports = []
    if reports:
        exports.append(Export(_last(folder), folder, "report", tuple(reports)))
    if f"{folder}metadata/" in listed.folders:
        partitions = list(_partitions(budget.level(f"{folder}metadata/").folders))
        if partitions:
            exports.append(Export(_last(folder), folder, "data export", tuple(partitions)))
    return [export if export.name else _named_by_manifest(budget.bucket, export) for export in exports]


def _named_by_manifest(bucket: Bucket, export: Export) -> Export:
    """The top folder has no name: take the report's from its newest manifest."""
    for _, folder in sorted(export.folders, reverse=True):
        manifest, _ = manifest_of(bucket, folder, "")
        if manifest:
            return replace(export, name=manifest.key.rpartition("/")[2].removesuffix(SUFFIX))
    return export


def _dated(folders: Iterable[str]) -> Iterator[tuple[Period, str]]:
    """`20250101-20250201/` or `20250101-20250131/`: only the start counts."""
    for folder in folders:
        if (match := _DATED.fullmatch(_last(folder))) and (period := _period(match[1], match[2])):
            yield period, folder


def _partitions(folders: Iterable[str]) -> Iterator[tuple[Period, str]]:
    for folder in folders:
        if (match := _PARTITION.fullmatch(_last(folder))) and (period := _period(match[1], match[2])):
            yield period, folder


def _years(budget: Budget, folders: Iterable[str]) -> Iterator[tuple[Period, str]]:
    for folder in folders:
        if year := _YEAR.fullmatch(_last(folder)):
            for below in budget.level(folder).folders:
                if (month := _MONTH.fullmatch(_last(below))) and (period := _period(year[1], month[1])):
                    yield period, below


def _period(year: str, month: str) -> Period | None:
    try:
        return Period(int(year), int(month))
    except ValueError:
        return None


def _inner(folder: str) -> str:
    """Athena's reports repeat their name: `P/R/R/year=…`."""
    return f"{folder}{_last(folder)}/" if _last(folder) else ""


def _last(folder: str) -> str:
    """A folder's own name; "" for the top one."""
    return folder.rstrip("/").rpartition("/")[2]
