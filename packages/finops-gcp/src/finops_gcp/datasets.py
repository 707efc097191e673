"""The shapes of Google Cloud's bill, and which column of the raw table each field becomes.

Field names are the export's own, with an underscore for each dot: `usage.amount` is `usage_amount`, whether it came as
a struct (Parquet, BigQuery), as JSON, or as a CSV header `usage.amount` or `usage_amount`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from finops_core import Column, Dataset, Found
from finops_core.errors import DeliveryError
from finops_core.sql import fault

from finops_gcp.nested import Leaf, exact_text, json_leaf, leaves

AMOUNT = "DECIMAL(38,18)"
"""Money, prices and amounts in pricing units. FLOAT64 fields are rounded to 18 decimals: what is beyond them is the
noise of binary numbers. NUMERIC fields have nine decimals and are kept as they are."""

BASE_AMOUNT = "DECIMAL(38,9)"
"""`usage.amount` counts bytes, seconds or byte-seconds: ten petabytes for a day are 8.6e20 byte-seconds, more than
DECIMAL(38,18) holds, and a billionth of a byte is nothing."""

_BASE_AMOUNTS = ("usage.amount", "ConsumedQuantity")

REPEATED = "JSON"

_TYPES = {
    "STRING": "VARCHAR",
    "TIMESTAMP": "TIMESTAMP",
    "FLOAT": AMOUNT,
    "NUMERIC": AMOUNT,
    "BOOLEAN": "BOOLEAN",
    "JSON": "JSON",
}

_ALIASES = {"invoice": "invoice_month"}
"""CSV headers of hand-written flattenings, for columns that are absent under their own name."""

_PACKAGE = files("finops_gcp")


@dataclass(frozen=True)
class Dictionary:
    """The documented fields of one export: path in lower case -> (raw name, DuckDB type)."""

    fields: Mapping[str, tuple[str, str]]
    structs: Mapping[str, tuple[str, ...]]

    @property
    def known(self) -> dict[str, str]:
        return dict(self.fields.values())

    @property
    def by_name(self) -> dict[str, tuple[str, str]]:
        return {name.lower(): (name, kind) for name, kind in self.fields.values()}


@cache
def dictionary(table: str) -> Dictionary:
    """`detailed` (standard is a part of it) takes structs apart; `focus` keeps each nested column whole."""
    rows = list(csv.DictReader((_PACKAGE / "data" / f"{table}_columns.csv").read_text("utf-8").splitlines()))
    flatten = table == "detailed"
    repeated = {row["path"] for row in rows if row["mode"] == "REPEATED"}
    records = {row["path"] for row in rows if row["type"] == "RECORD"}
    fields: dict[str, tuple[str, str]] = {}
    structs: dict[str, tuple[str, ...]] = {}
    for row in rows:
        path, parent = row["path"], row["path"].rpartition(".")[0]
        if parent in repeated or (parent and not flatten):
            continue
        if flatten and path in records - repeated:
            continue
        kind = REPEATED if path in records else BASE_AMOUNT if path in _BASE_AMOUNTS else _TYPES[row["type"]]
        fields[path.lower()] = (path.replace(".", "_"), kind)
        if parent:
            structs[parent] = (*structs.get(parent, ()), path.rpartition(".")[2])
    return Dictionary(fields, structs)


def detailed_columns(found: Sequence[Found]) -> list[Column]:
    """The raw columns of a standard or detailed export. Raises DeliveryError when the credits were left out."""
    words = dictionary("detailed")
    columns = [_column(leaf, words) for item in found for leaf in leaves(item, words.structs)]
    columns = _with_aliases(columns, words)
    names = {column.name for column in columns}
    if "credits" not in names and "cost" in names and not any(item.type == "JSON" for item in found):
        raise DeliveryError(
            "the export was made without the column credits: the bill would come out too high",
            hint="export credits too, in CSV as TO_JSON_STRING(credits) AS credits",
        )
    return columns


def focus_columns(found: Sequence[Found]) -> list[Column]:
    """The raw columns of Google's FOCUS export: under their own names, nested ones as JSON."""
    words = dictionary("focus")
    return [_column(_whole(item), words) for item in found]


def _whole(item: Found) -> Leaf:
    if item.type == "VARCHAR":
        return Leaf(item.name, item.ref, "TEXT")
    if item.type == "JSON":
        return json_leaf(item.name, item.ref, "$")
    import duckdb

    kind = duckdb.type(item.type)
    if kind.id in ("struct", "list", "array", "map"):
        return Leaf(item.name, f"CAST({item.ref} AS {exact_text(kind)})", "JSON")
    return Leaf(item.name, item.ref, str(kind))


