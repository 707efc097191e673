"""Rows of the export as BigQuery writes them to Avro: every field may be null, NUMERIC is bytes, lists repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def write_avro(rows: pa.RecordBatchReader, path: Path, codec: str = "snappy") -> None:
    """Write rows, told by their Arrow schema, as an Avro file."""
    import fastavro

    records: Iterator[Any] = (record for batch in rows for record in batch.to_pylist())
    with path.open("wb") as stream:
        fastavro.writer(stream, fastavro.parse_schema(_record("Root", "", rows.schema)), records, codec=codec)


def _record(name: str, namespace: str, fields: Any) -> dict[str, Any]:
    """BigQuery names each record after its field and puts it into the namespace of the one around it."""
    inner = f"{namespace}.{name}".strip(".").lower()
    written = [{"name": field.name, "type": _type(field.name, inner, field.type)} for field in fields]
    return {"type": "record", "name": name, "namespace": namespace, "fields": written}


def _type(name: str, namespace: str, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return {"type": "array", "items": _value(name, namespace, kind.value_type)}
    return ["null", _value(name, namespace, kind)]


def _value(name: str, namespace: str, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return _record(name.capitalize(), namespace, list(kind))
    if pa.types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros"}
    return {pa.float64(): "double", pa.bool_(): "boolean"}.get(kind, "string")
