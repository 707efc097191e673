"""Setting definitions as flags, and the flags that were given as configuration."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli import completion
from finops_core.cli.listing import OutOption, OutputOption
from finops_core.config import ConfigFile, Definition, Project, Sources, project
from finops_core.config.resolve import Flag
from finops_core.config.settings import REQUIRED, project_definitions
from finops_core.config.values import shown
from finops_core.periods import Period

if TYPE_CHECKING:
    from finops_core.load import Target

PROJECT_PANEL = "Project"


def setting_flag(definition: Definition, panel: str) -> inspect.Parameter:
    """The flag of one setting. Its text is read by config, so that a mistake is reported as in any other source."""
    kinds: dict[type, Any] = {bool: bool | None, tuple: list[str] | None}
    flag = f"{definition.flag}/--no-{definition.flag[2:]}" if definition.kind is bool else definition.flag
    unset = (None, REQUIRED, "", (), False)
    default = "" if definition.default in unset else f" [default: {shown(definition.default)}]"
    option = typer.Option(
        flag,
        help=f"{definition.help}{default}",
        metavar=_metavar(definition),
        rich_help_panel=panel,
        show_default=False,
        autocompletion=_offered(definition),
    )
    kind = kinds.get(definition.kind, str | None)
    return inspect.Parameter(
        definition.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _offered(definition: Definition) -> Callable[[], Sequence[str]] | None:
    if definition.choices:
        return lambda: definition.choices
    return completion.months if definition.kind is Period else None


def switch(name: str, help: str, panel: str) -> inspect.Parameter:
    """A flag of a command that is no setting."""
    option = typer.Option(f"--{name.replace('_', '-')}", help=help, rich_help_panel=panel)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option])


def text_flag(
    name: str, help: str, panel: str, metavar: str, offered: Callable[..., Sequence[str]] | None = None
) -> inspect.Parameter:
    """`offered`: what a shell completes it with, see completion.py."""
    flag = f"--{name.replace('_', '-')}"
    option = typer.Option(flag, help=help, rich_help_panel=panel, metavar=metavar, autocompletion=offered)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


def export_flag(panel: str) -> inspect.Parameter:
    return text_flag(
        "export", "Only the export of [NAME.exports.EXPORT]; all of them if unset.", panel, "EXPORT", completion.exports
    )


def output_flags() -> list[inspect.Parameter]:
    annotations = {"output": OutputOption, "out": OutOption}
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in annotations.items()
    ]


def project_flags() -> list[inspect.Parameter]:
    config = text_flag("config", "Configuration file; else FINOPS_CONFIG, else ./config.toml.", PROJECT_PANEL, "FILE")
    return [config, *(setting_flag(definition, PROJECT_PANEL) for definition in project_definitions())]


@dataclass(frozen=True)
class Configured:
    """What a command works with: the three sources, and the project they give."""

    sources: Sources
    project: Project

    @property
    def target(self) -> Target:
        """Where bills are loaded. Raises ConfigError for a destination that does not exist."""
        from finops_core.load import Target

        settings = self.project
        return Target.parse(
            settings.destination,
            settings.data_dir,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            lock_wait=settings.lock_wait,
        )


def configured(values: Mapping[str, Any], known: Sequence[Definition] = ()) -> Configured:
    """Read the configuration for the flags that were given (`values`: option name -> what Typer parsed).

    Raises ConfigError for what is wrong in the file's sections, in `[project]`, or in the flags and variables for it.
    """
    chosen = values.get("config")
    file = ConfigFile.find(Path(chosen) if chosen else None, os.environ)
    file.check_sections({"project", *registry.names()})
    sources = Sources(given(values, (*known, *project_definitions())), os.environ, file)
    return Configured(sources, project(sources))


def given(values: Mapping[str, Any], known: Sequence[Definition]) -> dict[str, Flag]:
    """The settings that were given as flags."""
    found: dict[str, Flag] = {}
    for definition in known:
        value = values.get(definition.key)
        if value is not None and value != () and value != []:
            found[definition.key] = list(value) if isinstance(value, (list, tuple)) else value
    return found


def _metavar(definition: Definition) -> str | None:
    if definition.kind is bool:
        return None
    if definition.choices:
        return f"[{'|'.join(definition.choices)}]"
    shapes = {
        "Path": "PATH",
        "Count": "NUMBER",
        "Positive": "NUMBER",
        "int": "NUMBER",
        "ByteSize": "SIZE",
        "Period": "YYYY-MM",
    }
    return definition.metavar or shapes.get(definition.kind.__name__, "TEXT")
