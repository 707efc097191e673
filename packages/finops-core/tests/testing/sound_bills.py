"""Sound Cloud's bills for any provider that reads them."""

from __future__ import annotations

from pathlib import Path

from finops_core import Period, Provider
from finops_core.testing import Bills, Truth
from finops_sound.sample import write_month


class SoundBills(Bills):
    def __init__(self, folder: Path, provider: type[Provider]) -> None:
        self.folder, self.kind, self.deliveries = folder, provider, 0
        self.provider = provider(bucket=folder.as_uri())

    def deliver(self, period: Period, rows: int) -> Truth:
        self.deliveries += 1
        return Truth.of(write_month(self.folder, period, rows, number=self.deliveries))

    def spoil(self, period: Period) -> None:
        newest = max(self.folder.glob(f"{period}/*/part-1.csv"))
        newest.write_bytes(newest.read_bytes()[:-1])

    def nowhere(self) -> Provider:
        return self.kind(bucket=(self.folder / "elsewhere").as_uri())
