"""Credentials and clients of Google's libraries, and what their refusals mean. Imports wait until they are used."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as BigQueryClient
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient
    from google.cloud.storage import Client as StorageClient

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

LOGIN = "run `gcloud auth application-default login`, or set credentials_file to a service account's key"


@dataclass(frozen=True)
class Access:
    """How to reach Google: who we are, and where. Empty fields leave it to Google's own chain and hosts."""

    project: str = ""
    credentials_file: Path | None = None
    anonymous: bool = False
    endpoint: str = ""
    read_endpoint: str = ""
    location: str = ""

    def storage(self) -> StorageClient:
        from google.cloud import storage

        with explained("Cloud Storage"):
            return storage.Client(
                project=self.project or "none",  # Reading a bucket needs no project, but the client wants a name.
                credentials=self._credentials(),
                client_options=self._options(),
            )

    def bigquery(self) -> BigQueryClient:
        from google.cloud import bigquery

        with explained("BigQuery"):
            return bigquery.Client(
                project=self.project or None,
                credentials=self._credentials(),
                client_options=self._options(),
                location=self.location or None,
            )

    def reader(self) -> BigQueryReadClient:
        """The Storage Read API. A `read_endpoint` that begins with http:// is spoken to in plain text."""
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient

        with explained("the BigQuery Storage Read API"):
            if self.read_endpoint.startswith("http://"):
                transport = _plain_transport(self.read_endpoint)
                return BigQueryReadClient(transport=transport)  # type: ignore[no-untyped-call]
            options = {"api_endpoint": self.read_endpoint} if self.read_endpoint else None
            return BigQueryReadClient(  # type: ignore[no-untyped-call]
                credentials=self._credentials(), client_options=options
            )

    def _options(self) -> dict[str, str] | None:
        return {"api_endpoint": self.endpoint} if self.endpoint else None

    def _credentials(self) -> Any:
        """None lets the client ask Google's own chain."""
        if self.anonymous:
            from google.auth.credentials import AnonymousCredentials

            return AnonymousCredentials()  # type: ignore[no-untyped-call]
        if self.credentials_file is None:
            return None
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError

        if not self.credentials_file.is_file():
            raise ConfigError("credentials_file is not there", where=str(self.credentials_file))
        try:
            with warnings.catch_warnings():
                # The warning is about files from strangers; this one is the user's own.
                warnings.simplefilter("ignore", DeprecationWarning)
                loaded = google.auth.load_credentials_from_file(  # type: ignore[no-untyped-call]
                    str(self.credentials_file), scopes=list(SCOPES)
                )
        except (ValueError, DefaultCredentialsError) as error:
            raise ConfigError(
                f"credentials_file holds no credentials: {error}", where=str(self.credentials_file)
            ) from error
        return loaded[0]


def _plain_transport(url: str) -> Any:
    import grpc
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    return BigQueryReadGrpcTransport(channel=grpc.insecure_channel(url.removeprefix("http://")))


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what Google's libraries raise into our errors, naming what was asked for."""
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.cloud.storage import exceptions as storage
    from requests import exceptions as http

    try:
        yield
    except auth.DefaultCredentialsError as error:
        raise AccessError("there are no Google Cloud credentials", where=where, hint=LOGIN) from error
    except auth.GoogleAuthError as error:
        raise AccessError(f"Google gives us no access: {_first(error)}", where=where, hint=LOGIN) from error
    except (api.Unauthorized, api.Forbidden) as error:
        raise _refused(error, where) from error
    except api.NotFound as error:
        raise DataMissing(f"there is no such thing: {_message(error)}", where=where) from error
    except api.BadRequest as error:
        raise _bad_request(error, where) from error
    except storage.DataCorruption as error:
        raise DeliveryError("a download differs from its checksum", where=where, hint="import again") from error
    except (api.GoogleAPICallError, api.RetryError, storage.InvalidResponse, http.RequestException) as error:
        raise DeliveryError(
            f"Google did not answer: {_message(error)}", where=where, hint="import again; nothing was changed"
        ) from error


def _refused(error: Any, where: str) -> AccessError | DeliveryError:
    """Quota errors are 403 too, but not a matter of permission."""
    reasons = {item.get("reason", "") for item in error.errors or () if isinstance(item, dict)}
    if reasons & {"rateLimitExceeded", "quotaExceeded", "billingNotEnabled"}:
        return DeliveryError(f"a quota is used up: {_message(error)}", where=where, hint="import again later")
    return AccessError(
        f"Google refused: {_message(error)}",
        where=where,
        hint="BigQuery needs bigquery.jobs.create, bigquery.tables.getData and bigquery.readsessions.create; "
        "a bucket needs storage.objects.list and storage.objects.get",
    )


def _bad_request(error: Any, where: str) -> ConfigError | DeliveryError:
    reasons = {item.get("reason", "") for item in error.errors or () if isinstance(item, dict)}
    if "bytesBilledLimitExceeded" in reasons or "bytes billed" in str(error):
        return ConfigError(
            f"the query would bill more than maximum_bytes_billed: {_message(error)}",
            where=where,
            hint="raise maximum_bytes_billed, or narrow --start-date; `list-manifests` shows the bytes of each month",
        )
    return DeliveryError(f"BigQuery rejects the query: {_message(error)}", where=where)


def _message(error: Any) -> str:
    """What Google says, without the request that its libraries put before it."""
    return re.sub(r"^[A-Z]+ https?://\S+: ", "", str(getattr(error, "message", "") or _first(error)).partition("\n")[0])


def _first(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
