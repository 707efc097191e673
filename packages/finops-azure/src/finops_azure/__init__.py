"""Azure bills: Cost Management exports, from Blob Storage or a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core import hookimpl

if TYPE_CHECKING:
    from finops_azure.provider import Azure


@hookimpl
def finops_provider() -> type[Azure]:
    from finops_azure.provider import Azure

    return Azure
