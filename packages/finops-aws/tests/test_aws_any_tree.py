"""Whatever lies in a bucket: discovery finds deliveries or says why not, and reads nothing but manifests."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

from finops_aws.bucket import Level
from finops_aws.discovery import Wanted, discover
from finops_core import FinopsError, SourceFile, Window
from finops_core.errors import DataMissing
from finops_core.store import StoredObject
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


class MemoryBucket:
    """A bucket in memory; it remembers what was read."""

    url = "s3://memory"

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects, self.reads = objects, list[str]()

    def pages(self, folder: str) -> Iterator[Level]:
        folders, objects = set(), []
        for key in sorted(self.objects):
            if key.startswith(folder) and key != folder:
                head, slash, _ = key[len(folder) :].partition("/")
                if slash:
                    folders.add(f"{folder}{head}/")
                else:
                    objects.append(self._stored(key))
        yield Level(tuple(sorted(folders)), tuple(objects))

    def _stored(self, key: str) -> StoredObject:
        return StoredObject(key, len(self.objects[key]), NOW, "etag")

    def list(self, prefix: str) -> Iterator[StoredObject]:
        raise AssertionError("discovery must not list whole trees")

    def stat(self, key: str) -> StoredObject | None:
        return self._stored(key) if key in self.objects else None

    def read(self, key: str) -> bytes:
        self.reads.append(key)
        if key not in self.objects:
            raise DataMissing(f"{key} is not there")
        return self.objects[key]

    def fetch(self, file: SourceFile, to, progress):
        raise AssertionError("discovery must not fetch")


segments = st.sampled_from(
    [
        *("cur", "cur2", "x", "", "data", "metadata", "AWSLogs", "é", "a1"),
        *("20250101-20250201", "20250101-20250131", "20251301-20260101", "20250201-20250301", "00000101-00000201"),
        *("BILLING_PERIOD=2025-01", "billing_period=2025-02", "BILLING_PERIOD=2025-13", "DATE=2025-01-01"),
        *("year=2025", "month=1", "month=01", "month=13", "year=0000"),
    ]
)
names = st.sampled_from(
    [
        *("cur-Manifest.json", "cur-Manifest.json", "cur2-Manifest.json", "-Manifest.json"),
        *("cur-1.csv.gz", "cur-00001.snappy.parquet", "x"),
    ]
)
anywhere = st.lists(segments, max_size=5)
in_place = st.builds(
    lambda root, place, below: [*root, *place.split("/"), *below],
    st.sampled_from([["cur"], ["x", "cur"], ["cur2"], [], ["", "cur"]]),
    st.sampled_from(
        [
            *("20250101-20250201", "20250201-20250301", "20250101-20250131"),
            *("metadata/BILLING_PERIOD=2025-01", "metadata/billing_period=2025-01", "cur/year=2025/month=1"),
        ]
    ),
    st.sampled_from([[], [], ["a1"], ["a2"]]),
)
keys = st.builds(lambda folders, name: "/".join([*folders, name]), in_place | in_place | in_place | anywhere, names)
contents = st.sampled_from(
    [
        b"",
        b"{}",
        json.dumps({"assemblyId": "a1", "reportKeys": ["cur/20250101-20250201/a1/cur-1.csv.gz"]}).encode(),
        json.dumps({"executionId": "e1", "dataFiles": ["s3://b/cur/data/BILLING_PERIOD=2025-01/1.parquet"]}).encode(),
        json.dumps({"assemblyId": "a1", "reportKeys": None, "billingPeriod": {"start": "20250201"}}).encode(),
        json.dumps({"executionId": "e1", "dataFiles": [], "columns": [{"name": "BilledCost"}]}).encode(),
        json.dumps({"executionId": "e1", "dataFiles": ["../../x"]}).encode(),
    ]
)
wishes = st.builds(
    Wanted,
    prefix=st.sampled_from(["", "", "/", "x", "cur", "x/cur/", "none"]),
    export_name=st.sampled_from(["", "cur", "cur", "cur2", "none"]),
    cur_version=st.sampled_from(["auto", "auto", "v1", "v2", "focus"]),
    export_format=st.sampled_from(["auto", "auto", "csv", "parquet"]),
)


@settings(max_examples=300)
@given(st.dictionaries(keys, contents, max_size=12), wishes)
def test_any_tree_yields_deliveries_or_a_reason(objects, wanted):
    bucket = MemoryBucket(objects)
    try:
        found = discover(bucket, wanted, Window())
    except FinopsError as error:
        assert error.hint
    else:
        periods = [delivery.period for delivery in found]
        assert len(periods) == len(set(periods)) and len({delivery.export for delivery in found}) <= 1
        assert all(delivery.problem or delivery.version for delivery in found)
    assert all(key.endswith("-Manifest.json") for key in bucket.reads)
