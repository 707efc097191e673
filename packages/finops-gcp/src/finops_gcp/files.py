"""Exported files in a bucket or directory -> one Delivery per invoice month.

There is no manifest of Google's: a month's version is a digest of its files' names, sizes and checksums. A `_SUCCESS`
marker or a `manifest.json` ({"files": ["part-0.parquet", {"name": …, "size": …, "rows": …}]}) that somebody's export
job writes last is respected. Where names tell the month, nothing is read; else see content.py.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from finops_core import Delivery, LocalFile, Period, SourceFile, Staging, Window
from finops_core.delivery import Format
from finops_core.errors import ConfigError, DataMissing, DeliveryError, DeliveryReplaced
from finops_core.store import StoredObject, fetch_all

from finops_gcp.avro import as_parquet
from finops_gcp.gcs import Openable
from finops_gcp.layout import Place, kind, place
from finops_gcp.peek import dataset_of
from finops_gcp.shards import ONE_RUN, newest_run

GZIP, ZIP = b"\x1f\x8b", b"PK"
"""How compressed files begin."""


@dataclass(frozen=True)
class Tree:
    """All objects below a folder, sorted out. `export` is the name under which its bills are loaded."""

    store: Openable
    root: str
    places: tuple[Place, ...]
    success: Mapping[str, StoredObject]
    manifests: Mapping[str, StoredObject]

    @property
    def export(self) -> str:
        return self.root.rstrip("/").rpartition("/")[2] or "billing"

    @property
    def by_month(self) -> bool:
        """True when every file's name tells its month."""
        return all(item.period for item in self.places)


def discover(store: Openable, prefix: str, export_type: str, window: Window) -> list[Delivery]:
    """One delivery per invoice month in the window. Raises DataMissing, ConfigError (several exports)."""
    tree = list_tree(store, prefix)
    dataset = dataset_of(store, tree.places) if export_type == "auto" else export_type
    if not tree.by_month:
        from finops_gcp.content import discover_by_content

        return discover_by_content(tree, dataset, window)
    months: dict[Period, list[Place]] = defaultdict(list)
    for item in tree.places:
        if item.period and item.period in window:
            months[item.period].append(item)
    return [_delivery(tree, dataset, period, months[period]) for period in sorted(months)]


def fetch(store: Openable, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
    """Every file, checked; then the listing once more, since nothing else tells that an export ran meanwhile."""
    yield from fetched(store, delivery.files, staging.folder, staging.progress)
    folders = {file.key.rpartition("/")[0] for file in delivery.files}
    now = {item.key: item for folder in sorted(folders) for item in store.list(f"{folder}/" if folder else "")}
    for file in delivery.files:
        item = now.get(file.key)
        if item is None or (item.size, checksum(item)) != (file.size, file.checksum):
            raise DeliveryReplaced(
                "a file was replaced while it was read", where=f"{store.url}/{file.key}", hint="import again"
            )


def fetched(
    store: Openable, files: Iterable[SourceFile], folder: Path, progress: Callable[[int], None]
) -> Iterator[LocalFile]:
    """Files on this machine, in a format that core reads. Raises DeliveryError for one that was cut short."""
    for number, local in enumerate(fetch_all(store, files, folder, progress)):
        format_ = kind(local.source.key)
        if format_ == "csv":
            _check_last_line(local)
        yield as_parquet(local, folder / f"{number}.from-avro.parquet") if format_ == "avro" else local


def _check_last_line(local: LocalFile) -> None:
    """A CSV that ends within its last field has as many fields as it should: only the missing line break tells.

    Compressed files end with a checksum, and JSON rows with a bracket.
    """
    with local.path.open("rb") as stream:
        magic = stream.read(2)
        if not magic or magic in (GZIP, ZIP):
            return
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) not in b"\r\n":
            raise DeliveryError(
                "the last line of a CSV file has no end: the file was cut short, or is still being written",
                where=local.source.key,
                hint="export it again; if it is whole, end its last line with a line break",
            )


def list_tree(store: Openable, prefix: str) -> Tree:
    """Sort out what lies below the folder `prefix`. Raises DataMissing, ConfigError (several exports)."""
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    listed = list(store.list(folder))
    places = tuple(found for item in listed if (found := place(item)))
    roots = sorted({item.root for item in places})
    where = f"{store.url}/{folder}"
    if not places:
        seen = ", ".join(item.key for item in listed[:5]) or "nothing"
        raise DataMissing(f"there are no billing files: {seen} is there", where=where, hint="check bucket and prefix")
    if len(roots) > 1:
        raise ConfigError(
            f"several exports lie here: {', '.join(root or '(the bucket itself)' for root in roots)}",
            where=where,
            hint="set prefix to one of them; for more, give each its own table [gcp.exports.NAME]",
        )
    _refuse_both_exports(places, where)
    return Tree(store, roots[0], places, _named(listed, "_SUCCESS"), _named(listed, "manifest.json"))


