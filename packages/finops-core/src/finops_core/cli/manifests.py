"""`finops NAME list-manifests`, and the plan that `--dry-run` shows: the same list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from finops_core.cli.flags import Configured, configured
from finops_core.cli.importing import Switches, import_options
from finops_core.cli.listing import show
from finops_core.cli.session import Session
from finops_core.config import ProviderRun, provider_definitions, provider_runs
from finops_core.output import Field, Listing

if TYPE_CHECKING:
    from typer import Context

    from finops_core.plan import Step
    from finops_core.provider import Provider

FIELDS = (
    Field("export", "export"),
    Field("billing_period", "period"),
    Field("version", "version"),
    Field("format", "format"),
    Field("files", "files", "number"),
    Field("bytes", "bytes", "bytes"),
    Field("last_modified", "last modified", "time"),
    Field("loaded_version", "loaded now"),
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
    """The plan of all runs. Raises DataMissing when an export has no delivery in its window."""
    from finops_core.pipeline import plan_import

    steps = [step for run in runs for step in plan_import(run.build(), import_options(run, settings, switches))]
    window = runs[0].common.window
    period = f"{window.start or ''}/{window.end or ''}" if window.start or window.end else None
    exports = [run.export for run in runs if run.export]
    filters = {"provider": runs[0].provider.name, **({"export": exports} if exports else {})}
    notes = tuple(f"{step.delivery.period}: {note}" for step in steps for note in step.delivery.notes)
    return Listing("list-manifests", FIELDS, [_row(step) for step in steps], notes, filters=filters, period=period)


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
