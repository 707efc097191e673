"""`finops plugins`: what is installed, from package metadata alone; a new package; one that is checked.

Only `check` imports a provider, the one that it checks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from finops_core import registry
from finops_core.cli.command import Command, Group, example
from finops_core.cli.completion import exports, providers
from finops_core.cli.listing import OutOption, OutputOption, show
from finops_core.cli.session import Session
from finops_core.output import Field, Listing

FIELDS = (
    Field("name", "name"),
    Field("version", "version"),
    Field("distribution", "distribution"),
    Field("import_command", "import command"),
)

app = typer.Typer(
    cls=Group,
    help="The installed providers: list, check, or write a new one.",
    epilog=example("finops plugins list"),
    rich_markup_mode=None,
    add_completion=False,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="An installed provider.", autocompletion=providers)]
NewArgument = Annotated[str, typer.Argument(metavar="NAME", help="What it will be called: `finops NAME`.")]
FolderOption = Annotated[
    str, typer.Option("--out", metavar="DIR", help="Folder in which the folder finops-NAME is made; here if unset.")
]
ExportOption = Annotated[
    str | None,
    typer.Option(
        "--export", metavar="EXPORT", help="Only the export of [NAME.exports.EXPORT].", autocompletion=exports
    ),
]
FileOption = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Configuration file; else FINOPS_CONFIG, else ./config.toml."),
]


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


@app.command("new", cls=Command, epilog=example("finops plugins new acme --out ~/src"))
def new_plugin(context: typer.Context, name: NewArgument, out: FolderOption = ".") -> None:
    """Write the package of a new provider, tests and all."""
    from finops_core.scaffold import new

    folder = new(name, Path(out))
    sys.stdout.write(f"{folder}\n")
    session = Session.of(context)
    session.note("its README.md says what is where; tests/ is every promise of a provider")
    session.suggest(f"cd {folder} && python -m pip install -e . 'finops-core[testing]' && pytest")


@app.command("check", cls=Command, epilog=example("finops plugins check aws"))
def check_plugin(
    context: typer.Context,
    name: NameArgument,
    export: ExportOption = None,
    config: FileOption = None,
    output: OutputOption = None,
    out: OutOption = None,
) -> None:
    """Check a provider on your settings. Reads no bill; exits with 1 on a failure."""
    from finops_core.cli.flags import configured
    from finops_core.plugin_check import check, failed, listing

    listed = listing(name, check(name, configured({"config": config}).sources, export))
    show(listed, Session.of(context), output, out)
    if failed(listed):
        raise typer.Exit(1)
