"""What the database says when it cannot go on, as errors of finops."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from finops_core.errors import DataMissing, DestinationError, DestinationLocked, DiskFull, FinopsError
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
