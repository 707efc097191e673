"""What an author gives the suite: a place with bills, and the power to have more of them delivered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_core import Delivery, LocalFile, Period, Provider, Window
from finops_core.stage import StagingFolder


@dataclass(frozen=True)
class Truth:
    """What a delivery holds, known from how it was made and not from reading it.

    `rows` and `cost` (currency -> sum of the dataset's `cost` column) are the bill's, of its main part. `focus_rows`
    and `billed` (currency -> sum of BilledCost) are what FOCUS must make of them; None: the same.
    """

    rows: int
    cost: Mapping[str, Decimal]
    focus_rows: int | None = None
    billed: Mapping[str, Decimal] | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Truth:
        """From `{"rows": 40, "totals": {"USD": "12.5"}}`, and `"focus_rows": 41`, `"billed": {…}` where they differ."""
        cost, billed = (
            {code: Decimal(text) for code, text in facts[key].items()} if key in facts else None
            for key in ("totals", "billed")
        )
        return cls(facts["rows"], cost or {}, facts.get("focus_rows"), billed)


class Bills(ABC):
    """A place with bills, empty at first, and `provider`, configured for it."""

    provider: Provider

    @abstractmethod
    def deliver(self, period: Period, rows: int) -> Truth:
        """Deliver a month with about `rows` rows, in several files if bills have several.

        A month that is there already is delivered anew, with other content, as the provider does it: that is a late
        redelivery. With `rows` 0 the delivery has no rows, and the suite counts on that. Every other month stays as it
        is. Some rows should cost nothing, and some give money back, if the provider has such rows.
        """

    @abstractmethod
    def spoil(self, period: Period) -> None:
        """Damage a file that the month's manifest names: cut it, alter it or take it away, without a new delivery."""

    @abstractmethod
    def nowhere(self) -> Provider:
        """The provider configured for a place that does not exist: no such folder, bucket or account."""


@dataclass
class Delivered:
    """Bills with some months in them, and the truth about each."""

    bills: Bills
    truths: dict[Period, Truth] = field(default_factory=dict)

    @property
    def provider(self) -> Provider:
        return self.bills.provider

    @property
    def periods(self) -> list[Period]:
        return sorted(self.truths)

    def deliver(self, period: Period, rows: int) -> None:
        self.truths[period] = self.bills.deliver(period, rows)

    def discover(self, window: Window | None = None) -> list[Delivery]:
        """By month. Fails the test when the provider finds something else than what it discovers lazily."""
        return sorted(self.provider.discover(window or Window()), key=lambda found: (found.period, found.export))

    def delivery(self, period: Period) -> Delivery:
        """The one delivery of a month."""
        found = [delivery for delivery in self.discover() if delivery.period == period]
        assert len(found) == 1, f"{period} was delivered, and discover yields {len(found)} deliveries of it"
        return found[0]

    def fetch(self, delivery: Delivery, folder: Path) -> list[LocalFile]:
        """Every file of a delivery, by key, fetched into a fresh folder."""
        folder.mkdir(parents=True)
        return list(self.provider.fetch(delivery, StagingFolder(folder, lambda count: None)))
