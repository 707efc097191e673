"""AWS's manifests: the record that commits a delivery, in either generation. Pure: bytes in, values out.

Field names by format: CUR v1 has `assemblyId`, `reportKeys` and columns with a category; Data Exports have
`executionId`, `dataFiles` and columns without. Only what is needed must be there, everything else may be odd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finops_core import Period
from finops_core.delivery import Format
from finops_core.errors import DeliveryError
from finops_core.store import safe_path

from finops_aws.names import parquet_name

LARGEST = 64 << 20
"""Bytes. Manifests of thousand-column bills with thousands of files have about 2 MB; more is something else."""

SUFFIX = "-Manifest.json"
"""`R-Manifest.json`; the sidecars `R-RedshiftManifest.json` and `E-Metadata.json` end differently."""

_S3_URL = re.compile(r"s3[an]?://([^/]+)/", re.IGNORECASE)
_OTHER_URL = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-?(\d{2})")
_FOCUS_TABLE = re.compile(r"FOCUS_(\d+)_(\d+)_AWS", re.IGNORECASE)


class NotABill(DeliveryError):
    """A manifest of something else: recommendations, carbon emissions, a table of the user's own."""


ONLY_IN_FOCUS_1_2 = frozenset({"invoiceid", "billingaccounttype", "servicesubcategory", "skumeter", "subaccounttype"})


@dataclass(frozen=True)
class Named:
    """A file that a manifest names: its key in our bucket, its size where the manifest has it."""

    key: str
    size: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. `version`, `dataset`, `format` and `period` are empty where it does not say."""

    version: str
    dataset: str
    format: Format | None
    files: tuple[Named, ...]
    columns: tuple[tuple[str, str], ...]
    period: Period | None
    origins: frozenset[str]
    """Buckets that it was written for: others than ours when it is a replica or a copy."""
    facts: Mapping[str, str]
    """`account` and `report_id`, as far as they are there."""


def parse(content: bytes) -> Manifest:
    """Read a manifest of either generation. Raises DeliveryError, saying what is wrong with it."""
    document = _document(content)
    entries = _entries(document)
    named, origins = [], set()
    for entry in entries:
        item, origin = _named(entry)
        named.append(item)
        origins.update(origin)
    if isinstance(document.get("bucket"), str) and document["bucket"]:
        origins.add(document["bucket"])
    _refuse_doubles(named)
    form = _format(document, named)
    columns = tuple(_columns(document, form))
    return Manifest(
        version=_text(document, "assemblyId", "executionId"),
        dataset=_dataset(document, columns),
        format=form,
        files=tuple(named),
        columns=columns,
        period=_period(document.get("billingPeriod")),
        origins=frozenset(origins),
        facts={
            name: text
            for name, text in (
                ("account", _text(document, "account")),
                ("report_id", _text(document, "reportId", "exportArn", "exportId")),
            )
            if text
        },
    )


def rebased(key: str, root: str, name: str) -> str:
    """Where a file lies below `root`, the folder in which its manifest was found.

    A copy of an export may stand under another prefix than the one its manifest was written for. What comes after the
    export's own folder stays the same, and that is what is found again here. Keys below `root` are left as they are.
    """
    if root and key.startswith(root.lstrip("/")):
        return key
    own = re.escape(name)
    inner = re.compile(rf"(?:.*?/)?{own}/((?:\d{{8}}-\d{{8}}|data|{own}/year=\d+|year=\d+)/.*)", re.DOTALL)
    match = inner.fullmatch(key)
    return f"{root.lstrip('/')}{match[1]}" if match else key


def _document(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise DeliveryError(f"the manifest has {len(content):,} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DeliveryError(f"the manifest is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DeliveryError("the manifest is not a JSON object")
    return document


def _entries(document: Mapping[str, Any]) -> list[Any]:
    """The list of files. null is an empty one: the first delivery of a month may have no rows."""
    for field in ("dataFiles", "reportKeys"):
        if field in document:
            entries = document[field]
            if entries is None:
                return []
            if not isinstance(entries, list):
                raise DeliveryError(f"the manifest's {field} is not a list")
            return entries
    raise DeliveryError("the manifest has no list of files (reportKeys or dataFiles)")


def _named(entry: object) -> tuple[Named, set[str]]:
    """One file, and the bucket that its address names."""
    size = None
    if isinstance(entry, dict):
        size = entry.get("size", entry.get("sizeBytes"))
        size = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
        entry = next((entry[field] for field in ("s3Uri", "uri", "path", "key", "name") if field in entry), None)
    if not isinstance(entry, str) or not entry.strip("/"):
        raise DeliveryError(f"the manifest names a file that has no key: {_short(entry)}")
    match = _S3_URL.match(entry)
    key = entry[match.end() :] if match else entry
    key = key.removeprefix("/")
    try:
        safe_path(Path("/"), key)
        key.encode()
    except (DeliveryError, UnicodeEncodeError) as error:
        raise DeliveryError(f"the manifest names a key outside the bucket: {_short(entry)}") from error
    if _OTHER_URL.match(key) or "." in key.split("/"):
        raise DeliveryError(f"the manifest names a key outside the bucket: {_short(entry)}")
    return Named(key, size), {match[1]} if match else set()


def _refuse_doubles(named: Iterable[Named]) -> None:
    seen: set[Path] = set()
    for item in named:
        place = safe_path(Path("/"), item.key)
        if place in seen:
            raise DeliveryError(f"the manifest names a file twice: {item.key}")
        seen.add(place)


def _format(document: Mapping[str, Any], named: Iterable[Named]) -> Format | None:
    """By the files' names, else by what the manifest declares."""
    forms = {_format_of(item.key) for item in named} - {None}
    if len(forms) > 1:
        raise DeliveryError("the manifest names CSV and Parquet files")
    if forms:
        return forms.pop()
    declared = f"{_text(document, 'compression')} {_text(document, 'contentType', 'format')}".lower()
    if "parquet" in declared:
        return "parquet"
    return "csv" if "csv" in declared or "gzip" in declared or "zip" in declared else None


