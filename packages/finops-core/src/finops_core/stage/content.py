"""What a file really is, judged by its content: names and extensions lie."""

from __future__ import annotations

import csv
import errno
import io
import shutil
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Literal, cast

from finops_core.errors import DeliveryError
from finops_core.store import safe_path

Compression = Literal["none", "gzip", "zip", "zstd", "parquet", "empty"]

NAMES: Mapping[Compression, str] = {
    "none": "text",
    "gzip": "compressed with gzip",
    "zip": "a zip file in a zip file",
    "zstd": "compressed with zstd",
    "parquet": "Parquet",
    "empty": "empty",
}

CHUNK = 1 << 20

LONGEST_HEADER = 16 << 20
"""Bytes of a header record. AWS allows 500 tag columns of 128 characters; a file without any line break is no CSV."""

LONGEST_OBJECT = 16 << 20
"""Bytes of a line of JSON. DuckDB reads no longer object unless told otherwise."""

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "parquet"),
)


def compression(path: Path) -> Compression:
    """By the first bytes. `parquet` stands for a Parquet file, `none` for plain text, `empty` for no bytes at all."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if not head:
        return "empty"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")


def check_gzip(path: Path, key: str) -> None:
    """Read a gzip file to its end. Raises DeliveryError when it is cut short or its checksum does not hold.

    DuckDB does not compare the checksum: one altered byte can pass it.
    """
    from isal import igzip, igzip_lib

    try:
        with igzip.open(path, "rb") as stream:
            while stream.read(CHUNK):
                pass
    except (EOFError, OSError, igzip_lib.error) as error:  # type: ignore[misc]  # isal's stub says it is no class
        raise DeliveryError(f"a file is damaged: {error}", where=key) from error


def unzip(path: Path, folder: Path, key: str) -> Path:
    """The one member of a zip file, extracted and checked. Raises DeliveryError for another number of members."""
    import lzma
    import zlib

    # zipfile lets its decompressors' errors through, and those of seeking to offsets that a damaged directory states.
    broken = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) != 1:
                raise DeliveryError(f"a zip file has {len(members)} members instead of one", where=key)
            target = safe_path(folder, key + ".unzipped")
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(members[0]) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, CHUNK)
            return target
    except (*broken, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DeliveryError(f"a zip file is damaged: {error}", where=key) from error


def csv_header(path: Path, kind: Compression, delimiter: str, key: str) -> list[str]:
    """The first record: column names as written, without a byte order mark. Empty for a file without any record."""
    try:
        with _open(path, kind) as binary:
            # Text behind the header is read ahead; what is wrong there is found, with its line, where rows are read.
            text = io.TextIOWrapper(binary, "utf-8-sig", "surrogateescape", newline="")
            csv.field_size_limit(LONGEST_HEADER)
            names = next(csv.reader(text, delimiter=delimiter, strict=True), [])
    except (csv.Error, EOFError, OSError) as error:
        raise DeliveryError(f"the header of a file cannot be read: {error}", where=key) from error
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:
        raise DeliveryError("the header of a file is not UTF-8", where=key) from error
    return names


def json_lines(path: Path, kind: Compression, key: str) -> int:
    """How many lines hold an object; blank ones hold none. Raises DeliveryError for a line that holds something else.

    Read without DuckDB, so that its rows can be held against the number: now and then it finds none in a file of one
    byte, and its columns are those of objects alone.
    """
    rows = 0
    with _open(path, kind) as stream:
        for number, line in enumerate(iter(partial(stream.readline, LONGEST_OBJECT), b""), start=1):
            if len(line) == LONGEST_OBJECT:
                raise DeliveryError("a line of a JSON file is too long for a row", where=f"{key}, line {number:,}")
            if line.startswith(b"{") or (rest := line.strip()).startswith(b"{"):
                rows += 1
            elif rest:
                raise DeliveryError(
                    "a line of a JSON file is no object: its rows would be lost",
                    where=f"{key}, line {number:,}",
                    hint="write one object per line; jq -c '.[]' makes lines of a list",
                )
    return rows


def _open(path: Path, kind: Compression) -> IO[bytes]:
    """Buffered, as lines of a compressed stream are slow to come by otherwise."""
    if kind == "gzip":
        from isal import igzip

        return io.BufferedReader(cast("io.RawIOBase", igzip.open(path, "rb")), CHUNK)
    return path.open("rb", CHUNK)
