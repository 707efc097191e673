"""Acme Cloud keeps every promise of a provider; finops_core.testing says which there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from finops_core import Period, Provider, Window
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


@pytest.mark.parametrize("key", ["delivery", "files"])
def test_a_manifest_that_lacks_a_key_fails_its_own_month(key: str, tmp_path: Path) -> None:
    bills = AcmeBills(tmp_path)
    for period in (Period(2024, 1), Period(2024, 2)):
        bills.deliver(period, 5)
    manifest = tmp_path / "2024-01" / "manifest.json"
    content = json.loads(manifest.read_text())
    del content[key]
    manifest.write_text(json.dumps(content))
    broken, sound = sorted(bills.provider.discover(Window()), key=lambda delivery: delivery.period)
    assert key in broken.problem
    assert not sound.problem
