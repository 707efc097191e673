"""What is fetched is what the store holds, whole, or the period fails in plain words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import shutil
from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from finops_aws.access import Access, s3_client
from finops_aws.discovery import refuse_unsettled
from finops_aws.provider import Aws
from finops_aws.s3 import DOWNLOADS, S3Store, multipart_etag
from finops_core import Delivery, SourceFile, Window
from finops_core.errors import (
    AccessError,
    ConfigError,
    DataMissing,
    DeliveryError,
    DeliveryReplaced,
    DiskFull,
    FinopsError,
)
from finops_core.store import directory_of

BUCKET = "acme-billing"
BODY = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("finops_aws.s3.PAUSE", 0)


def only(provider: Aws) -> Delivery:
    (delivery,) = provider.discover(Window())
    return delivery


def contents(provider: Aws, delivery: Delivery, staging) -> dict[str, bytes]:
    return {file.source.key: file.path.read_bytes() for file in provider.fetch(delivery, staging)}


def through(proxy, provider: Aws) -> Aws:
    """The same bucket, seen through the proxy; a client of its own, so that retries of other tests do not count."""
    return dataclasses.replace(provider, endpoint_url=proxy.url)


@pytest.fixture
def stored(s3, s3_url):
    """A store, and a way to put an object into it without the checksum that boto3 adds by itself."""
    config = Config(request_checksum_calculation="when_required")
    client = boto3.client("s3", endpoint_url=s3_url, config=config)

    def put(key: str, body: bytes, parts_of: int = 0, checksum: bool = False) -> SourceFile:
        if parts_of:
            settings = TransferConfig(multipart_threshold=parts_of, multipart_chunksize=parts_of)
            client.upload_fileobj(io.BytesIO(body), BUCKET, key, Config=settings)
        else:
            (s3 if checksum else client).put_object(Bucket=BUCKET, Key=key, Body=body)
        return SourceFile(key, len(body))

    yield put
    client.close()


def store_at(url: str, **options) -> S3Store:
    return S3Store(s3_client(Access(endpoint_url=url)), BUCKET, **options)


def test_every_file_arrives_whole(lay, tree, staging):
    manifest = tree.report("x/cur", "202501", files=7)
    provider = lay(tree)
    delivery = only(provider)
    assert contents(provider, delivery, staging) == {key: tree[key] for key in manifest["reportKeys"]}
    assert sum(staging.counts) == delivery.bytes


def test_a_directory_is_read_in_place(here, tree, staging):
    tree.report("cur", "202501")
    provider = here(tree)
    files = list(provider.fetch(only(provider), staging))
    assert all(file.path.is_relative_to(directory_of(provider.bucket)) for file in files)
    assert not any(path.is_file() for path in staging.folder.rglob("*"))


def test_an_empty_delivery_has_no_files(lay, tree, staging):
    tree.report("cur", "202501", reportKeys=None)
    provider = lay(tree)
    assert contents(provider, only(provider), staging) == {}


def test_keys_below_a_folder_without_a_name(there, tree, staging):
    manifest = tree.report("cur", "202501")
    tree.report("cur", "202501", reportKeys=[f"/{key}" for key in manifest["reportKeys"]])
    provider = there({f"/{key}": content for key, content in tree.items()})
    delivery = only(provider)
    assert delivery.bytes == sum(len(tree[key]) for key in manifest["reportKeys"])
    assert contents(provider, delivery, staging) == {key: tree[key] for key in manifest["reportKeys"]}


def test_a_prefix_with_a_doubled_slash(there, tree, staging):
    tree.report("exports//cur", "202501")
    provider = there(tree, prefix="exports/")
    assert len(contents(provider, only(provider), staging)) == 2


@pytest.mark.parametrize("kind", ["corrupt", "short"])
@pytest.mark.parametrize("how", ["checksum", "etag", "parts"])
def test_a_body_damaged_once_is_fetched_again(stored, proxy, tmp_path, kind, how):
    parts = (5 << 20) if how == "parts" else 0
    body = BODY * 6 if parts else BODY
    file = stored("bill.csv.gz", body, parts_of=parts, checksum=how == "checksum")
    proxy.breaks(kind, "bill.csv.gz", at=len(body) // 2)
    counts: list[int] = []
    path = store_at(proxy.url).fetch(file, tmp_path / "bill", counts.append)
    assert path.read_bytes() == body
    assert sum(counts) == len(body)
    assert sum(method == "GET" for method, _ in proxy.seen) == 2


@pytest.mark.parametrize("kind", ["corrupt", "short"])
@pytest.mark.parametrize("how", ["checksum", "etag", "parts"])
def test_a_body_that_stays_damaged_is_refused(stored, proxy, tmp_path, kind, how):
    parts = (5 << 20) if how == "parts" else 0
    body = BODY * 6 if parts else BODY
    file = stored("bill.csv.gz", body, parts_of=parts, checksum=how == "checksum")
    proxy.breaks(kind, "bill.csv.gz", times=99, at=len(body) // 2)
    with pytest.raises(DeliveryError, match="altered or short") as caught:
        store_at(proxy.url).fetch(file, tmp_path / "bill", lambda _: None)
    assert caught.value.where == f"s3://{BUCKET}/bill.csv.gz"
    assert sum(method == "GET" for method, _ in proxy.seen) == DOWNLOADS


def test_the_etag_of_an_object_encrypted_with_kms_is_not_its_md5(s3, s3_url, stored, tmp_path):
    file = stored("bill", BODY)
    store = store_at(s3_url)
    honest = store.client.get_object

    def hidden(**asked):
        answer = honest(**asked)
        answer["ResponseMetadata"].pop("ChecksumAlgorithm", None)
        return answer | {"ETag": '"00000000000000000000000000000000"', "ServerSideEncryption": "aws:kms"}

    store.client = type("Client", (), {"get_object": staticmethod(hidden)})()
    assert store.fetch(file, tmp_path / "bill", lambda _: None).read_bytes() == BODY


@pytest.mark.parametrize("size", [1, 5 << 20, (5 << 20) + 1, 12 << 20])
def test_the_etag_of_parts_is_the_one_that_s3_gives(s3, stored, tmp_path, size):
    body = (BODY * 13)[:size]
    stored("parts", body, parts_of=5 << 20)
    path = tmp_path / "parts"
    path.write_bytes(body)
    etag = s3.head_object(Bucket=BUCKET, Key="parts")["ETag"].strip('"')
    expected = etag if "-" in etag else None
    assert expected in (None, multipart_etag(path, 5 << 20))
    assert (expected is None) == (size < 5 << 20)


def test_a_file_of_another_size_than_promised_is_refused(s3_url, stored, tmp_path):
    file = dataclasses.replace(stored("bill", BODY), size=len(BODY) + 1)
    with pytest.raises(DeliveryError, match="bytes instead of"):
        store_at(s3_url).fetch(file, tmp_path / "bill", lambda _: None)


def test_a_missing_file_is_named(lay, tree, staging):
    manifest = tree.report("cur", "202501")
    del tree[manifest["reportKeys"][1]]
    provider = lay(tree)
    with pytest.raises(DeliveryError, match="missing") as caught:
        contents(provider, only(provider), staging)
    assert manifest["reportKeys"][1] in caught.value.where and not isinstance(caught.value, DeliveryReplaced)


def test_a_full_disk_is_said(s3_url, stored):
    with pytest.raises(DiskFull) as caught:
        store_at(s3_url).fetch(stored("bill", BODY), Path("/dev/full"), lambda _: None)
    assert caught.value.exit_code == 1 and "project.data_dir" in caught.value.hint


def test_a_passing_503_is_survived(there, proxy, tree, staging):
    tree.report("cur", "202501")
    provider = through(proxy, there(tree))
    proxy.breaks("status", "cur-Manifest.json", code=503, error="SlowDown")
    proxy.breaks("status", "cur-1.csv.gz", code=500, error="InternalError")
    assert len(contents(provider, only(provider), staging)) == 2


# ---- a delivery replaced while it is read


@pytest.mark.parametrize("layout", ["overwrite", "athena"])
def test_a_report_overwritten_before_it_is_fetched(lay, tree, staging, layout):
    tree.report("cur", "202501", "first", layout=layout)
    provider = lay(tree)
    delivery = only(provider)
    tree.report("cur", "202501", "second", layout=layout)
    lay(tree)
    with pytest.raises(DeliveryReplaced) as caught:
        contents(provider, delivery, staging)
    assert caught.value.hint == "run again" and caught.value.code == "FIN020"


def test_a_data_export_overwritten_by_a_smaller_one(there, tree, s3, staging):
    tree.export("acme", "202501", "first", files=3)
    provider = there(tree)
    delivery = only(provider)
    gone = [key for key in tree if "00003" in key]
    tree.export("acme", "202501", "second", files=2)
    there({key: content for key, content in tree.items() if key not in gone})
    s3.delete_object(Bucket=BUCKET, Key=gone[0])
    with pytest.raises(DeliveryReplaced):
        contents(provider, delivery, staging)


def test_a_delivery_overwritten_while_it_is_fetched(here, tree, staging):
    tree.report("cur", "202501", "first", layout="overwrite")
    provider = here(tree)
    fetching = iter(provider.fetch(only(provider), staging))
    next(fetching)
    tree.report("cur", "202501", "second", layout="overwrite")
    here(tree)
    with pytest.raises(DeliveryReplaced):
        list(fetching)


def test_a_newer_version_beside_ours_does_not_disturb(lay, tree, staging):
    manifest = tree.report("cur", "202501", "first")
    provider = lay(tree)
    delivery = only(provider)
    tree.report("cur", "202501", "second")
    lay(tree)
    assert contents(provider, delivery, staging) == {key: tree[key] for key in manifest["reportKeys"]}


def test_a_manifest_written_again_with_the_same_version_is_the_same(lay, tree, staging):
    tree.export("acme", "202501", "e1")
    provider = lay(tree)
    delivery = only(provider)
    tree.export("acme", "202501", "e1", createdAt="2025-02-01")
    lay({key: content for key, content in tree.items() if key.endswith("Manifest.json")})
    assert len(contents(provider, delivery, staging)) == 2


def test_files_newer_than_their_manifest_are_left_alone_for_an_hour():
    now = dt.datetime(2025, 2, 1, 12, tzinfo=dt.UTC)
    plain = Delivery("aws", "cur", None, "a1", "cur-v1", "csv", ())  # type: ignore[arg-type]
    refuse_unsettled(plain, now)
    newer = dataclasses.replace(plain, details={"files_newer_than_manifest": "2025-02-01T11:30:00+00:00"})
    with pytest.raises(DeliveryReplaced, match="right now"):
        refuse_unsettled(newer, now)
    refuse_unsettled(newer, now + dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("layout", "bucket", "noted"),
    [("overwrite", BUCKET, True), ("create-new", BUCKET, False), ("overwrite", "origin", False)],
)
def test_files_newer_than_their_manifest_are_noticed_in_its_own_bucket(there, tree, monkeypatch, layout, bucket, noted):
    monkeypatch.setattr("finops_aws.discovery.SLACK", dt.timedelta(minutes=-1))
    tree.report("cur", "202501", layout=layout, bucket=bucket)
    assert ("files_newer_than_manifest" in only(there(tree)).details) == noted


# ---- refusals


def refused(provider: Aws) -> FinopsError:
    with pytest.raises(FinopsError) as caught:
        provider.discover(Window())
    return caught.value


@pytest.mark.parametrize(
    ("code", "error", "kind", "exit_code", "hint"),
    [
        (403, "AccessDenied", AccessError, 4, "s3:ListBucket"),
        (400, "ExpiredToken", AccessError, 4, "sign in again"),
        (403, "InvalidAccessKeyId", AccessError, 4, "sign in again"),
        (403, "SignatureDoesNotMatch", AccessError, 4, "sign in again"),
        (403, "RequestTimeTooSkewed", AccessError, 4, "clock"),
        (404, "NoSuchBucket", DataMissing, 5, "aws.bucket"),
        (400, "AuthorizationHeaderMalformed", ConfigError, 2, "aws.region"),
        (418, "Teapot", DeliveryError, 1, "run again later"),
    ],
)
def test_refusals_say_what_to_do(s3, proxy, code, error, kind, exit_code, hint):
    proxy.breaks("status", "", times=99, code=code, error=error)
    said = refused(Aws(bucket=BUCKET, endpoint_url=proxy.url))
    assert type(said) is kind and said.exit_code == exit_code
    assert hint in said.hint and BUCKET in said.where


def test_an_object_that_is_refused(there, proxy, tree, staging):
    tree.report("cur", "202501")
    provider = through(proxy, there(tree))
    delivery = only(provider)
    proxy.breaks("status", "cur-2.csv.gz", code=403, error="AccessDenied")
    with pytest.raises(AccessError) as caught:
        contents(provider, delivery, staging)
    assert "cur-2.csv.gz" in caught.value.where and "s3:GetObject" in caught.value.hint


def test_an_archived_object(there, proxy, tree, staging):
    tree.report("cur", "202501")
    provider = through(proxy, there(tree))
    delivery = only(provider)
    proxy.breaks("status", "cur-2.csv.gz", code=403, error="InvalidObjectState")
    with pytest.raises(DeliveryError) as caught:
        contents(provider, delivery, staging)
    assert "restore" in caught.value.hint


def test_no_such_bucket(s3, s3_url):
    assert isinstance(refused(Aws(bucket="no-such-bucket", endpoint_url=s3_url)), DataMissing)


def test_no_credentials(monkeypatch, s3, s3_url):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = refused(Aws(bucket=BUCKET, endpoint_url=s3_url, region="eu-west-1"))
    assert isinstance(said, AccessError) and "no AWS credentials" in said.what and "aws sso login" in said.hint
    said = refused(Aws(bucket=BUCKET, endpoint_url=s3_url, role_arn="arn:aws:iam::000011112222:role/none"))
    assert isinstance(said, AccessError) and "no AWS credentials" in said.what


def test_a_profile_that_is_not_there(s3, s3_url):
    said = refused(Aws(bucket=BUCKET, endpoint_url=s3_url, profile="payer"))
    assert isinstance(said, AccessError) and "payer" in said.what and "list-profiles" in said.hint


def test_a_single_sign_on_that_has_ended(s3, s3_url, tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.write_text(
        "[profile payer]\nsso_session = acme\nsso_account_id = 000011112222\nsso_role_name = reader\n"
        "[sso-session acme]\nsso_region = us-east-1\nsso_start_url = https://acme.awsapps.invalid/start\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    said = refused(Aws(bucket=BUCKET, endpoint_url=s3_url, profile="payer"))
    assert isinstance(said, AccessError) and "aws sso login" in said.hint


def test_a_store_that_does_not_answer():
    said = refused(Aws(bucket=BUCKET, endpoint_url="http://127.0.0.1:9"))
    assert type(said) is DeliveryError and "cannot be reached" in said.what


def test_a_bucket_name_that_cannot_be_one(s3_url):
    said = refused(Aws(bucket="no bucket!", endpoint_url=s3_url))
    assert isinstance(said, ConfigError) and "aws.bucket" in said.hint


def test_a_role_is_assumed(there, tree, monkeypatch, s3_url):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", s3_url)
    tree.report("cur", "202501")
    provider = there(tree, role_arn="arn:aws:iam::000011112222:role/reader", external_id="x" * 12)
    assert len(only(provider).files) == 2
    access = Access(role_arn=provider.role_arn, external_id=provider.external_id, endpoint_url=provider.endpoint_url)
    held = s3_client(access)._request_signer._credentials  # type: ignore[attr-defined]
    assert held.method == "assume-role" and held.access_key.startswith("ASIA")


def test_a_role_that_is_refused(s3, s3_url, proxy, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
    proxy.breaks("status", "", times=99, code=403, error="AccessDenied")
    said = refused(Aws(bucket=BUCKET, endpoint_url=s3_url, role_arn="arn:aws:iam::000011112222:role/refused"))
    assert isinstance(said, AccessError) and "role cannot be assumed" in said.what and "aws.role_arn" in said.hint


@pytest.mark.parametrize(("pays", "payers"), [(True, {"requester"}), (False, {None})])
def test_the_requester_pays_for_every_request(there, proxy, tree, staging, pays, payers):
    tree.report("cur", "202501", layout="overwrite")
    provider = dataclasses.replace(through(proxy, there(tree)), requester_pays=pays)
    contents(provider, only(provider), staging)
    assert proxy.payers == payers
    assert {method for method, _ in proxy.seen} == {"GET", "HEAD"}


# ---- large buckets


def fill(keys: list[str]) -> None:
    """Into the S3 server's own memory: over HTTP this would take longer than the test."""
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    for key in keys:
        backend.put_object(BUCKET, key, b"x")


