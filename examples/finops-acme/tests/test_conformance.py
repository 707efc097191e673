"""Acme Cloud keeps every promise of a provider; finops_core.testing says which there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from finops_core import Period, Provider
from finops_core.testing import Bills, ProviderSuite, Truth

from finops_acme.provider import Acme
from finops_acme.sample import write_month


class AcmeBills(Bills):
    """Bills in a folder, and what the suite may do to them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.deliveries = folder, 0
        self.provider = Acme(bucket=folder.as_uri())

    def deliver(self, period: Period, rows: int) -> Truth:
        self.deliveries += 1
        return Truth.of(write_month(self.folder, period, rows, number=self.deliveries))

    def spoil(self, period: Period) -> None:
        newest = max(self.folder.glob(f"{period}/*/part-1.csv"))
        newest.write_bytes(newest.read_bytes()[:-1])

    def nowhere(self) -> Provider:
        return Acme(bucket=(self.folder / "elsewhere").as_uri())


class TestAcme(ProviderSuite):
    provider: ClassVar[type[Provider]] = Acme

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        yield AcmeBills(folder)
