"""Azure bills: Cost Management exports in Blob Storage, or in a directory laid out in the same way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from finops_core import Dataset, Delivery, LocalFile, Provider, SampleRequest, Secret, Staging, Window, setting
from finops_core.errors import DataMissing, DeliveryError, DeliveryReplaced
from finops_core.periods import Period
from finops_core.store import DirectoryStore, Store, StoredObject, directory_of, fetch_all

from finops_azure.datasets import COST, FOCUS, USAGE

if TYPE_CHECKING:
    from finops_azure.runs import Run

PARALLEL_MANIFESTS = 8
"""Manifests are small, so what they cost is latency."""

_EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True)
class Azure(Provider):
    name: ClassVar[str] = "azure"
    title: ClassVar[str] = "Microsoft Azure"
    import_command: ClassVar[str] = "import-billing"
    contract: ClassVar[int] = 1
    datasets: ClassVar[tuple[Dataset, ...]] = (COST, USAGE, FOCUS)
    sample_formats: ClassVar[tuple[str, ...]] = ("ea-csv", "mca-csv", "mca-parquet", "focus-1.0", "focus-1.2")

    container: str = setting(
        help="Blob container of the exports, or a file:// URL of a directory laid out like one.", metavar="NAME|URL"
    )
    storage_account: str = setting(default="", help="Storage account that the exports are written to.")
    prefix: str = setting(default="", help="Folder inside the container below which exports are looked for.")
    export_name: str = setting(
        default="",
        help="Name of the export. An amortised export of the same scope is found by itself. "
        "Needed only where several bills lie below the prefix.",
    )
    amortized_export_name: str = setting(
        default="", help="Name of the amortised export, where it cannot be told which one belongs to export_name."
    )
    dataset_type: str = setting(
        default="auto",
        choices=("auto", "actual", "amortized", "focus", "usage"),
        help="Which type of export to import. auto takes what is there, actual and amortised together.",
    )
    connection_string: Secret | None = setting(default=None, help="Connection string of the storage account.")
    account_key: Secret | None = setting(default=None, help="Access key of the storage account.")
    sas_token: Secret | None = setting(default=None, help="Shared access signature with the rights to read and list.")
    endpoint_url: str = setting(
        default="", help="Blob endpoint, for sovereign clouds, private endpoints and emulators."
    )

    def discover(self, window: Window) -> list[Delivery]:
        """The newest run per month. See Provider.discover; `details` name the export, run and manifest of each part."""
        from finops_azure.exports import Choice, choose, deliveries, exports_of

        store = self._store()
        bill = choose(
            exports_of(self._runs(store, window), self.dataset_type),
            Choice(self.dataset_type, self.export_name, self.amortized_export_name),
            f"{store.url}/{self._folder()}",
        )
        return deliveries(bill, window)

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
        """Bring the files of all parts here. A file must have the size that the manifest promises; where it is
        compressed, the size before or after, since it is not documented which of them is meant."""
        from finops_azure.promises import check_promise

        store = self._store()
        try:
            promised = self._promised(store, delivery)
            for local in fetch_all(store, delivery.files, staging.folder, staging.progress):
                check_promise(local, promised.get(local.source.key))
                yield local
        except (DataMissing, DeliveryError) as error:
            self._tell_replaced(delivery, error)
            raise

    def _store(self) -> Store:
        if (directory := directory_of(self.container)) is not None:
            return DirectoryStore(directory)
        from finops_azure.blob import Account, BlobStore

        secrets = [str(secret or "") for secret in (self.connection_string, self.account_key, self.sas_token)]
        return BlobStore(Account(self.storage_account, self.endpoint_url, *secrets), self.container)

    def _folder(self) -> str:
        folder = self.prefix.strip("/ ")
        return f"{folder}/" if folder else ""

    def _runs(self, store: Store, window: Window) -> list[Run]:
        """Every run below the prefix that may concern the window, from one listing and the manifests in it."""
        from finops_azure.classic import classic_runs
        from finops_azure.manifests import read_manifest
        from finops_azure.places import is_manifest

        blobs = {stored.key: stored for stored in store.list(self._folder())}
        manifests = _worth_reading([stored for key, stored in blobs.items() if is_manifest(key)], window)

        def read(stored: StoredObject) -> Run | None:
            try:
                return read_manifest(stored, store.read(stored.key), blobs)
            except DataMissing:
                return None  # Overwritten between the listing and now; the run that replaced it is listed next time.

        with ThreadPoolExecutor(PARALLEL_MANIFESTS) as pool:
            runs = [run for run in pool.map(read, manifests) if run]
        return runs + classic_runs(blobs)

    def _promised(self, store: Store, delivery: Delivery) -> Mapping[str, int]:
        """Byte counts by key, from the manifests as they are now. Raises DeliveryError when another run is there."""
        from finops_azure.manifests import read_manifest

        promised: dict[str, int] = {}
        for name, key in delivery.details.items():
            if name.endswith(" manifest") and key:
                listed = {file.key: StoredObject(file.key, 0, _EPOCH) for file in delivery.files}
                run = read_manifest(StoredObject(key, 0, _EPOCH), store.read(key), listed)
                if run is None or run.run_id not in delivery.version.split("+"):
                    raise DeliveryReplaced("a manifest was replaced while its run was read", where=f"{store.url}/{key}")
                promised |= run.promised
        return promised

    def _tell_replaced(self, delivery: Delivery, error: DataMissing | DeliveryError) -> None:
        """Exports that overwrite delete a run once the next one is there. Raises DeliveryReplaced if that was it."""
        try:
            now = self.discover(Window(delivery.period, delivery.period))
        except DataMissing:
            return
        if any(found.version != delivery.version for found in now):
            raise DeliveryReplaced(
                "the export was delivered anew while it was read", where=error.where, hint="import again"
            ) from error

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        from finops_azure.sample import write

        return write(request)


def _worth_reading(manifests: list[StoredObject], window: Window) -> list[StoredObject]:
    """Manifests of months in the window, and one of each folder that has none: which exports there are, and so which
    one is meant, must not depend on the window."""
    from finops_azure.places import place_of

    worth, others = [], {}
    for stored in manifests:
        place = place_of(stored.key)
        if place is None or _overlap(place.start, place.end, window):
            worth.append(stored)
        else:
            others[place.root] = stored
    seen = {place.root for stored in worth if (place := place_of(stored.key))}
    return worth + [stored for root, stored in others.items() if root not in seen]


def _overlap(first: dt.date, last: dt.date, window: Window) -> bool:
    return not ((window.start and Period.of(last) < window.start) or (window.end and Period.of(first) > window.end))
