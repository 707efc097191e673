"""What a file really is, judged by its content: names and extensions lie."""

from __future__ import annotations

import csv
import errno
import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
        with _records(path, kind, delimiter, key) as records:
            names = next(records, [])
            if not names and any(records):
                # DuckDB would take the blank line for the header, and the names below it for a row.
                raise DeliveryError("a file begins with a blank line instead of its header", where=f"{key}, line 1")
    except csv.Error as error:
        raise DeliveryError(f"the header of a file cannot be read: {error}", where=key) from error
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:
        raise DeliveryError("the header of a file is not UTF-8", where=key) from error
    return names


def csv_lines(path: Path, kind: Compression, key: str) -> int:
    """Line ends outside of quotes, and a last line without one: as many as records, but for blank lines and for quotes
    that quote nothing."""
    lines, quoted, last = 0, False, b"\n"
    with _opened(path, kind, key) as stream:
        while chunk := stream.read(CHUNK):
            # Of two quotes next to each other, or with none but other text between them, the second undoes the first.
            parts = chunk.translate(None, _NO_QUOTES_NOR_LINE_ENDS).replace(b'""', b"").split(b'"')
            lines += sum(part.count(b"\n") for part in parts[int(quoted) :: 2])
            quoted ^= len(parts) % 2 == 0
            last = chunk[-1:]
    return lines + (last != b"\n")


_NO_QUOTES_NOR_LINE_ENDS = bytes(byte for byte in range(256) if byte not in b'"\n')


def csv_rows(path: Path, kind: Compression, delimiter: str, key: str) -> int:
    """Records below the header, read one by one. A blank line is none, unless there is but one column."""
    try:
        with _records(path, kind, delimiter, key) as records:
            width = len(next(records, []))
            return sum(1 for record in records if record or width == 1)
    except csv.Error as error:
        raise DeliveryError(f"the records of a file cannot be counted: {error}", where=key) from error


@contextmanager
def _records(path: Path, kind: Compression, delimiter: str, key: str) -> Iterator[Iterator[list[str]]]:
    with _opened(path, kind, key) as binary:
        # Text behind the header is read ahead; what is wrong there is found, with its line, where rows are read.
        text = io.TextIOWrapper(binary, "utf-8-sig", "surrogateescape", newline="")
        csv.field_size_limit(LONGEST_HEADER)
        yield csv.reader(text, delimiter=delimiter, strict=True)


def json_lines(path: Path, kind: Compression, key: str) -> int:
    """How many lines hold an object; blank ones hold none. Raises DeliveryError for a line that holds something else.

    Counted without DuckDB, which now and then finds no row in a file of one byte, and takes columns from objects alone.
    """
    rows = 0
    with _opened(path, kind, key) as stream:
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


@contextmanager
def _opened(path: Path, kind: Compression, key: str) -> Iterator[IO[bytes]]:
    """A text file, unpacked. Raises DeliveryError when a gzip file, read to its end, is cut short or its checksum does
    not hold. DuckDB does not compare it: one altered byte can pass."""
    if kind != "gzip":
        with path.open("rb", CHUNK) as stream:
            yield stream
        return
    from isal import igzip, igzip_lib

    try:
        # Buffered, as lines are slow to come by otherwise.
        with io.BufferedReader(cast("io.RawIOBase", igzip.open(path, "rb")), CHUNK) as stream:
            yield stream
    except (EOFError, OSError, igzip_lib.error) as error:  # type: ignore[misc]  # isal's stub says it is no class
        raise DeliveryError(f"a file is damaged: {error}", where=key) from error
