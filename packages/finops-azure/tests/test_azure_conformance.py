"""Azure keeps every promise of a provider, in each of its shapes of bill. Exceptions stand here, with their reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from finops_azure.provider import Azure
from finops_core import Delivery, Provider
from finops_core.testing import Bills, ProviderSuite, SampledBills


class AzureBills(SampledBills):
    def empty(self, delivery: Delivery) -> None:
        super().empty(delivery)
        for folder in {(self.root / file.key).parent for file in delivery.files}:
            manifest = json.loads((folder / "manifest.json").read_text())
            for blob in manifest["blobs"]:
                blob |= {"byteCount": (self.root / blob["blobName"]).stat().st_size, "dataRowCount": 0}
            manifest |= {"byteCount": sum(blob["byteCount"] for blob in manifest["blobs"]), "dataRowCount": 0}
            (folder / "manifest.json").write_text(json.dumps(manifest))


class AzureSuite(ProviderSuite):
    provider: ClassVar[type[Provider]] = Azure
    many_rows: ClassVar[int] = 8_000
    format: ClassVar[str]

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        yield AzureBills(Azure, folder, cls.format, location="container", cost="CostInBillingCurrency")


@pytest.mark.slow
@pytest.mark.xdist_group("azure TestMcaCsv")
class TestMcaCsv(AzureSuite):
    format = "mca-csv"


@pytest.mark.slow
@pytest.mark.xdist_group("azure TestFocus")
class TestFocus(AzureSuite):
    format = "focus-1.2"
