"""Avro files as BigQuery exports them -> Parquet, a block at a time. DuckDB does not read Avro.

NUMERIC and BIGNUMERIC (bytes with the logical type decimal) keep every digit, repeated fields stay lists. A file that
ends between two blocks cannot be told from a whole one: Avro writes neither the number of rows nor an end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from finops_core import LocalFile
from finops_core.errors import DeliveryError

from finops_gcp.arrow import readable

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"Obj\x01"

BATCH = 10_000
"""Rows that are Python objects at one time: a detailed row of the export takes about five kilobytes so."""

WIDEST_DECIMAL = 76
"""Digits that Arrow holds. BIGNUMERIC declares 77, of which the first is never more than 5."""


def column_names(stream: IO[bytes], key: str) -> list[str]:
    """The top-level columns, from the file's header. Raises DeliveryError for a file that is no Avro."""
    with _explained(key):
        return list(_arrow_schema(_reader(stream)).names)


def as_parquet(local: LocalFile, to: Path) -> LocalFile:
    """The same rows as a Parquet file at `to`. Raises DeliveryError for a file that is damaged or cut within a block.

    An empty file stays as it is: it is a month without rows.
    """
    from finops_core.arrow import write_batches

    if not local.path.stat().st_size:
        return local
    with local.path.open("rb") as stream, _explained(local.source.key):
        rows = _reader(stream)
        schema = _arrow_schema(rows)
        write_batches(to, readable(schema), _batches(rows, schema))
    return replace(local, path=to, stored=local.path)


def _reader(stream: IO[bytes]) -> Any:
    """fastavro's reader, which is an iterator of dicts with a `writer_schema`."""
    from fastavro import reader

    if stream.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is none")
    stream.seek(0)
    return reader(stream)


def _batches(rows: Iterator[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    while block := list(islice(rows, BATCH)):
        yield pa.RecordBatch.from_pylist(block, schema=schema).cast(readable(schema))


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """fastavro decodes without a check of its own: damage shows as whatever its bytes make of it."""
    import cramjam
    import pyarrow as pa
    from fastavro.schema import SchemaParseException, UnknownType

    try:
        yield
    except (
        ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, struct.error,
        zlib.error, pa.ArrowException, cramjam.DecompressionError, SchemaParseException, UnknownType,
    ) as error:  # fmt: skip
        raise DeliveryError(
            f"an Avro file cannot be read: {str(error) or type(error).__name__}",
            where=key,
            hint="it may have been cut short or altered on its way; export it again",
        ) from error


def _arrow_schema(rows: Any) -> pa.Schema:
    import pyarrow as pa
    from fastavro.schema import expand_schema

    root = expand_schema(rows.writer_schema)
    if not isinstance(root, Mapping) or root.get("type") != "record":
        raise TypeError("its rows are no records")
    return pa.schema([(field["name"], _type(field["type"])) for field in root["fields"]])


def _type(kind: Any) -> pa.DataType:
    """The Arrow type of an Avro schema. Raises TypeError for what BigQuery does not write."""
    import pyarrow as pa

    if isinstance(kind, list):
        others = [one for one in kind if one != "null"]
        if len(others) != 1:
            raise TypeError(f"a field is one of several types: {kind}")
        return _type(others[0])
    if isinstance(kind, str):
        kind = {"type": kind}
    if kind["type"] == "record":
        return pa.struct([(field["name"], _type(field["type"])) for field in kind["fields"]])
    if kind["type"] == "array":
        return pa.list_(_type(kind["items"]))
    if kind.get("logicalType") == "decimal":
        precision, scale = min(kind["precision"], WIDEST_DECIMAL), kind.get("scale", 0)
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    plain = _plain_types()
    name = kind.get("logicalType") if kind.get("logicalType") in plain else kind["type"]
    if name not in plain:
        raise TypeError(f"a field has the type {kind['type']}, which BigQuery does not export")
    return plain[name]


def _plain_types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "boolean": pa.bool_(),
        "int": pa.int64(),
        "long": pa.int64(),
        "float": pa.float64(),
        "double": pa.float64(),
        "string": pa.string(),
        "bytes": pa.binary(),
        "date": pa.date32(),
        "time-micros": pa.time64("us"),
        "timestamp-micros": pa.timestamp("us", "UTC"),
        "timestamp-millis": pa.timestamp("us", "UTC"),
        "local-timestamp-micros": pa.timestamp("us"),
    }
