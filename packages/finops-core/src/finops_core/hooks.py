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

The contract
------------
What a provider may rely on: everything that `finops_core` exports, `finops_core.errors`, `finops_core.store`,
`finops_core.arrow`, `finops_core.testing`, the form of the FOCUS and checks files, and what each of them says it does.
It has a number, and a provider states the one that it was written for in its class: `contract: ClassVar[int] = 1`.

* Additions keep the number: a field or a parameter with a default, a method with a body, another helper, a further
  promise of the conformance kit.
* What would make an unchanged provider fail, or load other rows than before, raises it by one. The release notes say
  what to change, and the conformance kit tests it.
* finops runs providers of OLDEST_CONTRACT up to CONTRACT. A contract that has a successor goes on working for a year
  and two minor releases at least; in that time `finops plugins check` warns.
* A provider of a newer contract is refused: update finops-core. One of a contract that is gone is refused as well:
  update the provider. Either breaks that provider alone.
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

OLDEST_CONTRACT = 1
"""The oldest contract whose providers still run."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec(firstresult=True)
def finops_provider() -> type[Provider]:  # type: ignore[empty-body]
    """Return the provider's class. Must not import an SDK: the class's own methods do that."""
