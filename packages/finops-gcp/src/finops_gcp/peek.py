"""Which export a file is from, told by its columns, without reading it whole."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

from finops_core.errors import DeliveryError

from finops_gcp.avro import column_names
from finops_gcp.gcs import Openable
from finops_gcp.layout import Place

HEAD = 256 * 1024
"""Bytes of a text file that are looked at: more than the longest header, and some hundred JSON rows."""

MOST = 5
"""Files that are looked at until one has columns: an empty month's file has none in JSON."""


def dataset_of(store: Openable, places: Iterable[Place]) -> str:
    """`focus`, `detailed` or `standard`, after the newest files. Standard and detailed are converted alike."""
    newest = sorted(places, key=lambda item: (str(item.period or ""), item.file.modified), reverse=True)
    for item in newest[:MOST]:
        if item.kind == "unknown" or not item.file.size:
            continue
        with store.open(item.file.key) as stream, suppress(DeliveryError, zlib.error, csv.Error):
            # A damaged file fails its own month, once that is read.
            if names := {name.lower() for name in _columns(stream, item)}:
                return dataset_named(names)
    return "detailed"


def dataset_named(names: Iterable[str]) -> str:
    """The dataset whose top-level columns these are, in lower case."""
    names = set(names)
    if "billedcost" in names:
        return "focus"
    return "detailed" if any(name.split(".")[0].split("_")[0] == "resource" for name in names) else "standard"


def _columns(stream: IO[bytes], item: Place) -> list[str]:
    if item.kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return list(pq.read_schema(stream).names)
        except pa.ArrowException as error:
            raise DeliveryError(f"a Parquet file is damaged: {error}", where=item.file.key) from error
    if item.kind == "avro":
        return column_names(stream, item.file.key)
    text = _plain(stream.read(HEAD)).decode("utf-8-sig", errors="replace")
    if item.kind == "csv":
        return next(csv.reader([text.splitlines()[0]]), []) if text.strip() else []
    return sorted({name for line in text.splitlines() for name in _keys(line)})


def _plain(head: bytes) -> bytes:
    """The beginning of a gzip file unpacked as far as it goes; anything else as it is."""
    return zlib.decompressobj(31).decompress(head) if head.startswith(b"\x1f\x8b") else head


def _keys(line: str) -> list[str]:
    """The last line of a head is cut short, and is no JSON."""
    try:
        row = json.loads(line)
    except ValueError:
        return []
    return list(row) if isinstance(row, dict) else []
