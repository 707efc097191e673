"""Promises on importing: whatever arrives, and however often, the destination holds each month once, as delivered last.

All of them look at one history: import, import again, one month delivered anew and one emptied, import.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from finops_core import Period, Window
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered, Truth
from finops_core.testing.destination import Destination, Done, added


@dataclass(frozen=True)
class History:
    """`first`, `again` and `late` are imports; `before` and `after` the truth about the months around the last one."""

    first: Done
    again: Done
    late: Done
    before: dict[Period, Truth]
    after: dict[Period, Truth]


class ImportPromises(SuiteBase):
    @pytest.fixture(scope="class", params=["separate", "single"])
    @classmethod
    def history(cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
        folder = tmp_path_factory.mktemp(request.param)
        restated, emptied = cls.months[:2]
        window, place = Window(restated, emptied), folder / "bills"
        place.mkdir()
        destination = Destination(folder / "data", request.param)
        with cls.bills(place) as bills:
            delivered = Delivered(bills)
            for period in (restated, emptied):
                delivered.deliver(period, cls.rows)
            first, before = destination.load(bills.provider, window), dict(delivered.truths)
            again = destination.load(bills.provider, window)
            delivered.deliver(restated, cls.rows + 5)
            delivered.deliver(emptied, 0)
            late = destination.load(bills.provider, window)
        yield History(first, again, late, before, delivered.truths)

    def test_an_import_loads_every_row_and_twice_is_once(self, history: History) -> None:
        """Each month holds its delivery's rows and cost; importing again finds nothing to do and changes nothing."""
        _holds(history.first, history.before)
        assert not history.again.loaded, f"nothing is new, and {_months(history.again)} is imported again"
        _holds(history.again, history.before)

    def test_a_late_delivery_replaces_its_month(self, history: History) -> None:
        """A month that is delivered anew holds the new delivery and nothing of the old one."""
        restated = self.months[0]
        _holds(history.late, {restated: history.after[restated]})

    def test_an_empty_delivery_empties_its_month(self, history: History) -> None:
        """A delivery without rows is a delivery: the month was restated to nothing."""
        emptied = self.months[1]
        assert history.after[emptied].rows == 0, "deliver(period, 0) must deliver no rows"
        _holds(history.late, {emptied: history.after[emptied]})


def _holds(done: Done, truths: dict[Period, Truth]) -> None:
    """The destination holds exactly what was delivered, for these months."""
    for period, truth in truths.items():
        assert period not in done.failed, f"{period} failed: {done.failed[period]}"
        standing = done.of(period)
        assert standing.rows == truth.rows, f"{period} has {standing.rows:,} rows, {truth.rows:,} were delivered"
        cost = added(truth.cost.items())
        assert standing.cost == cost, f"{period} costs {standing.cost}, the bill {cost}"


def _months(done: Done) -> str:
    return ", ".join(map(str, done.loaded))
