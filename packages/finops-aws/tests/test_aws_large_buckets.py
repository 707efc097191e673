"""A bucket with tens of thousands of keys is searched in few listings and little memory."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from finops_aws.bucket import Level, LocalBucket
from finops_aws.discovery import Wanted, discover
from finops_core import Window
from finops_core.store import StoredObject

PAGE = 1000
FOREIGN = 50_000


class Crowded(LocalBucket):
    """A directory with foreign objects in some of its folders, listed in pages as S3 lists them: made up on the way."""

    def __init__(self, root: Path, crowded: set[str]) -> None:
        super().__init__(root)
        self.crowded, self.listings = crowded, 0

    def pages(self, folder: str) -> Iterator[Level]:
        for page in super().pages(folder):
            self.listings += 1
            yield page
        for start in range(0, FOREIGN if folder in self.crowded else 0, PAGE):
            self.listings += 1
            moment = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
            names = (f"{folder}log-{number:06d}.gz" for number in range(start, start + PAGE))
            yield Level((), tuple(StoredObject(name, 1, moment, "e") for name in names))


@pytest.mark.parametrize(
    ("crowded", "wanted", "listings"),
    [
        ("", Wanted(), 60),
        ("exports/", Wanted(), 60),
        ("exports/", Wanted(prefix="exports"), 60),
        ("exports/cur/20250101-20250201/old/", Wanted(), 15),
        ("", Wanted(prefix="exports", export_name="cur"), 8),
        ("exports/", Wanted(prefix="exports", export_name="cur"), 8),
    ],
)
def test_fifty_thousand_foreign_keys(here, tree, tmp_path, crowded, wanted, listings):
    for month in ("202501", "202502", "202503"):
        tree.report("exports/cur", month, "newest")
    root = Path(here(tree).bucket.removeprefix("file://"))
    (root / crowded).mkdir(parents=True, exist_ok=True)
    bucket = Crowded(root, {crowded})
    tracemalloc.start()
    try:
        found = discover(bucket, wanted, Window())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [delivery.version for delivery in found] == ["newest"] * 3
    assert bucket.listings <= listings, "one for each thousand keys of a folder that is looked into, once"
    assert peak < 4 << 20, f"{peak:,} bytes: pages are dropped as they come"
