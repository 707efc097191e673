"""Where exports lie: a bucket or container of a cloud, or a directory laid out in the same way."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from finops_core.delivery import LocalFile, SourceFile
from finops_core.errors import ConfigError, DataMissing, DeliveryError

PARALLEL_DOWNLOADS = 4
"""Files fetched at once. More gains little: one connection already fills most links, and memory grows with each."""


DIGESTS = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
"""The checksums that clouds write into manifests and hashlib computes."""


@dataclass(frozen=True)
class StoredObject:
    key: str
    size: int
    modified: dt.datetime
    etag: str = ""


class Store(Protocol):
    """One bucket. Keys are full names with `/`, without a leading one."""

    url: str

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key starts with the prefix, sorted by key, in pages. Raises AccessError, DataMissing."""

    def read(self, key: str) -> bytes:
        """A small object whole: manifests. Raises DataMissing when it is not there."""

    def fetch(self, file: SourceFile, to: Path, progress: Callable[[int], None]) -> Path:
        """Bring one file to `to`, or say where it already lies. Raises DeliveryError unless it is whole."""


class DirectoryStore:
    """A directory as a bucket: `file://` URLs. Files are read where they lie."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.url = self.root.as_uri()
        if not self.root.is_dir():
            raise DataMissing(
                "there is no such directory",
                where=str(self.root),
                hint="a file:// URL names a directory on this machine",
            )

    def list(self, prefix: str) -> Iterator[StoredObject]:
        start = self.root / PurePosixPath(prefix).parent if not prefix.endswith("/") else self.root / prefix
        found = []
        for folder, _, names in os.walk(start):
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(self.root).as_posix()
                if key.startswith(prefix) and path.is_file():
                    stat = path.stat()
                    modified = dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC)
                    found.append(StoredObject(key, stat.st_size, modified, f"{stat.st_mtime_ns:x}-{stat.st_size:x}"))
        yield from sorted(found, key=lambda item: item.key)

    def read(self, key: str) -> bytes:
        try:
            return safe_path(self.root, key).read_bytes()
        except FileNotFoundError:
            raise DataMissing(f"{key} is not there", where=self.url) from None

    def fetch(self, file: SourceFile, to: Path, progress: Callable[[int], None]) -> Path:
        path = safe_path(self.root, file.key)
        if not path.is_file():
            raise DeliveryError("a file that the manifest names is missing", where=f"{self.url}/{file.key}")
        check_size(file, path)
        check_digest(file, path)
        progress(path.stat().st_size)
        return path


def directory_of(bucket: str) -> Path | None:
    """The directory that a `file://` URL names; None when `bucket` is a bucket's name."""
    if not bucket.startswith("file:"):
        return None
    parts = urlsplit(bucket)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ConfigError(
            f"{bucket!r} is not an absolute file:// URL", hint="write file:///absolute/path (three slashes)"
        )
    return Path(unquote(parts.path))


def safe_path(folder: Path, key: str) -> Path:
    """Where `key` goes below `folder`. Raises DeliveryError for a key that would leave it."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\\" in key or "\x00" in key:
        raise DeliveryError(
            "a key leaves the bucket", where=repr(key), hint="the manifest is not one that a cloud writes"
        )
    return folder.joinpath(*parts)


def check_size(file: SourceFile, path: Path) -> None:
    """Raises DeliveryError unless the file has the bytes that its manifest or listing promises."""
    if file.size is not None and (size := path.stat().st_size) != file.size:
        raise DeliveryError(f"a file has {size:,} bytes instead of {file.size:,}", where=file.key)


def check_digest(file: SourceFile, path: Path) -> None:
    """Raises DeliveryError unless the file has the checksum that its manifest promises, as `md5:HEX`, `sha256:HEX` or
    another digest of hashlib. An `etag:` names a version of an object in its store, which alone can compare it.
    """
    kind, _, promised = (file.checksum or "etag:").partition(":")
    if kind == "etag":
        return
    if kind not in DIGESTS:
        raise DeliveryError(
            f"a checksum of kind {kind!r} cannot be compared", where=file.key, hint=f"use {', '.join(sorted(DIGESTS))}"
        )
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, kind).hexdigest() != promised.lower():
            raise DeliveryError("a file's content differs from its checksum", where=file.key, hint="import again")


def fetch_all(
    store: Store, files: Iterable[SourceFile], folder: Path, progress: Callable[[int], None]
) -> Iterator[LocalFile]:
    """Fetch files below `folder`, several at once, in their order. The first failure stops the rest."""
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        jobs = [(file, pool.submit(_fetch_one, store, file, folder, progress)) for file in files]
        try:
            for file, job in jobs:
                yield LocalFile(file, job.result())
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch_one(store: Store, file: SourceFile, folder: Path, progress: Callable[[int], None]) -> Path:
    target = safe_path(folder, file.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    return store.fetch(file, target, progress)
