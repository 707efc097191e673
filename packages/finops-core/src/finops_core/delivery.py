"""What a provider finds and hands over: deliveries, their files, and the columns in them. Values only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from finops_core.periods import Period

Format = Literal["csv", "parquet", "jsonl", "avro"]
"""What the files are, as stored. DuckDB reads the first three; a provider hands Avro over as Parquet, see LocalFile."""


@dataclass(frozen=True)
class SourceFile:
    """One file that the current manifest names.

    `key` is its full name in the bucket, as recorded in the ledger and in `source_file`. `size` (bytes, as stored),
    `checksum` (`md5:HEX`, `sha256:HEX`, `etag:TEXT` …) and `rows` are what the provider promises; None where it
    does not say. `part` separates datasets of one bill that must never be added (Azure actual and amortised): each
    part has a raw table of its own; "" is the main one.
    """

    key: str
    size: int | None = None
    checksum: str | None = None
    rows: int | None = None
    part: str = ""


@dataclass(frozen=True)
class Delivery:
    """One version of one export for one billing period. `version` changes exactly when the content does.

    `columns` maps a source column to the type that the manifest declares for it, where it declares any.
    `problem` says why this delivery cannot be loaded although it exists (a manifest that is not JSON, a key outside
    the bucket): its period fails, the others go on; `hint` what to try about it. `where` is a SQL condition over our
    column names that picks this period's rows out of files that hold several periods; "" takes all rows. `notes` are
    for the user: what was left out, what reading it will cost. `details` are the provider's own.
    """

    provider: str
    export: str
    period: Period
    version: str
    dataset: str
    format: Format
    files: tuple[SourceFile, ...]
    columns: tuple[tuple[str, str], ...] = ()
    modified: dt.datetime | None = None
    rows: int | None = None
    manifest: str = ""
    problem: str = ""
    where: str = ""
    final: bool | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)
    hint: str = field(default="", compare=False)
    details: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def bytes(self) -> int | None:
        """Bytes as stored, None when a file's size is not known before it is fetched."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


@dataclass(frozen=True)
class LocalFile:
    """A source file on this machine, whole and checked. Compression and BOM are found out from its content.

    `path` is what is read. Where a provider had to make it from a format that DuckDB does not read, `stored` is the
    file as it was fetched: sizes and checksums are about that one.
    """

    source: SourceFile
    path: Path
    stored: Path | None = None

    @property
    def as_stored(self) -> Path:
        return self.stored or self.path


@dataclass(frozen=True)
class Found:
    """A column as it stands in a file: its `name` there, its DuckDB `type` there (VARCHAR in CSV), the type that the
    manifest `declared`, and `ref`, the SQL identifier under which a Column's expression may use it."""

    name: str
    type: str
    ref: str
    declared: str = ""


@dataclass(frozen=True)
class Column:
    """A column of the raw table: our `name`, its DuckDB `type`, the `source` name it came from.

    `expression` is DuckDB SQL over the refs of Found columns; None takes the source column as it is. Whatever it
    yields is cast to `type` exactly: a value that does not fit fails the period.
    """

    name: str
    type: str
    source: str
    expression: str | None = None
