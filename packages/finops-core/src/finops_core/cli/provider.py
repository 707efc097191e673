"""`finops NAME`: the commands of one provider, built from its class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from typer import Context

from finops_core import registry
from finops_core.cli.command import ActionCommand, Group, Texts, example, params
from finops_core.cli.flags import export_flag, output_flags, project_flags, setting_flag, switch
from finops_core.cli.importing import import_bills
from finops_core.cli.manifests import list_manifests
from finops_core.cli.own import own_command
from finops_core.commands import LIST_MANIFESTS, commands
from finops_core.config import Common, provider_definitions
from finops_core.errors import UsageError
from finops_core.provider import Provider

if TYPE_CHECKING:
    from typer._click import Context as BaseContext

LOCATION, BILLS, RUN = "Where the bills are", "Which bills, and how", "This run"


class ProviderGroup(Group):
    """Imports its provider when one of its commands or its help is asked for, not before."""

    def __init__(self, name: str) -> None:
        summary = next((plugin.summary for plugin in registry.plugins() if plugin.name == name), "")
        epilog = example(f"finops {name} {LIST_MANIFESTS}")
        super().__init__(name=name, help=summary, epilog=epilog, rich_markup_mode=None)

    def list_commands(self, ctx: BaseContext) -> list[str]:
        return list(self._built())

    def get_command(self, ctx: BaseContext, cmd_name: str) -> Any:
        return self._built().get(cmd_name)

    def resolve_command(self, ctx: BaseContext, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            raise _unknown(ctx.command_path, args[0], self.list_commands(ctx))
        return args[0], command, args[1:]

    def _built(self) -> dict[str, ActionCommand]:
        if not self.commands:
            provider = registry.load(str(self.name))
            self.commands.update({command.name or "": command for command in provider_commands(provider)})
        return {name: command for name, command in self.commands.items() if isinstance(command, ActionCommand)}


def provider_commands(provider: type[Provider]) -> list[ActionCommand]:
    """The import command and list-manifests of a provider class, and the commands that it adds."""
    name, title = provider.name, provider.title
    import_texts = Texts(
        f"Import the bills of {title}: what is new or has changed is loaded, the rest is left as it is.\n\n"
        f"Every setting may also stand in the environment ({_variable_example(provider)}) or in config.toml.",
        f"finops {name} {provider.import_command} --start-date 2024-01 --end-date 2024-03",
        "Import what is new or has changed.",
    )
    list_texts = Texts(
        f"List what {title} has delivered, what of it is loaded, and what an import would do.",
        f"finops {name} {LIST_MANIFESTS} --start-date 2024-01 -o json",
        "List what is delivered and what is loaded.",
    )
    importing = [*setting_flags(provider), *_import_switches(), *project_flags()]
    listing = [*setting_flags(provider), export_flag(BILLS), *output_flags(), *project_flags()]
    return [
        ActionCommand(provider.import_command, _with(provider, import_bills), params(importing), import_texts),
        ActionCommand(LIST_MANIFESTS, _with(provider, list_manifests), params(listing), list_texts),
        *(own_command(provider, command, LOCATION) for command in commands(provider)),
    ]


def _with(provider: type[Provider], action: Callable[[type[Provider], Context], None]) -> Callable[[BaseContext], None]:
    def run(context: Any) -> None:
        action(provider, context)

    return run


def setting_flags(provider: type[Provider]) -> list[inspect.Parameter]:
    """A flag for every setting of the provider."""
    return [
        setting_flag(definition, BILLS if definition.key in Common.__dataclass_fields__ else LOCATION)
        for definition in provider_definitions(provider)
    ]


def _import_switches() -> list[inspect.Parameter]:
    return [
        export_flag(BILLS),
        switch("dry_run", "Show what would be done, and do nothing.", RUN),
        switch("force", "Load again what is already loaded.", RUN),
        switch("no_focus", "Raw rows only.", RUN),
        switch("no_raw", "FOCUS rows only.", RUN),
        switch("allow_unbalanced", "Load a period although its FOCUS costs do not add up to the bill's.", RUN),
    ]


def _variable_example(provider: type[Provider]) -> str:
    definition = provider_definitions(provider)[0]
    return f"{definition.environment[1]} for {definition.flag}"


def _unknown(path: str, name: str, known: list[str]) -> UsageError:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"its commands are {', '.join(known)}"
    return UsageError(f"there is no command {name!r}", where=path, hint=hint)
