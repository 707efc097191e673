"""`finops config`: show what is in effect and why, write a new file, say where the file is."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Command, Group, Texts, example, params
from finops_core.cli.completion import providers
from finops_core.cli.flags import configured, export_flag, output_flags, project_flags
from finops_core.cli.listing import show
from finops_core.cli.session import Session
from finops_core.config import Sources, Value, provider_definitions, provider_runs
from finops_core.config.files import location
from finops_core.config.runs import project_values
from finops_core.config.template import template
from finops_core.errors import ConfigError
from finops_core.output import Field, Listing

if TYPE_CHECKING:
    from typer._click import Context

    from finops_core.provider import Provider

app = typer.Typer(
    cls=Group,
    help="Show, create and find the configuration.",
    epilog=example("finops config show --origin"),
    rich_markup_mode=None,
    add_completion=False,
)

FileOption = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Configuration file; else FINOPS_CONFIG, else ./config.toml."),
]

FIELDS = (
    Field("section", "section"),
    Field("export", "export"),
    Field("setting", "setting"),
    Field("value", "value"),
)
ORIGIN = Field("origin", "origin")


SHOW = Texts(
    "Show every setting in effect, for the project and for each installed provider. Secrets are masked.\n\n"
    "With a PROVIDER only its own, and its flags may be given as to its commands: what wins is shown.",
    "finops config show aws --bucket acme-billing --origin",
    "Show every setting in effect.",
)


class ShowCommand(ActionCommand):
    """It has the flags of the provider that is named among its words, wherever that stands."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        from finops_core.cli.provider import BILLS, setting_flags

        named = next((word for word in args if word in registry.names()), None)
        if named:
            self.params += params([*setting_flags(registry.load(named)), export_flag(BILLS)])
        return super().parse_args(ctx, args)


def command() -> Any:
    group = typer.main.get_command(app)
    keyword = inspect.Parameter.KEYWORD_ONLY
    origin = Annotated[bool, typer.Option("--origin", help="Also where each value comes from.")]
    whose = typer.Argument(metavar="PROVIDER", help="One provider; all when left out.", autocompletion=providers)
    options = [
        inspect.Parameter("provider", keyword, default=None, annotation=Annotated[str | None, whose]),
        inspect.Parameter("origin", keyword, default=False, annotation=origin),
        *output_flags(),
        *project_flags(),
    ]
    if isinstance(group, Group):
        group.add_command(ShowCommand("show", show_config, params(options), SHOW))
    return group


def show_config(context: Context) -> None:
    fields = (*FIELDS, ORIGIN) if context.params.get("origin") else FIELDS
    name = context.params.get("provider")
    providers = [registry.load(each) for each in ([name] if name else registry.names())]
    known = provider_definitions(providers[0]) if name else ()
    sources = configured(context.params, known).sources
    listing = effective(sources, providers, fields, context.params.get("export"))
    show(listing, Session.of(context), context.params.get("output"), context.params.get("out"))


@app.callback()
def _group() -> None:
    pass


@app.command("init", cls=Command, epilog=example("finops config init"))
def init_config(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    config: FileOption = None,
) -> None:
    """Write a commented config.toml with every setting of the installed providers. Asks nothing, writes no secrets."""
    path, _ = location(Path(config) if config else None, os.environ)
    text = template([registry.load(name) for name in registry.names()])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} is there already", where=str(path), hint="--force replaces it") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", where=str(path)) from error
    sys.stdout.write(f"{path}\n")
    Session.of(context).suggest("finops config show --origin")


@app.command("path", cls=Command, epilog=example("finops config path"))
def config_path(context: typer.Context, config: FileOption = None) -> None:
    """Print the path of the configuration file that commands read, whether it is there or not."""
    path, named_by = location(Path(config) if config else None, os.environ)
    sys.stdout.write(f"{path.absolute()}\n")
    session = Session.of(context)
    session.note(f"named by {named_by}" if named_by else "the default")
    if not path.exists():
        session.note("it is not there: finops config init writes it")


def effective(
    sources: Sources, providers: Sequence[type[Provider]], fields: tuple[Field, ...], export: str | None
) -> Listing:
    """Every value in effect, for these providers. Raises ConfigError for anything in the file that is wrong."""
    file = sources.file
    unread = file.check_sections({"project", *registry.names()})
    rows = [_row(value, "") for value in project_values(sources)]
    for provider in providers:
        for run in provider_runs(provider, sources, export):
            rows += [_row(value, run.export) for value in run.values]
    notes = [f"configuration: {file.path}" if file.path else "there is no configuration file"]
    notes += [f"[{name}] is read by no installed provider (pip install finops-{name}?)" for name in unread]
    return Listing("config", fields, rows, notes=tuple(notes))


def _row(value: Value, export: str) -> dict[str, Any]:
    definition = value.definition
    return {
        "section": definition.section,
        "export": export or None,
        "setting": definition.key,
        "value": value.shown if value.value is not None else None,
        "origin": str(value.origin) if value.is_set else "not set",
    }
