"""A bucket in S3, or in anything that speaks its protocol. Nothing that we fetch is taken on trust."""

from __future__ import annotations

import errno
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from finops_core import SourceFile
from finops_core.errors import DataMissing, DeliveryError, DeliveryReplaced, DiskFull
from finops_core.store import StoredObject, check_size

from finops_aws.access import explained
from finops_aws.bucket import Level

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef

T = TypeVar("T")

DOWNLOADS = 3
"""Times that a file is fetched before it is given up: botocore never repeats a body that broke off."""

PAUSE = 0.5
"""Seconds before the second attempt; the third waits twice as long."""

CHUNK = 1 << 20
"""Bytes held in memory per download."""

_MD5 = re.compile(r"[0-9a-f]{32}")
_MULTIPART = re.compile(r"[0-9a-f]{32}-(\d+)")


class S3Store:
    """One bucket. Implements finops_aws.bucket.Bucket."""

    def __init__(self, client: S3Client, bucket: str, *, requester_pays: bool = False) -> None:
        self.client, self.bucket = client, bucket
        self.url = f"s3://{bucket}"
        self._payer: dict[str, Any] = {"RequestPayer": "requester"} if requester_pays else {}

    def pages(self, folder: str) -> Iterator[Level]:
        with explained(self.url):
            paginator = self.client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self.bucket, Prefix=folder, Delimiter="/", **self._payer):
                yield Level(
                    tuple(item["Prefix"] for item in page.get("CommonPrefixes", ()) if "Prefix" in item),
                    tuple(_stored(item) for item in page.get("Contents", ()) if item.get("Key") != folder),
                )

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with explained(self.url):
            paginator = self.client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, **self._payer):
                yield from (_stored(item) for item in page.get("Contents", ()))

    def stat(self, key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError

        with explained(f"{self.url}/{key}"):
            try:
                head = self.client.head_object(Bucket=self.bucket, Key=key, **self._payer)
            except ClientError as error:
                if error.response["Error"].get("Code") in {"404", "NoSuchKey", "NotFound"}:
                    return None
                raise
        return StoredObject(key, head["ContentLength"], head["LastModified"], head["ETag"].strip('"'))

    def read(self, key: str) -> bytes:
        def once() -> bytes:
            return self._get(key)["Body"].read()

        try:
            return self._insist(key, once)
        except _Missing:
            raise DataMissing(f"{key} is not there", where=self.url) from None

    def fetch(self, file: SourceFile, to: Path, progress: Callable[[int], None]) -> Path:
        """Bring one file to `to`, checked by the store's checksum, else its ETag, and its size.

        Raises DeliveryError (missing, replaced, altered, short), AccessError, DiskFull.
        """
        arrived = Arrived(progress)
        try:
            self._insist(file.key, lambda: self._download(file, to, arrived))
        except _Missing:
            raise DeliveryError("a file that the manifest names is missing", where=f"{self.url}/{file.key}") from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                hint = "free some space, or set project.data_dir to a larger disk"
                raise DiskFull("no room for the files of the bill", where=str(to.parent), hint=hint) from error
            raise
        return to

    def _insist(self, key: str, once: Callable[[], T]) -> T:
        """Try again when a body breaks off or arrives altered. Other failures botocore has repeated already."""
        from botocore import exceptions as boto

        broken = (boto.ResponseStreamingError, boto.IncompleteReadError, boto.FlexibleChecksumError, _Altered)
        where = f"{self.url}/{key}"
        with explained(where):
            for attempt in range(1, DOWNLOADS + 1):
                try:
                    return once()
                except (*broken, boto.ReadTimeoutError) as error:
                    reason: Exception = error
                if attempt < DOWNLOADS:
                    time.sleep(PAUSE * attempt)
        hint = "run again; if it stays so, the object in S3 or the network is damaged"
        raise DeliveryError(f"a file arrived altered or short {DOWNLOADS} times", where=where, hint=hint) from reason

    def _get(self, key: str, etag: str = "") -> GetObjectOutputTypeDef:
        """Ask for an object whole. A report without a prefix may have been written below a folder without a name."""
        from botocore.exceptions import ClientError

        condition: dict[str, Any] = {"IfMatch": f'"{etag}"'} if etag else {}
        for name in (key, f"/{key}"):
            try:
                return self.client.get_object(
                    Bucket=self.bucket, Key=name, ChecksumMode="ENABLED", **condition, **self._payer
                )
            except ClientError as error:
                code = error.response["Error"].get("Code")
                if code in {"PreconditionFailed", "412"}:
                    raise DeliveryReplaced(
                        "a file was replaced while it was read", where=f"{self.url}/{key}", hint="run again"
                    ) from error
                if code not in {"NoSuchKey", "404"}:
                    raise
        raise _Missing

    def _download(self, file: SourceFile, to: Path, arrived: Arrived) -> None:
        etag = (file.checksum or "").removeprefix("etag:") if (file.checksum or "").startswith("etag:") else ""
        response = self._get(file.key, etag)
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with to.open("wb") as out:
            while chunk := response["Body"].read(CHUNK):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                arrived.reach(size)
        if size != response["ContentLength"]:
            raise _Altered(f"{size:,} bytes instead of {response['ContentLength']:,}")
        check_size(file, to)
        if not response["ResponseMetadata"].get("ChecksumAlgorithm"):
            self._check_etag(response, file.key, to, digest.hexdigest())

    def _check_etag(self, response: GetObjectOutputTypeDef, key: str, path: Path, md5: str) -> None:
        """The store has no checksum of the whole object: use what its ETag says, unless a key of KMS hides it."""
        if str(response.get("ServerSideEncryption", "")).startswith("aws:kms") or response.get("SSECustomerAlgorithm"):
            return
        etag = response["ETag"].strip('"').lower()
        if _MD5.fullmatch(etag) and etag != md5:
            raise _Altered(f"MD5 {md5} instead of {etag}")
        if match := _MULTIPART.fullmatch(etag):
            head = self.client.head_object(Bucket=self.bucket, Key=key, PartNumber=1, **self._payer)
            if head.get("PartsCount") == int(match[1]) and multipart_etag(path, head["ContentLength"]) != etag:
                raise _Altered(f"the parts' MD5 differs from {etag}")


class Arrived:
    """Tells progress about each byte once, however often a download starts again."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress, self._most = progress, 0

    def reach(self, size: int) -> None:
        if size > self._most:
            self._progress(size - self._most)
            self._most = size


def multipart_etag(path: Path, part_size: int) -> str:
    """The ETag that S3 gives an object uploaded in parts of `part_size` bytes, the last one shorter: the MD5 of the
    parts' MD5s and their number. (Not documented by AWS, but relied upon by its own tools.)"""
    parts = []
    with path.open("rb") as stream:
        while True:
            digest, left = hashlib.md5(usedforsecurity=False), part_size
            while left and (chunk := stream.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
            if left == part_size:
                break
            parts.append(digest.digest())
    whole = hashlib.md5(b"".join(parts), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(parts)}"


def _stored(item: ObjectTypeDef) -> StoredObject:
    return StoredObject(item["Key"], item["Size"], item["LastModified"], item["ETag"].strip('"'))


class _Missing(Exception):
    """No object has this key."""


class _Altered(Exception):
    """What arrived is not what the store holds."""
