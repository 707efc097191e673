"""Arrow rows as DuckDB reads them: BigQuery has numbers that are wider than DuckDB's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def readable(schema: pa.Schema) -> pa.Schema:
    """The schema with every decimal256 (BIGNUMERIC), however deep, as text: every digit stays."""
    import pyarrow as pa

    return pa.schema([_field(field) for field in schema])


def _field(field: pa.Field) -> pa.Field:
    return field.with_type(_type(field.type))


def _type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_decimal256(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([_field(field) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_field(kind.value_field))
    return kind
