"""Runs of exports that write no manifest: told from their place, and from the time of their blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from finops_core import Period, SourceFile
from finops_core.store import StoredObject

from finops_azure.places import Place, is_data, is_manifest, place_of
from finops_azure.runs import Run, format_of, why_partial


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
        format=format_of("", files),
        partial=why_partial(place.start, place.end, ""),
    )
