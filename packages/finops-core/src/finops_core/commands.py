"""A provider's own commands: what its methods that are marked with `command` promise, and what they answer.

type[Provider] -> (Command, ...)      Command, Provider, {parameter: value} -> rows
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finops_core.config.settings import SWITCHES, Definition, parameter_definitions, provider_definitions
from finops_core.errors import ProviderBroken
from finops_core.provider import COMMAND_MARK, CommandFacts, Provider

LIST_MANIFESTS = "list-manifests"
"""The command that core builds for every provider, besides its import command."""


@dataclass(frozen=True)
class Command:
    """One command: the `method` that answers, and its `parameters`, each a flag."""

    method: str
    facts: CommandFacts
    parameters: tuple[Definition, ...]

    @property
    def name(self) -> str:
        return self.method.replace("_", "-")

    def answer(self, provider: Provider, arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rows of one call. Raises ProviderBroken for a column that the command does not name."""
        rows: list[Mapping[str, Any]] = list(getattr(provider, self.method)(**arguments))
        if strange := sorted({key for row in rows for key in row} - set(self.facts.columns)):
            raise _broken(type(provider), self.method, f"yields {strange[0]!r}, which is none of its columns")
        return rows


def commands(provider: type[Provider]) -> tuple[Command, ...]:
    """The commands that a class adds, in the order of its methods. Raises ProviderBroken for one that cannot be."""
    methods = dict.fromkeys(name for base in reversed(provider.__mro__) for name in vars(base))
    found = []
    for method in methods:
        facts = getattr(inspect.getattr_static(provider, method), COMMAND_MARK, None)
        if isinstance(facts, CommandFacts):
            found.append(_command(provider, method, facts))
    return tuple(found)


def _command(provider: type[Provider], method: str, facts: CommandFacts) -> Command:
    try:
        built = Command(method, facts, parameter_definitions(provider.name, getattr(provider, method)))
    except (TypeError, NameError) as error:
        raise _broken(provider, method, str(error)) from error
    taken = {item.key for item in provider_definitions(provider)} | set(SWITCHES)
    clashes = sorted(taken & {item.key for item in built.parameters})
    if clashes:
        raise _broken(provider, method, f"has a parameter {clashes[0]!r}, and there is a flag of that name already")
    if built.name in (provider.import_command, LIST_MANIFESTS):
        raise _broken(provider, method, f"is called {built.name}, as a command that every provider has")
    if not facts.columns:
        raise _broken(provider, method, "names no columns")
    if silent := [text for text in (facts.help, *(item.help for item in built.parameters)) if not text.endswith(".")]:
        raise _broken(provider, method, f"has a help text that is no sentence with its full stop: {silent[0]!r}")
    return built


def _broken(provider: type[Provider], method: str, problem: str) -> ProviderBroken:
    return ProviderBroken(
        f"command {method!r} of provider {provider.name!r} {problem}",
        where=f"class {provider.__module__}.{provider.__qualname__}",
        hint="this is a mistake in the provider's package; tell its authors",
    )
