"""What a network does to a download: a proxy between the client and the emulator breaks what passes."""

from __future__ import annotations

import http.client
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from finops_azure import blob
from finops_azure.blob import Account, BlobStore
from finops_core import SourceFile
from finops_core.errors import AccessError, DeliveryError

ACCOUNT = "devstoreaccount1"
DATA = bytes(range(256)) * 4096

Break = Callable[[int, bytes], tuple[int, bytes]]


class Proxy(ThreadingHTTPServer):
    """Passes requests on. `breaks` get the answers of blobs, one after the other."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(url).netloc
        self.breaks: list[Break] = []
        self.requests = 0

    def handle_error(self, *arguments: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        connection.request(self.command, self.path, headers=dict(self.headers))
        answer = connection.getresponse()
        status, body, length = answer.status, answer.read(), answer.getheader("Content-Length")
        if self.command == "GET" and "blob.bin" in self.path:
            self.server.requests += 1
            if self.server.breaks:
                status, body = self.server.breaks.pop(0)(status, body)
        self.send_response_only(status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection") and (
                status < 400 or name.lower() != "content-md5"
            ):
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)) if status < 400 else "0")
        self.end_headers()
        if self.command == "GET" and status < 400:
            self.wfile.write(body)
        if len(body) < int(length or len(body)):
            self.close_connection = True
        connection.close()

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def proxy(azurite: Any) -> Iterator[Proxy]:
    with Proxy(azurite.url) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def fetched(azurite: Any, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    container = f"c{uuid.uuid4().hex[:12]}"
    azurite.upload(container, {"blob.bin": DATA})
    monkeypatch.setattr(blob, "RETRIES", {"retry_total": 2, "initial_backoff": 0, "increment_base": 1})

    def fetch(*breaks: Break) -> bytes:
        counted: list[int] = []
        proxy.breaks = list(breaks)
        text = azurite.connection_string.replace(proxy.upstream, f"127.0.0.1:{proxy.server_port}")
        store = BlobStore(Account(connection_string=text), container)
        path = store.fetch(SourceFile("blob.bin", len(DATA)), tmp_path / "blob", counted.append)
        assert sum(counted) == len(DATA), "bytes are told once, however often they are fetched"
        return path.read_bytes()

    return fetch


def unavailable(status: int, body: bytes) -> tuple[int, bytes]:
    return 503, body


def forbidden(status: int, body: bytes) -> tuple[int, bytes]:
    return 403, body


def flipped(status: int, body: bytes) -> tuple[int, bytes]:
    return status, body[:1000] + bytes([body[1000] ^ 0xFF]) + body[1001:]


def cut(status: int, body: bytes) -> tuple[int, bytes]:
    return status, body[: len(body) // 2]


@pytest.mark.parametrize("fault", [unavailable, flipped, cut])
def test_what_goes_wrong_once_is_fetched_again(fault: Break, fetched: Callable[..., bytes], proxy: Proxy) -> None:
    assert fetched(fault) == DATA
    assert proxy.requests == 2


@pytest.mark.parametrize("fault", [unavailable, flipped, cut])
def test_what_always_goes_wrong_is_told(fault: Break, fetched: Callable[..., bytes]) -> None:
    with pytest.raises((DeliveryError, AccessError)):
        fetched(*[fault] * 20)


def test_a_refusal_is_not_repeated(fetched: Callable[..., bytes], proxy: Proxy) -> None:
    with pytest.raises(AccessError):
        fetched(*[forbidden] * 20)
    assert proxy.requests == 1
