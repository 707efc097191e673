"""Acme Retail: who it is, what it spends and when. Facts only; every cloud reads them in its own terms.

All money is in millionths of the currency (micros) as int, so that no machine rounds differently.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Literal

from finops_core.periods import Period
from finops_core.sample.draws import draw

MICROS = 1_000_000

MONTHLY_BUDGET = 120_000 * MICROS
"""Spend of the first month. Independent of the number of rows: more rows are finer rows, not a larger company."""

GROWTH_PERMILLE = 40
"""Growth per month."""

OPEN_DAYS = 24
"""Days of the last month that have usage: the last month is still open, its later days have not happened yet."""

WEEKDAY_PERCENT = (108, 112, 112, 110, 106, 80, 72)
"""Spend per weekday, Monday first: shoppers and engineers rest at weekends, servers less so."""

TAX_PERMILLE = 190

LAST = Period(2024, 3)
"""A fixed month: samples must not change with the calendar."""


@dataclass(frozen=True)
class Account:
    """An AWS account, Azure subscription or Google Cloud project. `share` is its part of the spend, per thousand."""

    number: int
    name: str
    team: str
    environment: Literal["prod", "staging", "dev", "sandbox", "shared"]
    share: int


@dataclass(frozen=True)
class Application:
    """What the spend is for. `tagged` is False for one whose owners never label anything."""

    number: int
    name: str
    team: str
    owner: str
    cost_center: str
    tagged: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of service that every cloud sells: its part of the rows and of the spend per thousand, and how many of
    a thousand rows fall into a free tier (usage, but no cost)."""

    name: str
    rows: int
    spend: int
    free: int = 0


@dataclass(frozen=True)
class Spike:
    """On `day` all usage of `kind` belongs to account `account` and costs `factor` times as much as usual."""

    day: dt.date
    kind: str
    account: int
    factor: int


@dataclass(frozen=True)
class Commitment:
    """A one-year commitment that begins with the first month.

    `basis`: units of one SKU (a reservation) or money per hour (a savings plan, a spend-based discount). `share` is
    how much of the kind's usual spend it is meant to cover, `discount` the price advantage, both per thousand.
    """

    name: str
    kind: str
    basis: Literal["units", "spend"]
    payment: Literal["none", "partial", "all"]
    share: int
    discount: int


@dataclass(frozen=True)
class Credit:
    """Money back in `period`, `micros` (positive) to `account`. A `late` one only comes with a second delivery.
    A refund (`refund`) concerns the month before."""

    period: Period
    account: int
    micros: int
    description: str
    late: bool = False
    refund: bool = False


ACCOUNTS = (
    Account(0, "acme-management", "platform", "shared", 12),
    Account(1, "storefront-prod", "storefront", "prod", 390),
    Account(2, "data-prod", "data", "prod", 180),
    Account(3, "payments-prod", "payments", "prod", 120),
    Account(4, "ml-prod", "ml", "prod", 90),
    Account(5, "platform-prod", "platform", "prod", 70),
    Account(6, "storefront-staging", "storefront", "staging", 40),
    Account(7, "data-dev", "data", "dev", 30),
    Account(8, "payments-staging", "payments", "staging", 20),
    Account(9, "ml-dev", "ml", "dev", 20),
    Account(10, "security", "security", "shared", 16),
    Account(11, "sandbox", "platform", "sandbox", 12),
)

APPLICATIONS = (
    Application(0, "storefront-web", "storefront", "ines.moreau", "CC-1100"),
    Application(1, "catalog-search", "storefront", "ines.moreau", "CC-1100"),
    Application(2, "checkout", "storefront", "tom.okafor", "CC-1150"),
    Application(3, "payments-api", "payments", "lea.schmidt", "CC-1200"),
    Application(4, "fraud-scoring", "payments", "lea.schmidt", "CC-1200"),
    Application(5, "data-lake", "data", "arun.patel", "CC-1300"),
    Application(6, "warehouse-etl", "data", "arun.patel", "CC-1300"),
    Application(7, "recommendations", "ml", "mia.jensen", "CC-1400"),
    Application(8, "ci-runners", "platform", "noah.kim", "CC-1500"),
    Application(9, "observability", "platform", "noah.kim", "CC-1500"),
    Application(10, "audit-trail", "security", "eva.novak", "CC-1600"),
    Application(11, "experiments", "platform", "noah.kim", "CC-1500", tagged=False),
    Application(12, "legacy-crm", "storefront", "tom.okafor", "CC-1150", tagged=False),
)

