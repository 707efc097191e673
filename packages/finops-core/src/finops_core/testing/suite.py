"""The suite: every promise in one class to subclass."""

from __future__ import annotations

from finops_core.testing.base import kept_by
from finops_core.testing.commands import CommandPromises
from finops_core.testing.discovery import DiscoveryPromises
from finops_core.testing.errors import ErrorPromises
from finops_core.testing.focus import FocusPromises
from finops_core.testing.importing import ImportPromises
from finops_core.testing.reading import ReadingPromises
from finops_core.testing.settings import SettingsPromises
from finops_core.testing.start import StartPromises


class ProviderSuite(
    StartPromises,
    SettingsPromises,
    CommandPromises,
    DiscoveryPromises,
    ReadingPromises,
    ErrorPromises,
    ImportPromises,
    FocusPromises,
):
    """What works as a provider. Set `provider`, override `bills`; the package's docstring has an example."""


def promises() -> dict[str, str]:
    """Promise -> what it says, in the order in which they are tested."""
    return {name: (test.__doc__ or "").strip() for name, test in kept_by(ProviderSuite).items()}
