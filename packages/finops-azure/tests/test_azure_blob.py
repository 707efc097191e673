"""The same through Microsoft's client, against Microsoft's emulator on loopback."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finops_azure.blob import RETRIES, Account, BlobStore
from finops_azure.provider import Azure
from finops_core import Delivery, LocalFile, Secret, SourceFile, Window
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError, DeliveryReplaced

Fetch = Callable[[Azure, Delivery], list[LocalFile]]
EVER = Window()
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture
def container() -> str:
    return f"c{uuid.uuid4().hex[:12]}"


def test_discover_and_fetch(azurite: Any, container: str, exports: Any, fetch: Fetch) -> None:
    exports.run("acme-actual", keep_runs=True)
    exports.run("acme-amortized", kind="amortized", compressed=True)
    azurite.upload(container, exports.blobs)
    provider = azurite.provider(container, prefix="billing")
    (delivery,) = provider.discover(EVER)
    assert [file.part for file in delivery.files] == ["", "", "amortized", "amortized"]
    assert all(file.size and file.checksum for file in delivery.files)
    fetched = fetch(provider, delivery)
    assert [local.path.read_bytes() for local in fetched] == [exports.blobs[file.key] for file in delivery.files]


def test_names_with_spaces_and_umlauts(azurite: Any, container: str, exports: Any, fetch: Fetch) -> None:
    exports.run("Kosten Übersicht + 100 %", root="billing/Kosten Übersicht + 100 %/20240101-20240131")
    azurite.upload(container, exports.blobs)
    provider = azurite.provider(container)
    (delivery,) = provider.discover(EVER)
    assert len(fetch(provider, delivery)) == 2


def test_directory_markers_of_hierarchical_accounts_are_passed_over(azurite: Any, container: str, exports: Any) -> None:
    exports.run()
    folders = {"billing", "billing/acme", "billing/acme/20240101-20240131"}
    azurite.upload(container, dict.fromkeys(folders, b""), metadata={"hdi_isfolder": "true"})
    azurite.upload(container, exports.blobs)
    (delivery,) = azurite.provider(container, prefix="billing").discover(EVER)
    assert len(delivery.files) == 2


def test_listings_of_several_pages(azurite: Any, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finops_azure.blob.PAGE", 3)
    azurite.upload(container, {f"a/{number:03d}": b"x" for number in range(10)} | {"b/1": b"x"})
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    assert [item.key for item in store.list("a/")] == [f"a/{number:03d}" for number in range(10)]
    assert len(list(store.list(""))) == 11


@pytest.mark.parametrize("way", ["connection string", "key", "sas"])
def test_ways_to_sign_in(way: str, azurite: Any, container: str, exports: Any, fetch: Fetch) -> None:
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    exports.run()
    azurite.upload(container, exports.blobs)
    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    rights = ContainerSasPermissions(read=True, list=True)
    sas = generate_container_sas(ACCOUNT, container, account_key=KEY, permission=rights, expiry=end)
    endpoint: dict[str, Any] = {"endpoint_url": f"{azurite.url}/{ACCOUNT}", "storage_account": ACCOUNT}
    settings = {
        "connection string": {"connection_string": Secret(azurite.connection_string)},
        "key": endpoint | {"account_key": Secret(KEY)},
        "sas": endpoint | {"sas_token": Secret("?" + sas)},
    }[way]
    provider = Azure(container=container, prefix="billing", **settings)
    (delivery,) = provider.discover(EVER)
    assert len(fetch(provider, delivery)) == 2


def test_azures_own_credential_chain(
    secure_azurite: Any, managed_identity: None, container: str, exports: Any, fetch: Fetch
) -> None:
    exports.run()
    endpoint = f"{secure_azurite.url}/{ACCOUNT}"
    secure_azurite.upload(container, exports.blobs)
    provider = Azure(container=container, prefix="billing", storage_account=ACCOUNT, endpoint_url=endpoint)
    (delivery,) = provider.discover(EVER)
    assert len(fetch(provider, delivery)) == 2


def test_no_credentials_at_all(azurite: Any, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    endpoint = f"{azurite.url}/{ACCOUNT}".replace("http:", "https:")
    with pytest.raises(AccessError, match="no credentials"):
        Azure(container=container, storage_account=ACCOUNT, endpoint_url=endpoint).discover(EVER)


@pytest.mark.parametrize("name", ["nowhere", "No Name of a Container"])
def test_no_such_container(name: str, azurite: Any) -> None:
    with pytest.raises(DataMissing, match="container"):
        azurite.provider(name).discover(EVER)


def test_a_wrong_key_is_refused(azurite: Any, container: str, exports: Any) -> None:
    azurite.upload(container, exports.blobs)
    wrong = Secret("AAAA" + KEY[4:])
    settings = {"endpoint_url": f"{azurite.url}/{ACCOUNT}", "storage_account": ACCOUNT, "account_key": wrong}
    with pytest.raises(AccessError, match=r"refuses access: Auth[a-zA-Z]+ ") as refused:
        Azure(container=container, **settings).discover(EVER)
    assert wrong not in str(refused.value) + refused.value.hint and "key" in refused.value.hint
    del settings["account_key"]
    with pytest.raises(AccessError) as refused:
        Azure(container=container, sas_token=Secret("sv=x"), **settings).discover(EVER)
    assert "signature" in refused.value.hint


def test_a_malformed_connection_string() -> None:
    with pytest.raises(ConfigError, match="connection string"):
        Azure(container="c", connection_string=Secret("nonsense")).discover(EVER)


def test_an_account_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RETRIES, "retry_total", 0)
    store = BlobStore(Account(name=ACCOUNT, endpoint_url=f"http://127.0.0.1:1/{ACCOUNT}", key=KEY), "c")
    with pytest.raises(AccessError, match="reached"):
        store.read("x")


def test_a_blob_replaced_after_it_was_listed(azurite: Any, container: str, tmp_path: Path) -> None:
    azurite.upload(container, {"a.csv": b"old"})
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    (listed,) = store.list("")
    azurite.upload(container, {"a.csv": b"new"})
    with pytest.raises(DeliveryReplaced):
        store.fetch(SourceFile("a.csv", 3, f"etag:{listed.etag}"), tmp_path / "a.csv", lambda count: None)


def test_a_blob_that_is_gone(azurite: Any, container: str, tmp_path: Path) -> None:
    azurite.upload(container, {"a.csv": b"old"})
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    with pytest.raises(DeliveryError, match="not there"):
        store.fetch(SourceFile("b.csv"), tmp_path / "b.csv", lambda count: None)
    with pytest.raises(DataMissing):
        store.read("b.csv")


def test_a_blob_whose_own_checksum_does_not_hold(azurite: Any, container: str, tmp_path: Path) -> None:
    from azure.storage.blob import ContainerClient, ContentSettings

    azurite.upload(container, {"a.csv": b"content"})
    with ContainerClient.from_connection_string(azurite.connection_string, container) as client:
        client.get_blob_client("a.csv").set_http_headers(ContentSettings(content_md5=bytearray(b"\x00" * 16)))
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    with pytest.raises(DeliveryError, match="checksum"):
        store.fetch(SourceFile("a.csv", 7), tmp_path / "a.csv", lambda count: None)


def test_compressed_blobs_arrive_as_they_are_stored(azurite: Any, container: str, tmp_path: Path) -> None:
    import gzip

    from azure.storage.blob import ContentSettings

    data = gzip.compress(b"Date,Cost\n" * 1000)
    azurite.upload(container, {"a.csv": data}, content_settings=ContentSettings(content_encoding="gzip"))
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    path = store.fetch(SourceFile("a.csv", len(data)), tmp_path / "a.csv", lambda count: None)
    assert path.read_bytes() == data


def test_large_blobs_come_in_ranges_with_progress(azurite: Any, container: str, tmp_path: Path) -> None:
    import os

    data = os.urandom(9 << 20)
    azurite.upload(container, {"a.parquet": data})
    store = BlobStore(Account(connection_string=azurite.connection_string), container)
    counted: list[int] = []
    path = store.fetch(SourceFile("a.parquet", len(data)), tmp_path / "a", counted.append)
    assert path.read_bytes() == data
    assert len(counted) == 3 and sum(counted) == len(data)


def test_an_overwriting_export_seen_while_it_is_read(azurite: Any, container: str, exports: Any, fetch: Fetch) -> None:
    old = exports.run(number=1)
    azurite.upload(container, exports.blobs)
    provider = azurite.provider(container)
    (delivery,) = provider.discover(EVER)
    exports.run(number=2)
    azurite.upload(container, exports.blobs)
    azurite.delete(container, old["blobs"][1]["blobName"])
    with pytest.raises(DeliveryReplaced):
        fetch(provider, delivery)
