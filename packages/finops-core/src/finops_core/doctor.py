"""Is everything in place? One Finding per check, each with what to do about it. Changes nothing.

A check never raises what is wrong: it tells it, and the next one runs.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from finops_core import __version__, registry
from finops_core.errors import ConfigError, DataMissing, DestinationLocked, FinopsError
from finops_core.hooks import CONTRACT, OLDEST_CONTRACT
from finops_core.output import counted, shown_bytes
from finops_core.periods import Period, Window
from finops_core.sql import literal, qualified

if TYPE_CHECKING:
    from finops_core.ledger import LedgerEntry
    from finops_core.load import Target
    from finops_core.provider import Provider

Verdict = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)

LITTLE_ROOM = 2 * 10**9
"""Bytes free below which a month of a middling bill may not fit: it is staged, loaded and spilled at once."""

STALE_DAYS = 3
"""Clouds deliver a running month at least once a day; one that was loaded longer ago misses days of cost."""


SHOWN = 3
"""Months or accounts that a line names: the first ones tell which they are, and a table has to hold it."""


@dataclass(frozen=True)
class Finding:
    check: str
    verdict: Verdict
    detail: str
    fix: str = ""


def told(check: str, error: FinopsError, verdict: Verdict = "fail") -> Finding:
    """An error as a finding."""
    return Finding(check, verdict, str(error), error.hint)


def machine() -> Iterator[Finding]:
    """Python, finops itself, and every installed provider."""
    running = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    good = sys.version_info[:2] >= OLDEST_PYTHON
    yield Finding("python", "ok" if good else "fail", running, "" if good else f"finops needs Python {wanted} or newer")
    contracts = f"contract {CONTRACT}" if OLDEST_CONTRACT == CONTRACT else f"contracts {OLDEST_CONTRACT} to {CONTRACT}"
    yield Finding("finops", "ok", f"{__version__}, {contracts}")
    names = registry.names()
    if not names:
        yield Finding("providers", "warn", "no provider is installed", "pip install finops-aws, for example")
    for name in names:
        check = f"provider {name}"
        try:
            provider, plugin = registry.load(name), registry.find(name)
        except FinopsError as error:
            yield told(check, error)
        else:
            yield Finding(check, "ok", f"{plugin.distribution} {plugin.version}, contract {provider.contract}")


def data_directory(folder: Path) -> Iterator[Finding]:
    """Whether files can be made there, or the folder itself, and how much room there is."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "data directory", "fail", f"{there} is not writable", "set project.data_dir, or change its rights"
        )
        return
    made = "" if there == folder.absolute() else ", made by the first import"
    yield Finding("data directory", "ok", f"{folder}{made}")
    free = shutil.disk_usage(there).free
    fix = "free some room, or set project.data_dir to a larger disk" if free < LITTLE_ROOM else ""
    yield Finding("free space", "warn" if fix else "ok", shown_bytes(free), fix)


def destination(target: Target) -> tuple[Finding, list[LedgerEntry]]:
    """Whether the destination can be read, and what is loaded. Waits for a lock no longer than the target says."""
    from finops_core.ledger import datasets, entries
    from finops_core.load import connect_readonly

    check = "destination"
    try:
        with connect_readonly(target) as sql:
            names = datasets(sql)
            loaded = [entry for name in names for entry in entries(sql, name)]
    except DataMissing:
        return Finding(check, "ok", f"{target.shown}: nothing is imported yet"), []
    except DestinationLocked as error:
        return told(check, error, "warn"), []
    except FinopsError as error:
        return told(check, error), []
    counts = f"billing periods loaded: {len(loaded)}, schemas: {len(names)}"
    return Finding(check, "ok", f"{target.shown}, {counts}"), loaded


def freshness(entries: Sequence[LedgerEntry], now: dt.datetime) -> Iterator[Finding]:
    """Per schema: is the running month (UTC) loaded, and how long ago?"""
    month = Period.of(now.date())
    for name in dict.fromkeys(entry.dataset_name for entry in entries):
        newest = max((entry for entry in entries if entry.dataset_name == name), key=lambda entry: entry.period)
        days = (now.replace(tzinfo=None) - newest.loaded_at).days
        detail = f"newest month {newest.period}, loaded {counted(days, 'day')} ago"
        behind = newest.period < month.shift(-1) or (newest.period < month and now.day > STALE_DAYS)
        stale = behind or (newest.period == month and days >= STALE_DAYS)
        fix = f"finops {newest.provider} {_import_command(newest.provider)}" if stale else ""
        yield Finding(f"freshness {name}", "warn" if stale else "ok", detail, fix)


