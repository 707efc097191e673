"""From runs to deliveries: which exports there are, which of them make the wanted bill, and its newest runs.

    runs -> exports (runs of one name, kind and scope) -> bill (one export, or actual and amortised of one scope)
         -> one Delivery per month

All of it is pure. Newest is by the time of submission, never by folder or blob time: copies change those.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from finops_core import Delivery, Period, Window
from finops_core.errors import ConfigError, DataMissing

from finops_azure.datasets import AMORTIZED as AMORTIZED_PART
from finops_azure.runs import ACTUAL, AMORTIZED, FOCUS, USAGE, Run

SETTLED_AFTER = dt.timedelta(days=4)
"""Azure delivers the whole last month again on each of the first five days of a month, and latent usage later than that
is rare. A run submitted before the fifth day cannot be the month's last word."""


@dataclass(frozen=True)
class Export:
    """One export: `kind` is actual, amortized, focus or usage; `scope` the lower-case resource id it is about."""

    name: str
    kind: str
    scope: str
    runs: tuple[Run, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" + (f" of {self.scope}" if self.scope else "")


@dataclass(frozen=True)
class Bill:
    """What is imported as one: part of the delivery -> the export that delivers it."""

    name: str
    dataset: str
    parts: Mapping[str, Export]


@dataclass(frozen=True)
class Choice:
    """The settings that choose. Empty names choose nothing; `kind` is one of the kinds, or auto."""

    kind: str = "auto"
    name: str = ""
    amortized_name: str = ""


def exports_of(runs: Iterable[Run], kind: str = "auto") -> list[Export]:
    """Group runs. A run whose manifest tells no kind belongs to the export of its name and folder; where that is not
    known either, `kind`, then the export's name, must tell."""
    runs = list(runs)
    told = {(run.export.lower(), run.root): run for run in runs if run.kind}
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        if not run.kind:
            like = told.get((run.export.lower(), run.root))
            run = replace(run, kind=like.kind, scope=like.scope) if like else replace(run, kind=_guess(run, kind))
        groups.setdefault((run.export.lower(), run.kind, run.scope), []).append(run)
    exports = [Export(group[0].export, kind_, scope, tuple(group)) for (_, kind_, scope), group in groups.items()]
    return sorted(exports, key=lambda export: (export.name.lower(), export.kind, export.scope))


def _guess(run: Run, kind: str) -> str:
    if kind != "auto":
        return kind
    name = run.export.lower()
    hints = {AMORTIZED: ("amort",), FOCUS: ("focus",), USAGE: ("usage",)}
    return next((found for found, words in hints.items() if any(word in name for word in words)), ACTUAL)


def choose(exports: Sequence[Export], choice: Choice, where: str) -> Bill:
    """The one bill that the settings mean. Raises DataMissing for none, ConfigError for several."""
    if choice.name and choice.amortized_name:
        return _pair(exports, choice, where)
    wanted = [export for export in exports if choice.kind in ("auto", export.kind)]
    bills = [bill for bill in _bills(wanted) if _named(bill, choice)]
    if len(bills) == 1:
        # The ledger knows the bill by the configured name, so that a partner found later does not rename it.
        return replace(bills[0], name=choice.name or bills[0].name)
    seen = ", ".join(map(str, exports)) or "none"
    if not bills:
        asked = f" named {choice.name!r}" if choice.name else ""
        of_kind = "" if choice.kind == "auto" else f" of type {choice.kind}"
        raise DataMissing(f"there is no export{asked}{of_kind}", where=where, hint=f"exports that were found: {seen}")
    raise ConfigError(
        f"{len(bills)} bills lie here, and one must be chosen",
        where=where,
        hint=f"set export_name or dataset_type, or a prefix; exports that were found: {seen}",
    )


def _bills(exports: Sequence[Export]) -> list[Bill]:
    """Actual and amortised exports of one scope pair up when there is one of each; all others stand alone."""
    bills, paired = [], set[Export]()
    for actual in exports:
        twins = [other for other in exports if other.kind == AMORTIZED and other.scope == actual.scope]
        rivals = [other for other in exports if other.kind == ACTUAL and other.scope == actual.scope]
        if actual.kind == ACTUAL and len(twins) == len(rivals) == 1:
            bills.append(Bill(actual.name, "cost", {"": actual, AMORTIZED_PART: twins[0]}))
            paired |= {actual, twins[0]}
    return bills + [_alone(export) for export in exports if export not in paired]


def _alone(export: Export) -> Bill:
    if export.kind == AMORTIZED:
        return Bill(export.name, "cost", {AMORTIZED_PART: export})
    return Bill(export.name, "cost" if export.kind == ACTUAL else export.kind, {"": export})


def _named(bill: Bill, choice: Choice) -> bool:
    names = {export.name.lower() for export in bill.parts.values()}
    wanted = {name.lower() for name in (choice.name, choice.amortized_name) if name}
    return not wanted or bool(names & wanted)


def _pair(exports: Sequence[Export], choice: Choice, where: str) -> Bill:
    """The bill of the two exports that the settings name, whatever their scopes."""
    parts = {}
    for part, name, kind in (("", choice.name, ACTUAL), (AMORTIZED_PART, choice.amortized_name, AMORTIZED)):
        fitting = [export for export in exports if export.name.lower() == name.lower() and export.kind == kind]
        if len(fitting) != 1:
            error = ConfigError if fitting else DataMissing
            seen = ", ".join(map(str, exports)) or "none"
            number = f"{len(fitting)} {kind} exports are" if fitting else f"no {kind} export is"
            raise error(f"{number} named {name!r}", where=where, hint=f"exports that were found: {seen}")
        parts[part] = fitting[0]
    return Bill(choice.name, "cost", parts)


def deliveries(bill: Bill, window: Window) -> list[Delivery]:
    """One delivery per month of the window, from the newest run of each part."""
    newest = {part: _newest(export.runs) for part, export in bill.parts.items()}
    periods = sorted({period for runs in newest.values() for period in runs if period in window})
    return [
        _delivery(bill, period, {part: runs[period] for part, runs in newest.items() if period in runs})
        for period in periods
    ]


def _newest(runs: Iterable[Run]) -> dict[Period, Run]:
    """The newest run of each month. One that covers a whole month goes before any that does not."""
    newest: dict[Period, Run] = {}
    for run in runs:
        best = newest.get(run.period)
        if best is None or _rank(run) > _rank(best):
            newest[run.period] = run
    return newest


def _rank(run: Run) -> tuple[bool, dt.datetime, str]:
    return (not run.partial, run.submitted, run.manifest or run.run_id)


def _delivery(bill: Bill, period: Period, runs: Mapping[str, Run]) -> Delivery:
    every = list(runs.values())
    formats = {run.format for run in every if run.files}
    problems = [f"{run.export}: {run.problem or run.partial}" for run in every if run.problem or run.partial]
    if len(formats) > 1:
        problems.append("the actual export is written in another format than the amortised one")
    reached = sorted({run.last for run in every if run.last})
    if len(reached) > 1:
        problems.append(
            f"actual and amortised cost do not reach to the same day: {reached[0]} and {reached[-1]}; "
            "import again when both exports have run"
        )
    submitted = max(run.submitted for run in every)
    return Delivery(
        provider="azure",
        export=bill.name,
        period=period,
        version="+".join(run.run_id for run in every),
        dataset=bill.dataset,
        format=next(iter(formats), "csv"),
        files=tuple(replace(file, part=part) for part, run in runs.items() for file in run.files),
        modified=submitted,
        rows=runs[""].rows if "" in runs else None,
        manifest=every[0].manifest,
        problem="; ".join(problems),
        final=False if submitted < dt.datetime.combine(period.end, dt.time(), dt.UTC) + SETTLED_AFTER else None,
        details=_details(bill, runs),
    )


def _details(bill: Bill, runs: Mapping[str, Run]) -> dict[str, str]:
    """`manifest`, `run`, `export` and `version` of each part, by its kind."""
    details: dict[str, str] = {}
    for part, run in runs.items():
        kind = bill.parts[part].kind
        details |= {f"{kind} export": run.export, f"{kind} run": run.run_id, f"{kind} manifest": run.manifest}
        if run.data_version:
            details[f"{kind} version"] = run.data_version
    return details
