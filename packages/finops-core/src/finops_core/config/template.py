"""A commented config.toml, made from the definitions of the installed providers. Secrets are named, never written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from finops_core.config.settings import Definition, project_definitions, provider_definitions

if TYPE_CHECKING:
    from finops_core.provider import Provider

HEADER = """\
# Configuration of finops. Everything here is commented out: the values are the defaults, or examples.
#
# A flag wins over an environment variable, that over this file, and this file over the default. Each setting names
# its flag and its variable; the variable with FINOPS_ before it works too, and wins.
# "finops config show --origin" lists every value in effect and where it came from.
# Secrets do not belong into this file. Credentials come from each cloud's own chain (profiles, roles, identities).
"""


def template(providers: Sequence[type[Provider]]) -> str:
    """The text of a new config.toml. The same providers always give the same text."""
    parts = [HEADER, "\n".join(_section("project", project_definitions()))]
    for provider in sorted(providers, key=lambda item: item.name):
        title = f"# {provider.title}: finops {provider.name} {provider.import_command}"
        lines = [title, *_section(provider.name, provider_definitions(provider)), *_export(provider.name)]
        parts.append("\n".join(lines))
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _section(name: str, known: Sequence[Definition]) -> Iterator[str]:
    yield f"[{name}]"
    for definition in known:
        yield from _setting(definition)


def _setting(definition: Definition) -> Iterator[str]:
    choices = f" One of: {', '.join(definition.choices)}." if definition.choices else ""
    required = " Required." if definition.required else ""
    yield ""
    yield f"# {definition.help}{choices}{required}"
    variable = definition.environment[1]
    if definition.secret:
        yield f"# A secret: set the environment variable {variable}, or {definition.flag}."
        return
    yield f"# {definition.flag}, {variable}"
    yield f"# {definition.key} = {toml_value(_example(definition))}"


def _example(definition: Definition) -> Any:
    """The default, or for a setting without one something of the right shape."""
    if definition.default not in (None, "") and not definition.required:
        return definition.default
    shape: dict[str, Any] = {"Period": "2024-01", "Positive": 4, "Count": 0, "int": 0, "bool": False, "tuple": ()}
    return shape.get(definition.kind.__name__, "")


def _export(section: str) -> Iterator[str]:
    yield ""
    yield "# One of several exports: overrides the section above. --export NAME chooses one; without it all run."
    yield f"# [{section}.exports.NAME]"
