"""Text that goes into SQL: one function for identifiers, one for values. Nothing from a bill gets there otherwise."""

from __future__ import annotations

import re

_SAFE = re.compile(r"[a-z_][a-z0-9_]*")


def identifier(name: str) -> str:
    """Quote a name for DuckDB and PostgreSQL. Raises ValueError for one that no database can hold."""
    if not name or "\x00" in name:
        raise ValueError(f"{name!r} cannot be an identifier")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text value."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"


FAULT = "finops value: "
"""How our own errors inside SQL begin, so that they can be told from DuckDB's."""


def fault(value: str, source: str) -> str:
    """SQL that fails with ValueDoesNotFit, naming the source column and the value of the expression `value`."""
    return f"error({literal(FAULT + source + ': ')} || CAST({value} AS VARCHAR))"


def qualified(schema: str, table: str) -> str:
    return f"{identifier(schema)}.{identifier(table)}"


def slug(text: str) -> str:
    """A safe, lower-case identifier for any text: letters, digits and underscores, never empty, never a digit first.

    Text of which nothing (or only part) survives gets a short digest, so that two names never become one.
    """
    import hashlib

    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    lossless = plain == text.lower().replace("-", "_").replace(".", "_").replace(" ", "_")
    digest = "" if lossless and plain else hashlib.sha256(text.encode()).hexdigest()[:8]
    name = "_".join(part for part in (plain[:40], digest) if part)
    return name if _SAFE.fullmatch(name) else f"e_{name}"
