"""What a manifest says of its run: which export, which month, which blobs, with how many bytes and rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from finops_core import Period, SourceFile
from finops_core.store import StoredObject

from finops_azure.places import Place, place_of
from finops_azure.runs import KINDS, Run, format_of, why_partial


def read_manifest(stored: StoredObject, content: bytes, blobs: Mapping[str, StoredObject]) -> Run | None:
    """The run that a manifest describes; `blobs` are all blobs listed, by key. None for an export that is no bill, and
    for another program's manifest: one that neither lies in an export's folders nor names its export.

    Never raises: what cannot be understood is a Run with a `problem`.
    """
    place = place_of(stored.key)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return _unreadable(stored, place, "the manifest is not JSON") if place else None
    if not isinstance(document, dict):
        return _unreadable(stored, place, "the manifest is not a JSON object") if place else None
    if place is None and not isinstance(document.get("exportConfig"), dict):
        return None
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
        format=format_of(_text(document, "deliveryConfig", "fileFormat"), files),
        manifest=source.stored.key,
        rows=_number(document, "dataRowCount"),
        data_version=_text(document, "exportConfig", "dataVersion"),
        last=end.date() if end else None,
        partial=why_partial(first, last, custom),
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
