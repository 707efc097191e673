"""Stage a delivery: fetch its files, check that they are whole, and build the SELECTs that read them.

    Delivery -> fetch() -> Fetched -> stage() -> Staged(parts: {part: Reading}, ...)

Nothing here touches the destination. DuckDB errors that say something about a file become DeliveryErrors.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.dataset import Dataset
from finops_core.delivery import Delivery, LocalFile
from finops_core.errors import DeliveryError, unusable_folder
from finops_core.provider import Provider
from finops_core.stage.faults import explained
from finops_core.stage.inspection import Inspected, Unpacked, all_arrived, describe, inspect, unpack
from finops_core.stage.reading import Reading, reading, readings
from finops_core.store import check_size

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Fetched",
    "Inspected",
    "Reading",
    "Staged",
    "StagingFolder",
    "all_arrived",
    "explained",
    "fetch",
    "look",
    "stage",
    "staging_folder",
]


@dataclass(frozen=True)
class Fetched:
    """The files of a delivery on this machine, whole, and what each of them holds."""

    delivery: Delivery
    dataset: Dataset
    files: tuple[tuple[LocalFile, Unpacked], ...]


@dataclass(frozen=True)
class Staged:
    """A delivery ready to load: for each part (`""` is the main one) how its rows are read.

    `bytes`: of its files as stored. Noted here because staged files are gone once they are loaded.
    """

    delivery: Delivery
    dataset: Dataset
    parts: Mapping[str, Reading]
    files: tuple[Inspected, ...]
    bytes: int

    @property
    def main(self) -> Reading:
        return self.parts[""]


@dataclass(frozen=True)
class StagingFolder:
    """A temporary folder for one delivery; see provider.Staging."""

    folder: Path
    on_progress: Callable[[int], None]

    def progress(self, bytes_fetched: int) -> None:
        self.on_progress(bytes_fetched)


@contextmanager
def staging_folder(data_dir: Path) -> Iterator[Path]:
    """A fresh folder that goes when the block ends. Folders of processes that died are removed first.

    Raises DestinationError where none can be made.
    """
    root = data_dir / ".staging"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for left in root.iterdir():
            if not _alive(left.name.partition("-")[0]):
                shutil.rmtree(left, ignore_errors=True)
        made = tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=root, ignore_cleanup_errors=True)
    except OSError as error:
        raise unusable_folder(data_dir, error) from error
    with made as folder:
        yield Path(folder)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def fetch(provider: Provider, delivery: Delivery, staging: StagingFolder) -> Fetched:
    """Bring a delivery's files here and read them to their end. Needs nothing of what is loaded already.

    Raises DeliveryError (missing, damaged, short), AccessError.
    """
    with explained(delivery):
        files = list(provider.fetch(delivery, staging))
        _all_there(delivery, files)
        content = _unpacked(delivery, files, staging.folder)
    return Fetched(delivery, provider.dataset(delivery.dataset), tuple(zip(files, content, strict=True)))


def stage(
    fetched: Fetched,
    connection: duckdb.DuckDBPyConnection,
    history: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
) -> Staged:
    """Describe what was fetched. `connection` is a scratch database; `history`: source name -> column name so far.
    `types`: column name -> type of an earlier load, which the dataset's quantities take over (see widen.py).

    Raises DeliveryError (not such a bill, rows that are not as promised), ValueDoesNotFit.
    """
    delivery, dataset = fetched.delivery, fetched.dataset
    with explained(delivery):
        files = tuple(describe(connection, delivery, dataset, local, content) for local, content in fetched.files)
        parts = readings(connection, delivery, dataset, files, history or {}, types)
    _rows_as_promised(delivery, files)
    return Staged(delivery, dataset, parts, files, sum(file.local.as_stored.stat().st_size for file in files))


def look(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, dataset: Dataset, local: LocalFile, folder: Path
) -> Reading:
    """How the rows of one file are read: the very SELECT of an import.

    For providers that must look into files to learn which periods they hold; `delivery` then stands for the file alone.
    Use it, and run the SELECT, inside `explained`; `all_arrived` then holds the rows against the file. `folder` is for
    what has to be unpacked. Raises what `stage` raises.
    """
    return reading(connection, delivery, dataset, [inspect(connection, delivery, dataset, local, folder)], {})


def _all_there(delivery: Delivery, files: list[LocalFile]) -> None:
    """Every file that the manifest names is here, with the bytes that it promises."""
    have = {file.source.key for file in files}
    if missing := [file.key for file in delivery.files if file.key not in have]:
        raise DeliveryError(f"{len(missing)} of {len(delivery.files)} files are missing", where=missing[0])
    for file in files:
        check_size(file.source, file.as_stored)


def _unpacked(delivery: Delivery, files: list[LocalFile], folder: Path) -> list[Unpacked]:
    """In threads: reading files to their end is work for every core."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        running = [threads.submit(unpack, delivery, file, folder) for file in files]
        try:
            return [content.result() for content in running]
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _rows_as_promised(delivery: Delivery, files: tuple[Inspected, ...]) -> None:
    """Row counts that files themselves carry (Parquet) against those of the manifest."""
    for file in files:
        promised = file.local.source.rows
        if file.rows is not None and promised is not None and file.rows != promised:
            raise DeliveryError(f"a file has {file.rows:,} rows instead of {promised:,}", where=file.local.source.key)
