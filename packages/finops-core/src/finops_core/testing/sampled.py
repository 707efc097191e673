"""Bills for a provider that generates its own (Provider.sample): what most suites need, in one place.

Generated months are laid into one directory, as if the provider had delivered them one after the other. A month is
delivered once, restated at most once, or emptied.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_core import Delivery, Period, Provider, SampleRequest, Window
from finops_core.store import directory_of
from finops_core.testing.bills import Bills, Truth


class SampledBills(Bills):
    """Bills of one format in a directory. `location` is the setting that names the directory, `cost` the entry of
    truth.json that holds the sums of the dataset's cost column."""

    def __init__(self, provider: type[Provider], folder: Path, format: str, *, location: str, cost: str) -> None:
        self.kind, self.folder, self.format = provider, folder, format
        self.location, self.cost = location, cost
        self.delivered: set[Period] = set()

    def deliver(self, period: Period, rows: int) -> Truth:
        request = SampleRequest(
            out=self.folder / "generated",
            format=self.format,
            months=1,
            rows=max(rows, 1),
            last=period,
            redeliver=period if period in self.delivered else None,
        )
        settings = self.kind.sample(request)
        tree = directory_of(settings[self.location])
        assert tree, f"the generator's setting {self.location} names no directory"
        self.root = self.folder / tree.name
        self.provider = self.kind(**{**settings, self.location: self.root.as_uri()})
        shutil.copytree(tree, self.root, dirs_exist_ok=True)
        facts = json.loads((request.out / "truth.json").read_text())["periods"][str(period)]
        shutil.rmtree(request.out)
        self.delivered.add(period)
        if not rows:
            self.empty(self.newest(period))
            return Truth(0, {})
        return self.truth(facts)

    def truth(self, facts: Mapping[str, Any]) -> Truth:
        """The truth about a month, from its entry in truth.json."""
        focus = facts["focus"]
        return Truth(facts["rows"], _money(facts[self.cost]), focus["rows"], _money(focus["BilledCost"]))

    def newest(self, period: Period) -> Delivery:
        [delivery] = self.provider.discover(Window(period, period))
        return delivery

    def empty(self, delivery: Delivery) -> None:
        """Take the rows out of the delivery's files. A manifest that counts rows or bytes is for a subclass."""
        for file in delivery.files:
            path = self.root / file.key
            times = path.stat()
            without_rows(path)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def spoil(self, period: Period) -> None:
        path = self.root / self.newest(period).files[0].key
        path.write_bytes(path.read_bytes()[:-9])

    def nowhere(self) -> Provider:
        return dataclasses.replace(self.provider, **{self.location: (self.folder / "nowhere").as_uri()})


def without_rows(path: Path) -> None:
    """Leave the header of a CSV or gzipped CSV file, the schema of a Parquet file, nothing of anything else."""
    if path.name.endswith(".parquet"):
        import pyarrow.parquet as pq

        pq.write_table(pq.read_schema(path).empty_table(), path)
    elif path.name.endswith(".gz"):
        with gzip.open(path) as stream:
            header = stream.readline()
        path.write_bytes(gzip.compress(header))
    else:
        with path.open("rb") as plain:
            header = plain.readline() if path.suffix == ".csv" else b""
        path.write_bytes(header)


def _money(sums: Mapping[str, str]) -> dict[str, Decimal]:
    return {code: Decimal(text) for code, text in sums.items()}
