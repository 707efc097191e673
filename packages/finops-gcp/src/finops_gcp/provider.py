"""Google Cloud as a provider: its settings, and where its bills come from.

project_id + dataset_id (+ table_id)   the export's own table in BigQuery      bigquery.py
bucket (+ prefix)                       files exported from it                 files.py, content.py
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finops_core import Dataset, Delivery, LocalFile, Provider, SampleRequest, Staging, Window, setting
from finops_core.errors import ConfigError
from finops_core.store import directory_of

from finops_gcp import bigquery, files
from finops_gcp.datasets import DETAILED, FOCUS, STANDARD
from finops_gcp.gcs import Directory, GcsStore, Openable
from finops_gcp.google import Access


@dataclass(frozen=True)
class Gcp(Provider):
    """The Cloud Billing export: standard, detailed or FOCUS."""

    name: ClassVar[str] = "gcp"
    title: ClassVar[str] = "Google Cloud"
    import_command: ClassVar[str] = "import-billing"
    contract: ClassVar[int] = 1
    datasets: ClassVar[tuple[Dataset, ...]] = (STANDARD, DETAILED, FOCUS)
    sample_formats: ClassVar[tuple[str, ...]] = (
        "detailed-parquet",
        "standard-csv",
        "detailed-jsonl",
        "detailed-avro",
        "focus-parquet",
    )

    project_id: str = setting(default="", help="Project of the BigQuery dataset; its queries are billed to it.")
    dataset_id: str = setting(default="", help="BigQuery dataset that Cloud Billing exports to.")
    table_id: str = setting(default="", help="Table or view; found out when the dataset has one export.")
    bucket: str = setting(
        default="", help="Bucket of exported files, or a file:// URL of a directory; instead of BigQuery."
    )
    prefix: str = setting(default="", help="Folder of one export in the bucket.")
    export_type: str = setting(
        default="auto",
        choices=("auto", "standard", "detailed", "focus"),
        help="Which export it is; `auto` finds out from its columns.",
    )
    maximum_bytes_billed: int | None = setting(
        default=None, help="Refuse a BigQuery query that would bill more bytes than this."
    )
    use_storage_api: bool = setting(
        default=True, help="Read from BigQuery through the Storage Read API; without it, slowly over REST."
    )
    location: str = setting(default="", help="Location of the BigQuery dataset, such as EU; found out when empty.")
    credentials_file: Path | None = setting(
        default=None, help="Credentials (service account, workload identity); else Google's own chain is asked."
    )
    anonymous: bool = setting(default=False, help="Send no credentials: public buckets and emulators.")
    endpoint_url: str = setting(default="", help="Another address of Cloud Storage or BigQuery.")
    read_endpoint: str = setting(default="", help="Another address of the Storage Read API.")

    def discover(self, window: Window) -> list[Delivery]:
        if store := self._store():
            return files.discover(store, self.prefix, self.export_type, window)
        return bigquery.discover(self._table(), window)

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
        if store := self._store():
            return files.fetch(store, delivery, staging)
        return bigquery.fetch(self._table(), delivery, staging)

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        from finops_gcp.sample import write

        return write(request)

    def _store(self) -> Openable | None:
        """The bucket or directory; None when the bills come from BigQuery."""
        if not self.bucket:
            return None
        if self.dataset_id:
            raise ConfigError("bucket and dataset_id are both set", hint="a bill comes from BigQuery or from files")
        if (folder := directory_of(self.bucket)) is not None:
            return Directory(folder)
        return GcsStore(self.bucket.removeprefix("gs://").strip("/"), self._access().storage())

    def _table(self) -> bigquery.Source:
        missing = [name for name in ("project_id", "dataset_id") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} must be set, or bucket",
                hint="--project-id and --dataset-id for BigQuery, --bucket for exported files",
            )
        return bigquery.Source(
            access=self._access(),
            project=self.project_id,
            dataset=self.dataset_id,
            table=self.table_id,
            export_type=self.export_type,
            maximum_bytes_billed=self.maximum_bytes_billed,
            use_storage_api=self.use_storage_api,
        )

    def _access(self) -> Access:
        return Access(
            project=self.project_id,
            credentials_file=self.credentials_file,
            anonymous=self.anonymous,
            endpoint=self.endpoint_url,
            read_endpoint=self.read_endpoint,
            location=self.location,
        )
