"""Paged Cloud keeps every promise of a provider, against a server of its API on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from finops_core import Period, Provider, Secret
from finops_core.cli.main import run
from finops_core.testing import Bills, ProviderSuite, Truth

from finops_paged.provider import Paged

PAGE = 500
TOKEN = "let-me-in"
PROJECTS = [
    {"id": "project-0", "owner": "Ada", "closed": False},
    {"id": "project-1", "owner": "=Grace", "closed": True},
]


class Handler(BaseHTTPRequestHandler):
    """Answers from the server's `bills`: month -> (revision, number of lines); a line is made from its number."""

    server: BillingServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {})
        match parts.path.strip("/").split("/"):
            case ["bills"]:
                found = sorted(self.server.bills.items())
                bills = [{"month": m, "revision": revision, "lines": lines} for m, (revision, lines) in found]
                return self.answer(200, {"bills": bills})
            case ["projects"]:
                return self.answer(200, {"projects": PROJECTS})
            case ["bills", month, "lines"]:
                return self.lines(month, {key: values[0] for key, values in parse_qs(parts.query).items()})
        return self.answer(404, {})

    def lines(self, month: str, asked: dict[str, str]) -> None:
        revision, count = self.server.bills[month]
        if asked["revision"] != str(revision):
            return self.answer(409, {})
        start = int(asked.get("after", 0))
        page: dict[str, Any] = {"lines": [line(month, revision, at) for at in range(start, min(start + PAGE, count))]}
        if start + PAGE < count:
            page["next"] = str(start + PAGE)
        if month == self.server.spoiled:
            page["lines"] = page["lines"][:-1]
        return self.answer(200, page)

    def answer(self, code: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The suite listens for what is written to stderr."""


class BillingServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bills: dict[str, tuple[int, int]] = {}
        self.spoiled = ""


def line(month: str, revision: int, number: int) -> dict[str, str]:
    return {
        "id": f"{month}-{number}",
        "project": f"project-{number % 3}",
        "service": f"machine-{number % 5}",
        "usage_start": f"{month}-01T00:00:00Z",
        "usage_end": f"{month}-01T01:00:00Z",
        "hours": str(number % 7),
        "amount": str(amount(revision, number)),
        "currency": "EUR",
    }


def amount(revision: int, number: int) -> Decimal:
    return Decimal(number % 7) * (Decimal("0.1234567890123") + revision)


class PagedBills(Bills):
    def __init__(self, server: BillingServer) -> None:
        self.server, self.url = server, f"http://127.0.0.1:{server.server_port}"
        self.provider = Paged(url=self.url, token=Secret(TOKEN))

    def deliver(self, period: Period, rows: int) -> Truth:
        revision = self.server.bills.get(str(period), (0, 0))[0] + 1
        self.server.bills[str(period)] = (revision, rows)
        total = sum((amount(revision, number) for number in range(rows)), Decimal(0))
        return Truth(rows, {"EUR": total} if rows else {})

    def spoil(self, period: Period) -> None:
        self.server.spoiled = str(period)

    def nowhere(self) -> Provider:
        return Paged(url=f"{self.url}/elsewhere", token=Secret(TOKEN))


def test_its_own_command_lists_projects(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with BillingServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PAGED_TOKEN", TOKEN)
        flags = ["--url", f"http://127.0.0.1:{server.server_port}", "-o", "json"]
        told = [asked(capsys, ["paged", "list-projects", *flags, *more]) for more in ([], ["--closed"])]
        server.shutdown()
    assert told == [PROJECTS_TOLD[:1], PROJECTS_TOLD]


PROJECTS_TOLD = [{"project": item["id"], "owner": item["owner"], "closed": item["closed"]} for item in PROJECTS]


def asked(capsys: pytest.CaptureFixture[str], command: list[str]) -> Any:
    assert run(command) == 0
    return json.loads(capsys.readouterr().out)["rows"]


class TestPaged(ProviderSuite):
    provider: ClassVar[type[Provider]] = Paged

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        with BillingServer() as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield PagedBills(server)
            server.shutdown()
