"""The one hook that a provider package implements, and the markers for it.

Entry-point group `finops`, entry-point name = provider name, value = a module with:

    @finops_core.hookimpl
    def finops_provider() -> type[Provider]:
        return MyProvider
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from finops_core.provider import Provider

GROUP = "finops"
"""Entry-point group and pluggy project name."""

CONTRACT = 1
"""Raised when a provider written for the old contract would no longer work unchanged."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec(firstresult=True)
def finops_provider() -> type[Provider]:  # type: ignore[empty-body]
    """Return the provider's class. Must not import an SDK: the class's own methods do that."""
