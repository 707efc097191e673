"""What a verification finds: one Finding per billing period, level and currency, compared with the import ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from finops_core.ledger import LedgerEntry

Level = Literal["files", "staged", "values", "raw", "conversion", "focus", "rollup", "checks", "ledger"]

Result = Literal["ok", "mismatch", "changed", "not checked"]
"""changed: the files that the provider delivers, or the rules of FOCUS rows, are others now than when the period was
loaded, so that they prove nothing either way."""


@dataclass(frozen=True)
class Finding:
    """`cost` is what was found, `expected` what the ledger says, both of `currency`; None where there is no cost.

    `rows` are those of the currency; of `checks` the number that were run.
    """

    provider: str
    dataset_name: str
    export: str
    period: str
    level: Level
    result: Result
    part: str = ""
    currency: str | None = None
    rows: int | None = None
    cost: Decimal | None = None
    expected: Decimal | None = None
    detail: str = ""


@dataclass
class Tally:
    """Rows and exact sums by measure, of one currency."""

    rows: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)

    def add(self, measure: str, cost: Decimal) -> None:
        self.rows += 1
        self.costs[measure] = self.costs.get(measure, Decimal(0)) + cost


Tallies = Mapping[str, Tally]
"""By currency. Currencies are never added together."""


def about(
    entry: LedgerEntry, level: Level, result: Result, detail: str, part: str = "", rows: int | None = None
) -> Finding:
    """A finding that is no comparison of costs."""
    names = (entry.provider, entry.dataset_name, entry.export, str(entry.period))
    return Finding(*names, level, result, part, rows=rows, detail=detail)


@dataclass(frozen=True)
class Compared:
    """What is compared: the measures by their names in the ledger (the first one is shown), and the rows in all."""

    level: Level
    measures: Sequence[str]
    rows: int | None
    part: str = ""


def compare(entry: LedgerEntry, what: Compared, found: Tallies, fault: str = "") -> list[Finding]:
    """One finding per currency of either side; at least one. `fault` is what else is wrong with these rows."""
    total = sum(tally.rows for tally in found.values())
    if what.rows is not None and total != what.rows:
        fault = "; ".join(filter(None, (f"{total:,} rows instead of {what.rows:,}", fault)))
    recorded = {code for code, sums in entry.measures.items() if any(sums.get(name) for name in what.measures)}
    codes: list[str | None] = [*sorted(found.keys() | recorded)]
    return [_compared(entry, what, found, code, fault) for code in codes or [None]]


def _compared(entry: LedgerEntry, what: Compared, found: Tallies, code: str | None, fault: str) -> Finding:
    tally = found.get(code or "", Tally())
    recorded = entry.measures.get(code or "", {})
    pairs = {name: (tally.costs.get(name, Decimal(0)), recorded.get(name, Decimal(0))) for name in what.measures}
    wrong = [f"{name} {have:f} instead of {want:f}" for name, (have, want) in pairs.items() if have != want]
    detail = "; ".join([*wrong, *filter(None, [fault])])
    cost, expected = pairs[what.measures[0]]
    return Finding(
        entry.provider,
        entry.dataset_name,
        entry.export,
        str(entry.period),
        what.level,
        "mismatch" if detail else "ok",
        what.part,
        code,
        tally.rows,
        cost if code else None,
        expected if code else None,
        detail,
    )
