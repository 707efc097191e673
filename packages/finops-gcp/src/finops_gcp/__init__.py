"""Google Cloud bills: the billing export, from BigQuery, Cloud Storage or a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core import hookimpl

if TYPE_CHECKING:
    from finops_gcp.provider import Gcp


@hookimpl
def finops_provider() -> type[Gcp]:
    from finops_gcp.provider import Gcp

    return Gcp
