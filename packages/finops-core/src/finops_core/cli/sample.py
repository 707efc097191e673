"""`finops sample`: bills that are generated, laid out as the provider would deliver them."""

from __future__ import annotations

import difflib
import inspect
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli import completion
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.session import Session
from finops_core.errors import UsageError
from finops_core.periods import Period
from finops_core.provider import Provider, SampleRequest

if TYPE_CHECKING:
    from typer._click import Context

DEFAULTS = SampleRequest(Path(), "")

TEXTS = Texts(
    "Write generated bills as a provider would deliver them, with truth.json: the exact rows and totals to expect.\n\n"
    "Prints the command that imports them.",
    "finops sample aws --out bills --months 6 --rows 100000 --redeliver 2024-02",
)


def command() -> ActionCommand:
    return ActionCommand("sample", sample, params(_parameters()), TEXTS)


def sample(context: Context) -> None:
    values = context.params
    provider = registry.load(values["name"])
    redeliver = values.get("redeliver")
    request = SampleRequest(
        out=Path(values["out"]),
        format=chosen_format(provider, values.get("format")),
        months=values["months"],
        rows=values["rows"],
        seed=values["seed"],
        last=Period.parse(values["last"]),
        redeliver=Period.parse(redeliver) if redeliver else None,
    )
    settings = provider.sample(request)
    sys.stdout.write(f"{import_line(provider, settings)}\n")
    Session.of(context).note(f"{request.format}, {request.months} months, seed {request.seed}, in {request.out}")


def _parameters() -> list[inspect.Parameter]:
    name = typer.Argument(metavar="NAME", help="An installed provider.", autocompletion=completion.providers)
    form = typer.Option(
        metavar="FORMAT", help="The provider's first one if unset.", autocompletion=completion.sample_formats
    )
    months = typer.Option(min=1, metavar="MONTHS", help="Billing months.")
    rows = typer.Option(min=1, metavar="ROWS", help="Rows in all, about.")
    seed = typer.Option(metavar="NUMBER", help="The same gives the same bills.")
    last = typer.Option(metavar="YYYY-MM", help="Last month.", autocompletion=completion.months)
    again = "Deliver this month once more, restated."
    redeliver = typer.Option(metavar="YYYY-MM", help=again, autocompletion=completion.months)
    return [
        _parameter("name", Annotated[str, name]),
        _parameter("out", Annotated[str, typer.Option(metavar="DIR", help="Folder that the bills are written to.")]),
        _parameter("format", Annotated[str | None, form], None),
        _parameter("months", Annotated[int, months], DEFAULTS.months),
        _parameter("rows", Annotated[int, rows], DEFAULTS.rows),
        _parameter("seed", Annotated[int, seed], DEFAULTS.seed),
        _parameter("last", Annotated[str, last], str(DEFAULTS.last)),
        _parameter("redeliver", Annotated[str | None, redeliver], None),
    ]


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def chosen_format(provider: type[Provider], wanted: str | None) -> str:
    """Raises UsageError when the provider has no generator, or not this format."""
    formats = provider.sample_formats
    if not formats:
        raise UsageError(f"provider {provider.name!r} cannot generate bills")
    if wanted is not None and wanted not in formats:
        close = difflib.get_close_matches(wanted, formats, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(formats)}"
        raise UsageError(f"provider {provider.name!r} has no format {wanted!r}", where="--format", hint=hint)
    return wanted or formats[0]


def import_line(provider: type[Provider], settings: dict[str, Any]) -> str:
    """The command line that imports with these settings."""
    words = ["finops", provider.name, provider.import_command]
    for key, value in settings.items():
        flag = f"--{key.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            words += [flag, str(item)]
    return shlex.join(words)
