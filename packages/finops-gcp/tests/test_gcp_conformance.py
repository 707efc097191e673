"""Google Cloud keeps every promise of a provider, on exported files. Exceptions stand here, with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

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


class TestDetailedParquet(GcpSuite):
    format = "detailed-parquet"
    rows = 1000
    """With fewer rows there are days on which a commitment covers nothing. Its fee is a Purchase then, without the
    Unused row beside it that the generator counts."""


class TestFocusParquet(GcpSuite):
    format = "focus-parquet"
    rows = 6000
    """The generator's company uses the same storage in however many rows: in few, one has more byte-seconds than
    DECIMAL(38,18) can hold."""
    check_exceptions: ClassVar[Mapping[str, str]] = {
        "R1": "the generator's fees of commitments have a price 3 % below list, and cost the list price"
    }
