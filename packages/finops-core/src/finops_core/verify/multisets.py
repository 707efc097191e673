"""Whether two SELECTs yield the same rows, however they are ordered: every value of every row, as often as it is there.

The two may stand in different databases, so that numbers are compared and not rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from finops_core.focus.invariants import Queries
from finops_core.sql import identifier

TOLD = 4
"""Columns that are named of those that differ."""

JSON_MEANING = """CREATE OR REPLACE TEMP MACRO json_meaning(written) AS (
    SELECT list(
        hash(
            fullkey,
            type IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'),
            CASE
                WHEN type IN ('OBJECT', 'ARRAY') THEN type
                WHEN type IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')
                    THEN coalesce(CAST(TRY_CAST(atom ->> '$' AS DECIMAL(38, 18)) AS VARCHAR), atom ->> '$')
                ELSE CAST(atom AS VARCHAR)
            END
        ) ORDER BY fullkey
    )
    FROM json_tree(written)
)"""
"""What JSON says, whatever the order of its members, its blanks and how its numbers are written: a server keeps JSON
taken to pieces and writes it in its own way."""


@dataclass(frozen=True)
class Rows:
    """What `select` (a SELECT, or the name of a relation) yields through `sql`."""

    sql: Queries
    select: str


def difference(found: Rows, expected: Rows, kinds: Mapping[str, str], *, written: bool = True) -> str:
    """How the rows found differ from those expected, in words; "" when they do not.

    `kinds`: the columns that are compared -> the DuckDB type that both are read as. JSON is compared as it is
    `written`, or else by what it means, for which both databases need JSON_MEANING.
    """
    values = {name: _value(name, kind, written) for name, kind in kinds.items()}
    if _whole(found, values) == _whole(expected, values):
        return ""
    counts, wanted = _by_column(found, values), _by_column(expected, values)
    rows, others = counts.pop("", 0), wanted.pop("", 0)
    differing = [name for name in values if counts[name] != wanted[name]]
    told = [f"{rows:,} rows instead of {others:,}"] if rows != others else []
    if differing:
        more = f" and {len(differing) - TOLD} more columns" if len(differing) > TOLD else ""
        told.append(f"other values in {', '.join(differing[:TOLD])}{more}")
    return "; ".join(told) or "values stand in other rows"


def _value(name: str, kind: str, written: bool) -> str:
    value = f"CAST({identifier(name)} AS {kind})"
    return value if written or kind != "JSON" else f"json_meaning({value})"


def _whole(rows: Rows, values: Mapping[str, str]) -> tuple[int, int]:
    """How many rows, and the sum of their hashes. Each is hashed twice: once alone, values that change places among
    rows could cancel out more easily than by the chance of 64 bits."""
    [(count, total)] = rows.sql.query(
        f"SELECT count(*), coalesce(sum(CAST(hash(hash({', '.join(values.values())})) AS HUGEINT)), 0) "
        f"FROM ({_from(rows)})"
    )
    return count, total


def _by_column(rows: Rows, values: Mapping[str, str]) -> dict[str, int]:
    """The number of rows under "", and the sum of the hashes of each column."""
    sums = ", ".join(f"coalesce(sum(CAST(hash({value}) AS HUGEINT)), 0)" for value in values.values())
    [found] = rows.sql.query(f"SELECT count(*), {sums} FROM ({_from(rows)})")
    return dict(zip(("", *values), found, strict=True))


def _from(rows: Rows) -> str:
    return rows.select if " " in rows.select else f"FROM {rows.select}"
