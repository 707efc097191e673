"""Discovery and fetching on directories: the four layouts, and what else may lie in a container."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finops_azure.provider import Azure
from finops_core import Delivery, LocalFile, Window
from finops_core.errors import ConfigError, DataMissing, DeliveryError, DeliveryReplaced
from finops_core.store import DirectoryStore

GUID = "7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d"
CSV = "Date,Cost,Currency\n01/05/2024,1.5,USD\n"

Fetch = Callable[[Azure, Delivery], list[LocalFile]]


def test_layout_classic_has_one_file_per_run_and_the_newest_wins(exports: Any) -> None:
    for number, name in enumerate(("acme_b.csv", "acme_a.csv")):
        exports.put(f"billing/acme/20240101-20240131/{name}", CSV)
        os.utime(exports.root / f"billing/acme/20240101-20240131/{name}", (1_700_000_000 + number,) * 2)
    delivery = exports.only()
    assert [file.key for file in delivery.files] == ["billing/acme/20240101-20240131/acme_a.csv"]
    assert (delivery.export, delivery.dataset, delivery.manifest, delivery.rows) == ("acme", "cost", "", None)


def test_layout_classic_partitioned_has_a_manifest_without_type_and_period(exports: Any) -> None:
    for time in ("202401041442", "202401051442"):
        folder = f"billing/acme/20240101-20240131/{time}/{GUID}"
        blob = {"blobName": f"{folder}/000001.csv", "byteCount": len(CSV), "dataRowCount": 1}
        exports.put(f"{folder}/000001.csv", CSV)
        exports.put(f"{folder}/_manifest.json", json.dumps({"manifestVersion": "2021-01-01", "blobs": [blob]}))
    delivery = exports.only()
    assert [file.key for file in delivery.files] == [f"billing/acme/20240101-20240131/202401051442/{GUID}/000001.csv"]


@pytest.mark.parametrize("keep_runs", [True, False])
def test_layouts_with_manifest(keep_runs: bool, exports: Any, fetch: Fetch) -> None:
    exports.run(keep_runs=keep_runs, number=1)
    manifest = exports.run(keep_runs=keep_runs, number=2, lines=["a", "b", "c"])
    delivery = exports.only()
    assert delivery.version == manifest["runInfo"]["runId"]
    assert (delivery.rows, [file.rows for file in delivery.files]) == (3, [1, 2])
    assert [file.source for file in fetch(exports.provider(), delivery)] == list(delivery.files)


def test_layout_classic_without_any_manifest_in_run_folders(exports: Any) -> None:
    for time in ("202401041442", "202401051442"):
        for part in (1, 2):
            exports.put(f"billing/acme/20240101-20240131/{time}/{GUID}/00000{part}.csv", CSV)
    assert [file.key.split("/")[3] for file in exports.only().files] == ["202401051442"] * 2


def test_a_run_that_is_not_finished_is_not_read(exports: Any) -> None:
    manifest = exports.run()
    exports.put(f"billing/acme/20240101-20240131/{GUID}/part_0_0001.csv", CSV)
    exports.put(f"billing/acme/20240201-20240229/{GUID}/part_0_0001.csv", CSV)
    assert exports.only().version == manifest["runInfo"]["runId"]


def test_months_before_the_export_wrote_manifests_are_still_there(exports: Any) -> None:
    exports.put("billing/acme/20231201-20231231/acme_x.csv", CSV)
    exports.run()
    assert [str(delivery.period) for delivery in exports.discover()] == ["2023-12", "2024-01"]


def test_a_file_that_the_manifest_does_not_name_is_not_read(exports: Any) -> None:
    manifest = exports.run()
    folder = manifest["blobs"][0]["blobName"].rpartition("/")[0]
    exports.put(f"{folder}/part_9_0001.csv", CSV)
    assert len(exports.only().files) == 2


def test_a_copied_tree_keeps_working_under_another_folder(exports: Any, fetch: Fetch) -> None:
    exports.run()
    exports.root.joinpath("billing").rename(exports.root / "copy")
    delivery = exports.only(prefix="copy")
    assert all(file.key.startswith("copy/") for file in delivery.files)
    assert len(fetch(exports.provider(prefix="copy"), delivery)) == 2


@pytest.mark.parametrize("prefix", ["", "billing", "/billing/", "billing/acme", " billing/ "])
def test_prefixes(prefix: str, exports: Any) -> None:
    exports.run()
    exports.run("other-place", root="billing-old/acme/20240101-20240131", scope="old", kind="focus")
    if prefix:
        assert exports.only(prefix=prefix).export == "acme"
    else:
        with pytest.raises(ConfigError):
            exports.only(prefix=prefix)


def test_an_export_at_the_root_of_the_container(exports: Any) -> None:
    exports.run(root="acme/20240101-20240131")
    assert exports.only(prefix="").export == "acme"


def test_exports_of_prices_and_reservations_are_no_bills(exports: Any) -> None:
    exports.run("prices", kind="PriceSheet")
    exports.run("reservations", kind="ReservationDetails")
    with pytest.raises(DataMissing):
        exports.discover()
    exports.run()
    assert exports.only().export == "acme"


def test_the_window_does_not_decide_which_bill_is_meant(exports: Any) -> None:
    exports.run("acme")
    exports.run("other", "2024-02", scope="elsewhere")
    with pytest.raises(ConfigError):
        exports.discover("2024-01", "2024-01")


def test_manifests_outside_the_window_are_not_read(exports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for month in range(1, 13):
        exports.run(month=f"2024-{month:02d}")
    read: list[str] = []
    original = DirectoryStore.read
    monkeypatch.setattr(DirectoryStore, "read", lambda self, key: read.append(key) or original(self, key))
    assert len(exports.discover("2024-05", "2024-06")) == 2
    assert len(read) == 2


def test_a_manifest_that_vanishes_after_the_listing_is_passed_over(
    exports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.run(number=1)
    gone = exports.run(number=2)["blobs"][0]["blobName"].rpartition("/")[0] + "/manifest.json"
    original = DirectoryStore.read

    def read(self: DirectoryStore, key: str) -> bytes:
        if key == gone:
            raise DataMissing("gone")
        return original(self, key)

    monkeypatch.setattr(DirectoryStore, "read", read)
    assert exports.only().version.startswith("00000001")


def test_one_bad_manifest_fails_its_month_only(exports: Any) -> None:
    exports.run()
    exports.run(month="2024-02")
    exports.put(f"billing/acme/20240201-20240229/{GUID}/manifest.json", "{")
    found = {str(delivery.period): delivery.problem for delivery in exports.discover()}
    assert found["2024-01"] == "" and "not JSON" in found["2024-02"]


def test_without_container_or_account() -> None:
    with pytest.raises(ConfigError) as refused:
        Azure(container="acme").discover(Window())
    assert refused.value.where == "azure.storage_account"


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataMissing):
        Azure(container=(tmp_path / "nothing").as_uri()).discover(Window())


def test_a_missing_file_is_told(exports: Any, fetch: Fetch) -> None:
    manifest = exports.run()
    delivery = exports.only()
    exports.remove(manifest["blobs"][1]["blobName"])
    with pytest.raises(DeliveryError, match="missing") as missing:
        fetch(exports.provider(), delivery)
    assert not isinstance(missing.value, DeliveryReplaced)


def test_a_cut_file_is_told_by_the_manifests_bytes(exports: Any, fetch: Fetch) -> None:
    name = exports.run()["blobs"][0]["blobName"]
    exports.put(name, exports.blobs[name][:-7])
    with pytest.raises(DeliveryError, match="instead of"):
        fetch(exports.provider(), exports.only())


@pytest.mark.parametrize("counted", ["stored", "inflated", "neither"])
def test_bytes_of_a_compressed_file_may_be_counted_either_way(counted: str, exports: Any, fetch: Fetch) -> None:
    manifest = exports.run(compressed=True)
    sizes = {"stored": len, "inflated": lambda data: len(gzip.decompress(data)), "neither": lambda data: 17}
    for blob in manifest["blobs"]:
        blob["byteCount"] = sizes[counted](exports.blobs[blob["blobName"]])
    folder = manifest["blobs"][0]["blobName"].rpartition("/")[0]
    exports.put(f"{folder}/manifest.json", json.dumps(manifest))
    if counted == "neither":
        with pytest.raises(DeliveryError, match="instead of 17"):
            fetch(exports.provider(), exports.only())
    else:
        assert len(fetch(exports.provider(), exports.only())) == 2


def test_a_run_replaced_while_it_was_read_is_told_as_that(exports: Any, fetch: Fetch) -> None:
    old = exports.run(number=1)
    delivery = exports.only()
    for blob in old["blobs"]:
        exports.remove(blob["blobName"])
    exports.remove(old["blobs"][0]["blobName"].rpartition("/")[0] + "/manifest.json")
    exports.run(number=2)
    with pytest.raises(DeliveryReplaced):
        fetch(exports.provider(), delivery)


def test_a_run_replaced_after_its_manifest_was_read(exports: Any, fetch: Fetch) -> None:
    old = exports.run(number=1)
    delivery = exports.only()
    exports.remove(old["blobs"][1]["blobName"])
    exports.run(number=2)
    with pytest.raises(DeliveryReplaced):
        fetch(exports.provider(), delivery)


def test_a_manifest_rewritten_in_place_is_a_replaced_run(exports: Any, fetch: Fetch) -> None:
    manifest = exports.run()
    delivery = exports.only()
    manifest["runInfo"]["runId"] = GUID
    exports.put(manifest["blobs"][0]["blobName"].rpartition("/")[0] + "/manifest.json", json.dumps(manifest))
    with pytest.raises(DeliveryReplaced):
        fetch(exports.provider(), delivery)


def test_progress_counts_the_bytes(exports: Any, tmp_path: Path) -> None:
    exports.run()
    delivery = exports.only()
    counted: list[int] = []

    class Folder:
        folder = tmp_path

        def progress(self, bytes_fetched: int) -> None:
            counted.append(bytes_fetched)

    list(exports.provider().fetch(delivery, Folder()))
    assert sum(counted) == delivery.bytes
