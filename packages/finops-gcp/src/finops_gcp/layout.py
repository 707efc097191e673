"""Where a file of an export belongs, told by its name alone: which export, which billing month, which format.

billing/billing_period=2025-01/part-000000000000.parquet    export `billing/`, 2025-01
billing/year=2025/month=01/x.csv.gz                          export `billing/`, 2025-01
billing/2025-01-15/x.jsonl.gz                                export `billing/`, no month: a day of ingestion holds
                                                             rows of more than one invoice month
billing/acme-202501-000000000000.csv                         export `billing/`, 2025-01
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from finops_core import Period
from finops_core.store import StoredObject

Kind = Literal["csv", "parquet", "jsonl", "avro", "unknown"]

MONTH_KEYS = "billing_period|billing_month|invoice_month|invoice.month|invoicemonth|period|month"

_HIVE_MONTH = re.compile(rf"(?:{MONTH_KEYS})=(\d{{4}})-?(\d{{2}})(?:-?01)?", re.IGNORECASE)
_HIVE_YEAR = re.compile(r"(?:year|y)=(\d{4})", re.IGNORECASE)
_HIVE_MONTH_OF_YEAR = re.compile(r"(?:month|m)=(\d{1,2})", re.IGNORECASE)
_PLAIN_MONTH = re.compile(r"((?:19|20)\d\d)-?(0[1-9]|1[0-2])")
_DAY = re.compile(
    r"(?:[\w.]+=)?(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|(?:day|d)=\d{1,2}", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTH = re.compile(r"0[1-9]|1[0-2]")
_MONTH_IN_NAME = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])(?![\d]|-\d\d(?!\d))")
_DAY_IN_NAME = re.compile(r"(?<!\d)20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?!\d)")

_ENDINGS: tuple[tuple[str, Kind], ...] = (
    (r"\.parquet(\.gz|\.snappy)?$", "parquet"),
    (r"\.csv(\.gz|\.gzip|\.zip)?$", "csv"),
    (r"\.(jsonl?|ndjson)(\.gz|\.gzip|\.zip)?$", "jsonl"),
    (r"\.avro$", "avro"),
)


@dataclass(frozen=True)
class Place:
    """A file and where it belongs. `root` is the export's folder (ends with `/`, or is empty), `folder` the file's."""

    file: StoredObject
    root: str
    folder: str
    period: Period | None
    kind: Kind

    @property
    def name(self) -> str:
        return self.file.key.rpartition("/")[2]


def place(file: StoredObject) -> Place | None:
    """None for what is no data: markers of folders, hidden files, manifests, `_SUCCESS`, `_temporary/`."""
    *folders, name = file.key.split("/")
    if not name or any(part.startswith(("_", ".")) for part in (*folders, name)) or name.lower() == "manifest.json":
        return None
    at, month, dated = _month_of_folders(folders)
    if not dated:
        month = _month_of_name(name)
    root = "".join(f"{folder}/" for folder in folders[:at])
    return Place(file, root, "".join(f"{folder}/" for folder in folders), month, kind(name))


def kind(name: str) -> Kind:
    return next((known for ending, known in _ENDINGS if re.search(ending, name, re.IGNORECASE)), "unknown")


def _month_of_folders(folders: list[str]) -> tuple[int, Period | None, bool]:
    """Index of the first folder that is a date, the month that they name together, whether any is a date."""
    for index, folder in enumerate(folders):
        following = folders[index + 1] if index + 1 < len(folders) else ""
        found: tuple[str, str] | None = None
        if (match := _HIVE_MONTH.fullmatch(folder)) or (match := _PLAIN_MONTH.fullmatch(folder)):
            found, after = (match[1], match[2]), folders[index + 1 :]
        elif (year := _HIVE_YEAR.fullmatch(folder)) and (month := _HIVE_MONTH_OF_YEAR.fullmatch(following)):
            found, after = (year[1], month[1]), folders[index + 2 :]
        elif _YEAR.fullmatch(folder) and _MONTH.fullmatch(following):
            found, after = (folder, following), folders[index + 2 :]
        elif _DAY.fullmatch(folder):
            return index, None, True
        if found:
            day = any(_DAY.fullmatch(part) or re.fullmatch(r"\d\d", part) for part in after)
            return index, None if day else _period(*found), True
    return len(folders), None, False


def _month_of_name(name: str) -> Period | None:
    """The one month in a file's name; None when there is none, several, or a day."""
    if _DAY_IN_NAME.search(name):
        return None
    found = {(match[1], match[2]) for match in _MONTH_IN_NAME.finditer(name)}
    return _period(*found.pop()) if len(found) == 1 else None


def _period(year: str, month: str) -> Period | None:
    try:
        return Period(int(year), int(month))
    except ValueError:
        return None