def _format_of(key: str) -> Format | None:
    name = key.lower()
    if name.endswith(".parquet"):
        return "parquet"
    return "csv" if name.endswith((".csv", ".csv.gz", ".csv.zip", ".gz", ".zip")) else None


def _columns(document: Mapping[str, Any], form: Format | None) -> Iterable[tuple[str, str]]:
    """(name as it stands in the files, declared type) of the columns that say so."""
    listed = document.get("columns")
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            continue
        category, kind = item.get("category"), item.get("type")
        name = f"{category}/{item['name']}" if isinstance(category, str) else item["name"]
        if form == "parquet" and isinstance(category, str):
            name = parquet_name(name)
        yield name, kind if isinstance(kind, str) else ""


def _dataset(document: Mapping[str, Any], columns: Iterable[tuple[str, str]]) -> str:
    """Which bill this is, by its columns; "" when they are not listed. Raises NotABill."""
    names = {name.lower() for name, _ in columns}
    if not names:
        return _focus_version(document, names) if _queries_focus(document) else ""
    if {"billedcost", "chargeperiodstart"} & names:
        return _focus_version(document, names)
    if any(name.startswith("lineitem/") for name in names):
        return "cur-v1"
    if any(name.startswith("line_item_") for name in names):
        return "cur-v1" if "assemblyId" in document and "executionId" not in document else "cur-v2"
    raise NotABill(f"these are not the columns of a bill: {', '.join(sorted(names)[:5])} …")


def _queries_focus(document: Mapping[str, Any]) -> bool:
    return bool(_FOCUS_TABLE.search(_query(document)))


def _focus_version(document: Mapping[str, Any], names: set[str]) -> str:
    match = _FOCUS_TABLE.search(_query(document))
    if match:
        return "focus-1.0" if (match[1], match[2]) == ("1", "0") else "focus-1.2"
    return "focus-1.2" if not names or names & ONLY_IN_FOCUS_1_2 else "focus-1.0"


def _query(document: Mapping[str, Any]) -> str:
    return " ".join(_text(document, field) for field in ("queryStatement", "query", "tableName", "exportArn"))


def _period(value: object) -> Period | None:
    """`2025-01`, `20250101T000000.000Z`, or an object with such a `start`."""
    if isinstance(value, dict):
        value = value.get("start")
    match = _MONTH.match(value) if isinstance(value, str) else None
    try:
        return Period(int(match[1]), int(match[2])) if match else None
    except ValueError:
        return None


def _text(document: Mapping[str, Any], *fields: str) -> str:
    """The first of these fields that holds text."""
    return next((value for field in fields if isinstance(value := document.get(field), str) and value), "")


def _short(entry: object) -> str:
    return repr(entry)[:200]
