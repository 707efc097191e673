"""A bucket that can be walked folder by folder, so that millions of foreign objects cost nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from finops_core.errors import AccessError
from finops_core.store import DirectoryStore, Store, StoredObject, safe_path


@dataclass(frozen=True)
class Level:
    """What lies directly in a folder: sub-folders by their full names, ending in `/`, and objects."""

    folders: tuple[str, ...]
    objects: tuple[StoredObject, ...]


class Bucket(Store, Protocol):
    """A store that also knows folders. A folder's name is "" or ends in `/`."""

    def pages(self, folder: str) -> Iterator[Level]:
        """What lies directly in a folder, at most 1,000 entries at a time. Nothing for a folder that is not there."""

    def stat(self, key: str) -> StoredObject | None:
        """The object as it is now; None when it is gone."""


def level(bucket: Bucket, folder: str) -> Level:
    """What lies directly in a folder, whole."""
    pages = list(bucket.pages(folder))
    return Level(
        tuple(name for page in pages for name in page.folders),
        tuple(item for page in pages for item in page.objects),
    )


class LocalBucket(DirectoryStore):
    """A directory laid out like a bucket."""

    def pages(self, folder: str) -> Iterator[Level]:
        start = safe_path(self.root, folder) if folder else self.root
        if not start.is_dir():
            return
        with _readable(start):
            entries = sorted(start.iterdir())
            folders = tuple(f"{folder}{entry.name}/" for entry in entries if entry.is_dir())
            objects = tuple(_stored(f"{folder}{entry.name}", entry) for entry in entries if entry.is_file())
        yield Level(folders, objects)

    def read(self, key: str) -> bytes:
        with _readable(self.root / key):
            return super().read(key)

    def stat(self, key: str) -> StoredObject | None:
        path = safe_path(self.root, key)
        return _stored(key, path) if path.is_file() else None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        hint = "let the user who runs finops read it"
        raise AccessError("a directory or file may not be read", where=str(path), hint=hint) from error


def _stored(key: str, path: Path) -> StoredObject:
    stat = path.stat()
    modified = dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC)
    return StoredObject(key, stat.st_size, modified, f"{stat.st_mtime_ns:x}-{stat.st_size:x}")
