"""What a blob's path says: which export, which days, which run.

Four layouts are in use, and folder and file names are no contract (Microsoft says so), so a manifest goes before them:

    EXPORT/20250101-20250131/EXPORT_GUID.csv                           classic: a new file per run, no manifest
    EXPORT/20250101-20250131/202501041442/GUID/000001.csv              + _manifest.json, without type and period
    EXPORT/20250101-20250131/202501041442/RUN/part_0_0001.csv.gz       + manifest.json, every run kept
    EXPORT/20250101-20250131/RUN/part_0_0001.parquet                   + manifest.json, older runs deleted
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

DATA_SUFFIXES = (".csv", ".csv.gz", ".csv.zip", ".parquet")

_RANGE = re.compile(r"(\d{4})(\d{2})(\d{2})-(\d{4})(\d{2})(\d{2})")
_RUN_TIME = re.compile(r"\d{12}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Place:
    """What a blob's path says: `root` is the path above the folder named like `20250101-20250131`, with the export's
    name as its last part; `start` and `end` are that range's days, both included."""

    root: str
    export: str
    start: dt.date
    end: dt.date
    run_time: dt.datetime | None = None
    run_id: str = ""
    folder: str = ""


def is_manifest(key: str) -> bool:
    return key.endswith("manifest.json")


def is_data(key: str) -> bool:
    return key.lower().endswith(DATA_SUFFIXES)


def place_of(key: str) -> Place | None:
    """Read a path by its range folder, wherever that stands. None for a path without one."""
    parts = key.split("/")
    for index in range(len(parts) - 2, -1, -1):
        if not (match := _RANGE.fullmatch(parts[index])):
            continue
        try:
            start, end = dt.date(*map(int, match.groups()[:3])), dt.date(*map(int, match.groups()[3:]))
        except ValueError:
            continue
        below = parts[index + 1 : -1]
        named = [part for part in below if not _RUN_TIME.fullmatch(part) and not _GUID.fullmatch(part)]
        export = parts[index - 1] if index else (named or [""])[0]
        times = [moment for part in below if _RUN_TIME.fullmatch(part) and (moment := _run_time(part))]
        guids = [part for part in below if _GUID.fullmatch(part)]
        root, folder = "/".join(parts[:index]), "/".join(parts[: index + 1])
        return Place(root, export, start, end, times[0] if times else None, guids[-1] if guids else "", folder)
    return None


def _run_time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
