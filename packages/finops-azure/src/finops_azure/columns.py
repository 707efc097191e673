"""Header of an Azure file -> columns of the raw table, whatever the agreement, the version or the language.

Agreements and versions write the same column as `CostInBillingCurrency`, `costInBillingCurrency`, `Cost` or
`PreTaxCost`, in any order; portal downloads may even be translated. data/cost_columns.csv lists every spelling of
every column, the preferred one first. A column that it does not list is kept as text under its own name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from finops_core import Column, Found


@dataclass(frozen=True)
class Known:
    """A documented column: its name in the raw table, its DuckDB type, its headers, the preferred one first."""

    name: str
    type: str
    headers: tuple[str, ...]


def cost_columns(found: Sequence[Found]) -> list[Column]:
    """Columns of an actual, amortised or usage file, in snake case.

    Where several headers of one file mean the same column (`CostInBillingCurrency` beside `Cost`), the preferred one
    becomes it and the others keep their own names.
    """
    return _resolve(found, _dictionary("cost_columns"), snake_case)


def focus_columns(found: Sequence[Found]) -> list[Column]:
    """Columns of a FOCUS file of any version, under the names that FOCUS and Azure give them."""
    return _resolve(found, _dictionary("focus_columns"), _as_written)


def known_types(dictionary: str) -> dict[str, str]:
    """Name in the raw table -> DuckDB type, of every documented column."""
    return {known.name: known.type for known in _dictionary(dictionary)}


def snake_case(header: str) -> str:
    """`ResourceLocationNormalized` -> `resource_location_normalized`; a run of capitals is one word."""
    words = re.sub(r"([^\W\d_A-Z]|\d)([A-Z])", r"\1_\2", _as_written(header))
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", words)
    return re.sub(r"[\W_]+", "_", words).strip("_").lower()


def _as_written(header: str) -> str:
    return header.strip("\ufeff \t\"'")


def _key(header: str) -> str:
    """What headers are compared by: letters and digits, without case."""
    return re.sub(r"[\W_]+", "", header.casefold())


def _resolve(found: Sequence[Found], dictionary: Sequence[Known], own_name: Callable[[str], str]) -> list[Column]:
    written = {_key(item.name) for item in found}
    meant: dict[str, Known] = {}
    for known in dictionary:
        present = next((key for header in known.headers if (key := _key(header)) in written), None)
        if present:
            meant.setdefault(present, known)
    columns = []
    for item in found:
        column = meant.get(_key(item.name))
        name, kind = (column.name, column.type) if column else (own_name(item.name), "VARCHAR")
        columns.append(Column(name or "column", kind, item.name, _expression(kind, item)))
    return columns


def _expression(kind: str, found: Found) -> str | None:
    """SQL that brings what Azure writes into a form that can be cast exactly; None where it already is."""
    if kind == "JSON" and not found.type.startswith("VARCHAR"):
        return f"to_json({found.ref})"
    if found.type != "VARCHAR":
        return None
    if kind in ("DATE", "TIMESTAMP"):
        return _day(found.ref)
    if kind == "JSON":
        return _json_object(found.ref)
    if kind.startswith("DECIMAL"):
        return _amount(found.ref)
    return None


def _day(ref: str) -> str:
    """ISO dates as they are; `01/31/2025` is American, always: Azure writes no other order with slashes. Dots are
    European. What is none of these is left for the cast to refuse."""
    formats = "['%m/%d/%Y', '%m/%d/%Y %H:%M:%S', '%d.%m.%Y', '%d.%m.%Y %H:%M:%S']"
    parsed = f"strftime(try_strptime(trim({ref}), {formats}), '%Y-%m-%d %H:%M:%S')"
    foreign = f"contains({ref}, '/') OR {ref} LIKE '%.%.____%'"
    return f"CASE WHEN {foreign} THEN coalesce({parsed}, {ref}) ELSE {ref} END"


def _json_object(ref: str) -> str:
    """Tags. Enterprise Agreements write `"env": "prod","team": "a"` without braces. Text that is no JSON object either
    way is kept whole, under the key `_raw`."""
    braced = f"CASE WHEN starts_with(ltrim({ref}), '{{') THEN {ref} ELSE '{{' || {ref} || '}}' END"
    valid = f"json_valid({braced}) AND json_type({braced}) = 'OBJECT'"
    kept = f"CAST(json_object('_raw', {ref}) AS VARCHAR)"
    return f"CASE WHEN coalesce(trim({ref}), '') IN ('', 'null') THEN NULL WHEN {valid} THEN {braced} ELSE {kept} END"


def _amount(ref: str) -> str:
    """Numbers as they are, but for the text of a binary number: with 15 to 17 significant digits its digits beyond
    the 18th decimal are noise of the conversion (0.000001234567890123456), and are rounded away. Any other number
    with more than 18 decimals is left as it is, so that it is refused instead of rounded."""
    mantissa = f"regexp_replace({ref}, '[eE].*$', '')"
    digits = f"strlen(ltrim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0'))"
    rounded = f"CAST(TRY_CAST({ref} AS DECIMAL(38,18)) AS VARCHAR)"
    return f"CASE WHEN strlen({ref}) > 18 AND {digits} BETWEEN 15 AND 17 THEN coalesce({rounded}, {ref}) ELSE {ref} END"


@cache
def _dictionary(name: str) -> tuple[Known, ...]:
    text = files("finops_azure").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Known(row["name"], row["type"], tuple(_headers(row))) for row in rows)


def _headers(row: Mapping[str, str]) -> list[str]:
    return (row.get("headers") or row["name"]).split("|")
