"""AWS as a provider: its settings, and the way from them to deliveries and files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from finops_core import Dataset, Delivery, LocalFile, Provider, SampleRequest, Secret, Staging, Window, setting
from finops_core.errors import ConfigError, DeliveryError, DeliveryReplaced
from finops_core.store import directory_of, fetch_all

from finops_aws.access import Access, s3_client
from finops_aws.bucket import Bucket, LocalBucket
from finops_aws.datasets import DATASETS
from finops_aws.discovery import Wanted, discover, refuse_unsettled, still_current
from finops_aws.s3 import S3Store


@dataclass(frozen=True)
class Aws(Provider):
    """Cost and Usage Reports, CUR 2.0 and FOCUS exports, in S3 or in a directory laid out like the bucket."""

    name: ClassVar[str] = "aws"
    title: ClassVar[str] = "Amazon Web Services"
    import_command: ClassVar[str] = "import-cur"
    contract: ClassVar[int] = 1
    datasets: ClassVar[tuple[Dataset, ...]] = DATASETS
    sample_formats: ClassVar[tuple[str, ...]] = (
        "cur-v1-csv",
        "cur-v1-parquet",
        "cur-v2-csv",
        "cur-v2-parquet",
        "focus-1.2-parquet",
        "focus-1.0-csv",
        "cur-v1-zip",
        "cur-v1-csv-overwrite",
        "cur-v1-parquet-create-new",
        "cur-v1-csv-net",
        "cur-v1-csv-discount-rows",
        "cur-v2-parquet-net",
        "cur-v2-csv-overwrite",
        "cur-v2-parquet-create-new",
    )

    bucket: str = setting(help="S3 bucket of the bills, or a file:// URL of a directory laid out like it.")
    prefix: str = setting(
        default="", help="Folder in the bucket that the exports lie below, as in the S3 path prefix of the export."
    )
    export_name: str = setting(default="", help="Name of the report or data export. Empty: the only one there is.")
    cur_version: str = setting(
        default="auto",
        choices=("auto", "v1", "v2", "focus"),
        help="Which bills: CUR v1 reports, CUR 2.0 or FOCUS data exports; auto finds out.",
    )
    export_format: str = setting(
        default="auto", choices=("auto", "csv", "parquet"), help="Format of the files; auto finds out."
    )
    profile: str = setting(default="", help="Profile of the AWS configuration files. Empty: as AWS's own tools choose.")
    region: str = setting(default="", help="Region of the bucket; needed outside the standard partition (China).")
    role_arn: str = setting(default="", help="Role to assume for reading, for example in the payer account.")
    external_id: Secret | None = setting(default=None, help="External id that the role demands.")
    endpoint_url: str = setting(default="", help="Address of another S3-compatible store.", metavar="URL")
    requester_pays: bool = setting(
        default=False, help="Pay for requests and transfer from a bucket that demands it of its readers."
    )

    def discover(self, window: Window) -> list[Delivery]:
        wanted = Wanted(self.prefix, self.export_name, self.cur_version, self.export_format)
        return discover(self._open(), wanted, window)

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
        """As Provider.fetch. Raises DeliveryReplaced when AWS delivered the period anew in the meantime."""
        bucket = self._open()
        refuse_unsettled(delivery, dt.datetime.now(dt.UTC))
        try:
            yield from fetch_all(bucket, delivery.files, staging.folder, staging.progress)
        except DeliveryError as error:
            if still_current(bucket, delivery):
                raise
            raise _replaced(delivery) from error
        if not still_current(bucket, delivery):
            raise _replaced(delivery)

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        from finops_aws.sample import write

        return write(request)

    def _open(self) -> Bucket:
        if folder := directory_of(self.bucket):
            return LocalBucket(folder)
        name = self.bucket.removeprefix("s3://").rstrip("/")
        if not name or "/" in name and not name.startswith("arn:"):
            raise ConfigError(
                f"{self.bucket!r} is not the name of a bucket",
                where="aws.bucket",
                hint="write the bucket's name alone; the folder in it is aws.prefix",
            )
        access = Access(self.profile, self.region, self.role_arn, self.external_id, self.endpoint_url)
        return S3Store(s3_client(access), name, requester_pays=self.requester_pays)


def _replaced(delivery: Delivery) -> DeliveryReplaced:
    return DeliveryReplaced("the delivery was replaced while it was read", where=delivery.manifest, hint="run again")