def test_listing_does_not_grow_with_old_versions(there, proxy, tree):
    """2,400 files of old versions and 300 foreign objects cost no request more than none of them."""
    for month in ("202501", "202502", "202503"):
        tree.report("exports/cur", month, "newest")
    provider = through(proxy, there(tree))
    provider.discover(Window())
    before = len(proxy.seen)
    fill(
        [
            f"exports/cur/2025{month:02d}01-2025{month + 1:02d}01/old-{version}/cur-{number}.csv.gz"
            for month in (1, 2, 3)
            for version in range(40)
            for number in range(20)
        ]
    )
    fill([f"dump-{number}" for number in range(300)])
    proxy.seen.clear()
    found = provider.discover(Window())
    assert [delivery.version for delivery in found] == ["newest"] * 3
    assert len(proxy.seen) == before < 20
    assert proxy.count("old-") == 0


def test_a_bucket_with_too_many_folders_asks_for_a_prefix(there, tree, monkeypatch):
    monkeypatch.setattr("finops_aws.exports.MOST_PAGES", 20)
    tree.report("exports/cur", "202501")
    provider = there(tree)
    fill([f"tenant-{number}/x/y" for number in range(30)])
    said = refused(provider)
    assert isinstance(said, ConfigError) and "aws.prefix" in said.hint
    assert only(dataclasses.replace(provider, prefix="exports")).export == "cur"


def test_what_is_fetched_twice_is_the_same(there, tree, staging):
    tree.report("cur", "202501")
    provider = there(tree)
    delivery = only(provider)
    first = contents(provider, delivery, staging)
    shutil.rmtree(staging.folder)
    staging.folder.mkdir()
    assert contents(provider, delivery, staging) == first
