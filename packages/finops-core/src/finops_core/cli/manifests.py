"""`finops NAME list-manifests`, and the plan that `--dry-run` shows: the same list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finops_core.cli.flags import Configured, configured
from finops_core.cli.listing import show
from finops_core.cli.session import Session
from finops_core.cli.switches import Switches, import_options
from finops_core.config import ProviderRun, provider_definitions, provider_runs
from finops_core.output import Field, Listing
from finops_core.report import Note

if TYPE_CHECKING:
    from typer import Context

    from finops_core.plan import Step
    from finops_core.provider import Provider

FIELDS = (
    Field("export", "export"),
    Field("billing_period", "period"),
    Field("version", "version"),
    Field("format", "format", spare=True),
    Field("files", "files", "number"),
    Field("bytes", "bytes", "bytes"),
    Field("last_modified", "last modified", "time", spare=True),
    Field("loaded_version", "loaded now", spare=True),
    Field("action", "action"),
    Field("reason", "reason"),
)


def list_manifests(provider: type[Provider], context: Context) -> None:
    """List the newest delivery of each period with what an import would do; changes nothing."""
    settings = configured(context.params, provider_definitions(provider))
    runs = provider_runs(provider, settings.sources, context.params.get("export"))
    listing = planned(runs, settings, Switches())
    show(listing, Session.of(context), context.params.get("output"), context.params.get("out"))


def planned(runs: Sequence[ProviderRun], settings: Configured, switches: Switches) -> Listing:
    """The plan of all runs. An export without a delivery in the window is a note."""
    from finops_core.pipeline import plan_import
    from finops_core.progress import told_once

    steps, notes = [], []
    window = runs[0].common.window
    for run in runs:
        found = plan_import(run.build(), import_options(run, settings, switches))
        steps += found
        notes += told_once([Note(step.delivery.period, note, note) for step in found for note in step.delivery.notes])
        if not found:
            notes.append(f"{run.label}: there is no delivery from {run.common.window}")
    period = f"{window.start or ''}/{window.end or ''}" if window.start or window.end else None
    exports = [run.export for run in runs if run.export]
    filters = {"provider": runs[0].provider.name, **({"export": exports} if exports else {})}
    rows = [_row(step) for step in steps]
    return Listing("list-manifests", FIELDS, rows, tuple(notes), filters=filters, period=period)


def _row(step: Step) -> dict[str, Any]:
    delivery = step.delivery
    return {
        "export": delivery.export,
        "billing_period": str(delivery.period),
        "version": delivery.version,
        "format": delivery.format,
        "files": len(delivery.files),
        "bytes": delivery.bytes,
        "last_modified": delivery.modified,
        "loaded_version": step.loaded.version if step.loaded else None,
        "action": step.action,
        "reason": step.reason,
    }
