"""What one command works with: the project's settings, and a provider's, once per export."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finops_core.config.resolve import Origin, Sources, Value, resolve
from finops_core.config.settings import Common, Project, project_definitions, provider_definitions
from finops_core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from finops_core.provider import Provider

EXPORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
"""A name of `[PROVIDER.exports.NAME]`: it becomes part of a schema's name."""


@dataclass(frozen=True)
class ProviderRun:
    """One export of one provider, configured. `export` is the NAME of its table, "" for the provider's own section."""

    provider: type[Provider]
    export: str
    values: tuple[Value, ...]
    common: Common
    dataset_name: str

    @property
    def label(self) -> str:
        """For people: `Amazon Web Services, export main`."""
        return f"{self.provider.title}, export {self.export}" if self.export else self.provider.title

    def build(self) -> Provider:
        """The provider with its settings. Raises ConfigError naming the first one that is missing."""
        own = [value for value in self.values if value.definition.key not in Common.__dataclass_fields__]
        for value in own:
            if not value.is_set:
                raise _unset(value, self.export)
        try:
            return self.provider(**{value.definition.key: value.value for value in own})
        except ValueError as error:
            raise ConfigError(str(error), where=f"settings of {self.provider.name}") from error


def project(sources: Sources) -> Project:
    """The project's settings. Raises ConfigError for a section or key that does not exist."""
    return Project(**_by_key(project_values(sources)))


def project_values(sources: Sources) -> list[Value]:
    known = project_definitions()
    sources.file.check_keys("project", {definition.key for definition in known})
    return [resolve(definition, sources) for definition in known]


def provider_runs(provider: type[Provider], sources: Sources, chosen: str | None = None) -> list[ProviderRun]:
    """One run per export: the chosen one, else each `[NAME.exports.*]`, else the section `[NAME]` itself.

    Raises ConfigError for unknown keys and for two exports in one schema, UsageError for an export that is not there.
    """
    known = {definition.key for definition in provider_definitions(provider)}
    project_keys = {definition.key for definition in project_definitions()}
    sources.file.check_keys(provider.name, known, project_keys - known)
    exports = list(sources.file.exports(provider.name))
    if chosen is not None and chosen not in exports:
        raise _no_such_export(provider.name, chosen, exports)
    runs = [_run(provider, sources, export) for export in ([chosen] if chosen else exports or [""])]
    unflagged = Sources({}, sources.environ, sources.file)
    others = [_run(provider, unflagged, export) for export in exports if chosen and export != chosen]
    _check_apart(runs + others, sources)
    return runs


def _run(provider: type[Provider], sources: Sources, export: str) -> ProviderRun:
    if export and not EXPORT_NAME.fullmatch(export):
        raise ConfigError(
            f"{export!r} is not a name for an export",
            where=sources.file.where(provider.name, "exports", export),
            hint="use letters, digits, - and _, at most 41",
        )
    values = [resolve(definition, sources, export) for definition in provider_definitions(provider)]
    default = f"{provider.name}_billing{f'_{export}' if export else ''}".lower().replace("-", "_")
    common = Common(**_by_key(value for value in values if value.definition.key in Common.__dataclass_fields__))
    dataset_name = common.dataset_name or default
    shown = [
        Value(value.definition, default, Origin("default")) if _is_unset_dataset_name(value) else value
        for value in values
    ]
    return ProviderRun(provider, export, tuple(shown), common, dataset_name)


def _is_unset_dataset_name(value: Value) -> bool:
    return value.definition.key == "dataset_name" and value.value is None


def _check_apart(runs: Iterable[ProviderRun], sources: Sources) -> None:
    """Two exports in one schema would replace each other's tables."""
    seen: dict[str, str] = {}
    for run in runs:
        other = seen.setdefault(run.dataset_name, run.export)
        if other != run.export:
            raise ConfigError(
                f"exports {other!r} and {run.export!r} would both go into schema {run.dataset_name}",
                where=sources.file.where(run.provider.name, "exports", run.export),
                hint="give each its own dataset_name, and set none in the provider's section, environment or flags",
            )


def _no_such_export(section: str, chosen: str, exports: list[str]) -> UsageError:
    close = difflib.get_close_matches(chosen, exports, n=1)
    if close:
        hint = f"did you mean {close[0]!r}?"
    elif exports:
        hint = f"there are {', '.join(exports)}"
    else:
        hint = f"the configuration has no [{section}.exports.NAME] tables"
    return UsageError(f"there is no export {chosen!r}", where="--export", hint=hint)


def _unset(value: Value, export: str) -> ConfigError:
    definition = value.definition
    table = f"{definition.section}.exports.{export}" if export else definition.section
    return ConfigError(
        f"{definition.section} needs the setting {definition.key!r}: {definition.help}",
        where=f"[{table}]",
        hint=f"give {definition.flag}, set {definition.environment[1]}, or write {definition.key} in config.toml",
    )


def _by_key(values: Iterable[Value]) -> dict[str, Any]:
    return {value.definition.key: value.value for value in values}
