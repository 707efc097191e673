"""What one run of an export delivered, told from its manifest, or from its place where there is none.

Four layouts are in use, and folder and file names are no contract (Microsoft says so), so the manifest decides:

    EXPORT/20250101-20250131/EXPORT_GUID.csv                           classic: a new file per run, no manifest
    EXPORT/20250101-20250131/202501041442/GUID/000001.csv              + _manifest.json, without type and period
    EXPORT/20250101-20250131/202501041442/RUN/part_0_0001.csv.gz       + manifest.json, every run kept
    EXPORT/20250101-20250131/RUN/part_0_0001.parquet                   + manifest.json, older runs deleted
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from finops_core import Period, SourceFile
from finops_core.delivery import Format
from finops_core.store import StoredObject

ACTUAL, AMORTIZED, FOCUS, USAGE = "actual", "amortized", "focus", "usage"

KINDS = {"actualcost": ACTUAL, "amortizedcost": AMORTIZED, "focuscost": FOCUS, "usage": USAGE}
"""exportConfig.type in lower case -> kind of export. Price sheets, reservation details and others are no bills."""

DATA_SUFFIXES = (".csv", ".csv.gz", ".csv.zip", ".parquet")

_RANGE = re.compile(r"(\d{4})(\d{2})(\d{2})-(\d{4})(\d{2})(\d{2})")
_RUN_TIME = re.compile(r"\d{12}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Place:
    """What a blob's path says: `root` is the path above the folder named like `20250101-20250131`, with the export's
    name as its last part; `start` and `end` are that range's days, both included."""

    root: str
    export: str
    start: dt.date
    end: dt.date
    run_time: dt.datetime | None = None
    run_id: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Run:
    """One run of an export for one month. `kind` is "" where nothing tells it; `last` the last day that it covers;
    `partial` says why the run does not
    hold a whole month so far; `problem` why it cannot be read at all. `promised` are the manifest's byte counts."""

    export: str
    kind: str
    scope: str
    root: str
    period: Period
    run_id: str
    submitted: dt.datetime
    files: tuple[SourceFile, ...] = ()
    format: Format = "csv"
    manifest: str = ""
    rows: int | None = None
    data_version: str = ""
    last: dt.date | None = None
    partial: str = ""
    problem: str = ""
    promised: Mapping[str, int] = field(default_factory=dict, compare=False)


def is_manifest(key: str) -> bool:
    return key.endswith("manifest.json")


def is_data(key: str) -> bool:
    return key.lower().endswith(DATA_SUFFIXES)


def place_of(key: str) -> Place | None:
    """Read a path by its range folder, wherever that stands. None for a path without one."""
    parts = key.split("/")
    for index in range(len(parts) - 2, -1, -1):
        if not (match := _RANGE.fullmatch(parts[index])):
            continue
        try:
            start, end = dt.date(*map(int, match.groups()[:3])), dt.date(*map(int, match.groups()[3:]))
        except ValueError:
            continue
        below = parts[index + 1 : -1]
        named = [part for part in below if not _RUN_TIME.fullmatch(part) and not _GUID.fullmatch(part)]
        export = parts[index - 1] if index else (named or [""])[0]
        times = [moment for part in below if _RUN_TIME.fullmatch(part) and (moment := _run_time(part))]
        guids = [part for part in below if _GUID.fullmatch(part)]
        root, folder = "/".join(parts[:index]), "/".join(parts[: index + 1])
        return Place(root, export, start, end, times[0] if times else None, guids[-1] if guids else "", folder)
    return None


def read_manifest(stored: StoredObject, content: bytes, blobs: Mapping[str, StoredObject]) -> Run | None:
    """The run that a manifest describes; `blobs` are all blobs listed, by key. None for an export that is no bill.

    Never raises: what cannot be understood is a Run with a `problem`.
    """
    place = place_of(stored.key)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return _unreadable(stored, place, "the manifest is not JSON")
    if not isinstance(document, dict):
        return _unreadable(stored, place, "the manifest is not a JSON object")
    kind = _text(document, "exportConfig", "type")
    if kind and kind.lower() not in KINDS:
        return None
    return _run(_Source(stored, place, document, blobs, hashlib.sha256(content).hexdigest()[:16]), kind)


@dataclass(frozen=True)
class _Source:
    stored: StoredObject
    place: Place | None
    document: Mapping[str, Any]
    blobs: Mapping[str, StoredObject]
    digest: str

    @property
    def folder(self) -> str:
        return self.stored.key.rpartition("/")[0]


def _run(source: _Source, kind: str) -> Run:
    document, place = source.document, source.place
    start = moment(_text(document, "runInfo", "startDate"))
    end = moment(_text(document, "runInfo", "endDate"))
    first = start.date() if start else place.start if place else None
    last = end.date() if end else place.end if place else None
    if first is None or not 1970 <= first.year <= 9998:
        return _unreadable(source.stored, place, "the manifest does not say which month it is for")
    period = Period.of(first)
    run_time = place.run_time if place else None
    submitted = moment(_text(document, "runInfo", "submittedTime")) or run_time or source.stored.modified
    files, promised, problem = _files(source)
    custom = _text(document, "exportConfig", "timeFrame").lower()
    return Run(
        export=_text(document, "exportConfig", "exportName") or (place.export if place else ""),
        kind=KINDS.get(kind.lower(), ""),
        scope=_scope(_text(document, "exportConfig", "resourceId")),
        root=place.root if place else source.folder,
        period=period,
        run_id=_text(document, "runInfo", "runId") or (place.run_id if place else "") or source.digest,
        submitted=submitted,
        files=files,
        format=_format(_text(document, "deliveryConfig", "fileFormat"), files),
        manifest=source.stored.key,
        rows=_number(document, "dataRowCount"),
        data_version=_text(document, "exportConfig", "dataVersion"),
        last=end.date() if end else None,
        partial=_partial(first, last, custom),
        problem=problem,
        promised=promised,
    )


