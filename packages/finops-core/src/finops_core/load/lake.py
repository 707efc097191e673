"""What stands in a data lake: folders of Parquet files on a disk or in object storage, nothing else.

    ROOT/DATASET/TABLE/billing_period=2024-01/LOAD_ID.FILE.parquet
    ROOT/DATASET/_dlt_loads/PIPELINE__LOAD_ID.jsonl

There are no transactions across files, hence four rules that keep a period whole:

- A load writes new files and touches no old one. Its record in `_dlt_loads`, one small file, is written last, when
  every file was seen in the store with all its bytes.
- A period is what the newest recorded load of its folders has written. All tables change with that one record.
- Load ids are times, so they have an order. What is older than the newest recorded load of a period can never be read
  again, whether it was recorded or not; only such files are removed, after the record is there. So loads need no lock.
- Readers list the records before and after the files: when both agree, the files of every load they go by are there.

A load that is killed leaves files that nobody goes by, and the next one removes them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from finops_core.errors import ConfigError, DestinationError
from finops_core.load.target import Target
from finops_core.sql import literal

LOADS = "_dlt_loads"

PACKAGES = {"s3": ("s3fs", "s3"), "az": ("adlfs", "az"), "abfss": ("adlfs", "az"), "gs": ("gcsfs", "gs")}
"""URL scheme -> fsspec's package for it, and the extra of finops-core that brings it."""

TRIES = 5
"""How often a lake is listed again because a load was recorded meanwhile."""


@dataclass(frozen=True)
class Store:
    """A folder as fsspec sees it: paths have no scheme, and no slash at their end."""

    fs: Any
    root: str
    scheme: str

    def url(self, path: str) -> str:
        """What DuckDB opens: fsspec knows the storage by one scheme only, Azure's by abfs."""
        return path if self.scheme == "file" else str(self.fs.unstrip_protocol(path))

    def open_to(self, connection: Any) -> None:
        """Let a DuckDB connection read the store."""
        if self.scheme == "file":
            return
        if self.scheme == "gs":  # gcsfs's default leaves tasks behind, and complains of them on stderr
            self.fs.open = partial(type(self.fs).open, self.fs, cache_type="readahead")
        connection.register_filesystem(self.fs)

    def files(self, sizes: Mapping[str, int]) -> list[File]:
        """Those of the paths that are Parquet files of a load, recorded or not."""
        found = []
        for path, size in sizes.items():
            parts = self.parts(path)
            if len(parts) == 4 and parts[3].endswith(".parquet"):
                load_id = parts[3].removesuffix(".parquet").rpartition(".")[0]
                if _is_load(load_id):
                    found.append(File(parts[0], parts[1], parts[2], load_id, path, size))
        return found

    def parts(self, path: str) -> list[str]:
        """The path below the root."""
        return path.removeprefix(self.root).strip("/").split("/")

    def sizes(self, folder: str) -> dict[str, int]:
        """Path -> bytes of every file below a folder; empty when there is no such folder."""
        place = f"{self.root}/{folder}" if folder else self.root
        # s3fs lists anew in any case; what else it remembers saves it a question before each read of a file.
        self.fs.invalidate_cache(place if self.scheme == "s3" else None)
        found = self.fs.find(place, detail=True)
        return {path: int(facts["size"]) for path, facts in found.items()}


@dataclass(frozen=True)
class File:
    """A Parquet file of the lake. `partition` is the name of its folder: `billing_period=2024-01`."""

    dataset: str
    table: str
    partition: str
    load_id: str
    path: str
    size: int


@dataclass(frozen=True)
class Lake:
    """What stood in a lake at one moment. `loads`: dataset -> load id -> dlt's name of the pipeline, for loads that are
    recorded; `files` are those of all loads."""

    loads: Mapping[str, Mapping[str, str]]
    files: tuple[File, ...]

    def newest(self) -> dict[tuple[str, str], str]:
        """(dataset, partition) -> the newest recorded load that has files there."""
        found: dict[tuple[str, str], str] = {}
        for file in self.files:
            place = (file.dataset, file.partition)
            if file.load_id in self.loads.get(file.dataset, {}) and (
                place not in found or moment(file.load_id) > moment(found[place])
            ):
                found[place] = file.load_id
        return found

    def current(self) -> list[File]:
        """The files that count, oldest load first."""
        newest = self.newest()
        found = [file for file in self.files if newest.get((file.dataset, file.partition)) == file.load_id]
        return sorted(found, key=lambda file: (moment(file.load_id), file.path))

    def superseded(self) -> list[str]:
        """Files that can never count again."""
        newest = self.newest()
        return [
            file.path
            for file in self.files
            if (there := newest.get((file.dataset, file.partition))) and moment(file.load_id) < moment(there)
        ]


def moment(load_id: str) -> Decimal:
    """dlt's load ids are seconds since 1970, with as many decimals as there are: as text they have no order."""
    return Decimal(load_id)


def opened_store(target: Target) -> Store:
    """Raises ConfigError when the package for that storage is not installed, AccessError without credentials."""
    if target.location.startswith("file:"):
        # Without dlt, whose import takes longer than most of what is read.
        import fsspec

        path = unquote(urlsplit(target.location).path)
        return Store(fsspec.filesystem("file"), path, "file")
    package, extra = PACKAGES[urlsplit(target.location).scheme]
    if importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"the lake needs the package {package}", where=target.shown, hint=f"pip install 'finops-core[{extra}]'"
        )
    from finops_core.load.records_lake import filesystem

    return filesystem(target)


def reads(store: Store, files: Sequence[File]) -> str:
    """SQL for the rows of files, matched by column name; "" without files."""
    paths = ", ".join(literal(store.url(file.path)) for file in files)
    return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)" if files else ""


def snapshot(store: Store, target: Target, dataset: str = "") -> Lake:
    """What stands there now, in one dataset or in all. Raises DestinationError when loads never stop being recorded."""
    for _ in range(TRIES):
        found = store.sizes(dataset)
        loads = _recorded(store, found)
        files = tuple(store.files(found))
        folders = [dataset] if dataset else sorted({*loads, *(file.dataset for file in files)})
        after = {path for folder in folders for path in store.sizes(f"{folder}/{LOADS}")}
        if _recorded(store, dict.fromkeys(after, 0)) == loads:
            return Lake(loads, files)
    raise DestinationError("the lake changes faster than it can be listed", where=target.shown, hint="try again later")


def _recorded(store: Store, paths: Mapping[str, int]) -> dict[str, dict[str, str]]:
    loads: dict[str, dict[str, str]] = {}
    for path in paths:
        parts = store.parts(path)
        if len(parts) == 3 and parts[1] == LOADS and parts[2].endswith(".jsonl"):
            pipeline, _, load_id = parts[2].removesuffix(".jsonl").rpartition("__")
            if _is_load(load_id):
                loads.setdefault(parts[0], {})[load_id] = pipeline
    return loads


def _is_load(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
