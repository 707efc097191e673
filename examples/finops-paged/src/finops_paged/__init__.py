"""Paged Cloud as a provider of finops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core import hookimpl

if TYPE_CHECKING:
    from finops_paged.provider import Paged


@hookimpl
def finops_provider() -> type[Paged]:
    from finops_paged.provider import Paged

    return Paged
