"""Find out what a file really is and which columns it has: by its content, not by its name; no type is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.dataset import Dataset
from finops_core.delivery import Delivery, Found, LocalFile
from finops_core.errors import DeliveryError
from finops_core.names import apart
from finops_core.sql import literal
from finops_core.stage.content import NAMES, Compression, check_gzip, compression, csv_header, json_lines, unzip
from finops_core.stage.numbers import check_numbers

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Inspected:
    """A file whose columns are known. `rows` is what the file itself says (Parquet's footer, lines of JSON; None for
    CSV): as many have to arrive."""

    local: LocalFile
    path: Path
    kind: Compression
    found: tuple[Found, ...]
    rows: int | None = None


def inspect(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    local: LocalFile,
    folder: Path,
) -> Inspected:
    """Find out what a file is and which columns it has. Raises DeliveryError for one that cannot be such a file."""
    return describe(connection, delivery, dataset, local, unpack(local, folder))


def unpack(local: LocalFile, folder: Path) -> tuple[Path, Compression]:
    """Where a file's content lies, and what that is. Raises DeliveryError for a damaged archive.

    Reads compressed files to their end, and needs no connection: many files may be unpacked at once.
    """
    path, key = local.path, local.source.key
    kind = compression(path)
    if kind == "zip":
        path = unzip(path, folder, key)
        kind = compression(path)
    if kind == "gzip":
        check_gzip(path, key)
    return path, kind


def describe(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    local: LocalFile,
    unpacked: tuple[Path, Compression],
) -> Inspected:
    """The columns of an unpacked file. Raises DeliveryError for one that cannot be such a file."""
    (path, kind), key = unpacked, local.source.key
    if kind == "empty":
        return Inspected(local, path, kind, (), 0)
    if kind == "parquet":
        return _inspect_parquet(connection, delivery, local, path)
    if delivery.format == "parquet" or kind in ("zip", "zstd"):
        raise DeliveryError(f"a file is not {delivery.format} but {NAMES[kind]}", where=key)
    if delivery.format == "jsonl":
        return _inspect_jsonl(connection, local, path, kind)
    names = csv_header(path, kind, dataset.csv.delimiter, key)
    found = _found(delivery, names, ["VARCHAR"] * len(names))
    return Inspected(local, path, kind if names else "empty", found, None if names else 0)


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


def _inspect_jsonl(connection: duckdb.DuckDBPyConnection, local: LocalFile, path: Path, kind: Compression) -> Inspected:
    """Every top-level field is a column of type JSON; fields that are absent from a row are NULL there."""
    objects = f"read_json_objects({literal(str(path))}, format='newline_delimited', compression={literal(kind)})"
    lines = json_lines(path, kind, local.source.key)
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
