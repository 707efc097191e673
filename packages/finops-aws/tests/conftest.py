"""An S3 server on loopback, a proxy in front of it that breaks what passes, and builders of small trees of bills."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from finops_aws.provider import Aws
from hypothesis import settings

settings.register_profile("finops", deadline=None)
settings.load_profile("finops")

BUCKET = "acme-billing"
V1_COLUMNS = [
    {"category": "identity", "name": "LineItemId", "type": "String"},
    {"category": "bill", "name": "BillingPeriodStartDate", "type": "DateTime"},
    {"category": "lineItem", "name": "LineItemType", "type": "String"},
    {"category": "lineItem", "name": "UnblendedCost", "type": "BigDecimal"},
    {"category": "resourceTags", "name": "user:Name", "type": "OptionalString"},
]
V2_COLUMNS = [
    {"name": "line_item_unblended_cost", "type": "double"},
    {"name": "resource_tags", "type": "map"},
    {"name": "bill_payer_account_name", "type": "string"},
]
FOCUS_1_0_COLUMNS = [{"name": name, "type": "string"} for name in ("BilledCost", "ChargePeriodStart", "x_UsageType")]
FOCUS_1_2_COLUMNS = [{"name": name, "type": "string"} for name in ("BilledCost", "ChargePeriodStart", "InvoiceId")]


class Tree(dict[str, bytes]):
    """Keys and contents of a bucket, built delivery by delivery. Months are `202501`."""

    def report(
        self,
        root: str,
        month: str,
        assembly: str = "a1",
        files: int = 2,
        *,
        layout: str = "create-new",
        form: str = "csv",
        **changes: Any,
    ) -> dict[str, Any]:
        """One delivery of a CUR v1 report in the folder `root` (no slash at its end); returns its manifest."""
        name = root.rpartition("/")[2]
        following = f"{int(month[:4]) + (month[4:] == '12')}{int(month[4:]) % 12 + 1:02d}"
        period = f"{root}/{month}01-{following}01"
        ending = "csv.gz" if form == "csv" else "snappy.parquet"
        folder = {
            "create-new": f"{period}/{assembly}",
            "overwrite": period,
            "athena": f"{root}/{name}/year={month[:4]}/month={int(month[4:])}",
            "athena-2018": f"{root}/{name}/year={month[:4]}/month={int(month[4:])}",
        }[layout]
        keys = [f"{folder}/{name}-{number}.{ending}" for number in range(1, files + 1)]
        self.update({key: gzip.compress(f"{key} {assembly}".encode()) for key in keys})
        manifest = {
            "assemblyId": assembly,
            "account": "000011112222",
            "columns": V1_COLUMNS,
            "charset": "UTF-8",
            "compression": "GZIP" if form == "csv" else "Parquet",
            "contentType": "text/csv" if form == "csv" else "Parquet",
            "reportId": "494124ba",
            "reportName": name,
            "billingPeriod": {"start": f"{month}01T000000.000Z", "end": f"{following}01T000000.000Z"},
            "bucket": BUCKET,
            "reportKeys": keys,
            "additionalArtifactKeys": [{"artifactType": "RedshiftCommands", "name": f"{folder}/x.sql"}],
        } | changes
        content = json.dumps({field: value for field, value in manifest.items() if value is not ...}).encode()
        places = [folder if layout == "athena-2018" else period, *([folder] if layout == "create-new" else [])]
        self.update({f"{place}/{name}-Manifest.json": content for place in places})
        return manifest

    def export(
        self,
        root: str,
        month: str,
        execution: str = "e1",
        files: int = 2,
        *,
        layout: str = "overwrite",
        form: str = "parquet",
        partition: str = "BILLING_PERIOD",
        **changes: Any,
    ) -> dict[str, Any]:
        """One delivery of a data export in the folder `root`; returns its manifest."""
        name = root.rpartition("/")[2]
        part = f"{partition}={month[:4]}-{month[4:]}"
        own = f"/2025-03-07T05:36:21.123Z-{execution}" if layout == "create-new" else ""
        ending = "csv.gz" if form == "csv" else "snappy.parquet"
        keys = [f"{root}/data/{part}{own}/{name}-{number:05d}.{ending}" for number in range(1, files + 1)]
        self.update({key: gzip.compress(f"{key} {execution}".encode()) for key in keys})
        manifest = {
            "executionId": execution,
            "dataFiles": [f"s3://{BUCKET}/{key}" for key in keys],
            "columns": V2_COLUMNS,
            "billingPeriod": f"{month[:4]}-{month[4:]}",
            "exportName": name,
        } | changes
        content = json.dumps({field: value for field, value in manifest.items() if value is not ...}).encode()
        for place in {f"{root}/metadata/{part}", f"{root}/metadata/{part}{own}"}:
            self[f"{place}/{name}-Manifest.json"] = content
        return manifest


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def no_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Known credentials, no configuration files, no metadata service."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def s3_test_client(s3_url: str) -> Iterator[Any]:
    known = {"region_name": "us-east-1", "aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=s3_url, **known)
    yield client
    client.close()


@pytest.fixture
def s3(s3_url: str, s3_test_client: Any) -> Any:
    """A client of the S3 server; the server is empty but for the bucket."""
    urllib.request.urlopen(urllib.request.Request(f"{s3_url}/moto-api/reset", method="POST")).read()
    s3_test_client.create_bucket(Bucket=BUCKET)
    return s3_test_client


def put(client: Any, tree: Mapping[str, bytes]) -> None:
    for key in sorted(tree, key=lambda key: key.endswith("-Manifest.json")):
        client.put_object(Bucket=BUCKET, Key=key, Body=tree[key])


Lay = Callable[..., Aws]
"""Lays a tree out and says how to read it. Called again, it adds and overwrites."""


@pytest.fixture
def here(tmp_path: Path) -> Lay:
    """In a directory."""
    root = tmp_path / BUCKET
    root.mkdir()

    def in_directory(tree: Mapping[str, bytes], **settings: Any) -> Aws:
        for key in sorted(tree, key=lambda key: key.endswith("-Manifest.json")):
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tree[key])
        return Aws(bucket=root.as_uri(), **settings)

    return in_directory


@pytest.fixture
def there(s3: Any, s3_url: str) -> Lay:
    """In S3."""

    def in_s3(tree: Mapping[str, bytes], **settings: Any) -> Aws:
        put(s3, tree)
        return Aws(bucket=BUCKET, endpoint_url=s3_url, **settings)

    return in_s3


@pytest.fixture(params=["here", "there"])
def lay(request: pytest.FixtureRequest) -> Lay:
    """In each of them."""
    return request.getfixturevalue(request.param)


@dataclass
class Staging:
    """What core gives a provider to fetch into."""

    folder: Path
    counts: list[int] = field(default_factory=list)

    def progress(self, bytes_fetched: int) -> None:
        self.counts.append(bytes_fetched)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    folder = tmp_path / "staging"
    folder.mkdir()
    return Staging(folder)


@dataclass
class Fault:
    """`kind`: status, corrupt (one byte), short (the connection ends). For the next `times` requests that match."""

    kind: str
    times: int
    matches: Callable[[str, str], bool]
    code: int = 0
    error: str = ""
    at: int = 0


class Proxy(ThreadingHTTPServer):
    """Passes requests to an S3 server; breaks those that it was told to break; remembers all (method, path)."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[tuple[str, str]] = []
        self.payers: set[str | None] = set()
        self.faults: list[Fault] = []
        self.guard = threading.Lock()

    def breaks(self, kind: str, path: str = "", times: int = 1, **how: Any) -> None:
        self.faults.append(Fault(kind, times, lambda method, asked: method in ("GET", "POST") and path in asked, **how))

    def fault_for(self, method: str, path: str) -> Fault | None:
        asked = urllib.parse.unquote(path)
        with self.guard:
            self.seen.append((method, asked))
            fault = next((f for f in self.faults if f.times > 0 and f.matches(method, asked)), None)
            if fault:
                fault.times -= 1
            return fault

    def count(self, text: str) -> int:
        return sum(text in path for _, path in self.seen)


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.payers.add(self.headers.get("x-amz-request-payer"))
        fault = self.server.fault_for(self.command, self.path)
        if fault and fault.kind == "status":
            error = f"<Error><Code>{fault.error}</Code><Message>{fault.error} injected</Message></Error>"
            body = (f"<ErrorResponse>{error}</ErrorResponse>" if self.command == "POST" else error).encode()
            self._answer(fault.code, [("Content-Type", "application/xml")], body, len(body))
            return
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=30)
        size = int(self.headers.get("Content-Length") or 0)
        upstream.request(self.command, self.path, self.rfile.read(size), dict(self.headers.items()))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        length = int(answer.getheader("Content-Length") or len(body))
        if fault and fault.kind == "corrupt":
            body = body[: fault.at] + bytes([body[fault.at] ^ 0xFF]) + body[fault.at + 1 :]
        if fault and fault.kind == "short":
            body = body[: fault.at]
            self.close_connection = True
        dropped = {"connection", "transfer-encoding", "content-length", "date", "server"}
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in dropped]
        self._answer(answer.status, headers, body, length)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PUT = do_POST = do_GET


@pytest.fixture
def proxy(s3_url: str) -> Iterator[Proxy]:
    server = Proxy(s3_url)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
