"""JSON numbers that would lose digits: DuckDB parses those with a fraction as DOUBLE, whatever they are cast to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core.errors import DeliveryError
from finops_core.sql import literal

if TYPE_CHECKING:
    import duckdb

_LONG = r"[:\[,]\s*-?[0-9](?:\.?[0-9]){15}"
"""A number that a DOUBLE may not hold: it keeps any 15 digits."""

_NUMBERS = r"[:\[,]\s*(-?[0-9](?:\.?[0-9]){15,}(?:[eE][-+]?[0-9]+)?)"

_STRINGS = r'"(?:[^"\\]|\\.)*"'


def check_numbers(connection: duckdb.DuckDBPyConnection, objects: str, key: str) -> None:
    """Raises DeliveryError for a number that another one would be read for. `objects`: a relation with a column `json`.

    Numbers that were DOUBLE when they were written pass, with all their 17 digits. So do whole numbers: they are kept.
    """
    parsed = "CAST(TRY_CAST(number AS DOUBLE) AS VARCHAR)"
    kept = f"TRY_CAST(number AS DECIMAL(38,20)) IS NOT DISTINCT FROM TRY_CAST({parsed} AS DECIMAL(38,20))"
    found = connection.execute(
        f"SELECT number FROM (SELECT json, unnest(regexp_extract_all(json, {literal(_NUMBERS)}, 1)) AS number "
        f"FROM {objects} WHERE regexp_matches(json, {literal(_LONG)})) "
        f"WHERE contains(number, '.') AND number IS DISTINCT FROM {parsed} AND ({parsed} IS NULL OR NOT {kept}) "
        # Seldom reached, and costly: what looks like a number may stand inside a string.
        f"AND contains(regexp_replace(json, {literal(_STRINGS)}, '\"\"', 'g'), number) LIMIT 1"
    ).fetchall()
    if found:
        raise DeliveryError(
            f"the JSON number {found[0][0]} has more digits than can be read from JSON",
            where=key,
            hint="have it delivered in quotes, or as Parquet or CSV: no digit is lost there",
        )
