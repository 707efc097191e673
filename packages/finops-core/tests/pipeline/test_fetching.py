"""The files of one period arrive while those of the one before are loaded; nothing else changes."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from finops_core import Delivery, FinopsError, LocalFile, Provider, Staging, Window
from finops_core.errors import DeliveryError, DiskFull
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import ImportReport, run_import
from finops_core.plan import Step
from finops_core.progress import QuietReporter
from finops_core.report import Reporter
from pytest import MonkeyPatch

toy = sys.modules["toy"]

MONTHS = ("2024-01", "2024-02", "2024-03")
PATIENCE = 30
"""Seconds after which what should have happened will not happen any more."""

Fetch = Callable[[Provider, Delivery, Staging], Iterator[LocalFile]]
Wrap = Callable[[str, Staging], None]


class Watching(QuietReporter):
    """Knows what has arrived, and does something when a period's files are there, or its rows."""

    def __init__(self, *, staged: Callable[[str], object] | None = None, loaded: Callable[[str], None] | None = None):
        super().__init__(sys.stderr)
        self.bytes: Counter[str] = Counter()
        self._staged, self._loaded = staged, loaded

    def fetched(self, step: Step, count: int) -> None:
        self.bytes[str(step.delivery.period)] += count

    def staged(self, step: Step, files: int) -> None:
        if self._staged:
            self._staged(str(step.delivery.period))

    def loaded(self, step: Step, *_: object) -> None:
        if self._loaded:
            self._loaded(str(step.delivery.period))


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    folder = tmp_path / "bills"
    folder.mkdir()
    for month in MONTHS:
        (folder / f"{month}.csv").write_text(f"id,service,cost,currency,day\n1,A,1,USD,{month}-01\n")
    return folder


def fetching(monkeypatch: MonkeyPatch, before: Wrap) -> None:
    """`before` runs in the thread that fetches, when the files of a period are asked for."""
    fetch: Fetch = toy.Toy.fetch

    def fetched(self: Provider, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
        before(str(delivery.period), staging)
        return fetch(self, delivery, staging)

    monkeypatch.setattr(toy.Toy, "fetch", fetched)


def run(bills: Path, reporter: Reporter) -> ImportReport:
    target = Target.parse("duckdb", bills.parent / "data")
    return run_import(toy.Toy(folder=bills), ImportOptions(Window(), target, "toy_billing"), reporter)


def left_in_staging(bills: Path) -> list[Path]:
    return list((bills.parent / "data" / ".staging").iterdir())


def test_the_next_period_arrives_while_one_is_loaded_and_no_further_one(bills: Path, monkeypatch: MonkeyPatch) -> None:
    asked = {month: threading.Event() for month in MONTHS}
    fetching(monkeypatch, lambda month, staging: asked[month].set())

    def staged(month: str) -> None:
        if month == "2024-01":
            assert asked["2024-02"].wait(PATIENCE), "nobody has asked for the files of the second period"
            assert not asked["2024-03"].is_set()

    reporter = Watching(staged=staged)
    assert len(run(bills, reporter).loaded) == 3
    assert reporter.bytes == {month: (bills / f"{month}.csv").stat().st_size for month in MONTHS}
    assert left_in_staging(bills) == []


def test_what_cannot_be_fetched_fails_its_own_period(bills: Path, monkeypatch: MonkeyPatch) -> None:
    def refused(month: str, staging: Staging) -> None:
        if month == "2024-02":
            raise DeliveryError("a file is gone")

    fetching(monkeypatch, refused)
    report = run(bills, Watching())
    assert [str(step.delivery.period) for step in report.loaded] == ["2024-01", "2024-03"]
    assert [(str(step.delivery.period), error.what) for step, error in report.failed] == [("2024-02", "a file is gone")]
    assert left_in_staging(bills) == []


def test_where_two_periods_have_no_room_they_come_one_after_the_other(bills: Path, monkeypatch: MonkeyPatch) -> None:
    tries: Counter[str] = Counter()
    asked = threading.Event()

    def full(month: str, staging: Staging) -> None:
        tries[month] += 1
        staging.progress(7)
        crowded = len(left_in_staging(bills)) > 1
        if month == "2024-02":
            asked.set()
        if crowded:
            raise DiskFull("no room for the files of the bill")

    fetching(monkeypatch, full)
    reporter = Watching(staged=lambda month: month != "2024-01" or asked.wait(PATIENCE))
    assert len(run(bills, reporter).loaded) == 3
    assert tries == {"2024-01": 1, "2024-02": 2, "2024-03": 1}, "once it was full, nothing is fetched ahead"
    assert reporter.bytes == {month: (bills / f"{month}.csv").stat().st_size + 7 for month in MONTHS}


def test_a_load_that_finds_the_disk_full_has_the_room_of_the_next_period(bills: Path, monkeypatch: MonkeyPatch) -> None:
    asked = {month: threading.Event() for month in MONTHS}
    fetching(monkeypatch, lambda month, staging: asked[month].set())
    tries: Counter[str] = Counter()

    def full(month: str) -> None:
        tries[month] += 1
        if month == "2024-01":
            asked["2024-02"].wait(PATIENCE)
        if len(left_in_staging(bills)) > 1:
            raise DiskFull("no room for the rows")

    reporter = Watching(staged=full)
    assert len(run(bills, reporter).loaded) == 3
    assert tries == {"2024-01": 2, "2024-02": 1, "2024-03": 1}
    assert reporter.bytes == {month: (bills / f"{month}.csv").stat().st_size for month in MONTHS}


def test_a_disk_that_is_full_for_one_period_fails_it(bills: Path, monkeypatch: MonkeyPatch) -> None:
    def full(month: str, staging: Staging) -> None:
        if month == "2024-02":
            raise DiskFull("no room for the files of the bill")

    fetching(monkeypatch, full)
    report = run(bills, Watching())
    assert [(str(step.delivery.period), error.code) for step, error in report.failed] == [("2024-02", DiskFull.code)]
    assert len(report.loaded) == 2


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), RuntimeError("a fault")])
def test_an_import_that_ends_early_ends_the_fetch_that_is_ahead(
    bills: Path, monkeypatch: MonkeyPatch, reason: BaseException
) -> None:
    asked, ended = threading.Event(), threading.Event()

    def endless(month: str, staging: Staging) -> None:
        if month != "2024-02":
            return
        asked.set()
        try:
            while not ended.wait(0.01):
                with suppress(Exception):  # a provider that tries again and again must be ended too
                    staging.progress(1)
        finally:
            ended.set()

    def loaded(month: str) -> None:
        assert asked.wait(PATIENCE)
        raise reason

    fetching(monkeypatch, endless)
    with pytest.raises(type(reason)):
        run(bills, Watching(loaded=loaded))
    assert ended.is_set()
    assert left_in_staging(bills) == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("finops-fetch")]


def test_a_data_directory_that_cannot_be_used_fails_as_before(bills: Path) -> None:
    (bills.parent / "data").mkdir()
    (bills.parent / "data" / ".staging").write_text("")
    report = run(bills, Watching())
    assert len(report.failed) == 3
    assert all(isinstance(error, FinopsError) and "cannot be written to" in error.what for _, error in report.failed)
