"""A run: what an export delivered at one time for one month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from finops_core import Period, SourceFile
from finops_core.delivery import Format

ACTUAL, AMORTIZED, FOCUS, USAGE = "actual", "amortized", "focus", "usage"

KINDS = {"actualcost": ACTUAL, "amortizedcost": AMORTIZED, "focuscost": FOCUS, "usage": USAGE}
"""exportConfig.type in lower case -> kind of export. Price sheets, reservation details and others are no bills."""


@dataclass(frozen=True)
class Run:
    """One run of an export for one month. `kind` is "" where nothing tells it; `last` the last day that it covers;
    `partial` says why the run does not hold a whole month so far; `problem` why it cannot be read at all. `promised`
    are the manifest's byte counts by key."""

    export: str
    kind: str
    scope: str
    root: str
    period: Period
    run_id: str
    submitted: dt.datetime
    files: tuple[SourceFile, ...] = ()
    format: Format = "csv"
    manifest: str = ""
    rows: int | None = None
    data_version: str = ""
    last: dt.date | None = None
    partial: str = ""
    problem: str = ""
    promised: Mapping[str, int] = field(default_factory=dict, compare=False)


def why_partial(first: dt.date, last: dt.date | None, time_frame: str) -> str:
    """Why a run does not hold a month from its first day on. Billing months may begin on any day."""
    if "billing" in time_frame:
        return ""
    period = Period.of(first)
    if first.day != 1:
        return f"the run begins on {first}, not on the first day of a month"
    if last and last > period.end:
        return f"the run covers several months, {first} to {last}"
    if last and time_frame in ("custom", "onetime") and last < period.end - dt.timedelta(days=1):
        return f"the run covers a part of a month, {first} to {last}"
    return ""


def format_of(declared: str, files: tuple[SourceFile, ...]) -> Format:
    parquet = all(file.key.lower().endswith(".parquet") for file in files) if files else declared.lower() == "parquet"
    return "parquet" if parquet else "csv"
