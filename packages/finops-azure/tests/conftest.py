"""A blob server on loopback, and builders of small trees of exports."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import gzip
import io
import ipaddress
import json
import os
import shutil
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_azure.provider import Azure
from finops_core import Delivery, LocalFile, Period, Window
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import ImportReport, run_import
from finops_core.progress import QuietReporter

AZURITE = "azurite@3.35.0"
"""The last one that runs on Node 20."""

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Account and key that Microsoft publishes for its emulator."""

SCOPE = "/providers/Microsoft.Billing/billingAccounts/8611537"
TYPES = {"actual": "ActualCost", "amortized": "AmortizedCost", "focus": "FocusCost", "usage": "Usage"}
HEADER = "Date,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Quantity,UnitOfMeasure"


def line(cost: str = "1.5", day: str = "01/05/2024", charge: str = "Usage", model: str = "OnDemand") -> str:
    return f"{day},{cost},USD,{charge},{model},1,1 Hour"


@dataclass
class Exports:
    """A container as a directory, with exports built run by run. Months are `2024-01`."""

    root: Path
    folder: str = "billing"
    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.blobs[key] = data

    def remove(self, key: str) -> None:
        (self.root / key).unlink()
        del self.blobs[key]

    def run(
        self,
        name: str = "acme",
        month: str = "2024-01",
        lines: Sequence[str] = (line(),),
        *,
        kind: str = "actual",
        number: int = 1,
        submitted: str = "",
        keep_runs: bool = False,
        **changes: Any,
    ) -> dict[str, Any]:
        """One run with a manifest, its rows in two parts. `changes` replace sections of the manifest, or with `header`,
        `compressed`, `scope`, `root` and `parts` what else there is. Returns the manifest."""
        period = Period.parse(month)
        folder = changes.pop("root", f"{self.folder}/{name}/{_range(period)}")
        time = f"{period.year}{period.month:02d}{number:02d}0400/" if keep_runs else ""
        run_id = f"{number:08d}-0000-4000-8000-{zlib.crc32(f'{name} {month}'.encode()):012d}"
        header, compressed = changes.pop("header", HEADER), changes.pop("compressed", False)
        blobs = []
        for part, rows in enumerate(changes.pop("parts", None) or [lines[:1], lines[1:]]):
            data = ("\r\n".join([header, *rows]) + "\r\n").encode("utf-8-sig")
            data = gzip.compress(data, mtime=0) if compressed else data
            key = f"{folder}/{time}{run_id}/part_{part}_0001.csv{'.gz' if compressed else ''}"
            self.put(key, data)
            blobs.append({"blobName": key, "byteCount": len(data), "dataRowCount": len(rows)})
        manifest: dict[str, Any] = {
            "manifestVersion": "2024-04-01",
            "byteCount": sum(blob["byteCount"] for blob in blobs),
            "blobCount": len(blobs),
            "dataRowCount": sum(blob["dataRowCount"] for blob in blobs),
            "exportConfig": {
                "exportName": name,
                "resourceId": f"{changes.pop('scope', SCOPE)}/providers/Microsoft.CostManagement/exports/{name}",
                "dataVersion": "2024-08-01",
                "type": TYPES.get(kind, kind),
                "timeFrame": "MonthToDate",
            },
            "deliveryConfig": {"fileFormat": "Csv", "compressionMode": "None"},
            "runInfo": {
                "submittedTime": submitted or f"{period}-{number:02d}T04:04:06.5234447Z",
                "runId": run_id,
                "startDate": f"{period.start}T00:00:00",
                "endDate": f"{period}-{min(28, number + 5):02d}T00:00:00Z",
            },
            "blobs": blobs,
        } | changes
        self.put(f"{folder}/{time}{run_id}/manifest.json", json.dumps(manifest))
        return manifest

    def provider(self, **settings: Any) -> Azure:
        return Azure(container=self.root.as_uri(), **({"prefix": self.folder} | settings))

    def discover(self, start: str = "", end: str = "", **settings: Any) -> list[Delivery]:
        window = Window(Period.parse(start) if start else None, Period.parse(end) if end else None)
        return self.provider(**settings).discover(window)

    def only(self, **settings: Any) -> Delivery:
        found = self.discover(**settings)
        assert len(found) == 1, [str(delivery.period) for delivery in found]
        return found[0]


