"""Cloud Storage as a Store: listings with generations and checksums, downloads pinned to one generation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, cast

from finops_core.delivery import SourceFile
from finops_core.errors import DeliveryReplaced
from finops_core.store import DirectoryStore, Store, StoredObject, check_size, safe_path

from finops_gcp.google import explained

if TYPE_CHECKING:
    from google.cloud.storage import Client

LISTED = "items(name,size,updated,generation,crc32c),nextPageToken"


class Openable(Store, Protocol):
    """A store of which a file can be looked into without fetching it whole."""

    def open(self, key: str) -> IO[bytes]: ...


class Directory(DirectoryStore):
    """A directory as a bucket; see finops_core.store."""

    def open(self, key: str) -> IO[bytes]:
        return safe_path(self.root, key).open("rb")


class GcsStore:
    """One bucket. An object's `etag` is its CRC32C: it is the same again when the same bytes are written again."""

    def __init__(self, bucket: str, client: Client) -> None:
        self.url = f"gs://{bucket}"
        self._client = client
        self._bucket = client.bucket(bucket)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with explained(f"{self.url}/{prefix}"):
            for blob in self._client.list_blobs(self._bucket, prefix=prefix or None, fields=LISTED):
                yield StoredObject(
                    blob.name, blob.size or 0, blob.updated or dt.datetime.now(dt.UTC), f"crc32c:{blob.crc32c}"
                )

    def read(self, key: str) -> bytes:
        with explained(f"{self.url}/{key}"):
            return cast(bytes, self._bucket.blob(key).download_as_bytes())

    def open(self, key: str) -> IO[bytes]:
        with explained(f"{self.url}/{key}"):
            return cast("IO[bytes]", self._bucket.blob(key).open("rb", chunk_size=1 << 20))

    def fetch(self, file: SourceFile, to: Path, progress: Callable[[int], None]) -> Path:
        """Download the object's present generation, after making sure that it is the one that was listed.

        Google's client compares the CRC32C of what arrived with the object's.
        """
        where = f"{self.url}/{file.key}"
        with explained(where):
            blob = self._bucket.get_blob(file.key)
            if blob is None:
                raise DeliveryReplaced("a file is gone since it was listed", where=where, hint="import again")
            if file.checksum and file.checksum != f"crc32c:{blob.crc32c}":
                raise DeliveryReplaced("a file was replaced while it was read", where=where, hint="import again")
            blob.download_to_filename(str(to), if_generation_match=blob.generation, checksum="crc32c")
        check_size(file, to)
        progress(to.stat().st_size)
        return to
