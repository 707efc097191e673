"""A destination for promises: the provider's bills imported into a DuckDB file of the test, and what stands there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_core import FinopsError, Period, Provider, Window
from finops_core.ledger import LedgerEntry, loaded_periods
from finops_core.load import Target, connect_readonly
from finops_core.options import Strategy
from finops_core.pipeline import ImportOptions, run_import
from finops_core.progress import QuietReporter
from finops_core.sql import identifier, literal, qualified
from finops_core.tables import FOCUS_TABLE
from finops_core.verify import Finding, Proof, strays, verify

SCHEMA = "bills"


@dataclass(frozen=True)
class Standing:
    """What stands in the destination for one month: rows, and currency -> cost that is not zero."""

    rows: int
    cost: Mapping[str, Decimal]


@dataclass(frozen=True)
class Done:
    """One import: what it loaded, what failed, and the raw rows that stand afterwards."""

    loaded: tuple[Period, ...]
    failed: Mapping[Period, FinopsError]
    standing: Mapping[Period, Standing]

    def of(self, period: Period) -> Standing:
        return self.standing.get(period, Standing(0, {}))


class Destination:
    def __init__(self, folder: Path, strategy: Strategy = "separate") -> None:
        folder.mkdir()
        self.strategy: Strategy = strategy
        self.target = Target.parse("duckdb", folder, threads=1)

    def load(self, provider: Provider, window: Window, *, focus: bool = False) -> Done:
        """Import a window. FOCUS rows are loaded even if money checks fail: promises say which of them it was."""
        options = ImportOptions(
            window, self.target, SCHEMA, table_strategy=self.strategy, focus=focus, allow_unbalanced=True
        )
        report = run_import(provider, options, QuietReporter(io.StringIO()))
        return Done(
            loaded=tuple(step.delivery.period for step in report.loaded),
            failed={step.delivery.period: error for step, error in report.failed},
            standing=self._standing(provider) if self.ledger() else {},
        )

    def ledger(self) -> list[LedgerEntry]:
        return loaded_periods(self.target, SCHEMA)

    def verify(self, provider: Provider) -> list[Finding]:
        """What `finops verify` finds for every month that is loaded, files included."""
        entries = self.ledger()
        found = [
            finding
            for entry in entries
            for finding in verify(self.target, entry, Proof(provider.dataset(entry.dataset), provider))
        ]
        return found + strays(self.target, SCHEMA, entries)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with connect_readonly(self.target) as connection:
            return connection.query(sql)

    def _standing(self, provider: Provider) -> dict[Period, Standing]:
        dataset = provider.dataset(self.ledger()[0].dataset)
        rows = self.query(
            f"SELECT billing_period, {identifier(dataset.currency)}, count(*), sum({identifier(dataset.cost)}) "
            f"FROM {qualified(SCHEMA, 'billing')} GROUP BY ALL"
        )
        months = {period for period, *_ in rows}
        return {
            Period.parse(month): Standing(
                sum(count for period, _, count, _ in rows if period == month),
                {code: cost for period, code, _, cost in rows if period == month and cost},
            )
            for month in months
        }

    def focus_rows(self, period: Period) -> dict[str, Standing]:
        """File -> its FOCUS rows of a month and their BilledCost."""
        of_month = f"x_BillingPeriod = {literal(str(period))}"
        rows = self.query(
            f"SELECT coalesce(x_SourceFile, ''), BillingCurrency, count(*), sum(BilledCost) "
            f"FROM {qualified(SCHEMA, FOCUS_TABLE)} WHERE {of_month} GROUP BY ALL"
        )
        return {
            file: Standing(
                sum(count for name, _, count, _ in rows if name == file),
                added((code, cost) for name, code, _, cost in rows if name == file),
            )
            for file in {name for name, *_ in rows}
        }

    def raw_files(self) -> set[str]:
        return {file for (file,) in self.query(f"SELECT DISTINCT source_file FROM {qualified(SCHEMA, 'billing')}")}


def added(costs: Any) -> dict[str, Decimal]:
    """Sums per currency, without those that are zero. Currencies are never added to each other."""
    sums: dict[str, Decimal] = {}
    for code, cost in costs:
        sums[code] = sums.get(code, Decimal(0)) + (cost or Decimal(0))
    return {code: cost for code, cost in sums.items() if cost}
