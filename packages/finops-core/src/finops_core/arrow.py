"""For providers with an API instead of files: what arrives page by page becomes a Parquet file in staging.folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core.errors import ValueDoesNotFit

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 100_000
"""Rows that are gathered before they are written: small pages would make a file of many tiny groups, slow to read."""


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches as one Parquet file and return their rows. None at all is a file without rows.

    Holds at most ROW_GROUP rows. Raises ValueDoesNotFit for a batch of another schema. Money belongs in text or decimal
    columns: a floating-point column has lost digits before it gets here.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, waiting = 0, list[pa.RecordBatch]()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            if not batch.schema.equals(schema):
                raise ValueDoesNotFit(f"a page has columns {batch.schema.names}, not {schema.names}", where=path.name)
            waiting.append(batch)
            rows += batch.num_rows
            if sum(kept.num_rows for kept in waiting) >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting.clear()
        writer.write_table(pa.Table.from_batches(waiting, schema))
    return rows


def text_batch(schema: pa.Schema, rows: Sequence[Mapping[str, Any]], where: str) -> pa.RecordBatch:
    """A page of JSON objects as a batch of the schema; a field that is absent is NULL.

    Raises ValueDoesNotFit for a field that the schema does not know, and for a value of another type: a number where
    the schema has text has been through floating point. Read JSON with parse_float=str to keep its digits.
    """
    import pyarrow as pa

    strange = sorted({name for row in rows for name in row} - set(schema.names))
    if strange:
        raise ValueDoesNotFit(f"a page has a field that is not expected: {strange[0]!r}", where=where)
    try:
        return pa.RecordBatch.from_pylist(list(rows), schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueDoesNotFit(f"a page has a value of another type: {error}", where=where) from error
