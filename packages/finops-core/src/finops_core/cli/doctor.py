"""`finops doctor`: one line per check, with the fix."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from finops_core import registry
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.flags import Configured, configured, project_flags, switch
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.config import provider_runs
from finops_core.errors import ConfigError, FinopsError
from finops_core.output import Field, Listing, counted

if TYPE_CHECKING:
    from typer._click import Context

    from finops_core.doctor import Finding
    from finops_core.provider import Provider

FAILED = 1
"""Exit code when a check fails; a warning is none."""

LOCK_WAIT = 1.0
"""Seconds to wait for a database that is in use: long enough for a reader's moment, short for a person."""

FIELDS = (Field("check", "check"), Field("verdict", "verdict"), Field("detail", "detail"), Field("fix", "fix"))

TEXTS = Texts(
    "Check what an import needs: Python, the providers, the configuration, the data directory, the destination, and "
    "how fresh the loaded months are. With --online also whether each configured export can be listed with the "
    "credentials of this machine. Exits with 1 when a check fails. Changes nothing.",
    "finops doctor --online",
)


def command() -> ActionCommand:
    def option(name: str, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)

    options = [
        switch("online", "Also ask each cloud for the running month.", "Options"),
        option("output", OutputOption),
        option("out", OutOption),
        *project_flags(),
    ]
    return ActionCommand("doctor", examine, params(options), TEXTS)


def examine(context: Context) -> None:
    values = context.params
    findings = list(checks(values, dt.datetime.now(dt.UTC)))
    count = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in ("fail", "warn")}
    note = f"{counted(len(findings), 'check')}, {count['fail']} failed, {counted(count['warn'], 'warning')}"
    listing = Listing("doctor", FIELDS, [asdict(finding) for finding in findings], notes=(note,))
    show(listing, Session.of(context), values.get("output"), values.get("out"))
    if count["fail"]:
        context.exit(FAILED)


def checks(values: Any, now: dt.datetime) -> Iterator[Finding]:
    from finops_core import doctor

    yield from doctor.machine()
    try:
        settings = configured(values)
        runs = dict(ready(settings))
    except ConfigError as error:
        yield doctor.configured_runs(error, [])
        return
    yield doctor.configured_runs(None, list(runs))
    yield from doctor.data_directory(settings.project.data_dir)
    try:
        target = settings.target
    except ConfigError as error:
        yield doctor.told("destination", error)
        return
    found, loaded = doctor.destination(replace(target, lock_wait=min(LOCK_WAIT, target.lock_wait)))
    yield found
    yield from doctor.freshness(loaded, now)
    yield from doctor.months(loaded)
    yield from doctor.views_stand(target, loaded)
    yield from doctor.counted_once(target, loaded)
    if values.get("online"):
        yield from doctor.reachable(runs.items(), now)


def ready(settings: Configured) -> Iterator[tuple[str, Provider]]:
    """The exports whose settings are complete. Raises ConfigError for what is wrong in the configuration.

    A provider without any setting of its own in file or environment is simply not in use.
    """
    for name in registry.names():
        try:
            provider = registry.load(name)
        except FinopsError:
            continue  # told by the check of the providers
        for run in provider_runs(provider, settings.sources):
            if any(value.origin.kind != "default" for value in run.values):
                yield f"{name} {run.export}".strip(), run.build()
