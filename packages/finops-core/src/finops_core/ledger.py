"""The import ledger: what is loaded now, in which version, with which totals. Read here, written by load."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finops_core.errors import DataMissing
from finops_core.periods import Period
from finops_core.sql import literal, qualified

if TYPE_CHECKING:
    from finops_core.load import Connection, Sql, Target

TABLE = "import_ledger"

COLUMNS: dict[str, str] = {
    "provider": "VARCHAR",
    "export": "VARCHAR",
    "billing_period": "VARCHAR",
    "version": "VARCHAR",
    "dataset": "VARCHAR",
    "format": "VARCHAR",
    "table_strategy": "VARCHAR",
    "raw_tables": "JSON",
    "manifest": "VARCHAR",
    "files": "JSON",
    "file_count": "BIGINT",
    "bytes": "BIGINT",
    "rows": "BIGINT",
    "focus_rows": "BIGINT",
    "totals": "JSON",
    "checks": "JSON",
    "notes": "JSON",
    "final": "BOOLEAN",
    "finops_version": "VARCHAR",
    "focus_rules": "VARCHAR",
    "loaded_at": "TIMESTAMP",
    "_dlt_load_id": "VARCHAR",
}
"""One row per load. `totals` is {currency: {measure: decimal as text}}; a row counts only if its `_dlt_load_id` stands
in `_dlt_loads` with status 0. `finops_version` is that of finops-core, `focus_rules` a digest of the provider's SQL."""


@dataclass(frozen=True)
class LedgerEntry:
    """What is loaded now for one export and billing period. `rows` and `totals` (currency -> cost of the raw rows) are
    those of `part`."""

    dataset_name: str
    provider: str
    export: str
    period: Period
    version: str
    dataset: str
    rows: int
    totals: dict[str, Decimal]
    loaded_at: dt.datetime
    final: bool | None = None
    table_strategy: str = "separate"
    files: int = 0
    bytes: int | None = None
    focus_rows: int | None = None
    raw_tables: tuple[str, ...] = ()
    measures: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    checks: tuple[dict[str, Any], ...] = ()
    sources: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    finops_version: str = ""
    focus_rules: str = ""

    @property
    def part(self) -> str:
        return telling_part(source["part"] for source in self.sources)


def telling_part(parts: Iterable[str]) -> str:
    """Of the parts of a bill that were delivered, the one whose rows and cost stand for the bill: the main one, or the
    only one there is. Parts are never added."""
    found = set(parts)
    return found.pop() if len(found) == 1 else ""


def measure_of(part: str) -> str:
    """The ledger's name for the sum of a part's cost column."""
    return f"cost_{part}" if part else "cost"


def entries(connection: Connection, dataset: str) -> list[LedgerEntry]:
    """The newest committed ledger row of each export and billing period in one dataset.

    Columns that an earlier version of finops did not write yet are empty; the next load adds them.
    """
    there = connection.columns(dataset, TABLE)
    columns = ", ".join(f'l."{name}"' if name in there else f'NULL AS "{name}"' for name in COLUMNS)
    ledger, loads = qualified(dataset, TABLE), qualified(dataset, "_dlt_loads")
    rows = connection.query(
        f"SELECT {columns} FROM (SELECT l.*, row_number() OVER (PARTITION BY l.provider, l.export, l.billing_period "
        f"ORDER BY d.inserted_at DESC, l.loaded_at DESC) AS newest FROM {ledger} l "
        f"JOIN {loads} d ON d.load_id = l._dlt_load_id AND d.status = 0) l WHERE newest = 1 "
        "ORDER BY provider, export, billing_period"
    )
    return [entry(dataset, row) for row in rows]


def loaded_periods(target: Target, dataset: str | None = None) -> list[LedgerEntry]:
    """What is loaded now, in one dataset or in all. Empty when nothing has been loaded yet.

    Raises DestinationLocked when another process keeps the database to itself.
    """
    from finops_core.load import connect_readonly

    try:
        with connect_readonly(target) as connection:
            held = datasets(connection)
            names = held if dataset is None else [name for name in held if name == dataset]
            return [found for name in names for found in entries(connection, name)]
    except DataMissing:
        return []


def datasets(sql: Sql) -> list[str]:
    """The datasets that finops has loaded bills into: those with a ledger."""
    rows = sql.query(
        f"SELECT table_schema FROM information_schema.tables WHERE table_name = {literal(TABLE)} ORDER BY table_schema"
    )
    return [schema for (schema,) in rows if not schema.endswith("_staging")]


def entry(dataset_name: str, row: tuple[Any, ...]) -> LedgerEntry:
    """A ledger row (in the order of COLUMNS) as a value."""
    of = dict(zip(COLUMNS, row, strict=True))
    measures = {
        currency: {measure: Decimal(value) for measure, value in sums.items()}
        for currency, sums in _json(of["totals"], {}).items()
    }
    sources = tuple(_json(of["files"], []))
    cost = measure_of(telling_part(source["part"] for source in sources))
    return LedgerEntry(
        dataset_name=dataset_name,
        provider=of["provider"],
        export=of["export"],
        period=Period.parse(of["billing_period"]),
        version=of["version"],
        dataset=of["dataset"],
        rows=of["rows"],
        totals={currency: sums[cost] for currency, sums in measures.items() if cost in sums},
        loaded_at=of["loaded_at"],
        final=of["final"],
        table_strategy=of["table_strategy"],
        files=of["file_count"],
        bytes=of["bytes"],
        focus_rows=of["focus_rows"],
        raw_tables=tuple(_json(of["raw_tables"], [])),
        measures=measures,
        checks=tuple(_json(of["checks"], [])),
        sources=sources,
        notes=tuple(_json(of["notes"], [])),
        finops_version=of["finops_version"],
        focus_rules=of["focus_rules"],
    )


def _json(value: Any, default: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else default if value is None else value
