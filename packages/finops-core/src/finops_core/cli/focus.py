"""`finops focus explain`: why a FOCUS column has its value."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Group, Texts, example, params
from finops_core.cli.completion import providers
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.output import Field, Listing, printable

if TYPE_CHECKING:
    from finops_core.focus.conversion import Rule
    from finops_core.focus.mapping import Explained

app = typer.Typer(
    cls=Group,
    help="Why FOCUS rows are as they are.",
    epilog=example("finops focus explain EffectiveCost"),
    rich_markup_mode=None,
    add_completion=False,
)

TEXTS = Texts(
    "The rule of a FOCUS column in words, the SQL that carries it out, and the columns of the bill that it uses, for "
    "each dataset of the installed providers.",
    "finops focus explain EffectiveCost --provider aws",
    "The rule behind a column, its SQL and its sources.",
)

FIELDS = (
    Field("provider", "provider"),
    Field("dataset", "dataset"),
    Field("column", "column"),
    Field("rule", "rule"),
    Field("sources", "sources"),
    Field("sql", "SQL"),
    Field("uses", "values in between"),
)

WIDTH = 100


@app.callback()
def _group() -> None:
    pass


def command() -> Any:
    def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    column = typer.Argument(metavar="COLUMN", help="A FOCUS column, or an x_ column of a provider.")
    provider = typer.Option(metavar="NAME", help="Only this provider.", autocompletion=providers)
    options = [
        option("column", Annotated[str, column], inspect.Parameter.empty),
        option("provider", Annotated[str | None, provider]),
        option("output", OutputOption),
        option("out", OutOption),
    ]
    group = typer.main.get_command(app)
    if isinstance(group, Group):
        group.add_command(ActionCommand("explain", explain_column, params(options), TEXTS))
    return group


def explain_column(context: Any) -> None:
    """Raises UsageError for a column that no FOCUS row has, ProviderMissing for a provider that is not installed."""
    from finops_core.focus.mapping import explained

    values, session = context.params, Session.of(context)
    names = [values["provider"]] if values.get("provider") else registry.names()
    found = explained([registry.load(name) for name in names], values["column"])
    if values.get("output") in (None, "table") and not values.get("out"):
        sys.stdout.write(prose(found))
        return
    filters = {key: values[key] for key in ("column", "provider") if values.get(key)}
    show(
        Listing("focus-explain", FIELDS, [_row(item) for item in found], filters=filters),
        session,
        values.get("output"),
        values.get("out"),
    )


def prose(found: Sequence[Explained]) -> str:
    """For people: one paragraph per rule; datasets that share it stand above it."""
    from finops_core.focus.columns import columns

    facts = {column.name: column for column in columns()}
    name = found[0].column if found else ""
    lines = []
    if name in facts:
        column = facts[name]
        null = "may be null" if column.allows_nulls else "never null"
        lines = [*textwrap.wrap(f"{name} ({column.type}, {column.feature_level}, {null}): {column.meaning}", WIDTH), ""]
    groups: dict[Rule | None, list[str]] = {}
    for item in found:
        groups.setdefault(item.rule, []).append(f"{item.provider} {item.dataset}")
    for rule, datasets in groups.items():
        lines.append(", ".join(datasets))
        lines += _paragraph(rule) if rule else ["  null: the bill does not say"]
        lines.append("")
    return "".join(f"{printable(line)}\n" for line in lines[:-1])


def _paragraph(rule: Rule) -> list[str]:
    lines = _wrapped(rule.text, "  ")
    lines += _wrapped("from: " + (", ".join(rule.sources) or "no column of the bill"), "  ", "        ")
    lines += [f"      {line}" for line in rule.sql.splitlines()]
    for step in rule.steps:
        lines += _wrapped(f"{step.name}: {step.text}", "    ")
        lines += [f"      {line}" for line in step.sql.splitlines()]
    return lines


def _wrapped(text: str, first: str, more: str | None = None) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=first if more is None else more)


def _row(item: Explained) -> dict[str, Any]:
    rule = item.rule
    return {
        "provider": item.provider,
        "dataset": item.dataset,
        "column": item.column,
        "rule": rule.text if rule else None,
        "sources": ", ".join(rule.sources) if rule else None,
        "sql": " ".join(rule.sql.split()) if rule else None,
        "uses": "; ".join(f"{step.name} = {' '.join(step.sql.split())}" for step in rule.steps) if rule else None,
    }
