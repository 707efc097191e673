"""Billing periods: calendar months, written `YYYY-MM`, and inclusive windows of them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from finops_core.errors import UsageError

_WRITTEN = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, order=True)
class Period:
    """One billing month. `str(period)` is `2024-01`; `start` is included, `end` is not; both are UTC days."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1970 <= self.year <= 9998):
            raise ValueError(f"{self.year}-{self.month} is not a billing month")

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `YYYY-MM`. Raises UsageError for anything else, days included."""
        match = _WRITTEN.fullmatch(text.strip())
        try:
            return cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        except ValueError:
            raise UsageError(
                f"{text!r} is not a billing month", hint="write a month as YYYY-MM, for example 2024-01"
            ) from None

    @classmethod
    def of(cls, day: dt.date) -> Period:
        return cls(day.year, day.month)

    @property
    def start(self) -> dt.date:
        return dt.date(self.year, self.month, 1)

    @property
    def end(self) -> dt.date:
        return self.shift(1).start

    @property
    def slug(self) -> str:
        """For identifiers: `2024_01`."""
        return f"{self.year:04d}_{self.month:02d}"

    def shift(self, months: int) -> Period:
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class Window:
    """Billing months from `start` to `end`, both included; None is open on that side."""

    start: Period | None = None
    end: Period | None = None

    def __post_init__(self) -> None:
        if self.start and self.end and self.start > self.end:
            raise UsageError(
                f"the window ends before it starts: {self.start} to {self.end}",
                hint="--start-date and --end-date are both included",
            )

    def __contains__(self, period: Period) -> bool:
        return not ((self.start and period < self.start) or (self.end and period > self.end))

    def __str__(self) -> str:
        return f"{self.start or 'the first month'} to {self.end or 'the last month'}"