def _range(period: Period) -> str:
    return f"{period.start:%Y%m%d}-{period.end - dt.timedelta(days=1):%Y%m%d}"


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    (tmp_path / "acme-exports").mkdir()
    return Exports(tmp_path / "acme-exports")


@dataclass
class Folder:
    """What core gives fetch."""

    folder: Path
    fetched: int = 0

    def progress(self, bytes_fetched: int) -> None:
        self.fetched += bytes_fetched


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[[Azure, Delivery], list[LocalFile]]:
    def fetched(provider: Azure, delivery: Delivery) -> list[LocalFile]:
        folder = tmp_path / "staging"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return list(provider.fetch(delivery, Folder(folder)))

    return fetched


def _azurite_script() -> Path:
    """Install Azurite once per machine. FINOPS_AZURITE names a folder that has it already."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "finops-tests"
    folder = Path(os.environ.get("FINOPS_AZURITE") or cache / AZURITE)
    script = folder / "node_modules/azurite/dist/src/blob/main.js"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            npm = shutil.which("npm")
            if npm is None or shutil.which("node") is None:
                problem = "Azurite needs Node and npm, or FINOPS_AZURITE"
                # What is skipped on a laptop must not be skipped where everything is checked.
                (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
            command = [npm, "install", "--prefix", str(folder), AZURITE, "--no-fund", "--no-audit", "--loglevel=error"]
            subprocess.run(command, check=True, capture_output=True, timeout=600)
    return script


@dataclass(frozen=True)
class Server:
    url: str

    @property
    def connection_string(self) -> str:
        endpoint = f"{self.url}/{ACCOUNT}"
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"

    def upload(self, container: str, blobs: dict[str, bytes], **settings: Any) -> None:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import ContainerClient

        with ContainerClient.from_connection_string(self.connection_string, container) as client:
            with contextlib.suppress(ResourceExistsError):
                client.create_container()
            for key, data in blobs.items():
                client.upload_blob(key, data, overwrite=True, **settings)

    def delete(self, container: str, key: str) -> None:
        from azure.storage.blob import ContainerClient

        with ContainerClient.from_connection_string(self.connection_string, container) as client:
            client.delete_blob(key)

    def provider(self, container: str, **settings: Any) -> Azure:
        return Azure(container=container, **({"connection_string": self.connection_string} | settings))


@contextlib.contextmanager
def _azurite(*options: str) -> Iterator[Server]:
    """Microsoft's own emulator, in memory, on a free port."""
    common = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent"]
    command = ["node", str(_azurite_script()), *common, "--skipApiVersionCheck", "--disableTelemetry", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = next(text for text in process.stdout if "listens on" in text)
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Server(told.strip().rpartition(" ")[2])
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Server]:
    with _azurite() as server:
        yield server


@pytest.fixture
def secure_azurite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The emulator behind TLS, asking for tokens: Microsoft's client sends none without TLS."""
    certificate, key = _certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with _azurite("--oauth", "basic", "--cert", str(certificate), "--key", str(key)) as server:
        yield server


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(secret, hashes.SHA256())
    )
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, *plain))
    return certificate, key


class _Identity(BaseHTTPRequestHandler):
    """What a managed identity asks for a token."""

    def do_GET(self) -> None:
        import jwt

        now, tenant = int(time.time()), "00000000-0000-0000-0000-000000000000"
        issuer, audience = f"https://sts.windows.net/{tenant}/", "https://storage.azure.com"
        claims = {"aud": audience, "iss": issuer, "iat": now - 10, "nbf": now - 10, "exp": now + 3600}
        token = jwt.encode(claims | {"oid": "x", "sub": "x", "tid": tenant}, "s" * 40, algorithm="HS256")
        answer = {"access_token": token, "expires_on": str(now + 3600), "resource": audience, "token_type": "Bearer"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def managed_identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Identity) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "x")
        yield
        server.shutdown()


@dataclass
class Warehouse:
    """A destination of the test, and what stands in it."""

    data: Path

    def load(self, provider: Azure, **options: Any) -> ImportReport:
        target = Target.parse("duckdb", self.data)
        given = {"window": Window(), "target": target, "dataset_name": "azure_billing"} | options
        return run_import(provider, ImportOptions(**given), QuietReporter(io.StringIO()))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data / "finops.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "data")
