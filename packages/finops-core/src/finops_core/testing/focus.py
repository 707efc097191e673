"""Promises on FOCUS: its columns, its vocabulary, and that every row and all money of the bill are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from finops_core import Window, promises
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered, Truth
from finops_core.testing.destination import Destination, Standing, added
from finops_core.verify import Finding

VOCABULARY = ("R10", "R10b", "R14")
"""Checks of the values that FOCUS allows; see finops_core.focus.row_checks."""


@dataclass(frozen=True)
class Converted:
    """One month of bills as FOCUS. `focus`: file -> its rows; `violations`: id -> those of a check; `findings`: what
    verifying the month finds."""

    truth: Truth
    raw_files: set[str]
    focus: Mapping[str, Standing]
    violations: Mapping[str, Any]
    findings: Sequence[Finding]


class FocusPromises(SuiteBase):
    @pytest.fixture(scope="class")
    @classmethod
    def conversion(cls, tmp_path_factory: pytest.TempPathFactory) -> Converted | AssertionError:
        """One month, imported once for all promises; or why that failed, which is then what each of them says."""
        folder, period = tmp_path_factory.mktemp("focus"), cls.months[1]
        place = folder / "bills"
        place.mkdir()
        destination = Destination(folder / "data")
        with cls.bills(place) as bills:
            delivered = Delivered(bills)
            delivered.deliver(period, cls.rows)
            done = destination.load(bills.provider, Window(period, period), focus=True)
            findings = [] if done.failed else destination.verify(bills.provider)
        if done.failed:
            return AssertionError(f"the month cannot be imported: {done.failed[period]}")
        [entry] = destination.ledger()
        return Converted(
            delivered.truths[period],
            destination.raw_files(),
            destination.focus_rows(period),
            {check["id"]: check["violations"] for check in entry.checks if not check["ok"]},
            findings,
        )

    def test_focus_has_its_columns(self) -> None:
        """Every mandatory column, those that trace a row to its file, and no others but FOCUS's and x_ ones."""
        problems = [
            f"{dataset.name}: {problem}"
            for dataset in self.provider.datasets
            for problem in promises.focus_problems(promises.focus_columns(dataset))
        ]
        assert not problems, "\n".join(problems)

    def test_focus_speaks_its_vocabulary(self, conversion: Converted | AssertionError) -> None:
        """Only values that FOCUS allows, and one category for each service."""
        converted = _done(conversion)
        self._only_declared({id: found for id, found in converted.violations.items() if id in VOCABULARY})

    def test_every_check_holds(self, conversion: Converted | AssertionError) -> None:
        """The provider's own checks and those of single rows that hold for every provider."""
        converted = _done(conversion)
        self._only_declared({id: found for id, found in converted.violations.items() if id not in VOCABULARY})
        kept = sorted(set(self.check_exceptions) - set(converted.violations))
        assert not kept, f"check {', '.join(kept)} holds: take it out of check_exceptions"

    def test_every_row_is_accounted_for(self, conversion: Converted | AssertionError) -> None:
        """As many FOCUS rows as the bill's rows make, from every file of the bill."""
        converted = _done(conversion)
        rows = sum(standing.rows for standing in converted.focus.values())
        wanted = converted.truth.rows if converted.truth.focus_rows is None else converted.truth.focus_rows
        assert rows == wanted, (
            f"{wanted:,} FOCUS rows are expected of {converted.truth.rows:,} rows, {rows:,} are there"
        )
        # A row of one part may stand for one of another: Azure's amortised rows replace the actual ones.
        single = not any(dataset.parts for dataset in self.provider.datasets)
        absent = sorted(converted.raw_files - set(converted.focus)) if single else []
        assert not absent, f"FOCUS has no row of {', '.join(absent)}"

    def test_money_equals_the_bill(self, conversion: Converted | AssertionError) -> None:
        """The sum of BilledCost is what is billed, per currency, to the last digit."""
        converted = _done(conversion)
        billed = added(pair for standing in converted.focus.values() for pair in standing.cost.items())
        truth = converted.truth
        wanted = added((truth.cost if truth.billed is None else truth.billed).items())
        assert billed == wanted, f"BilledCost adds up to {billed}, the bill to {wanted}"

    def test_verifying_agrees_at_every_level(self, conversion: Converted | AssertionError) -> None:
        """`finops verify` finds the bill as it was imported: read again, in another way too, and converted again."""
        # Checks that do not hold are test_every_check_holds'.
        found = [finding for finding in _done(conversion).findings if finding.level != "checks"]
        faults = [
            f"{finding.level}: {finding.result}: {finding.detail}"
            for finding in found
            if finding.result in ("mismatch", "changed")
        ]
        assert not faults, "finops verify finds, on bills that nobody touched:\n" + "\n".join(faults)

    def _only_declared(self, violations: Mapping[str, Any]) -> None:
        undeclared = {id: found for id, found in violations.items() if id not in self.check_exceptions}
        told = "\n".join(f"{id}: {found}" for id, found in undeclared.items())
        assert not undeclared, (
            f"checks that do not hold, as (subject, expected, actual):\n{told}\n"
            "mend the FOCUS SQL, or declare it: check_exceptions = {'ID': 'why the bill is so'}"
        )


def _done(conversion: Converted | AssertionError) -> Converted:
    """Raised in the promise and not in a fixture: only there is an exception that the suite declares looked at."""
    if isinstance(conversion, AssertionError):
        raise conversion
    return conversion
