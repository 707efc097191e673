"""The one hook that a provider package implements, and the markers for it.

Entry-point group `finops`, entry-point name = provider name, value = a module with:

    @finops_core.hookimpl
    def finops_provider() -> type[Provider]:
        return MyProvider

A second group, `finops.commands`, lets `finops plugins list` name the import command without importing anything. In
the provider's pyproject.toml:

    [project.entry-points.finops]
    acme = "finops_acme"

    [project.entry-points."finops.commands"]
    "acme.import-billing" = "finops_acme"

The name is the provider's name, a dot, and the class's `import_command`; the value is the same module. Without it the
provider works and that column is empty; if it contradicts the class, the provider is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from finops_core.provider import Provider

GROUP = "finops"
"""Entry-point group and pluggy project name."""

COMMANDS_GROUP = "finops.commands"
"""Entry-point group whose names are `PROVIDER.IMPORT-COMMAND`."""

CONTRACT = 1
"""Raised when a provider written for the old contract would no longer work unchanged."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec(firstresult=True)
def finops_provider() -> type[Provider]:  # type: ignore[empty-body]
    """Return the provider's class. Must not import an SDK: the class's own methods do that."""
