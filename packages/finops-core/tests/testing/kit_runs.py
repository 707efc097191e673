"""Run a suite of the kit in a pytest of its own and hand back what became of each promise."""

from __future__ import annotations

from pathlib import Path

import pytest


class Outcomes:
    """Promise -> passed, failed or xfailed; `reports`: what a failure says."""

    def __init__(self, without: tuple[str, ...]) -> None:
        self.without, self.of, self.reports = without, {}, {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not any(word in item.name for word in self.without)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        promise = report.nodeid.rpartition("::")[2].partition("[")[0]
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        if outcome != "passed" or report.when == "call":
            if self.of.get(promise) not in ("failed",):
                self.of[promise] = outcome
            self.reports[promise] = self.reports.get(promise, "") + report.longreprtext

    def that(self, outcome: str) -> set[str]:
        return {promise for promise, found in self.of.items() if found == outcome}


def run(suite: str, folder: Path, without: tuple[str, ...] = ()) -> Outcomes:
    """Run `FILE::CLASS`, without the promises whose names have one of the words."""
    outcomes = Outcomes(without)
    ini = folder / "pytest.ini"
    ini.write_text("[pytest]\n")
    quiet = ["-q", "-s", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]
    options = ["-c", str(ini), "--rootdir", str(folder), "--basetemp", str(folder / "tmp"), "--import-mode=importlib"]
    pytest.main([*quiet, *options, suite], plugins=[outcomes])
    return outcomes
