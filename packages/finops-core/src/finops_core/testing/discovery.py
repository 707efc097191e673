"""Promises on discovery: what exists, from listings and manifests, the same for everybody who asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from itertools import combinations_with_replacement
from pathlib import Path

from finops_core import Delivery, Window, promises
from finops_core.errors import DataMissing
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered
from finops_core.testing.offline import offline


class DiscoveryPromises(SuiteBase):
    def test_deliveries_are_complete(self, delivered: Delivered) -> None:
        """Each has provider, export, version and dataset, names each file once, and is the only one of its month."""
        problems = promises.delivery_problems(self.provider, delivered.discover())
        months = sorted({delivery.period for delivery in delivered.discover()})
        if months != delivered.periods:
            problems.append(f"{_list(delivered.periods)} were delivered, and discover yields {_list(months)}")
        problems += [f"{found.period}: {found.problem}" for found in delivered.discover() if found.problem]
        assert not problems, "\n".join(problems)

    def test_discovery_is_repeatable(self, delivered: Delivered) -> None:
        """Asked again, and asked through another instance, the answer is the same, in the same order."""
        first = list(delivered.provider.discover(Window()))
        again = list(delivered.provider.discover(Window()))
        other = list(dataclasses.replace(delivered.provider).discover(Window()))
        assert first == again, "discover answers differently when it is asked again"
        assert first == other, "discover answers differently through another instance with the same settings"

    def test_a_window_is_the_sum_of_its_months(self, delivered: Delivered) -> None:
        """Both ends of a window are included, and either may be open; months without bills yield nothing."""
        everything = {delivery.period: delivery for delivery in delivered.discover()}
        first, last = delivered.periods[0], delivered.periods[-1]
        months = [first.shift(-1), *delivered.periods, last.shift(1)]
        windows = [Window(start, end) for start, end in combinations_with_replacement(months, 2)]
        windows += [window for month in months for window in (Window(start=month), Window(end=month))]
        for window in windows:
            wanted = [delivery for period, delivery in sorted(everything.items()) if period in window]
            found = _in_window(delivered, window)
            periods, of_all = [d.period for d in found], [d.period for d in wanted]
            assert periods == of_all, f"in window {window}: expected {_list(of_all)}, found {_list(periods)}"
            others = _list(d.period for d, alone in zip(wanted, found, strict=True) if d != alone)
            assert found == wanted, f"in window {window} the delivery of {others} is another one than without a window"

    def test_versions_change_exactly_with_the_content(self, fresh: Delivered) -> None:
        """A month that is delivered anew has another version; the versions of all other months stay."""
        first, second = self.months[:2]
        fresh.deliver(first, self.rows)
        fresh.deliver(second, self.rows)
        before = {delivery.period: delivery.version for delivery in fresh.discover()}
        for period in (second, first):
            fresh.deliver(period, self.rows + 5)
            after = {delivery.period: delivery.version for delivery in fresh.discover()}
            changed = sorted(month for month in before if before[month] != after.get(month))
            assert period in changed, f"{period} was delivered anew, and its version is still {before[period]!r}"
            others = _list(month for month in changed if month != period)
            assert changed == [period], f"{period} was delivered anew, and the version of {others} changed as well"
            before = after

    def test_nothing_beyond_the_configured_place_is_reached(self, delivered: Delivered, tmp_path: Path) -> None:
        """No telemetry, no metadata service, no look-up: discovering and fetching reach no other machine."""
        with offline() as tried:
            for delivery in delivered.discover():
                delivered.fetch(delivery, tmp_path / str(delivery.period))
        assert not tried, f"it tried to reach {_list(sorted(set(tried)))}"


def _in_window(delivered: Delivered, window: Window) -> list[Delivery]:
    """A provider may say that nothing is there by raising DataMissing."""
    try:
        return delivered.discover(window)
    except DataMissing:
        return []


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items)) or "none"
