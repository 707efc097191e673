"""From what a user writes to a typed value. Both functions raise ValueError with a sentence that can stand alone."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finops_core.errors import UsageError
from finops_core.periods import Period
from finops_core.provider import Secret

RESERVED_SCHEMAS = ("focus", "information_schema", "main", "pg_catalog", "public", "temp")
"""Schemas with a meaning of their own: bills would mix with the views over all providers, or with the database's."""


class Count(int):
    """A whole number, 0 or more."""


class Positive(int):
    """A whole number, 1 or more."""


class ByteSize(str):
    """An amount of memory as DuckDB reads it: `2GB`, `512MiB`, `50%`."""


class SchemaName(str):
    """The name of a schema: lower-case letters, digits and `_`, not longer than any destination allows (63)."""


def from_text(kind: type, choices: tuple[str, ...], text: str) -> Any:
    """Read an environment variable or a flag. Lists are written with commas."""
    value = _PARSERS[kind](text)
    _check_choice(choices, value)
    return value


def from_toml(kind: type, choices: tuple[str, ...], value: object) -> Any:
    """Read a TOML value. Types must agree: 123 is not text, "true" is not a boolean."""
    expected = _TOML_TYPES.get(kind, str)
    if type(value) is not expected:
        quotes = ": put it in quotes" if expected is str and not isinstance(value, (dict, list)) else ""
        raise ValueError(f"{_article(type(value))} stands where {_article(expected)} is expected{quotes}")
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise ValueError("a list of texts is expected")
        _check_choice(choices, tuple(value))
        return tuple(value)
    if isinstance(value, bool):
        return value
    return from_text(kind, choices, str(value))


def shown(value: Any) -> str:
    """A value as the user would write it. Secrets are masked, whatever holds them."""
    if value is None:
        return ""
    if isinstance(value, Secret):
        return "********"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(shown(item) for item in value)
    return without_password(str(value))


def without_password(text: str) -> str:
    """A URL with the password, and what its query keeps secret, masked; other text as it is."""
    text = re.sub(r"(://[^:/@\s]*:).+@", r"\1********@", text)
    return re.sub(r"(?i)([?&;][^=&;]*(?:password|passwd|pwd|secret|token|key|sig)[^=&;]*=)[^&;]+", r"\1********", text)


def _check_choice(choices: tuple[str, ...], value: object) -> None:
    for item in value if isinstance(value, tuple) else (value,):
        if choices and item not in choices:
            close = difflib.get_close_matches(str(item), choices, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(f"{item!r} is none of {', '.join(choices)}{f' ({meant.strip()})' if meant else ''}")


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _integer(least: int | None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", text.strip()):
            raise ValueError(f"{text!r} is not a whole number")
        if least is not None and int(text) < least:
            raise ValueError(f"{text.strip()} is less than {least}")
        return int(text)

    return parse


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except UsageError as error:
        raise ValueError(f"{error.what}: {error.hint}") from None


def _size(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?\s*([KMGT]i?B|%)", text.strip(), re.IGNORECASE):
        raise ValueError(f"{text!r} is not an amount of memory: write it as 2GB, 512MiB or 50%")
    return text.strip()


def _schema(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text):
        raise ValueError(f"{text!r} is not a schema name: use lower-case letters, digits and _, at most 63")
    if text in RESERVED_SCHEMAS or text.startswith("pg_"):
        raise ValueError(f"the schema {text!r} has a meaning of its own: choose another name")
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _article(kind: type) -> str:
    return _ARTICLES.get(kind, kind.__name__)


_PARSERS: dict[type, Callable[[str], Any]] = {
    str: str,
    Secret: Secret,
    Path: lambda text: Path(text).expanduser(),
    bool: _boolean,
    int: _integer(None),
    Count: _integer(0),
    Positive: _integer(1),
    ByteSize: _size,
    SchemaName: _schema,
    Period: _period,
    tuple: _list,
}

KINDS = tuple(_PARSERS)

_TOML_TYPES: dict[type, type] = {bool: bool, int: int, Count: int, Positive: int, tuple: list}

_ARTICLES = {
    str: "a text",
    int: "a number",
    float: "a fraction",
    bool: "a boolean",
    list: "a list",
    dict: "a table",
    dt.date: "a date",
    dt.datetime: "a time",
    dt.time: "a time",
}
