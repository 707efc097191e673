"""`finops plugins`: what is installed, from package metadata; imports no provider."""

from __future__ import annotations

import typer

from finops_core import registry
from finops_core.cli.command import Command, Group, example
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.output import Field, Listing

FIELDS = (
    Field("name", "name"),
    Field("version", "version"),
    Field("distribution", "distribution"),
    Field("import_command", "import command"),
)

app = typer.Typer(cls=Group, help="The installed providers.", rich_markup_mode=None, add_completion=False)


def command() -> object:
    return typer.main.get_command(app)


@app.callback()
def _group() -> None:
    pass


@app.command("list", cls=Command, epilog=example("finops plugins list -o json"))
def list_plugins(context: typer.Context, output: OutputOption = None, out: OutOption = None) -> None:
    """List the installed providers: name, version, distribution, import command."""
    rows = [
        {
            "name": plugin.name,
            "version": plugin.version,
            "distribution": plugin.distribution,
            "import_command": plugin.import_command or None,
        }
        for plugin in registry.plugins()
    ]
    names = [row["name"] for row in rows]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    notes = tuple(
        f"{name} is claimed by several packages and cannot be used until one is uninstalled" for name in twice
    )
    show(Listing("plugins", FIELDS, rows, notes=notes), Session.of(context), output, out)
