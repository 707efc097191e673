"""Lists of facts on stdout: one Listing, four renderings (table, JSON, CSV, Markdown). Rows are mappings by column key.

Text in a bill is not trusted: control characters never reach a terminal, cells that a spreadsheet would run as a
formula are neutralised, and Markdown's own characters are escaped. Values in JSON are untouched.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal

from finops_core.errors import UsageError

SCHEMA_VERSION = 1
"""Of the JSON envelope: raised when a field changes its meaning or goes away, not when one is added."""

FORMATS = ("table", "json", "csv", "md")
SUFFIXES = {".json": "json", ".csv": "csv", ".md": "md", ".txt": "table"}

Kind = Literal["text", "number", "money", "bytes", "time", "flag"]

_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Field:
    """One column: its `key` in the rows (and in JSON and CSV), its `title` in tables, and how its values look.

    Kinds: number (int or Decimal), money (Decimal, or {currency: Decimal}), bytes (int), time (datetime, UTC),
    flag (bool), text (anything else). None is an empty cell everywhere and null in JSON. A `spare` column is left
    out of a table on a terminal that is too narrow for it.
    """

    key: str
    title: str
    kind: Kind = "text"
    spare: bool = False

    @property
    def right(self) -> bool:
        return self.kind in ("number", "money", "bytes")


@dataclass(frozen=True)
class Listing:
    """What a listing command found. `report` names the command; the rest fills the JSON envelope."""

    report: str
    fields: tuple[Field, ...]
    rows: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    period: str | None = None
    currency: str | None = None
    cost_metric: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    data_through: str | None = None


def write(listing: Listing, form: str, stream: IO[str]) -> None:
    """Render to an open text stream. Raises UsageError for a format that does not exist."""
    from finops_core.table import write_table

    renderers: dict[str, Callable[[Listing, IO[str]], None]] = {
        "table": write_table,
        "json": write_json,
        "csv": write_csv,
        "md": write_markdown,
    }
    if form not in renderers:
        raise UsageError(f"there is no output format {form!r}", hint=f"choose one of {', '.join(FORMATS)}")
    renderers[form](listing, stream)


def format_of(path: Path) -> str:
    """The format that a file's suffix stands for. Raises UsageError for others."""
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"no output format belongs to the suffix of {path.name!r}", hint=f"use one of {', '.join(SUFFIXES)}"
        ) from None


def write_json(listing: Listing, stream: IO[str]) -> None:
    envelope = {
        "schema_version": SCHEMA_VERSION,
        "report": listing.report,
        "period": listing.period,
        "currency": listing.currency,
        "cost_metric": listing.cost_metric,
        "filters": dict(listing.filters),
        "data_through": listing.data_through,
        "rows": [{column.key: row.get(column.key) for column in listing.fields} for row in listing.rows],
        "notes": list(listing.notes),
    }
    stream.write(json.dumps(envelope, indent=2, ensure_ascii=False, default=plain) + "\n")


def write_csv(listing: Listing, stream: IO[str]) -> None:
    """Unix line ends. The writer is told CRLF because it quotes no lone CR otherwise, and readers take it for a row."""
    rows = [[_csv_cell(column, row.get(column.key)) for column in listing.fields] for row in listing.rows]
    for cells in ([column.key for column in listing.fields], *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(cells)
        stream.write(line.getvalue().removesuffix("\r\n") + "\n")


def write_markdown(listing: Listing, stream: IO[str]) -> None:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    stream.write(line([column.title for column in listing.fields]))
    stream.write(line(["---:" if column.right else "---" for column in listing.fields]))
    for row in listing.rows:
        stream.write(line([_markdown_cell(column, row.get(column.key)) for column in listing.fields]))


def plain(value: Any) -> Any:
    """For JSON: money and other decimals as text without an exponent, times as ISO 8601 in UTC."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return utc(value).isoformat().replace("+00:00", "Z")
    return str(value)


def shown(kind: Kind, value: Any) -> str:
    """A value as people read it: thousands separators, two decimals of money, minutes of a time, no control codes."""
    if value is None:
        return ""
    if kind == "money":
        return shown_money(value)
    if kind == "number":
        return f"{value:,}"
    if kind == "bytes":
        return shown_bytes(value)
    if kind == "time":
        return f"{utc(value):%Y-%m-%d %H:%M}"
    if kind == "flag":
        return "yes" if value else "no"
    return printable(str(value))


def shown_money(value: Decimal | Mapping[str, Decimal]) -> str:
    """`1,234.50 USD, 10.00 EUR`. Currencies stand side by side and are never added."""
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return ", ".join(f"{amount:,.2f} {printable(currency)}" for currency, amount in sorted(value.items()))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`; `many` where an s does not make the plural."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shown_bytes(count: int) -> str:
    """`999 B`, `12.3 MB`: powers of 1000, as clouds bill them."""
    if count < 1000:
        return f"{count} B"
    size, units = float(count), ["kB", "MB", "GB", "TB", "PB"]
    while (size := size / 1000) >= 999.95 and len(units) > 1:
        units.pop(0)
    return f"{size:,.1f} {units[0]}"


def printable(text: str) -> str:
    """Text without codes that would move the cursor, recolour the screen or reverse the writing."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def utc(moment: dt.datetime) -> dt.datetime:
    """Times without a zone are UTC everywhere in finops."""
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text) else text


def _csv_cell(column: Field, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return neutral("; ".join(f"{key} {plain(item)}" for key, item in sorted(value.items())))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return neutral(str(plain(value)))


def _markdown_cell(column: Field, value: Any) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", shown(column.kind, value))
