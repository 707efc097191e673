"""Blob Storage as a Store: listings, manifests and checked downloads, through Microsoft's own client."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from finops_core import SourceFile
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError, DeliveryReplaced
from finops_core.store import StoredObject, check_size

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.storage.blob import ContainerClient

Arrived = TypeVar("Arrived")

RANGE = 4 << 20
"""Bytes per request. The service computes a checksum for ranges of up to 4 MiB only, and progress comes per range."""

TOKEN_SCOPE = "https://storage.azure.com/.default"

TRIES = 3
"""Downloads of one file. The client repeats requests that fail, but not those whose answer arrives damaged."""

RETRIES = {"retry_total": 4, "initial_backoff": 1, "increment_base": 2}
"""Four more tries within half a minute. The client's own backoff lets a mistyped account name wait for 80 seconds."""

PAGE = 5_000
"""Blobs per page of a listing, the service's own limit."""


class Damaged(DeliveryError):
    """Bytes did not arrive as they were sent: another try may do."""


class _Told:
    """Tells of bytes once, however often they are fetched."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress, self._before, self._now = progress, 0, 0

    def arrived(self, count: int) -> None:
        self._now += count
        if self._now > self._before:
            self._progress(self._now - self._before)
            self._before = self._now

    def again(self) -> None:
        self._now = 0


@dataclass(frozen=True)
class Account:
    """How to reach a storage account. Of the credentials the first that is set is used: connection string, key, SAS;
    without any, Azure's own chain (environment, workload and managed identity, CLI, PowerShell …)."""

    name: str = ""
    endpoint_url: str = ""
    connection_string: str = ""
    key: str = ""
    sas_token: str = ""

    @property
    def url(self) -> str:
        return self.endpoint_url or f"https://{self.name}.blob.core.windows.net"

    @property
    def if_refused(self) -> str:
        """What to look at when Azure refuses what one signs in with."""
        if self.connection_string or self.key:
            return "check that the key is this account's and was not renewed; see also the storage account's firewall"
        if self.sas_token:
            return (
                "the signature needs the rights to read and list, and expires; see also the storage account's firewall"
            )
        return "the identity needs the role Storage Blob Data Reader; see also the storage account's firewall"


