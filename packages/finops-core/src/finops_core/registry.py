"""Which providers are installed, from package metadata alone, and the one that is asked for, as code.

Listing imports no provider. `load` imports exactly one, so that a broken one breaks nothing but itself.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from finops_core.errors import ProviderBroken, ProviderMissing
from finops_core.hooks import COMMANDS_GROUP, CONTRACT, GROUP, OLDEST_CONTRACT

if TYPE_CHECKING:
    from finops_core.provider import Provider

NAME = re.compile(r"[a-z][a-z0-9_-]*")
"""What a provider may be called: the name is a command, a TOML table and part of environment variables and schemas."""

_WAYS_TO_BREAK = (
    ImportError,
    SyntaxError,
    AttributeError,
    NameError,
    TypeError,
    ValueError,
    LookupError,
    OSError,
    RuntimeError,
    AssertionError,
)
"""What importing somebody else's module raises in practice. Each becomes ProviderBroken, with the cause attached."""


@dataclass(frozen=True)
class Plugin:
    """One provider as its distribution's metadata describes it. `import_command` is "" where the metadata has none."""

    name: str
    version: str
    distribution: str
    import_command: str
    summary: str
    entry: EntryPoint


def plugins() -> list[Plugin]:
    """Every installed provider, by name. A name that two distributions claim stands there twice."""
    commands = dict(_import_commands())
    found: dict[tuple[str, str], Plugin] = {}
    for entry in entry_points(group=GROUP):
        distribution, version, summary = _distribution(entry)
        command = commands.get((entry.name, distribution), "")
        plugin = Plugin(entry.name, version, distribution, command, summary, entry)
        found.setdefault((entry.name, distribution), plugin)
    return [found[key] for key in sorted(found)]


def names() -> list[str]:
    """The names of the installed providers, each once, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find(name: str) -> Plugin:
    """Raises ProviderMissing when no package brings it, ProviderBroken when several do."""
    installed = plugins()
    matches = [plugin for plugin in installed if plugin.name == name]
    if not matches:
        raise missing(name, [plugin.name for plugin in installed])
    if len(matches) > 1:
        both = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in matches)
        raise ProviderBroken(
            f"provider {name!r} is claimed by {both}",
            where=f"entry-point group {GROUP!r}",
            hint=f"uninstall all but one of them, for example: pip uninstall {matches[-1].distribution}",
        )
    return matches[0]


def missing(name: str, installed: list[str]) -> ProviderMissing:
    """The error for a provider that is not there, with the nearest that is, or the package that would bring it."""
    close = difflib.get_close_matches(name, installed, n=1)
    install = f"pip install finops-{name}" if NAME.fullmatch(name) else "finops plugins list shows what is installed"
    hint = f"did you mean {close[0]!r}? Otherwise: {install}" if close else install
    there = f"installed providers: {', '.join(installed)}" if installed else "no provider is installed"
    return ProviderMissing(f"provider {name!r} is not installed", where=there, hint=hint)


def load(name: str) -> type[Provider]:
    """Import one provider and check that it keeps the contract. Raises ProviderMissing or ProviderBroken."""
    plugin = find(name)
    try:
        provider = _ask(plugin.entry.load(), name)
    except _WAYS_TO_BREAK as error:
        hint = _UPDATE_CORE if _lacks_something_of_core(error) else ""
        raise _broken(plugin, f"cannot be imported: {type(error).__name__}: {error}", hint) from error
    if problem := _problem(provider, plugin):
        raise _broken(plugin, problem, _UPDATE_CORE if problem.startswith(_NEWER) else "")
    return provider


def _ask(module: ModuleType, name: str) -> type[Provider]:
    import pluggy

    from finops_core import hooks

    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    try:
        manager.register(module, name)
    except pluggy.PluginValidationError as error:
        raise TypeError(str(error)) from error
    provider: type[Provider] = manager.hook.finops_provider()
    return provider


def _problem(provider: object, plugin: Plugin) -> str:
    """Why this is not a provider that core can run; "" when it is one."""
    from finops_core.provider import Provider

    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        return f"its hook finops_provider returned {provider!r}, not a class derived from finops_core.Provider"
    if unsupported := _unsupported(provider.contract):
        return unsupported
    absent = [fact for fact in ("name", "title", "import_command", "datasets") if not hasattr(provider, fact)]
    if absent:
        return f"class {provider.__name__} does not say its {', '.join(absent)}"
    if provider.name != plugin.name:
        return f"its class calls itself {provider.name!r}, its entry point {plugin.name!r}"
    if not NAME.fullmatch(provider.name):
        return f"{provider.name!r} is not a name: use lower-case letters, digits, - and _"
    if "__dataclass_fields__" not in vars(provider) or not _frozen(provider):
        return f"class {provider.__name__} is not a @dataclass(frozen=True)"
    if plugin.import_command and plugin.import_command != provider.import_command:
        return f"its metadata promises {plugin.import_command!r}, its class brings {provider.import_command!r}"
    return next(filter(None, (dataset.unknown for dataset in provider.datasets)), "")


_NEWER = "it was built for a newer finops"


def _unsupported(contract: object) -> str:
    """Why a provider of this contract cannot run here; "" when it can."""
    if not isinstance(contract, int):
        return f"its contract is {contract!r}, which is no whole number"
    if contract > CONTRACT:
        return f"{_NEWER}: it is written for contract {contract}, and this one knows contracts up to {CONTRACT}"
    if contract < OLDEST_CONTRACT:
        return f"it was built for an older finops: contract {contract} is gone, this one begins with {OLDEST_CONTRACT}"
    return ""


def _frozen(provider: type[Provider]) -> bool:
    parameters = getattr(provider, "__dataclass_params__", None)
    return dataclasses.is_dataclass(provider) and bool(getattr(parameters, "frozen", False))


def _broken(plugin: Plugin, problem: str, hint: str = "") -> ProviderBroken:
    remedy = hint or f"pip install --upgrade {plugin.distribution}, or pip uninstall it"
    return ProviderBroken(
        f"provider {plugin.name!r} cannot be used: {problem}",
        where=f"{plugin.distribution} {plugin.version}, module {plugin.entry.value}",
        hint=f"{remedy}; the other providers go on working",
    )


_UPDATE_CORE = "pip install --upgrade finops-core"


def _lacks_something_of_core(error: BaseException) -> bool:
    """A provider of a newer finops imports a name that this one does not have, before it can say its contract."""
    return isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "finops_core"


def _import_commands() -> Iterator[tuple[tuple[str, str], str]]:
    for entry in entry_points(group=COMMANDS_GROUP):
        provider, _, command = entry.name.partition(".")
        yield (provider, _distribution(entry)[0]), command


def _distribution(entry: EntryPoint) -> tuple[str, str, str]:
    """Name, version and summary of the distribution that an entry point stands in."""
    if entry.dist is None:
        return "unknown", "", ""
    return entry.dist.name, entry.dist.version, str(entry.dist.metadata.json.get("summary", ""))