def _column(leaf: Leaf, words: Dictionary) -> Column:
    path = leaf.path.strip()
    name = _snake(path) if words is dictionary("detailed") else re.sub(r"\W+", "_", path).strip("_") or "column"
    name, kind = words.fields.get(path.lower()) or words.by_name.get(name.lower()) or (name, "")
    kind = kind or _natural(leaf.type)
    return Column(name, kind, leaf.path, _expression(leaf, name, kind))


def _snake(path: str) -> str:
    name = re.sub(r"\W+", "_", path.strip().lower().removesuffix(".*")).strip("_") or "column"
    return f"{name}_other" if path.endswith(".*") else name


def _natural(kind: str) -> str:
    """The type of a field that the dictionary does not know, after its type in the file."""
    if kind in ("DOUBLE", "FLOAT", "HUGEINT") or kind.startswith("DECIMAL"):
        return AMOUNT
    if kind.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    if re.fullmatch(r"U?(TINY|SMALL|BIG)?INT(EGER)?", kind):
        return "BIGINT"
    return kind if kind in ("BOOLEAN", "DATE", "JSON") else "VARCHAR"


def _expression(leaf: Leaf, name: str, kind: str) -> str:
    """SQL whose value the exact cast to `kind` takes."""
    if kind == "JSON":
        return leaf.json or (_json(leaf.sql, strict=name == "credits") if leaf.type == "TEXT" else leaf.sql)
    if kind == "TIMESTAMP" and leaf.type == "BIGINT":
        return f"make_timestamp({leaf.sql})"  # Avro without logical types: microseconds since 1970.
    if leaf.type == "TEXT" and kind.startswith("DECIMAL"):
        return _rounded(leaf.sql, kind, leaf.path)
    return leaf.sql


def _rounded(text: str, kind: str, source: str) -> str:
    """A number written as text, without digits beyond the scale. What is none, or too large, is a value that core tells
    of; its own cast would tell the noise of binary numbers from digits that matter, at several times the cost."""
    return f"coalesce(TRY_CAST({text} AS {kind}), CASE WHEN {text} <> '' THEN {fault(text, source)} END)"


def _json(text: str, strict: bool) -> str:
    """JSON as text. Dumps made with Python hold its own notation: single quotes, None, True and False.

    Text that is neither stays as it is, but not for credits (`strict`): unread credits make a bill too high.
    """
    quoted = f"replace({text}, '''', '\"')"
    for word, meaning in (("None", "null"), ("True", "true"), ("False", "false")):
        quoted = f"regexp_replace({quoted}, '(:\\s*){word}(\\s*[,}}])', '\\1{meaning}\\2', 'g')"
    otherwise = fault(text, "credits") if strict else text
    return (
        f"CASE WHEN {text} IS NULL OR {text} = '' THEN NULL WHEN json_valid({text}) THEN nullif({text}, 'null') "
        f"WHEN json_valid({quoted}) THEN {quoted} ELSE {otherwise} END"
    )


def _with_aliases(columns: list[Column], words: Dictionary) -> list[Column]:
    have = {column.name for column in columns}
    return [
        replace(column, name=alias)
        if (alias := _ALIASES.get(column.name)) and alias not in have and column.name not in words.known
        else column
        for column in columns
    ]


_LOOKUPS = {
    "gcp_services": _PACKAGE / "focus" / "services.csv",
    "gcp_regions": _PACKAGE / "focus" / "regions.csv",
    "gcp_units": _PACKAGE / "focus" / "units.csv",
}

DETAILED = Dataset(
    name="detailed",
    title="detailed usage cost export",
    columns=detailed_columns,
    known=dictionary("detailed").known,
    required=("usage_start_time", "cost", "currency"),
    cost="cost",
    currency="currency",
    focus=_PACKAGE / "focus" / "detailed.sql",
    lookups=_LOOKUPS,
    checks=_PACKAGE / "focus" / "checks_detailed.sql",
)

STANDARD = replace(DETAILED, name="standard", title="standard usage cost export")

FOCUS = Dataset(
    name="focus",
    title="FOCUS export",
    columns=focus_columns,
    known=dictionary("focus").known,
    required=("BilledCost", "BillingCurrency", "ChargePeriodStart"),
    cost="BilledCost",
    currency="BillingCurrency",
    focus=_PACKAGE / "focus" / "focus.sql",
    lookups=_LOOKUPS,
    checks=_PACKAGE / "focus" / "checks_focus.sql",
)
