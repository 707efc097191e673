"""AWS keeps every promise of a provider, in each of its shapes of bill. Exceptions stand here, with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from finops_aws.provider import Aws
from finops_core import Provider
from finops_core.testing import Bills, ProviderSuite, SampledBills


class AwsSuite(ProviderSuite):
    provider: ClassVar[type[Provider]] = Aws
    many_rows: ClassVar[int] = 8_000
    format: ClassVar[str]

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        yield SampledBills(Aws, folder, cls.format, location="bucket", cost="UnblendedCost")


@pytest.mark.slow
@pytest.mark.xdist_group("aws TestCurV1Csv")
class TestCurV1Csv(AwsSuite):
    format = "cur-v1-csv"


@pytest.mark.slow
@pytest.mark.xdist_group("aws TestCurV2Parquet")
class TestCurV2Parquet(AwsSuite):
    format = "cur-v2-parquet"


@pytest.mark.slow
@pytest.mark.xdist_group("aws TestFocusParquet")
class TestFocusParquet(AwsSuite):
    format = "focus-1.2-parquet"