def _refuse_both_exports(places: Iterable[Place], where: str) -> None:
    """The standard and the detailed export of one account hold the same cost."""
    names = [item.file.key.lower() for item in places]
    if any("export_resource_v1" in name for name in names) and any("billing_export_v1" in name for name in names):
        raise ConfigError(
            "the standard and the detailed export lie in one folder: together they would count every cost twice",
            where=where,
            hint="move one of them, or set prefix to the folder of one",
        )


def _named(listed: Iterable[StoredObject], name: str) -> dict[str, StoredObject]:
    """Folder -> the object of that name in it."""
    split = ((item.key.rpartition("/"), item) for item in listed)
    return {f"{folder}/" if folder else "": item for (folder, _, last), item in split if last.lower() == name.lower()}


def _delivery(tree: Tree, dataset: str, period: Period, places: Sequence[Place]) -> Delivery:
    """The delivery of one month, with a `problem` when it cannot be told what belongs to it."""
    notes: tuple[str, ...] = ()
    manifest, problem = "", ""
    files: tuple[SourceFile, ...] = ()
    chosen: Sequence[Place] = places
    try:
        if manifests := [tree.manifests[folder] for folder in _folders(places) if folder in tree.manifests]:
            manifest = ", ".join(item.key for item in manifests)
            files = tuple(file for item in manifests for file in _listed(tree.store, item, places))
            chosen = [item for item in places if item.file.key in {file.key for file in files}]
        else:
            chosen, notes = _current(tree, places)
            files = tuple(source(item) for item in chosen)
        format_ = format_of(chosen or places)
    except DeliveryError as error:
        files, problem, format_ = tuple(source(item) for item in places), str(error), "parquet"
    return Delivery(
        provider="gcp",
        export=tree.export,
        period=period,
        version=version(files),
        dataset=dataset,
        format=format_,
        files=files,
        modified=max((item.file.modified for item in places), default=None),
        manifest=manifest or f"{tree.store.url}/{_folders(places)[0]}",
        problem=problem,
        notes=notes,
    )


def _folders(places: Iterable[Place]) -> list[str]:
    return sorted({item.folder for item in places})


def _current(tree: Tree, places: Sequence[Place]) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """The files that count. Raises DeliveryError while a month is being written, or in doubt."""
    for item in places:
        done = tree.success.get(item.folder)
        if done is None and item.folder != tree.root and _has_sibling(tree, item):
            raise DeliveryError(f"{item.folder} has no _SUCCESS while other months do: its export is not finished")
        if done is not None and item.file.modified - done.modified > ONE_RUN:
            raise DeliveryError(f"{item.name} is newer than _SUCCESS: the month is being exported again")
    shards = newest_run(places)
    if shards.doubt:
        raise DeliveryError(f"{shards.doubt}, or write a manifest.json that names the files")
    return shards.current, shards.notes


def _has_sibling(tree: Tree, item: Place) -> bool:
    return any(folder != tree.root and folder != item.folder for folder in tree.success)


def _listed(store: Openable, manifest: StoredObject, places: Iterable[Place]) -> Iterator[SourceFile]:
    """The files that somebody's own manifest names, by their name in its folder or their key."""
    folder = manifest.key.rpartition("/")[0]
    have = {item.file.key: item for item in places}
    for entry in _entries(store.read(manifest.key), manifest.key):
        name = str(entry.get("name") or entry.get("key") or "")
        key = name if name in have else f"{folder}/{name}".lstrip("/")
        size, rows = entry.get("size"), entry.get("rows")
        yield SourceFile(
            key,
            size=size if isinstance(size, int) else have[key].file.size if key in have else None,
            checksum=checksum(have[key].file) if key in have else None,
            rows=rows if isinstance(rows, int) else None,
        )


def _entries(text: bytes, where: str) -> list[dict[str, Any]]:
    try:
        files = json.loads(text)["files"]
        return [entry if isinstance(entry, dict) else {"name": str(entry)} for entry in files]
    except (ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f'{where} is no manifest: it must read {{"files": ["name", …]}}') from error


def source(item: Place) -> SourceFile:
    return SourceFile(item.file.key, size=item.file.size, checksum=checksum(item.file))


def checksum(item: StoredObject) -> str:
    """The store's checksum, or what else changes with the content."""
    return item.etag if item.etag.startswith("crc32c:") else f"etag:{item.etag}"


def version(files: Iterable[SourceFile], month: str = "") -> str:
    """Changes exactly when a file comes, goes or changes."""
    lines = sorted(f"{file.key} {file.size} {file.checksum} {file.rows}" for file in files)
    return hashlib.sha256("\n".join([month, *lines]).encode()).hexdigest()[:16]


def format_of(places: Iterable[Place]) -> Format:
    """The one format of a month's files. Raises DeliveryError for none or several."""
    kinds = {item.kind: item.name for item in places}
    if "unknown" in kinds:
        raise DeliveryError(
            f"{kinds['unknown']} has no ending that tells its format; name files .parquet, .avro, .csv or .jsonl (.gz)"
        )
    if len(kinds) > 1:
        raise DeliveryError(f"a month has files of several formats ({', '.join(sorted(kinds))}): one bill twice?")
    return next((known for known in _FORMATS if known in kinds), "parquet")


_FORMATS: tuple[Format, ...] = get_args(Format)
