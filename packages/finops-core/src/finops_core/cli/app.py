"""The root command: builtin commands from the catalog, and a group for each installed provider."""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

import finops_core
from finops_core import registry
from finops_core.cli.catalog import CATALOG, GROUPS, PROVIDERS_GROUP
from finops_core.cli.command import CONTEXT, Group, example
from finops_core.errors import FinopsError, UsageError

if TYPE_CHECKING:
    from typer._click import Context

HELP = "Load cloud bills whole and exact into DuckDB, in FOCUS, and prove it."


class Root(Group):
    """Commands are found when they are named; help lists them without importing any."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [entry.name for entry in CATALOG] + registry.names()

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        for entry in CATALOG:
            if entry.name == cmd_name:
                module = importlib.import_module(f"finops_core.cli.{entry.module}")
                return module.command()
        if cmd_name not in registry.names():
            return None
        from finops_core.cli.provider import ProviderGroup

        return ProviderGroup(cmd_name)

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            raise _unknown(args[0])
        return args[0], command, args[1:]

    def format_commands(self, ctx: Context, formatter: Any) -> None:
        rows: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
        for plugin in registry.plugins():
            rows[PROVIDERS_GROUP][plugin.name] = plugin.summary
        for entry in CATALOG:
            rows[entry.group][entry.name] = entry.help
        width = max(len(name) for group in rows.values() for name in group)
        for group, commands in rows.items():
            if commands:
                with formatter.section(group):
                    formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])


def root() -> Any:
    """The command tree, ready to run."""
    app = typer.Typer(
        cls=Root,
        help=HELP,
        epilog=example("finops aws import-cur --bucket acme-billing --start-date 2024-01"),
        context_settings=CONTEXT,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root_options)
    return typer.main.get_command(app)


def _root_options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda value: _show_version(value), is_eager=True, help="Show versions."),
    ] = False,
) -> None:
    pass


def _show_version(value: bool) -> None:
    if not value:
        return
    lines = [f"finops {finops_core.__version__}"]
    lines += [f"{plugin.name} {plugin.version} ({plugin.distribution})" for plugin in registry.plugins()]
    sys.stdout.write("\n".join(lines) + "\n")
    raise typer.Exit


def _unknown(name: str) -> FinopsError:
    """A misspelled command, or a provider that is not installed."""
    installed = registry.names()
    builtin = [entry.name for entry in CATALOG]
    close = difflib.get_close_matches(name, builtin + installed, n=1)
    if close and close[0] in builtin:
        return UsageError(f"there is no command {name!r}", where="finops", hint=f"did you mean {close[0]!r}?")
    return registry.missing(name, installed)
