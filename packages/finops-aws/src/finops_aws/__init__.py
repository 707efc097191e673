"""AWS bills: CUR v1, CUR 2.0 and AWS FOCUS exports, from S3 or a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finops_core import hookimpl

if TYPE_CHECKING:
    from finops_aws.provider import Aws


@hookimpl
def finops_provider() -> type[Aws]:
    from finops_aws.provider import Aws

    return Aws
