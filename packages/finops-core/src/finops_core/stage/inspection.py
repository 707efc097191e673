"""Find out what a file really is and which columns it has: by its content, not by its name; no type is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.dataset import Dataset
from finops_core.delivery import Delivery, Found, LocalFile
from finops_core.errors import BalanceError, DeliveryError
from finops_core.names import apart
from finops_core.sql import literal
from finops_core.stage.content import (
    NAMES,
    Compression,
    compression,
    csv_header,
    csv_lines,
    csv_rows,
    json_lines,
    unzip,
)
from finops_core.stage.numbers import check_numbers

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Inspected:
    """A file whose columns are known. As many rows as it holds have to arrive; see `all_arrived`.

    rows   for sure: what Parquet's footer says, or the lines of JSON; None for CSV
    lines  of CSV, the header's included; more than records where some are blank
    """

    local: LocalFile
    path: Path
    kind: Compression
    found: tuple[Found, ...]
    rows: int | None = None
    lines: int = 0


def inspect(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    local: LocalFile,
    folder: Path,
) -> Inspected:
    """Find out what a file is and which columns it has. Raises DeliveryError for one that cannot be such a file."""
    return describe(connection, delivery, dataset, local, unpack(delivery, local, folder))


@dataclass(frozen=True)
class Unpacked:
    """Where a file's content lies, what that is, and how many lines text has: see csv_lines and json_lines."""

    path: Path
    kind: Compression
    lines: int = 0


def unpack(delivery: Delivery, local: LocalFile, folder: Path) -> Unpacked:
    """Raises DeliveryError for a damaged archive, and for JSON of which a line is no row.

    Reads text to its end, and needs no connection: many files may be unpacked at once.
    """
    path, key = local.path, local.source.key
    kind = compression(path)
    if kind == "zip":
        path = unzip(path, folder, key)
        kind = compression(path)
    if kind not in ("none", "gzip"):
        return Unpacked(path, kind)
    return Unpacked(path, kind, (json_lines if delivery.format == "jsonl" else csv_lines)(path, kind, key))


def describe(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    local: LocalFile,
    unpacked: Unpacked,
) -> Inspected:
    """The columns of an unpacked file. Raises DeliveryError for one that cannot be such a file."""
    path, kind, key = unpacked.path, unpacked.kind, local.source.key
    if kind == "empty":
        return Inspected(local, path, kind, (), 0)
    if kind == "parquet":
        return _inspect_parquet(connection, delivery, local, path)
    if delivery.format == "parquet" or kind in ("zip", "zstd"):
        raise DeliveryError(f"a file is not {delivery.format} but {NAMES[kind]}", where=key)
    if delivery.format == "jsonl":
        return _inspect_jsonl(connection, local, unpacked)
    names = csv_header(path, kind, dataset.csv.delimiter, key)
    if not names:
        return Inspected(local, path, "empty", (), 0)
    return Inspected(local, path, kind, _found(delivery, names, ["VARCHAR"] * len(names)), lines=unpacked.lines)


def rows_in(file: Inspected, dataset: Dataset, arrived: int) -> int:
    """How many rows a file holds, found out without DuckDB.

    `arrived` decides how carefully: if it is the number of lines below the header, two counts agree, and records need
    not be read one by one.
    """
    if file.rows is not None:
        return file.rows
    if arrived == file.lines - 1:
        return arrived
    return csv_rows(file.path, file.kind, dataset.csv.delimiter, file.local.source.key)


def all_arrived(file: Inspected, dataset: Dataset, arrived: int) -> None:
    """Raises BalanceError when not as many rows arrived from a file as it holds."""
    if (held := rows_in(file, dataset, arrived)) != arrived:
        were = "row was" if arrived == 1 else "rows were"
        raise BalanceError(f"{arrived:,} {were} read of {held:,} in a file", where=file.local.source.key)


def _inspect_parquet(
    connection: duckdb.DuckDBPyConnection, delivery: Delivery, local: LocalFile, path: Path
) -> Inspected:
    """Columns under their true names: DuckDB renames those that differ only by case, so they go by position."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names, rows = list(file.schema_arrow.names), file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"a Parquet file is damaged: {error}", where=local.source.key) from error
    described = f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))}, hive_partitioning=false)"
    types = [row[1] for row in connection.execute(described).fetchall()]
    return Inspected(local, path, "parquet", _found(delivery, names, types), rows)


def _found(delivery: Delivery, names: Sequence[str], types: Sequence[str]) -> tuple[Found, ...]:
    declared = dict(delivery.columns)
    columns = zip(names, apart(names), types, strict=True)
    return tuple(Found(own, kind, f"c{i}", declared.get(name, "")) for i, (name, own, kind) in enumerate(columns))


def _inspect_jsonl(connection: duckdb.DuckDBPyConnection, local: LocalFile, unpacked: Unpacked) -> Inspected:
    """Every top-level field is a column of type JSON; fields that are absent from a row are NULL there."""
    path, kind, lines = unpacked.path, unpacked.kind, unpacked.lines
    objects = f"read_json_objects({literal(str(path))}, format='newline_delimited', compression={literal(kind)})"
    check_numbers(connection, objects, local.source.key)
    keys = "list_sort(list_distinct(flatten(list(DISTINCT json_keys(json)))))"
    [(rows, found)] = connection.execute(f"SELECT count(*), {keys} FROM {objects}").fetchall()
    if rows != lines:
        raise DeliveryError(f"of {lines:,} lines of JSON {rows:,} were read", where=local.source.key)
    names: dict[str, str] = {}
    for name in found or ():
        # DuckDB's columns have no case, and there is no schema to go by position.
        if (other := names.setdefault(name.lower(), name)) != name:
            raise DeliveryError(
                f"two fields differ only by upper and lower case: {other!r} and {name!r}",
                where=local.source.key,
                hint="rename one of them; Parquet and CSV may have both",
            )
    columns = tuple(Found(name, "JSON", f"c{i}") for i, name in enumerate(found or ()))
    return Inspected(local, path, kind if columns else "empty", columns, rows)
