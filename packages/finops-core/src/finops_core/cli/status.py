"""`finops status`: what is loaded now, from the import ledger."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.completion import providers
from finops_core.cli.flags import configured, project_flags
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.output import Field, Listing, counted, shown_money

if TYPE_CHECKING:
    from typer._click import Context

    from finops_core.ledger import LedgerEntry

FIELDS = (
    Field("provider", "provider"),
    Field("export", "export"),
    Field("billing_period", "period"),
    Field("version", "version", spare=True),
    Field("state", "state"),
    Field("rows", "rows", "number"),
    Field("cost", "cost", "money"),
    Field("loaded_at", "loaded at (UTC)", "time", spare=True),
    Field("dataset_name", "schema", spare=True),
)

TEXTS = Texts(
    "What is loaded: each billing period with its version, rows and cost per currency.\n\n"
    "A period is final when the provider has closed it, and estimated before.",
    "finops status aws -o json",
)

ProviderArgument = Annotated[
    str | None, typer.Argument(metavar="PROVIDER", help="Only this provider.", autocompletion=providers)
]


def command() -> ActionCommand:
    keyword = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter("provider", keyword, default=None, annotation=ProviderArgument),
        inspect.Parameter("output", keyword, default=None, annotation=OutputOption),
        inspect.Parameter("out", keyword, default=None, annotation=OutOption),
        *project_flags(),
    ]
    return ActionCommand("status", status, params(options), TEXTS)


def status(context: Context) -> None:
    """Raises ProviderMissing for a provider that is neither installed nor in the ledger."""
    from finops_core.ledger import loaded_periods

    provider = context.params.get("provider")
    entries = loaded_periods(configured(context.params).target)
    if provider is not None:
        known = {entry.provider for entry in entries} | set(registry.names())
        if provider not in known:
            raise registry.missing(provider, sorted(known))
        entries = [entry for entry in entries if entry.provider == provider]
    show(standing(entries, provider), Session.of(context), context.params.get("output"), context.params.get("out"))


def standing(entries: Sequence[LedgerEntry], provider: str | None = None) -> Listing:
    """The ledger's entries as a listing, with totals per currency as a note."""
    totals: dict[str, Decimal] = {}
    for entry in entries:
        for code, amount in entry.totals.items():
            totals[code] = totals.get(code, Decimal(0)) + amount
    count, rows = len(entries), sum(entry.rows for entry in entries)
    cost = f", {shown_money(totals)}" if totals else ""
    note = f"{counted(count, 'billing period')}, {counted(rows, 'row')}{cost}" if entries else "nothing is loaded"
    filters = {"provider": provider} if provider else {}
    return Listing(
        "status",
        FIELDS,
        [_row(entry) for entry in entries],
        notes=(note,),
        currency=next(iter(totals)) if len(totals) == 1 else None,
        cost_metric="the bill's own cost column" if entries else None,
        filters=filters,
    )


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "provider": entry.provider,
        "export": entry.export,
        "billing_period": str(entry.period),
        "version": entry.version,
        "state": None if entry.final is None else "final" if entry.final else "estimated",
        "rows": entry.rows,
        "cost": dict(sorted(entry.totals.items())),
        "loaded_at": entry.loaded_at,
        "dataset_name": entry.dataset_name,
    }
