"""What a user sees in the terminal when a bill cannot be had: what, where, and how to mend it, for each kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from finops_core.cli import run

Given = Callable[[Any], None]
MANIFEST = "p/cur/20240101-20240201/cur-Manifest.json"
FILE = "p/cur/20240101-20240201/a1/cur-1.csv.gz"


def plain(bills: Any) -> None:
    bills.v1([bills.line()])


def two_exports(bills: Any) -> None:
    plain(bills)
    bills.v1([bills.line()], root="p/other")


def no_file(bills: Any) -> None:
    (bills.root / bills.v1([bills.line()])["reportKeys"][0]).unlink()


def half_a_file(bills: Any) -> None:
    bills.v1(gzip.compress(bills.csv_text([bills.line()] * 50).encode())[:200])


def half_a_manifest(bills: Any) -> None:
    plain(bills)
    (bills.root / MANIFEST).write_text("{")


def other_manifests(bills: Any) -> None:
    plain(bills)
    bills.v1([bills.line("2024-02")], month="2024-02")
    for name in ("x", "y"):
        bills.put(MANIFEST.replace("cur-Manifest", f"{name}-Manifest"), "{}")
    (bills.root / MANIFEST).unlink()


def not_utf8(bills: Any) -> None:
    text = bills.csv_text([bills.line(more={"lineItem/Operation": "xx"})])
    bills.v1(text.encode().replace(b"xx", b"\xff\xfe"))


def header_not_utf8(bills: Any) -> None:
    bills.v1(bills.csv_text([bills.line()]).encode().replace(b"ProductCode", b"Product\xff"))


def text_for_parquet(bills: Any) -> None:
    bills.v1(bills.csv_text([bills.line()]).encode(), ending="snappy.parquet")


def a_page(bills: Any) -> None:
    bills.v1(b"<html><body>Access denied</body></html>")


def emissions(bills: Any) -> None:
    bills.export(b"", columns=[{"name": "total_mbm_emissions_value", "type": "double"}])


def a_comma(bills: Any) -> None:
    bills.v1([bills.line(cost="1,5")])


@pytest.mark.parametrize(
    ("given", "flags", "code", "what", "where", "hint"),
    [
        (plain, ["--bucket", "file:///no/such"], "FIN011", "no such directory", "/no/such", "file:// URL"),
        (plain, ["--prefix", "q"], "FIN011", "no export was found", "/bucket/q", "aws.prefix"),
        (plain, ["--export-name", "curr"], "FIN011", "no export 'curr'", "/bucket/", "cur (report in p/cur/)"),
        (plain, ["--start-date", "2025-01"], "FIN011", "no delivery from 2025-01", "/bucket", "2024-01"),
        (plain, ["--cur-version", "v2"], "FIN020", "cur_version asks for v2", MANIFEST, "aws.export_name"),
        (plain, ["--export-format", "parquet"], "FIN020", "export_format asks for parquet", MANIFEST, "auto"),
        (two_exports, [], "FIN001", "2 exports fit: cur", "/bucket/", "aws.export_name"),
        (no_file, [], "FIN020", "is missing", FILE, "delivered anew"),
        (half_a_file, [], "FIN020", "damaged", FILE, "delivered anew"),
        (half_a_manifest, [], "FIN020", "not JSON", MANIFEST, "delivered anew"),
        (other_manifests, [], "FIN020", "x-Manifest.json", "p/cur/20240101-20240201/", "delivered anew"),
        (not_utf8, [], "FIN020", "not utf-8", f"{FILE}, line 2", "not the CSV"),
        (header_not_utf8, [], "FIN020", "header of a file is not UTF-8", FILE, "delivered anew"),
        (text_for_parquet, [], "FIN020", "not parquet but text", "cur-1.snappy.parquet", "delivered anew"),
        (a_page, [], "FIN020", "lacks bill_billing_period_start_date", FILE, "other columns"),
        (emissions, [], "FIN020", "not the columns of a bill", "exp-Manifest.json", "aws.export_name"),
        (a_comma, [], "FIN021", "'1,5'", f"{FILE}, row 1, column lineItem/UnblendedCost", "20 digits"),
    ],
)
def test_an_error_is_three_lines(
    bills: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    given: Given, flags: list[str], code: str, what: str, where: str, hint: str,
) -> None:  # fmt: skip
    given(bills)
    monkeypatch.chdir(bills.root.parent)
    bucket = [] if "--bucket" in flags else ["--bucket", bills.root.as_uri()]
    assert run(["aws", "import-cur", *bucket, *flags]) in (1, 2, 5)
    seen = capsys.readouterr()
    lines = seen.err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"error {code}: "))
    assert what in lines[first]
    assert lines[first + 1].startswith("  where: ")
    assert where in lines[first + 1]
    assert lines[first + 2].startswith("  hint:  ")
    assert hint in lines[first + 2]
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_a_manifest_that_is_none_does_not_hide_the_other_months(bills: Any) -> None:
    plain(bills)
    bills.v1([bills.line("2024-02")], month="2024-02")
    (bills.root / MANIFEST).write_text(json.dumps({"reportKeys": ["../../etc/passwd"]}))
    report = bills.load()
    assert [str(step.delivery.period) for step in report.loaded] == ["2024-02"]
    ((_, error),) = report.failed
    assert "outside the bucket" in error.what
