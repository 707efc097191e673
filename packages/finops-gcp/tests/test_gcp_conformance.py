"""Google Cloud keeps every promise of a provider, on exported files. Exceptions stand here, with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from finops_core import Provider
from finops_core.testing import Bills, ProviderSuite, SampledBills
from finops_gcp.provider import Gcp


class GcpSuite(ProviderSuite):
    provider: ClassVar[type[Provider]] = Gcp
    many_rows: ClassVar[int] = 8_000
    format: ClassVar[str]

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        yield SampledBills(Gcp, folder, cls.format, location="bucket", cost="cost")


@pytest.mark.slow
@pytest.mark.xdist_group("gcp TestDetailedParquet")
class TestDetailedParquet(GcpSuite):
    format = "detailed-parquet"


@pytest.mark.slow
@pytest.mark.xdist_group("gcp TestFocusParquet")
class TestFocusParquet(GcpSuite):
    format = "focus-parquet"
