"""A provider for tests: one CSV file per month in a directory, `2024-01.csv`; its version is its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from finops_core import (
    Column,
    Dataset,
    Delivery,
    Found,
    LocalFile,
    Period,
    Provider,
    SourceFile,
    Staging,
    Window,
    setting,
)
from finops_core.store import DirectoryStore, fetch_all

KNOWN = {"id": "VARCHAR", "service": "VARCHAR", "cost": "DECIMAL(38,18)", "currency": "VARCHAR", "day": "TIMESTAMP"}


def rule(found: Sequence[Found]) -> list[Column]:
    return [Column(f.name.lower(), KNOWN.get(f.name.lower(), "VARCHAR"), f.name) for f in found]


HERE = Path(__file__).parent
BILL = Dataset(
    name="bill",
    title="toy bill",
    columns=rule,
    known=KNOWN,
    required=("cost",),
    cost="cost",
    currency="currency",
    focus=HERE / "toy.sql",  # type: ignore[arg-type]
    checks=HERE / "toy_checks.sql",  # type: ignore[arg-type]
)


@dataclass(frozen=True)
class Toy(Provider):
    name: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy Cloud"
    import_command: ClassVar[str] = "import-billing"
    datasets: ClassVar[tuple[Dataset, ...]] = (BILL,)

    folder: Path = setting(help="Where the bills lie.")

    def discover(self, window: Window) -> Iterator[Delivery]:
        for item in DirectoryStore(self.folder).list(""):
            period = Period.parse(item.key.removesuffix(".csv"))
            if period in window:
                version = hashlib.sha256((self.folder / item.key).read_bytes()).hexdigest()[:12]
                files = (SourceFile(item.key, item.size),)
                yield Delivery("toy", "toys", period, version, "bill", "csv", files, modified=item.modified)

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterable[LocalFile]:
        return fetch_all(DirectoryStore(self.folder), delivery.files, staging.folder, staging.progress)
