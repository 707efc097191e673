"""`finops verify`: recompute what is loaded, from the files to FOCUS, and compare it with the import ledger."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.completion import months
from finops_core.cli.flags import Configured, configured, project_flags, switch
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.cli.status import ProviderArgument
from finops_core.config import provider_runs
from finops_core.errors import ConfigError, DataMissing, UsageError
from finops_core.output import Field, Listing, counted
from finops_core.periods import Period

if TYPE_CHECKING:
    from typer._click import Context

    from finops_core.ledger import LedgerEntry
    from finops_core.provider import Provider
    from finops_core.verify import Finding, Proof

FINDINGS = 3
"""Exit code when --fail-on asks for one and there is something to be told."""

FIELDS = (
    Field("provider", "provider", spare=True),
    Field("dataset_name", "schema", spare=True),
    Field("export", "export", spare=True),
    Field("billing_period", "period"),
    Field("level", "level"),
    Field("part", "part", spare=True),
    Field("currency", "currency"),
    Field("rows", "rows", "number"),
    Field("cost", "cost", "money"),
    Field("ledger_cost", "ledger", "money", spare=True),
    Field("result", "result"),
    Field("detail", "detail"),
)

TEXTS = Texts(
    "Prove what is loaded: files, staged rows, raw rows, FOCUS rows and rollup are summed again per billing period and "
    "currency, and each is compared with the import ledger. Raw rows are compared with the files value by value, FOCUS "
    "rows with what the rules make of the raw rows (of the files, where there are none), the rollup with the sums of "
    "the FOCUS rows. The checks between bill and FOCUS run again too.\n\n"
    "The files are fetched with the settings of config.toml and the environment, compared by SHA-256 and summed once "
    "without DuckDB, which takes its time: --no-files leaves them out. A bill that was delivered anew since is said to "
    "have changed, which is no mismatch. Changes nothing.",
    "finops verify aws 2024-01 --fail-on mismatch",
)


def command() -> ActionCommand:
    def option(name: str, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)

    period = typer.Argument(metavar="PERIOD", help="Only this billing month, YYYY-MM.", autocompletion=months)
    fail_on = typer.Option(
        "--fail-on",
        metavar="[mismatch]",
        help="Exit with 3 when something does not agree.",
        autocompletion=lambda: ["mismatch"],
    )
    options = [
        option("provider", ProviderArgument),
        option("period", Annotated[str | None, period]),
        switch("no_files", "Leave the files out: only what stands in the destination.", "Options"),
        option("fail_on", Annotated[str | None, fail_on]),
        option("output", OutputOption),
        option("out", OutOption),
        *project_flags(),
    ]
    return ActionCommand("verify", verify_loaded, params(options), TEXTS)


def verify_loaded(context: Context) -> None:
    """Raises DataMissing when nothing of that kind is loaded, ProviderMissing for a provider nobody knows."""
    from finops_core import verify
    from finops_core.ledger import loaded_periods

    values, session = context.params, Session.of(context)
    if values.get("fail_on") not in (None, "mismatch"):
        raise UsageError(f"{values['fail_on']!r} is nothing to fail on", where="--fail-on", hint="write mismatch")
    settings = configured(values)
    everything = loaded_periods(settings.target)
    chosen = chosen_entries(everything, values.get("provider"), values.get("period"))
    findings: list[Finding] = []
    for entry in chosen:
        session.note(f"verifying {entry.provider} {entry.export} {entry.period}")
        findings += verify.verify(settings.target, entry, _proof(entry, settings, bool(values.get("no_files"))))
    for name in dict.fromkeys(entry.dataset_name for entry in chosen):
        strays = verify.strays(settings.target, name, everything)
        findings += [stray for stray in strays if values.get("period") in (None, stray.period)]
    show(listing(findings, len(chosen), values), session, values.get("output"), values.get("out"))
    if values.get("fail_on") and any(finding.result == "mismatch" for finding in findings):
        context.exit(FINDINGS)


def chosen_entries(entries: Sequence[LedgerEntry], provider: str | None, period: str | None) -> list[LedgerEntry]:
    if provider is not None:
        known = {entry.provider for entry in entries} | set(registry.names())
        if provider not in known:
            raise registry.missing(provider, sorted(known))
    month = Period.parse(period) if period is not None else None
    chosen = [
        entry for entry in entries if provider in (None, entry.provider) and (month is None or month == entry.period)
    ]
    if not chosen:
        what = " ".join(filter(None, (provider, period)))
        raise DataMissing(f"nothing{what and f' of {what}'} is loaded", hint="finops status shows what is loaded")
    return chosen


def _proof(entry: LedgerEntry, settings: Configured, no_files: bool) -> Proof:
    from finops_core.verify import Proof

    if entry.provider not in registry.names():
        return Proof(None, f"provider {entry.provider} is not installed")
    provider = registry.load(entry.provider)
    dataset = next((dataset for dataset in provider.datasets if dataset.name == entry.dataset), None)
    return Proof(dataset, "left out" if no_files or dataset is None else _files(provider, entry, settings))


def _files(provider: type[Provider], entry: LedgerEntry, settings: Configured) -> Provider | str:
    """The provider as it is configured for the entry's schema, or why it is not."""
    runs = provider_runs(provider, settings.sources)
    run = next((run for run in runs if run.dataset_name == entry.dataset_name), None)
    if run is None:
        return f"no export is configured for schema {entry.dataset_name}"
    try:
        return run.build()
    except ConfigError as error:
        return f"not configured: {error.what}"


def listing(findings: Sequence[Finding], periods: int, values: Any) -> Listing:
    count = {result: sum(finding.result == result for finding in findings) for result in ("mismatch", "changed")}
    unread = sum(finding.result == "not checked" for finding in findings)
    what = f"{counted(periods, 'billing period')}, {counted(len(findings), 'comparison')}"
    notes = [f"{what}: {count['mismatch']} do not agree" if count["mismatch"] else f"{what}: all agree"]
    if count["changed"]:
        notes.append(
            f"{count['changed']} changed: the column detail says what; an import, perhaps with --force, brings it"
        )
    if unread:
        notes.append(f"{unread} not checked: the column detail says why")
    filters = {key: values[key] for key in ("provider", "period") if values.get(key)}
    currencies = {finding.currency for finding in findings if finding.currency}
    return Listing(
        "verify",
        FIELDS,
        [_row(finding) for finding in findings],
        notes=tuple(notes),
        period=values.get("period"),
        currency=next(iter(currencies)) if len(currencies) == 1 else None,
        cost_metric="the bill's own cost column; for focus and rollup the billed cost",
        filters=filters,
    )


def _row(finding: Finding) -> dict[str, Any]:
    row = asdict(finding)
    return {**row, "billing_period": row["period"], "ledger_cost": row["expected"]}
