"""Which bills Acme Cloud has delivered, and where their files are.

Each month has a folder. Its `manifest.json` names the delivery and every file of it:

    2024-01/manifest.json    {"delivery": "2024-01-0002", "files": [{"key": "2024-01/0002/part-1.csv", "bytes": 4711,
                              "md5": "5d41402abc4b2a76b9719d911017c592", "rows": 40}]}
    2024-01/0002/part-1.csv  the line items, see datasets.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from finops_core import (
    Dataset,
    Delivery,
    LocalFile,
    Period,
    Provider,
    SampleRequest,
    SourceFile,
    Staging,
    Window,
    setting,
)
from finops_core.errors import ConfigError
from finops_core.store import DirectoryStore, StoredObject, directory_of, fetch_all

from finops_acme.datasets import BILL

MANIFEST = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))/manifest\.json")


@dataclass(frozen=True)
class Acme(Provider):
    """Its fields are its settings: `[acme]` in config.toml, ACME_BUCKET, --bucket."""

    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme Cloud"
    import_command: ClassVar[str] = "import-billing"
    contract: ClassVar[int] = 1
    datasets: ClassVar[tuple[Dataset, ...]] = (BILL,)
    sample_formats: ClassVar[tuple[str, ...]] = ("csv",)

    bucket: str = setting(help="Folder of the bills, as a file:// URL.", metavar="URL")

    def discover(self, window: Window) -> Iterator[Delivery]:
        """The newest delivery of each month, from its manifest alone."""
        store = self._store()
        for item in store.list(""):
            match = MANIFEST.fullmatch(item.key)
            if match and (period := Period.parse(match[1])) in window:
                yield self._delivery(period, item, store.read(item.key))

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterable[LocalFile]:
        """The files that the manifest names: fetch_all compares their sizes and checksums."""
        return fetch_all(self._store(), delivery.files, staging.folder, staging.progress)

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        """Generated bills, for `finops sample acme` and for the tests."""
        from finops_acme.sample import write

        return write(request)

    def _delivery(self, period: Period, item: StoredObject, content: bytes) -> Delivery:
        version, problem = "", ""
        files: tuple[SourceFile, ...] = ()
        try:
            manifest = json.loads(content)
            version = str(manifest["delivery"])
            files = tuple(
                SourceFile(file["key"], file["bytes"], f"md5:{file['md5']}", file["rows"]) for file in manifest["files"]
            )
        except (ValueError, KeyError, TypeError) as error:
            # One bad manifest fails its own month; the others are imported.
            problem = f"the manifest cannot be read: {error!r}"
        return Delivery(
            provider=self.name,
            export="bills",
            period=period,
            version=version or item.etag,
            dataset=BILL.name,
            format="csv",
            files=files,
            modified=item.modified,
            manifest=item.key,
            problem=problem,
        )

    def _store(self) -> DirectoryStore:
        folder = directory_of(self.bucket)
        if folder is None:
            raise ConfigError(
                f"{self.bucket!r} is not a file:// URL",
                where=f"{self.name}.bucket",
                hint="write the folder of the bills as file:///absolute/path",
            )
        return DirectoryStore(folder)
