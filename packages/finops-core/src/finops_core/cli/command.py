"""What every command and group of finops has: -q, -v and --debug, help in sections, lazily found subcommands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from finops_core.cli.session import Session

if TYPE_CHECKING:
    from typer._click import Context

CONTEXT: dict[str, Any] = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}
"""Help is wider than Typer's 80 columns where the terminal is: flags of settings are long."""

Param = TyperOption | TyperArgument


def params(parameters: Sequence[inspect.Parameter]) -> list[Param]:
    """Typer's options for a signature that is known only at run time."""

    def carrier() -> None: ...

    carrier.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(carrier)
    return [param for param in typer.main.get_command(app).params if isinstance(param, Param)]


def _set_quiet(context: typer.Context, value: bool) -> None:
    if value:
        Session.of(context).verbosity = -1


def _set_verbose(context: typer.Context, value: bool) -> None:
    if value:
        Session.of(context).verbosity = 1


def _set_debug(context: typer.Context, value: bool) -> None:
    if value:
        Session.of(context).debug = True


def _switch(name: str, flags: tuple[str, ...], callback: Callable[..., None], help: str) -> inspect.Parameter:
    option = typer.Option(*flags, callback=callback, expose_value=False, help=help, rich_help_panel=EVERYWHERE)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option])


EVERYWHERE = "Everywhere"
"""Title of the flags that every command has."""

GLOBAL = params(
    [
        _switch("quiet", ("--quiet", "-q"), _set_quiet, "Say nothing but errors."),
        _switch("verbose", ("--verbose", "-v"), _set_verbose, "Say more: files, and why each period is loaded or not."),
        _switch("debug", ("--debug",), _set_debug, "Show the traceback of an error."),
    ]
)


def _sections(command: TyperCommand | TyperGroup, context: Context, formatter: Any) -> None:
    """Options under the titles that they name, in the order in which the titles appear; the global ones last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is None:
            continue
        title = getattr(param, "rich_help_panel", None)
        if isinstance(param, TyperArgument):
            title, record = "Arguments", (param.display_name_raw, record[1])
        if param.name in ("help", "install_completion", "show_completion"):
            title = EVERYWHERE
        sections.setdefault(title or "Options", []).append(record)
    sections[EVERYWHERE] = sections.pop(EVERYWHERE)
    for title, records in sections.items():
        with formatter.section(title):
            formatter.write_dl(records)


class Command(TyperCommand):
    """A command. Use as `@app.command(cls=Command)`."""

    def get_params(self, ctx: Context) -> list[Any]:
        return [*super().get_params(ctx), *GLOBAL]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            # Typer does not say of which command a flag lacks its value.
            vars(error).update(ctx=getattr(error, "ctx", None) or ctx)
            raise

    def format_options(self, ctx: Context, formatter: Any) -> None:
        _sections(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands. Without a command it shows its help and exits with 0."""

    def get_params(self, ctx: Context) -> list[Any]:
        return [*super().get_params(ctx), *GLOBAL]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Context, formatter: Any) -> None:
        _sections(self, ctx, formatter)
        self.format_commands(ctx, formatter)


@dataclass(frozen=True)
class Texts:
    """Help of a command, and one realistic example of it."""

    help: str
    example: str
    short: str = ""

    @property
    def epilog(self) -> str:
        return example(self.example)


def example(command: str) -> str:
    """An epilog with one command line, kept as it is written."""
    return f"\b\nExample:\n  {command}"


class ActionCommand(Command):
    """A command whose options are known only at run time: it hands its context, with `params`, to one function."""

    def __init__(self, name: str, action: Callable[[Context], None], options: list[Param], texts: Texts) -> None:
        super().__init__(
            name,
            params=list(options),
            help=texts.help,
            epilog=texts.epilog,
            short_help=texts.short or None,
            rich_markup_mode=None,
        )
        self.action = action

    def invoke(self, ctx: Context) -> None:
        self.action(ctx)