def _files(source: _Source) -> tuple[tuple[SourceFile, ...], dict[str, int], str]:
    """The files that the manifest names, their promised byte counts, and what is wrong with them ("" if nothing)."""
    entries = source.document.get("blobs")
    if entries is None and _number(source.document, "blobCount"):
        return (), {}, "the manifest counts blobs but names none"
    if not isinstance(entries, list | None):
        return (), {}, "the manifest's list of blobs is malformed"
    files, promised = [], {}
    for entry in entries or []:
        if not isinstance(entry, dict) or not (name := _text(entry, "blobName")).strip():
            return (), {}, "the manifest's list of blobs is malformed"
        key = _key(name, source)
        if ".." in PurePosixPath(key).parts or "\\" in key or "\x00" in key:
            return (), {}, f"the manifest names a blob outside the container: {name!r}"
        files.append(_file(key, entry, source.blobs.get(key)))
        if (count := _number(entry, "byteCount")) is not None:
            promised[key] = count
    if len({file.key for file in files}) != len(files):
        return (), {}, "the manifest names a blob twice"
    return tuple(files), promised, _row_problem(source.document, files)


def _file(key: str, entry: Mapping[str, Any], stored: StoredObject | None) -> SourceFile:
    etag = f"etag:{stored.etag}" if stored and stored.etag else None
    return SourceFile(key, stored.size if stored else None, etag, _number(entry, "dataRowCount"))


def _row_problem(document: Mapping[str, Any], files: list[SourceFile]) -> str:
    total, counts = _number(document, "dataRowCount"), [file.rows for file in files]
    if total is None or None in counts:
        return ""
    named = sum(count for count in counts if count is not None)
    return "" if named == total else f"the manifest counts {total:,} rows, but the blobs that it names have {named:,}"


def _key(name: str, source: _Source) -> str:
    """A blob's key: as written, without the leading space that Azure itself has written, or, in a copy of the tree
    under another folder, the blob of that name beside the manifest."""
    plain = name.strip().lstrip("/")
    beside = f"{source.folder}/{PurePosixPath(plain).name}".lstrip("/")
    container_cut = plain.partition("/")[2]
    return next((key for key in (name, plain, container_cut, beside) if key in source.blobs), plain)


def _partial(first: dt.date, last: dt.date | None, time_frame: str) -> str:
    """Why a run does not hold a month from its first day on. Billing months may begin on any day."""
    if "billing" in time_frame:
        return ""
    period = Period.of(first)
    if first.day != 1:
        return f"the run begins on {first}, not on the first day of a month"
    if last and last > period.end:
        return f"the run covers several months, {first} to {last}"
    if last and time_frame in ("custom", "onetime") and last < period.end - dt.timedelta(days=1):
        return f"the run covers a part of a month, {first} to {last}"
    return ""


def classic_runs(blobs: Mapping[str, StoredObject]) -> list[Run]:
    """Runs of exports that write no manifest. A file right in a range folder is a run by itself; deeper ones are one
    run per folder, unless the export writes manifests: then a folder without one is a run that is not finished."""
    places = {key: place for key in blobs if (place := place_of(key))}
    with_manifest = {place.folder for key, place in places.items() if is_manifest(key)}
    roots = {place.root for key, place in places.items() if is_manifest(key)}
    groups: dict[str, list[StoredObject]] = {}
    for key, place in places.items():
        direct = key.rpartition("/")[0] == place.folder
        if not is_data(key) or not blobs[key].size or place.folder in with_manifest:
            continue
        if direct or place.root not in roots:
            groups.setdefault(key if direct else key.rpartition("/")[0], []).append(blobs[key])
    return [_classic(members, places[members[0].key]) for members in groups.values()]


def _classic(members: list[StoredObject], place: Place) -> Run:
    files = tuple(SourceFile(item.key, item.size, f"etag:{item.etag}" if item.etag else None) for item in members)
    identity = "\n".join(f"{item.key} {item.size} {item.etag}" for item in members)
    return Run(
        export=place.export,
        kind="",
        scope="",
        root=place.root,
        period=Period.of(place.start),
        run_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        submitted=place.run_time or max(item.modified for item in members),
        files=files,
        format=_format("", files),
        partial=_partial(place.start, place.end, ""),
    )


def _unreadable(stored: StoredObject, place: Place | None, problem: str) -> Run:
    period = Period.of(place.start if place else stored.modified.date())
    return Run(
        export=place.export if place else "",
        kind="",
        scope="",
        root=place.root if place else stored.key.rpartition("/")[0],
        period=period,
        run_id=(place.run_id if place else "") or stored.etag or stored.key,
        submitted=(place.run_time if place else None) or stored.modified,
        manifest=stored.key,
        problem=problem,
    )


def _format(declared: str, files: tuple[SourceFile, ...]) -> Format:
    parquet = all(file.key.lower().endswith(".parquet") for file in files) if files else declared.lower() == "parquet"
    return "parquet" if parquet else "csv"


def _scope(resource_id: str) -> str:
    """What the export is about, without its own name: billing account, profile, subscription or resource group."""
    return resource_id.lower().partition("/providers/microsoft.costmanagement/")[0]


def _text(document: Mapping[str, Any], *path: str) -> str:
    value: object = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _number(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def moment(text: str) -> dt.datetime | None:
    """A time as Azure writes it: seven digits of a second, `Z`, an offset or no zone at all (UTC is meant)."""
    try:
        value = dt.datetime.fromisoformat(text.strip())
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _run_time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
