"""Import a provider's bills: discover -> plan -> fetch -> stage -> load, one billing period after the other.

Files of the next period are fetched while one is loaded. A period that fails keeps its old rows, and the others go on;
the report says which failed and why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_core.errors import (
    DataMissing,
    DeliveryError,
    DeliveryReplaced,
    DestinationLocked,
    DiskFull,
    FinopsError,
    ValueDoesNotFit,
)
from finops_core.fetching import Fetches
from finops_core.ledger import loaded_periods
from finops_core.load import get_ready, load
from finops_core.options import ImportOptions
from finops_core.periods import Window
from finops_core.plan import Step, Wishes, plan
from finops_core.provider import Provider
from finops_core.report import ImportReport, Note, Reporter

if TYPE_CHECKING:
    import duckdb

    from finops_core.account import Account
    from finops_core.schema import KnownColumn
    from finops_core.stage import Staged

__all__ = ["ImportOptions", "ImportReport", "import_period", "plan_import", "run_import"]


def plan_import(provider: Provider, options: ImportOptions) -> list[Step]:
    """What an import would do now, nothing where nothing is delivered in the window; changes nothing."""
    deliveries = list(provider.discover(options.window))
    wishes = Wishes(options.force, options.table_strategy, options.focus, options.raw)
    return plan(deliveries, loaded_periods(options.target, options.dataset_name), wishes)


def run_import(provider: Provider, options: ImportOptions, reporter: Reporter) -> ImportReport:
    """Import every delivery that is new or has changed. Failures of single periods stand in the report.

    Raises what makes going on pointless: no access, nothing found, a locked database.
    """
    began = time.monotonic()
    steps = plan_import(provider, options)
    if not steps:
        raise DataMissing(
            f"{provider.title}: there is no delivery from {options.window}",
            hint=f"`finops {provider.name} list-manifests` without dates shows what is there",
        )
    reporter.planned(steps)
    todo = [step for step in steps if step.action in ("load", "reload")]
    if todo:
        get_ready()
    report = ImportReport()
    with Fetches(provider, options.target.data_dir, reporter, todo) as fetches:
        for step in steps:
            _take(provider, options, step, fetches, report, reporter)
    report.seconds = time.monotonic() - began
    reporter.finished(report)
    return report


def _take(
    provider: Provider,
    options: ImportOptions,
    step: Step,
    fetches: Fetches,
    report: ImportReport,
    reporter: Reporter,
) -> None:
    if step.action == "skip":
        report.skipped.append(step)
        return
    from finops_core.account import told

    reporter.started(step)
    try:
        account = _import_newest(provider, options, step, fetches, reporter)
    except DestinationLocked:
        raise
    except FinopsError as error:
        report.failed.append((step, error))
        reporter.failed(step, error)
        return
    report.loaded.append(step)
    report.rows += account.rows
    report.files += len(account.staged.files)
    report.bytes += account.staged.bytes
    for code, cost in account.costs.items():
        report.totals[code] = report.totals.get(code, Decimal(0)) + cost
    reporter.loaded(step, account.rows, account.costs)
    topics = {told(check): f"{check.id} {check.title}" for check in account.checks if not check.ok}
    report.notes += [Note(step.delivery.period, topics.get(note, note), note) for note in account.notes]


def _import_newest(
    provider: Provider, options: ImportOptions, step: Step, fetches: Fetches, reporter: Reporter
) -> Account:
    """Import a step; once more with what is there now, if the delivery was replaced while it was read, or alone, if
    the files of another period took the last room on the disk."""
    if step.action == "fail":
        raise DeliveryError(step.reason, where=step.delivery.manifest, hint=step.delivery.hint)
    try:
        return import_period(options, step, fetches, reporter)
    except DiskFull:
        if not fetches.give_room():
            raise
        reporter.note(f"{step.delivery.period}: the disk was full; again, with the files of this period alone")
        return import_period(options, step, fetches, reporter)
    except DeliveryReplaced:
        period = step.delivery.period
        newest = [found for found in provider.discover(Window(period, period)) if not found.problem]
        if len(newest) != 1:
            raise
        reporter.note(f"{period}: the delivery was replaced while it was read; reading the new one")
        return import_period(options, replace(step, delivery=newest[0]), fetches, reporter)


def import_period(options: ImportOptions, step: Step, fetches: Fetches, reporter: Reporter) -> Account:
    """Stage and load one delivery. Afterwards all of it is in the destination, or nothing has changed."""
    from finops_core import schema
    from finops_core.assemble import scratch
    from finops_core.stage import stage
    from finops_core.stage.widen import widened

    known = schema.known_columns(options.target, options.dataset_name, step.delivery.export)
    names, types = schema.names_so_far(known), schema.types_so_far(known)
    with fetches.fetched(step) as (fetched, folder), scratch(folder) as connection:
        staged = stage(fetched, connection, names, types)
        reporter.staged(step, len(staged.files))
        try:
            return _load(options, step, staged, connection, known, reporter)
        except ValueDoesNotFit as error:
            wider = widened(connection, staged, names, error.column)
            if wider is None:
                raise
            return _load(options, step, wider, connection, known, reporter)


def _load(
    options: ImportOptions,
    step: Step,
    staged: Staged,
    connection: duckdb.DuckDBPyConnection,
    known: Iterable[KnownColumn],
    reporter: Reporter,
) -> Account:
    from finops_core import schema
    from finops_core.assemble import assemble
    from finops_core.stage.faults import explained
    from finops_core.stage.widen import told

    account, package = assemble(options, step, staged, connection)
    account.notes += told(staged)
    account.notes += schema.told(schema.changes(known, step.delivery.period, schema.columns_of(staged)))
    with explained(step.delivery, staged):
        load(options.target, package, reporter.note, lambda table, percent: reporter.writing(step, table, percent))
    return account
