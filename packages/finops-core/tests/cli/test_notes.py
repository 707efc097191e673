"""What is to be said of several periods alike is said once, at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest
from finops_core import Period
from finops_core.cli import run
from finops_core.pipeline import Note
from finops_core.progress import told_once


def notes(topic: str, *months: int) -> list[Note]:
    return [Note(Period(2024, month), topic, f"{topic} ({month} in all)") for month in months]


def test_one_line_per_topic() -> None:
    mixed = [*notes("R9 regions", 1), *notes("new columns: a", 2), *notes("R9 regions", 2, 3), *notes("R4 units", 3)]
    assert told_once(mixed) == [
        "2024-01: R9 regions (1 in all); also in 2024-02, 2024-03",
        "2024-02: new columns: a (2 in all)",
        "2024-03: R4 units (3 in all)",
    ]


def test_many_periods_are_a_range() -> None:
    [line] = told_once(notes("R9 regions", *range(1, 13)))
    assert line == "2024-01: R9 regions (1 in all); also in 11 more periods, 2024-02 to 2024-12"


def test_an_import_says_a_broken_check_of_quality_once(acme: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bills = acme.workdir / "bills"
    bills.mkdir()
    for number, month in enumerate(("2024-01", "2024-02", "2024-03"), 1):
        rows = "Compute,1,USD,\n" * number
        (bills / f"{month}.csv").write_text(f"service,cost,currency,day\n{rows}")
    assert run(["acme", "import-billing", "--bucket", bills.as_uri()]) == 0
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if line.startswith("note: ")]
    assert sum("R15b" in line for line in told) == 1
    assert any("R15b" in line and line.endswith("; also in 2024-02, 2024-03") for line in told)
    assert lines[-1].startswith("loaded 3 periods")
