"""`finops schema diff`: what came, went or changed type between two billing periods."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli import completion
from finops_core.cli.command import ActionCommand, Group, Texts, example, params
from finops_core.cli.flags import configured, project_flags
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.errors import DataMissing
from finops_core.output import Field, Listing, counted
from finops_core.periods import Period

if TYPE_CHECKING:
    from finops_core.ledger import LedgerEntry
    from finops_core.load import Target

app = typer.Typer(
    cls=Group,
    help="The columns of bills over time.",
    epilog=example("finops schema diff 2024-01 2024-02"),
    rich_markup_mode=None,
    add_completion=False,
)

TEXTS = Texts(
    "The columns that came, went or changed type between two billing months, by their names in the bill.",
    "finops schema diff 2024-01 2024-02 --provider aws",
    "Columns that came, went or changed type.",
)

FIELDS = (
    Field("provider", "provider", spare=True),
    Field("dataset_name", "schema", spare=True),
    Field("change", "change"),
    Field("part", "part", spare=True),
    Field("source_name", "column of the bill"),
    Field("column_name", "column", spare=True),
    Field("before", "type before"),
    Field("after", "type after"),
)


@app.callback()
def _group() -> None:
    pass


def command() -> Any:
    def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def month(name: str, help: str) -> inspect.Parameter:
        argument = typer.Argument(metavar=name.upper(), help=help, autocompletion=completion.months)
        return option(name, Annotated[str, argument], inspect.Parameter.empty)

    provider = typer.Option(metavar="NAME", help="Only this provider.", autocompletion=completion.providers)
    options = [
        month("before", "A billing month, YYYY-MM."),
        month("after", "Another one."),
        option("provider", Annotated[str | None, provider]),
        option("dataset_name", Annotated[str | None, typer.Option(metavar="SCHEMA", help="Only this schema.")]),
        option("output", OutputOption),
        option("out", OutOption),
        *project_flags(),
    ]
    group = typer.main.get_command(app)
    if isinstance(group, Group):
        group.add_command(ActionCommand("diff", diff, params(options), TEXTS))
    return group


def diff(context: Any) -> None:
    """Raises DataMissing when no schema holds both months, saying which it holds."""
    from finops_core.ledger import loaded_periods

    values = context.params
    before, after = Period.parse(values["before"]), Period.parse(values["after"])
    target = configured(values).target
    entries = loaded_periods(target)
    provider, dataset = values.get("provider"), values.get("dataset_name")
    if provider is not None and provider not in (known := {entry.provider for entry in entries} | {*registry.names()}):
        raise registry.missing(provider, sorted(known))
    chosen = [
        entry
        for entry in entries
        if provider in (None, entry.provider) and dataset in (None, entry.dataset_name) and entry.period == before
    ]
    both = [entry for entry in chosen if any(_same_export(entry, other) and other.period == after for other in entries)]
    if not both:
        raise _missing(entries, before, after)
    rows = [row for entry in both for row in changes(target, entry, after)]
    count = f"{counted(len(rows), 'change')} from {before} to {after}"
    filters = {key: values[key] for key in ("provider", "dataset_name") if values.get(key)}
    listing = Listing("schema-diff", FIELDS, rows, notes=(count,), period=f"{before}/{after}", filters=filters)
    show(listing, Session.of(context), values.get("output"), values.get("out"))


def changes(target: Target, entry: LedgerEntry, after: Period) -> list[dict[str, Any]]:
    from finops_core import schema

    known = schema.known_columns(target, entry.dataset_name, entry.export)
    old, new = ([column for column in known if column.period == month] for month in (entry.period, after))
    return [
        {
            "provider": entry.provider,
            "dataset_name": entry.dataset_name,
            "change": change.change,
            "part": change.part or None,
            "source_name": change.source,
            "column_name": change.name,
            "before": change.before or None,
            "after": change.after or None,
        }
        for change in schema.diff(old, new)
    ]


def _same_export(one: LedgerEntry, other: LedgerEntry) -> bool:
    return (one.dataset_name, one.export) == (other.dataset_name, other.export)


def _missing(entries: Sequence[LedgerEntry], before: Period, after: Period) -> DataMissing:
    there = ", ".join(sorted({str(entry.period) for entry in entries})) or "nothing"
    return DataMissing(f"{before} and {after} are not both loaded", where=f"loaded: {there}")
