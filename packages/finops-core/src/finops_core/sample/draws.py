"""Seeded chance: the same numbers in Python and in DuckDB, on every machine and in every version.

DuckDB's random() depends on threads and its hash() on the version; MD5 on neither.
"""

from __future__ import annotations

import hashlib


def draw(*parts: object) -> int:
    """64 even bits for these parts, in their order: 0 <= draw < 2**64."""
    text = ":".join(str(part) for part in parts)
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "little")


def draw_sql(*expressions: str) -> str:
    """The same as `draw` for SQL expressions, as a DuckDB expression of type UBIGINT.

    An expression must show as text what Python's str() shows: integers and text do, decimals and times do not.
    """
    text = " || ':' || ".join(f"({expression})::VARCHAR" for expression in expressions)
    return f"md5_number_upper({text})"
