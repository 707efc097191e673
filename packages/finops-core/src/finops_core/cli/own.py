"""`finops NAME COMMAND` for the commands that a provider adds: flags from its parameters, output of every kind."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.flags import configured, export_flag, given, output_flags, setting_flag, text_flag
from finops_core.cli.listing import show
from finops_core.cli.session import Session
from finops_core.commands import Command
from finops_core.config import Definition, Sources, provider_definitions, provider_runs
from finops_core.config.resolve import resolve
from finops_core.config.settings import Common
from finops_core.errors import UsageError
from finops_core.output import Field, Kind, Listing

if TYPE_CHECKING:
    from typer._click import Context

    from finops_core.provider import Provider


def own_command(provider: type[Provider], command: Command, location: str) -> ActionCommand:
    """The command, ready to run. `location`: the title of the flags that say where the bills are."""
    settings = [item for item in provider_definitions(provider) if item.key not in Common.__dataclass_fields__]
    flags: list[inspect.Parameter] = [
        *(setting_flag(_marked(item), "What to list") for item in command.parameters),
        *(setting_flag(item, location) for item in settings),
        export_flag(location),
        text_flag("config", "Configuration file; else FINOPS_CONFIG, else ./config.toml.", location, "FILE"),
        *output_flags(),
    ]
    texts = Texts(command.facts.help, command.facts.example or f"finops {provider.name} {command.name} -o json")
    return ActionCommand(command.name, lambda context: _answer(provider, command, context), params(flags), texts)


def _marked(parameter: Definition) -> Definition:
    """With its help saying that it must be given: unlike a setting it can stand nowhere else."""
    return replace(parameter, help=f"{parameter.help} [required]") if parameter.required else parameter


def _answer(provider: type[Provider], command: Command, context: Context) -> None:
    values = context.params
    arguments = _arguments(command, values)
    settings = configured(values, provider_definitions(provider))
    runs = provider_runs(provider, settings.sources, values.get("export"))
    rows: list[Mapping[str, Any]] = []
    for run in runs:
        rows += [{"export": run.export, **row} for row in command.answer(run.build(), arguments)]
    columns = ("export", *command.facts.columns) if len(runs) > 1 else command.facts.columns
    fields = tuple(Field(name, name.replace("_", " "), _kind(row.get(name) for row in rows)) for name in columns)
    filters = {"provider": provider.name, **({"export": [run.export for run in runs]} if runs[0].export else {})}
    show(Listing(command.name, fields, rows, filters=filters), Session.of(context), values["output"], values["out"])


def _arguments(command: Command, values: Mapping[str, Any]) -> dict[str, Any]:
    flags = Sources(flags=given(values, command.parameters))
    found = [resolve(item, flags) for item in command.parameters]
    if missing := [value.definition for value in found if not value.is_set]:
        raise UsageError(f"{missing[0].flag} is missing: {missing[0].help}", where=command.name)
    return {value.definition.key: value.value for value in found}


def _kind(values: Iterable[Any]) -> Kind:
    kinds: Sequence[tuple[type | tuple[type, ...], Kind]] = (
        (bool, "flag"),
        ((int, Decimal), "number"),
        (dt.datetime, "time"),
    )
    present = [value for value in values if value is not None]
    return next((kind for types, kind in kinds if present and all(isinstance(v, types) for v in present)), "text")