KINDS = (
    Kind("compute", 180, 390),
    Kind("database", 60, 150),
    Kind("object_storage", 240, 90, free=400),
    Kind("network", 100, 85, free=300),
    Kind("block_storage", 90, 80),
    Kind("monitoring", 110, 40, free=600),
    Kind("kubernetes", 20, 35),
    Kind("cdn", 30, 35, free=300),
    Kind("cache", 30, 30),
    Kind("marketplace", 5, 30),
    Kind("functions", 120, 25, free=600),
    Kind("messaging", 15, 10, free=600),
)

COMMITMENTS = (
    Commitment("compute-reserved", "compute", "units", "partial", share=80, discount=380),
    Commitment("database-reserved", "database", "units", "all", share=170, discount=340),
    Commitment("compute-plan", "compute", "spend", "none", share=320, discount=270),
    Commitment("compute-plan-upfront", "compute", "spend", "all", share=32, discount=310),
)


@dataclass(frozen=True)
class World:
    """The company as seen in `months` billing months that end with the open month `last`."""

    seed: int
    months: int
    last: Period
    company: str = "Acme Retail"
    domain: str = "acme-retail.example"
    currency: str = "USD"
    accounts: tuple[Account, ...] = ACCOUNTS
    applications: tuple[Application, ...] = APPLICATIONS
    kinds: tuple[Kind, ...] = KINDS
    commitments: tuple[Commitment, ...] = COMMITMENTS
    tax_permille: int = TAX_PERMILLE

    @property
    def periods(self) -> tuple[Period, ...]:
        return tuple(self.last.shift(back) for back in range(1 - self.months, 1))

    def is_open(self, period: Period) -> bool:
        return period == self.last

    def days(self, period: Period) -> int:
        """Days of the period that have usage."""
        return OPEN_DAYS if self.is_open(period) else calendar.monthrange(period.year, period.month)[1]

    def budget(self, period: Period) -> int:
        """Micros that a full month of this period would cost at list prices, spike aside."""
        micros = MONTHLY_BUDGET
        for _ in range(self.periods.index(period)):
            micros = micros * (1000 + GROWTH_PERMILLE) // 1000
        return micros

    def rows(self, total: int) -> dict[Period, int]:
        """`total` usage rows shared out to the periods as the usage is."""
        weights = {period: self.budget(period) * self.days(period) for period in self.periods}
        whole = sum(weights.values())
        return {period: max(1, total * weight // whole) for period, weight in weights.items()}

    @property
    def spike(self) -> Spike:
        period = self.periods[len(self.periods) // 2]
        return Spike(dt.date(period.year, period.month, 14), "network", account=1, factor=12)

    @property
    def credits(self) -> tuple[Credit, ...]:
        """A promotion every month, a refund in the second month, and one late credit for every month, which only a
        second delivery of that month has."""
        whole_units = [self.budget(period) // MICROS for period in self.periods]
        found = []
        for index, (period, budget) in enumerate(zip(self.periods, whole_units, strict=True)):
            cents = draw(self.seed, "credit", period) % 100 * (MICROS // 100)
            found.append(Credit(period, 1, budget // 60 * MICROS + cents, "Promotional credit: launch programme"))
            found.append(Credit(period, 2, budget // 90 * MICROS + cents, "Service level credit", late=True))
            if index == min(1, self.months - 1):
                found.append(Credit(period, 3, budget // 200 * MICROS + cents, "Refund of unused storage", refund=True))
        return tuple(found)


def make_world(seed: int = 1, months: int = 3, last: Period = LAST) -> World:
    """The world of a seed. Raises ValueError unless there is at least one month."""
    if months < 1:
        raise ValueError(f"a world has at least one month, not {months}")
    return World(seed, months, last)
