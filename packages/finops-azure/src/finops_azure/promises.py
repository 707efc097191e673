"""What a manifest promises of a file, held against the file."""

from __future__ import annotations

import gzip
import zlib

from finops_core import LocalFile
from finops_core.errors import DeliveryError

CHUNK = 1 << 20


def check_promise(local: LocalFile, promised: int | None) -> None:
    """Raises DeliveryError unless a file has the bytes that its manifest counts.

    The manifest's `byteCount` is not documented for compressed files: a gzip file may have that many bytes either as
    it is stored or when it is inflated. Parquet is compressed inside; its own footer and the row count vouch for it.
    """
    stored = local.path.stat().st_size
    if promised is None or promised == stored:
        return
    with local.path.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1" or (head[:2] == b"\x1f\x8b" and _inflated(local) == promised):
        return
    raise DeliveryError(f"a file has {stored:,} bytes instead of {promised:,}", where=local.source.key)


def _inflated(local: LocalFile) -> int:
    """Bytes of a gzip file when inflated; -1 for a damaged one."""
    size = 0
    try:
        with gzip.open(local.path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
    except (OSError, EOFError, zlib.error):
        return -1
    return size
