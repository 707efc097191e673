"""The control account of one load: rows and totals as they stand in the destination, checks, and the ledger row.

Runs inside the load's transaction, after the rows are there and before anything is committed: what it raises rolls
everything back.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from finops_core import __version__
from finops_core.errors import BalanceError, DeliveryError
from finops_core.focus.invariants import CheckResult, run_checks
from finops_core.ledger import COLUMNS, measure_of, telling_part
from finops_core.load import Sql
from finops_core.sql import identifier, literal
from finops_core.stage import Reading, Staged, all_arrived
from finops_core.tables import Where, source_name

NO_CURRENCY = "XXX"
"""ISO 4217's code for 'no currency': rows whose currency the bill leaves empty."""

MEASURES = {"billed": "BilledCost", "effective": "EffectiveCost", "list": "ListCost", "contracted": "ContractedCost"}


@dataclass
class Account:
    """What a load shows for itself. Filled by `ledger_select`, read by the caller after the commit."""

    staged: Staged
    where: Where
    raw_tables: tuple[str, ...]
    focus: bool
    allow_unbalanced: bool
    rows: int = 0
    focus_rows: int | None = None
    totals: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    final: bool | None = None

    @property
    def part(self) -> str:
        return telling_part(file.part for file in self.staged.delivery.files)

    @property
    def costs(self) -> dict[str, Decimal]:
        """Currency -> raw cost of the part that stands for the bill."""
        cost = measure_of(self.part)
        return {code: sums[cost] for code, sums in self.totals.items() if cost in sums}

    def __post_init__(self) -> None:
        self.notes += self.staged.delivery.notes

    def ledger_select(self, sql: Sql) -> str:
        """Count, compare, check; then the ledger row as a SELECT. Raises DeliveryError and BalanceError."""
        self._count(sql)
        self._run_checks(sql)
        row = self._row()
        kinds = {name: kind for name, kind in COLUMNS.items() if name in row}
        values = ", ".join(f"CAST({_value(row[name])} AS {kind}) AS {identifier(name)}" for name, kind in kinds.items())
        return f"SELECT {values}, getvariable('finops_load_id') AS _dlt_load_id"

    def _count(self, sql: Sql) -> None:
        staged, dataset = self.staged, self.staged.dataset
        for part, reading in staged.parts.items():
            source = source_name(part)
            found = sql.query(f"SELECT source_file, count(*) FROM {source} GROUP BY ALL")
            rows = dict(found)
            self._compare(rows, part, reading)
            self._sum(sql, source, dataset.currency, {measure_of(part): dataset.cost})
            if part == self.part:
                self.rows = sum(rows.values())
        if self.focus:
            self.focus_rows = sql.query("SELECT count(*) FROM focus")[0][0]
            self._sum(sql, "focus", "BillingCurrency", MEASURES)
        if staged.dataset.final:
            self.final = sql.query(f"SELECT {staged.dataset.final} FROM source")[0][0]
        else:
            self.final = staged.delivery.final

    def _compare(self, rows: dict[str, int], part: str, reading: Reading) -> None:
        """The destination's rows against the manifest's promises and the files' own counts."""
        delivery, total = self.staged.delivery, sum(rows.values())
        for file in delivery.files:
            if file.part == part and file.rows is not None and rows.get(file.key, 0) != file.rows:
                raise DeliveryError(
                    f"a file has {rows.get(file.key, 0):,} rows instead of {file.rows:,}", where=file.key
                )
        if not part and delivery.rows is not None and total != delivery.rows:
            raise DeliveryError(f"{total:,} rows arrived instead of {delivery.rows:,}", where=delivery.manifest)
        if not delivery.where:
            for inspected in reading.files:
                all_arrived(inspected, self.staged.dataset, rows.get(inspected.local.source.key, 0))

    def _sum(self, sql: Sql, relation: str, currency: str, measures: dict[str, str]) -> None:
        sums = ", ".join(f"coalesce(sum({identifier(column)}), 0)" for column in measures.values())
        by = f"coalesce({identifier(currency)}, {literal(NO_CURRENCY)})"
        for code, *amounts in sql.query(f"SELECT {by}, {sums} FROM {relation} GROUP BY 1 ORDER BY 1"):
            self.totals.setdefault(code, {}).update(zip(measures, amounts, strict=True))

    def _run_checks(self, sql: Sql) -> None:
        if not self.focus:
            return
        checks = self.staged.dataset.checks
        self.checks = run_checks(sql, checks.read_text(encoding="utf-8") if checks else "")
        broken = [result for result in self.checks if not result.ok and result.severity == "money"]
        if broken and not self.allow_unbalanced:
            raise BalanceError(
                "totals that must agree do not: " + "; ".join(map(told, broken)),
                where=f"{self.staged.delivery.export} {self.staged.delivery.period}",
                hint="nothing of this period was changed; --allow-unbalanced loads it and records the difference",
            )
        self.notes += [told(result) for result in self.checks if not result.ok]

    def _row(self) -> dict[str, Any]:
        staged, delivery = self.staged, self.staged.delivery
        return {
            "provider": delivery.provider,
            "export": delivery.export,
            "billing_period": str(delivery.period),
            "version": delivery.version,
            "dataset": delivery.dataset,
            "format": delivery.format,
            "table_strategy": self.where.strategy,
            "raw_tables": json.dumps(self.raw_tables),
            "manifest": delivery.manifest,
            "files": json.dumps([_file(file) for file in staged.files]),
            "file_count": len(staged.files),
            "bytes": staged.bytes,
            "rows": self.rows,
            "focus_rows": self.focus_rows,
            "totals": json.dumps({code: {k: str(v) for k, v in sums.items()} for code, sums in self.totals.items()}),
            "checks": json.dumps([_check(result) for result in self.checks]),
            "notes": json.dumps(self.notes),
            "final": self.final,
            "finops_version": __version__,
            "focus_rules": staged.dataset.rules if self.focus else None,
            "loaded_at": dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(sep=" "),
        }


def told(result: CheckResult) -> str:
    first = result.violations[0] if result.violations else ("", None, None)
    return f"{result.id} {result.title}: {first[0]} expected {first[1]}, found {first[2]} ({result.count} in all)"


def _check(result: CheckResult) -> dict[str, Any]:
    shown = [[None if value is None else str(value) for value in row] for row in result.violations]
    return {"id": result.id, "severity": result.severity, "ok": result.ok, "count": result.count, "violations": shown}


def _file(file: Any) -> dict[str, Any]:
    import hashlib

    with file.local.as_stored.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    size = file.local.as_stored.stat().st_size
    return {"key": file.local.source.key, "bytes": size, "sha256": digest, "part": file.local.source.part}


def _value(value: Any) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else literal(value)
