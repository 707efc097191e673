"""Casts that keep every digit, or fail naming the column and the value."""

from __future__ import annotations

import re

from finops_core.sql import fault

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG)?(INT|INTEGER)")


def exactly(ref: str, found: str, wanted: str, source: str) -> str:
    """SQL that yields `ref`, of DuckDB type `found`, as type `wanted`.

    Text that a number would round, and a value that the type cannot hold, raise an error that begins with FAULT and
    names the source column. A DOUBLE is taken by its shortest text (0.1 is 0.1); digits of it beyond the scale are
    noise of binary numbers and are rounded. Timestamps become naive UTC; the session's TimeZone must be UTC. Empty text
    is NULL. What a JSON value says is taken: a string without its quotes, a number as it is written, objects and lists
    as JSON text.
    """
    if found == "JSON" and wanted != "JSON":
        return exactly(f"({ref} ->> '$')", "VARCHAR", wanted, source)
    if match := _DECIMAL.fullmatch(wanted):
        return _decimal(ref, found, wanted, int(match[2]), source)
    if wanted == "TIMESTAMP":
        return _timestamp(ref, found, source)
    if wanted == "JSON":
        return _json(ref, found)
    if wanted == "VARCHAR":
        return f"nullif({ref}, '')" if found == "VARCHAR" else f"CAST({ref} AS VARCHAR)"
    return ref if found == wanted else _plain(ref, found, wanted, source)


def _plain(ref: str, found: str, wanted: str, source: str) -> str:
    """A date, a boolean, a whole number (one with a fraction is none) …"""
    cast = f"TRY_CAST({ref} AS {wanted})"
    if _INTEGER.fullmatch(wanted) and not _INTEGER.fullmatch(found):
        text = ref if found == "VARCHAR" else f"CAST({ref} AS VARCHAR)"
        cast = f"CASE WHEN {_fits(text, 0)} THEN TRY_CAST({text} AS {wanted}) END"
    tried = _tried(ref, cast, source)
    return f"CASE WHEN {ref} = '' THEN NULL ELSE {tried} END" if found == "VARCHAR" else tried


def _decimal(ref: str, found: str, wanted: str, scale: int, source: str) -> str:
    if found == wanted:
        return ref
    if found in ("DOUBLE", "FLOAT"):
        return _tried(ref, f"TRY_CAST(CAST({ref} AS VARCHAR) AS {wanted})", source)
    match = _DECIMAL.fullmatch(found)
    if _INTEGER.fullmatch(found) or match and int(match[2]) <= scale:
        return _tried(ref, f"TRY_CAST({ref} AS {wanted})", source)
    text = ref if found == "VARCHAR" else f"CAST({ref} AS VARCHAR)"
    value = f"coalesce(TRY_CAST({text} AS {wanted}), {fault(text, source)})"
    # Up to scale + 1 characters without an exponent always fit; that is nearly every value, and the test is cheap.
    return (
        f"CASE WHEN {text} IS NULL OR {text} = '' THEN NULL "
        f"WHEN strlen({text}) <= {scale + 1} AND NOT (contains({text}, 'e') OR contains({text}, 'E')) THEN {value} "
        f"WHEN {_fits(text, scale)} THEN {value} ELSE {fault(text, source)} END"
    )


def _tried(ref: str, cast: str, source: str) -> str:
    """`cast`, which is NULL where the value cannot be what is wanted; an error that says so in that case."""
    return f"CASE WHEN {ref} IS NULL THEN NULL ELSE coalesce({cast}, {fault(ref, source)}) END"


def holds(text: str, kind: str) -> str:
    """SQL that is true where a text, empty or not, can be read as a type without losing anything."""
    match = _DECIMAL.fullmatch(kind)
    exact = f" AND {_fits(text, int(match[2]))}" if match else ""
    return f"coalesce({text} = '' OR TRY_CAST({text} AS {kind}) IS NOT NULL{exact}, true)"


def _fits(text: str, scale: int) -> str:
    """True for a plain or scientific number whose significant digits end at or before `scale` decimals."""
    some_digit = f"strlen(regexp_extract({text}, {_NUMBER}, 1) || regexp_extract({text}, {_NUMBER}, 2)) > 0"
    return f"(regexp_matches({text}, {_NUMBER}) AND {some_digit} AND {decimals(text)} <= {scale})"


_NUMBER = r"'^\s*[+-]?([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,4}))?\s*$'"


def decimals(text: str) -> str:
    """SQL: how many decimals the number in a text has, trailing zeros aside; 0 for zero and for what is no number."""
    whole, fraction, exponent = (f"regexp_extract({text}, {_NUMBER}, {group})" for group in (1, 2, 3))
    digits = f"{whole} || {fraction}"
    return (
        f"CASE WHEN rtrim({digits}, '0') = '' THEN 0 ELSE "
        f"strlen({fraction}) - coalesce(TRY_CAST(nullif({exponent}, '') AS INTEGER), 0) "
        f"- (strlen({digits}) - strlen(rtrim({digits}, '0'))) END"
    )


def _timestamp(ref: str, found: str, source: str) -> str:
    if found == "TIMESTAMP":
        return ref
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {ref})"
    if found == "VARCHAR":
        # A cast to TIMESTAMP ignores an offset without a word; only texts in Z or without zone may take it.
        cast = (
            f"CASE WHEN suffix({ref}, 'Z') OR strlen({ref}) <= 10 THEN TRY_CAST({ref} AS TIMESTAMP) "
            f"ELSE timezone('UTC', TRY_CAST({ref} AS TIMESTAMP WITH TIME ZONE)) END"
        )
        return f"CASE WHEN {ref} = '' THEN NULL ELSE {_tried(ref, cast, source)} END"
    return _tried(ref, f"TRY_CAST({ref} AS TIMESTAMP)", source)


def _json(ref: str, found: str) -> str:
    if found == "JSON":
        return ref
    if found == "VARCHAR":
        # Text that is not JSON is kept, as a JSON string: it is somebody's data.
        return f"CASE WHEN {ref} = '' THEN NULL WHEN json_valid({ref}) THEN CAST({ref} AS JSON) ELSE to_json({ref}) END"
    return f"to_json({ref})"
