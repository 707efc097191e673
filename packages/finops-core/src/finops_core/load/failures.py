"""What the database says when it cannot go on, as errors of finops."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from finops_core.errors import (
    AccessError,
    DataMissing,
    DestinationError,
    DestinationLocked,
    DiskFull,
    FinopsError,
)
from finops_core.load.target import Target

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_FULL = ("No space left on device", "Disk quota exceeded", "File too large", "max_temp_directory_size")
"""The last: DuckDB's limit for spilled data, which by default is what the disk has left."""


HEADERS = 3 * 4096
"""Bytes of a DuckDB file before its first block: a smaller file is one that is being made, or none."""


def is_locked(error: Exception) -> bool:
    """Another process, or this one through a connection of the other kind, holds the DuckDB file."""
    text = str(error)
    return "Could not set lock" in text or "different configuration than existing connections" in text


def being_made(error: Exception, target: Target) -> bool:
    """Another process has created the file a moment ago and has not written DuckDB's headers yet."""
    return "not a valid DuckDB database" in str(error) and target.path.stat().st_size < HEADERS


def locked(error: Exception, target: Target) -> DestinationLocked:
    """The error that names who holds the file."""
    match = _HOLDER.search(str(error))
    who = f"process {match['pid']} ({match['program']})" if match else "another connection"
    return DestinationLocked(
        f"the database is in use by {who}",
        where=target.shown,
        hint="wait until it has finished or end it, then run the same command again",
    )


def explained(error: Exception, target: Target) -> FinopsError | None:
    """The error of finops that stands for a database's or the system's; None where it speaks for itself."""
    import duckdb

    text = str(error)
    if isinstance(error, OSError | duckdb.Error):
        if any(sign in text for sign in _FULL) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return DiskFull(
                "there is no room left on the disk",
                where=f"{target.shown}, {target.data_dir}",
                hint="nothing was changed; free some space, or set project.data_dir to a larger disk",
            )
        if is_locked(error):
            return locked(error, target)
    if isinstance(error, duckdb.OutOfMemoryException):
        return DestinationError(
            f"the work does not fit in {target.memory_limit} of memory",
            where=target.shown,
            hint="raise the memory limit, or lower the number of threads",
        )
    if isinstance(error, duckdb.IOException) and str(target.location) in text:
        return DestinationError(text.removeprefix("IO Error: ").splitlines()[0], where=target.shown)
    return None


@contextmanager
def translated(target: Target) -> Iterator[None]:
    """Raise what `explained` knows in its place; everything else passes as it is."""
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError) as error:
        if (better := explained(error, target)) is not None:
            raise better from error
        raise


def nothing_yet(target: Target) -> DataMissing:
    """The error for a database, dataset or table that is not there."""
    return DataMissing(
        "nothing has been imported yet", where=target.shown, hint="import a bill first: finops --help lists how"
    )


_SDKS = {
    "s3": (("botocore.exceptions", "BotoCoreError"), ("botocore.exceptions", "ClientError")),
    "az": (("azure.core.exceptions", "AzureError"),),
    "abfss": (("azure.core.exceptions", "AzureError"),),
    "gs": (("google.auth.exceptions", "GoogleAuthError"), ("gcsfs.retry", "HttpError")),
}
"""URL scheme -> what the cloud's own package raises, besides OSError: module and class."""


def store_errors(scheme: str) -> tuple[type[Exception], ...]:
    """What reading or writing a lake may raise."""
    found: list[type[Exception]] = [OSError]
    for module, name in _SDKS.get(scheme, ()):
        if importlib.util.find_spec(module.partition(".")[0]):
            found.append(getattr(importlib.import_module(module), name))
    return tuple(found)


@contextmanager
def told_of_lake(target: Target) -> Iterator[None]:
    """What a store says, as errors of finops."""
    import duckdb

    damaged = (duckdb.IOException, duckdb.InvalidInputException)
    known: tuple[type[Exception], ...] = (*store_errors(urlsplit(target.location).scheme), *damaged)
    try:
        yield
    except known as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        elsewhere = isinstance(error, duckdb.InvalidInputException) and ".parquet" not in text
        if elsewhere or any(sign in text for sign in _FULL):
            raise
        if isinstance(error, PermissionError) or "Access Denied" in text or "credentials" in text.lower():
            raise AccessError(f"the lake refuses us: {text}", where=target.shown) from error
        if isinstance(error, FileNotFoundError) or "No files found" in text or "No such file" in text:
            raise DestinationError(
                f"it is not in the lake: {text}", where=target.shown,
                hint="does the bucket exist? A period that was replaced while it was read: run the command again",
            ) from error  # fmt: skip
        raise DestinationError(f"the lake: {text}", where=target.shown) from error
