"""`finops export focus`: FOCUS rows as a file, in any version of FOCUS."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from finops_core import registry
from finops_core.cli import completion
from finops_core.cli.command import ActionCommand, Group, Texts, example, params
from finops_core.cli.flags import configured, project_flags
from finops_core.cli.session import Session
from finops_core.errors import UsageError
from finops_core.focus.columns import VERSION, VERSIONS
from finops_core.output import counted, shown_bytes
from finops_core.periods import Period, Window

app = typer.Typer(
    cls=Group,
    help="Write what is loaded as a file.",
    epilog=example("finops export focus --out 2024-01.parquet --start-date 2024-01 --end-date 2024-01"),
    rich_markup_mode=None,
    add_completion=False,
)

TEXTS = Texts(
    "Write FOCUS rows as Parquet or CSV, in FOCUS " + ", ".join(VERSIONS[:-1]) + f" or {VERSIONS[-1]}.\n\n"
    "Columns of FOCUS stand first, in the specification's order, columns of finops (x_) after them. Costs keep all "
    "their digits. The metadata that FOCUS asks for is written beside the file, as NAME.metadata.json. The file is "
    "data for programs: values are as in the bill, also those that a spreadsheet would take for a formula.",
    "finops export focus --focus-version 1.2 --provider aws --start-date 2024-01 --out focus.parquet",
    "FOCUS rows as Parquet or CSV.",
)


@app.callback()
def _group() -> None:
    pass


def command() -> Any:
    def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def text(help: str, metavar: str, offered: Callable[[], Sequence[str]]) -> Any:
        return Annotated[str | None, typer.Option(help=help, metavar=metavar, autocompletion=offered)]

    versions = typer.Option(
        metavar=f"[{'|'.join(VERSIONS)}]", help="Version of FOCUS.", autocompletion=lambda: VERSIONS
    )
    own = typer.Option("--x-columns/--no-x-columns", help="Also the columns that are not FOCUS's own.")
    options = [
        option("out", Annotated[str, typer.Option(metavar="FILE", help="A file ending in .parquet or .csv.")], ...),
        option("focus_version", Annotated[str, versions], VERSION),
        option("provider", text("Only this provider.", "NAME", completion.providers)),
        option("start_date", text("First billing month, included.", "YYYY-MM", completion.months)),
        option("end_date", text("Last billing month, included.", "YYYY-MM", completion.months)),
        option("x_columns", Annotated[bool, own], True),
        *project_flags(),
    ]
    group = typer.main.get_command(app)
    if isinstance(group, Group):
        group.add_command(ActionCommand("focus", focus, params(options), TEXTS))
    return group


def focus(context: Any) -> None:
    """Prints the file's name. Raises UsageError for what is not known, DataMissing when there is nothing."""
    from finops_core.export import Wanted, export_focus

    values, session = context.params, Session.of(context)
    start, end = (Period.parse(values[key]) if values.get(key) else None for key in ("start_date", "end_date"))
    version = str(values["focus_version"])
    if version not in VERSIONS:
        close = difflib.get_close_matches(version, VERSIONS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"versions are {', '.join(VERSIONS)}"
        raise UsageError(f"FOCUS {version} is not known", where="--focus-version", hint=hint)
    settings = configured(values)
    provider = values.get("provider")
    wanted = Wanted(version, provider, Window(start, end), bool(values["x_columns"]))
    if provider is not None and provider not in registry.names():
        _known(provider, settings.target)
    done = export_focus(settings.target, wanted, Path(values["out"]))
    sys.stdout.write(f"{values['out']}\n")
    session.note(
        f"FOCUS {version}: {counted(done.rows, 'row')}, {done.columns} columns, {shown_bytes(done.bytes)}; "
        f"{done.metadata.name}"
    )
    for name, count in done.lost.items():
        session.note(f"note: {name} is null in FOCUS {version} without a SkuPriceId: {count:,} rows had a value")


def _known(provider: str, target: Any) -> None:
    """A provider that is not installed any more may still be loaded. Raises ProviderMissing when it is neither."""
    from finops_core.ledger import loaded_periods

    loaded = {entry.provider for entry in loaded_periods(target)}
    if provider not in loaded:
        raise registry.missing(provider, sorted({*loaded, *registry.names()}))