def months(entries: Sequence[LedgerEntry]) -> Iterator[Finding]:
    """Per schema: is a month missing between those that are loaded?"""
    for name in dict.fromkeys(entry.dataset_name for entry in entries):
        held = sorted({entry.period for entry in entries if entry.dataset_name == name})
        every = [held[0]]
        while every[-1] < held[-1]:
            every.append(every[-1].shift(1))
        lacking = [str(month) for month in every if month not in held]
        provider = next(entry.provider for entry in entries if entry.dataset_name == name)
        detail = f"{held[0]} to {held[-1]}" + (f" without {shortened(lacking)}" if lacking else "")
        fix = f"finops {provider} list-manifests shows what is delivered" if lacking else ""
        yield Finding(f"months {name}", "warn" if lacking else "ok", detail, fix)


def counted_once(target: Target, entries: Sequence[LedgerEntry]) -> Iterator[Finding]:
    """Whether two schemas hold the same account's month: two exports of one bill, which the views would add up.

    Says nothing where there is only one schema of a provider.
    """
    from finops_core.load import connect_readonly

    holders: dict[tuple[str, ...], list[str]] = {}
    converted = [entry for entry in entries if entry.focus_rows]
    schemas = {entry.dataset_name: entry.provider for entry in converted}
    if len(set(schemas.values())) == len(schemas):
        return
    try:
        with connect_readonly(target) as sql:
            for name, provider in schemas.items():
                for row in sql.query(_accounts([entry for entry in converted if entry.dataset_name == name])):
                    holders.setdefault((provider, *row), []).append(name)
    except FinopsError as error:
        yield told("counted once", error)
        return
    doubled: dict[str, list[str]] = {}
    for (_, account, month), names in holders.items():
        if len(names) > 1:
            doubled.setdefault(" and ".join(sorted(names)), []).append(f"{account} in {month}")
    for both, accounts in doubled.items():
        detail = f"{both} both hold account {shortened(accounts)}: focus.cost_and_usage adds them"
        fix = "two exports of one bill? Remove one schema, then import the other with --force: it renews the views"
        yield Finding("counted once", "warn", detail, fix)
    if not doubled:
        yield Finding("counted once", "ok", f"no account stands in two of {counted(len(schemas), 'schema')}")


def views_stand(target: Target, entries: Sequence[LedgerEntry]) -> Iterator[Finding]:
    """Whether the views can be read: one over a table that somebody removed cannot. A lake has none that are stored."""
    from finops_core.load import connect_readonly
    from finops_core.tables import lost_views

    if not entries or target.kind == "lake":
        return
    try:
        with connect_readonly(target) as sql:
            lost = lost_views(sql, dict.fromkeys(entry.dataset_name for entry in entries))
    except FinopsError as error:
        yield told("views", error)
        return
    if not lost:
        yield Finding("views", "ok", "all can be read")
        return
    newest = max(entries, key=lambda entry: entry.period)
    detail = f"{shortened(lost)} cannot be read: a table or a schema below was removed; an import renews them"
    fix = f"finops {newest.provider} {_import_command(newest.provider)} --force --start-date {newest.period}"
    yield Finding("views", "fail", detail, fix)


def _accounts(entries: Sequence[LedgerEntry]) -> str:
    """The accounts and months of one schema, as they are loaded now: the rollup keeps earlier versions."""
    from finops_core.tables import ROLLUP_TABLE

    current = ", ".join(literal(f"{entry.period} {entry.version}") for entry in entries)
    return (
        'SELECT DISTINCT "SubAccountId", "x_BillingPeriod" '
        f'FROM {qualified(entries[0].dataset_name, ROLLUP_TABLE)} WHERE "SubAccountId" IS NOT NULL '
        f'AND "x_BillingPeriod" || \' \' || "x_SourceVersion" IN ({current}) ORDER BY 2, 1'
    )


def shortened(texts: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    rest = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + rest


def _import_command(provider: str) -> str:
    """From metadata, without importing the provider, which may not be installed any more."""
    commands = [plugin.import_command for plugin in registry.plugins() if plugin.name == provider]
    return next(filter(None, commands), "--help")


def reachable(runs: Iterable[tuple[str, Provider]], now: dt.datetime) -> Iterator[Finding]:
    """Whether each export can be listed with the credentials of this machine: the running month is looked for."""
    month = Period.of(now.date())
    for name, provider in runs:
        check = f"bills of {name}"
        try:
            found = list(provider.discover(Window(month, month)))
        except DataMissing as error:
            yield told(check, error, "warn")
        except FinopsError as error:
            yield told(check, error)
        else:
            text = f"{month} is delivered" if found else f"reachable; {month} is not delivered yet"
            yield Finding(check, "ok", text)


def configured_runs(problem: ConfigError | None, names: Sequence[str]) -> Finding:
    """What the configuration gives: which exports could be imported now."""
    if problem is not None:
        return told("configuration", problem)
    if not names:
        return Finding("configuration", "warn", "no provider is configured", "finops config init writes a file to edit")
    return Finding("configuration", "ok", f"configured: {', '.join(names)}")
