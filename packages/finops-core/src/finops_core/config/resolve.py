"""Precedence, for one setting at a time: CLI flag > environment > TOML file > default; and where a value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from finops_core.config.files import ConfigFile
from finops_core.config.settings import Definition
from finops_core.config.values import from_text, from_toml, shown
from finops_core.errors import ConfigError

Flag = str | bool | list[str]


@dataclass(frozen=True)
class Origin:
    """Where a value came from. `where` names the flag, the variable or `file:line`; "" for a default."""

    kind: Literal["flag", "environment", "file", "default"]
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}" if self.kind in ("flag", "environment") else self.where or self.kind


@dataclass(frozen=True)
class Sources:
    """The three places besides the defaults. `flags` holds only those that were given, by setting key."""

    flags: Mapping[str, Flag] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    file: ConfigFile = field(default_factory=ConfigFile)


@dataclass(frozen=True)
class Value:
    """The effective value of a setting. `value` is None where a required setting is given nowhere (`is_set`)."""

    definition: Definition
    value: Any
    origin: Origin
    is_set: bool = True

    @property
    def shown(self) -> str:
        """Fit for a screen: secrets are masked, also where a provider's default holds one."""
        return "********" if self.definition.secret and self.value else shown(self.value)


def resolve(definition: Definition, sources: Sources, export: str = "") -> Value:
    """The effective value, for one export of the provider. Raises ConfigError for a value that cannot be read.

    An environment variable that is set to nothing is not set; a text that is empty unsets a setting that may be unset.
    """
    if definition.key in sources.flags:
        return _read(definition, sources.flags[definition.key], Origin("flag", definition.flag))
    for name in definition.environment:
        if sources.environ.get(name):
            return _read(definition, sources.environ[name], Origin("environment", name))
    found = sources.file.lookup(definition.section, export, definition.key)
    if found is not None:
        return _read(definition, found[0], Origin("file", found[1]))
    default = None if definition.required else definition.default
    return Value(definition, default, Origin("default"), is_set=not definition.required)


def _read(definition: Definition, raw: object, origin: Origin) -> Value:
    if raw == "" and definition.optional:
        return Value(definition, None, origin)
    try:
        if origin.kind == "file" or not isinstance(raw, str):
            value = from_toml(definition.kind, definition.choices, raw)
        else:
            value = from_text(definition.kind, definition.choices, raw)
    except ValueError as error:
        what = f"{definition.key} cannot be read" if definition.secret else f"{definition.key}: {error}"
        raise ConfigError(what, where=str(origin), hint=definition.help) from None
    return Value(definition, value, origin)
