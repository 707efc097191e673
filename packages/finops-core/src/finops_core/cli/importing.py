"""`finops NAME IMPORT-COMMAND`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finops_core.cli.flags import Configured, configured
from finops_core.cli.listing import show
from finops_core.cli.manifests import planned
from finops_core.cli.session import Session
from finops_core.cli.switches import Switches, import_options
from finops_core.config import ProviderRun, provider_definitions, provider_runs
from finops_core.config.values import without_password
from finops_core.errors import AccessError, FinopsError, ImportFailed
from finops_core.progress import display_for, error_lines

if TYPE_CHECKING:
    from typer import Context

    from finops_core.pipeline import ImportReport
    from finops_core.provider import Provider


def import_bills(provider: type[Provider], context: Context) -> None:
    """Import each export. Raises what stopped it, or ImportFailed when some periods failed and others are loaded."""
    switches = Switches.of(context.params)
    settings = configured(context.params, provider_definitions(provider))
    runs = provider_runs(provider, settings.sources, context.params.get("export"))
    session = Session.of(context)
    if switches.dry_run:
        show(planned(runs, settings, switches), session, None, None)
        session.note("nothing was changed")
        return
    run_all(runs, settings, switches, session)
    session.suggest(shlex.join(["finops", "status", provider.name, *_same_place(context.params)]))


def _same_place(values: Mapping[str, Any]) -> list[str]:
    """The flags that make another command read the same database."""
    flags = {"--config": "config", "--data-dir": "data_dir", "--destination": "destination"}
    return [word for flag, key in flags.items() if values.get(key) for word in (flag, without_password(values[key]))]


def run_all(
    runs: Sequence[ProviderRun], settings: Configured, switches: Switches, session: Session
) -> list[ImportReport]:
    """Import one export after the other. One that cannot be imported does not keep the others from it."""
    reports: list[ImportReport] = []
    failures: dict[str, FinopsError] = {}
    for run in runs:
        try:
            reports.append(_run(run, settings, switches, session))
        except FinopsError as error:
            if len(runs) == 1:
                raise
            sys.stderr.write("".join(f"{line}\n" for line in (run.label, *error_lines(error))))
            failures[f"export {run.export}"] = error
    for report in reports:
        failures |= {f"{step.delivery.export} {step.delivery.period}": error for step, error in report.failed}
    if failures:
        raise _failed(failures)
    return reports


def _run(run: ProviderRun, settings: Configured, switches: Switches, session: Session) -> ImportReport:
    from finops_core.pipeline import run_import

    display = display_for(sys.stderr, session.verbosity, run.label)
    try:
        return run_import(run.build(), import_options(run, settings, switches), display)
    finally:
        display.close()


def _failed(failures: Mapping[str, FinopsError]) -> FinopsError:
    """The closing error. Refused everywhere is a matter of access, which a script may want to tell apart."""
    kind = AccessError if all(isinstance(error, AccessError) for error in failures.values()) else ImportFailed
    count = len(failures)
    return kind(
        f"{count} {'imports' if count > 1 else 'import'} failed; the errors stand above",
        where=", ".join(failures),
        hint="what failed keeps its old rows, everything else is loaded; run the same command again when it is fixed",
    )
