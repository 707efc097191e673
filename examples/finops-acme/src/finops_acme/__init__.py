"""Acme Cloud as a provider of finops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core import hookimpl

if TYPE_CHECKING:
    from finops_acme.provider import Acme


@hookimpl
def finops_provider() -> type[Acme]:
    from finops_acme.provider import Acme

    return Acme