class BlobStore:
    """One container. See finops_core.store.Store for the promises."""

    def __init__(self, account: Account, container: str) -> None:
        if not (account.name or account.endpoint_url or account.connection_string):
            raise ConfigError(
                "the storage account is not configured",
                where="azure.storage_account",
                hint="set storage_account, or connection_string, or a file:// URL as container",
            )
        self._account, self._name = account, container
        self.url = f"{account.url}/{container}" if account.name or account.endpoint_url else container

    @cached_property
    def _container(self) -> ContainerClient:
        from azure.storage.blob import ContainerClient

        # One request per range: then each answer carries the checksum that `validate_content` compares.
        options: dict[str, Any] = {"max_single_get_size": RANGE, "max_chunk_get_size": RANGE, **RETRIES}
        account = self._account
        if account.connection_string:
            try:
                return ContainerClient.from_connection_string(account.connection_string, self._name, **options)
            except ValueError as error:
                hint = "copy it from the storage account's access keys"
                raise ConfigError(f"the connection string is malformed: {error}", hint=hint) from None
        return ContainerClient(account.url, self._name, credential=self._credential(), **options)

    def _credential(self) -> Any:
        if self._account.key:
            return {"account_name": self._account.name, "account_key": self._account.key}
        if self._account.sas_token:
            return self._account.sas_token.lstrip("?")
        from azure.identity import DefaultAzureCredential

        # Its report of every source that it tried would bury our one sentence.
        logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
        credential = DefaultAzureCredential()
        # Asked for here: the client would retry for a minute and a half before it says that there is no credential.
        credential.get_token(TOKEN_SCOPE)
        return credential

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._explained(""):
            for blob in self._container.list_blobs(name_starts_with=prefix or None, results_per_page=PAGE):
                yield StoredObject(blob.name, blob.size, blob.last_modified, (blob.etag or "").strip('"'))

    def read(self, key: str) -> bytes:
        def download() -> bytes:
            with self._explained(key):
                return self._container.download_blob(key, validate_content="md5").readall()

        return _repeated(download)

    def fetch(self, file: SourceFile, to: Path, progress: Callable[[int], None]) -> Path:
        """Download the very version that was listed: by its ETag, each range by its MD5, the whole by size and,
        where the blob carries one, by its MD5. What arrives cut short or altered is fetched again."""
        told = _Told(progress)

        def download() -> Path:
            told.again()
            self._download(file, to, told)
            check_size(file, to)
            return to

        return _repeated(download)

    def _download(self, file: SourceFile, to: Path, told: _Told) -> None:
        from azure.core import MatchConditions

        etag = (file.checksum or "").removeprefix("etag:") if (file.checksum or "").startswith("etag:") else ""
        same: dict[str, Any] = {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified} if etag else {}
        digest = hashlib.md5(usedforsecurity=False)
        with self._explained(file.key, missing=DeliveryError), to.open("wb") as out:
            blob = self._container.get_blob_client(file.key)
            found = blob.get_blob_properties(**same).content_settings
            # With both options the client yields no bytes at all; bytes that are to stay compressed go without the
            # check of each range, and are checked as a whole.
            how: dict[str, Any] = {"decompress": False} if found.content_encoding else {"validate_content": "md5"}
            for chunk in blob.download_blob(**how, **same).chunks():
                out.write(chunk)
                digest.update(chunk)
                told.arrived(len(chunk))
        if found.content_md5 and bytes(found.content_md5) != digest.digest():
            raise Damaged("a file's content differs from its checksum", where=f"{self.url}/{file.key}")

    @contextmanager
    def _explained(self, key: str, missing: type[DataMissing | DeliveryError] = DataMissing) -> Iterator[None]:
        from azure.core.exceptions import AzureError
        from requests.exceptions import RequestException

        where = f"{self.url}/{key}" if key else self.url
        try:
            yield
        except AzureError as error:
            raise _translated(error, where, missing, self._account.if_refused) from error
        except RequestException as error:
            # Where it compares checksums, the client lets a broken connection through as it comes.
            raise Damaged("the connection broke off", where=where, hint="import again") from error


def _repeated(download: Callable[[], Arrived]) -> Arrived:
    """Do it once more where what arrives is damaged, up to TRIES times."""
    for _ in range(TRIES - 1):
        with suppress(Damaged):
            return download()
    return download()


def _translated(
    error: AzureError, where: str, missing: type[DataMissing | DeliveryError], if_refused: str
) -> AccessError | DataMissing | DeliveryError:
    """What an error of Microsoft's client means for the reader of a bill."""
    from azure.core import exceptions as azure

    found = getattr(error, "error_code", None) or ""
    code = str(getattr(found, "value", found))  # The client gives an enumeration for codes that it knows.
    if code in ("ContainerNotFound", "InvalidResourceName"):
        return DataMissing("there is no such container", where=where, hint="check container and storage_account")
    if isinstance(error, azure.ResourceNotFoundError):
        return missing("a blob is not there", where=where)
    if isinstance(error, azure.ResourceModifiedError):
        return DeliveryReplaced("a file was replaced while it was read", where=where, hint="import again")
    if "MD5 mismatch" in str(error):
        return Damaged("a file's content differs from its checksum", where=where, hint="import again")
    if isinstance(error, azure.ClientAuthenticationError) and error.response is None:
        hint = "run `az login`, or configure connection_string, account_key or sas_token"
        return AccessError("Azure's credential chain has no credentials", where=where, hint=hint)
    if isinstance(error, azure.ClientAuthenticationError) or getattr(error, "status_code", None) in (401, 403):
        return AccessError(f"Azure refuses access: {code or _first_line(error)}", where=where, hint=if_refused)
    if isinstance(error, azure.ServiceRequestError | azure.ServiceResponseError):
        hint = "check storage_account, endpoint_url and the network"
        reason = _first_line(error)
        reason = reason.partition("): ")[2] or reason  # without the connection's address, which `where` has
        return AccessError(f"the storage account cannot be reached: {reason}", where=where, hint=hint)
    return DeliveryError(f"Blob Storage fails: {code or _first_line(error)}", where=where, hint="try again later")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
