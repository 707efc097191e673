"""Any bill whose two files belong together: what is billed is the actual cost, what is effective the amortised one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from finops_azure.datasets import COST
from finops_core.focus.conversion import strip
from finops_core.focus.invariants import run_checks
from finops_core.stage.reading import LINEAGE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COMMITTED = ("Reservation", "SavingsPlan", "Savings Plan")
TOLD = {"R4", "R12", "Z7", "Z8", "Z9", "Z10", "Z11"}
"""Checks that tell of prices, commitments and services that make no sense, which these bills are full of."""

SHAPE = ", ".join(f'"{name}" {kind}' for name, kind in {**COST.known, **LINEAGE}.items())

money = st.decimals(-10_000, 10_000, places=10)
texts = st.none() | st.sampled_from(("a", "B", "Ünïcode", "'quoted\"", ""))


@st.composite
def charges(draw: st.DrawFn) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """One charge as the actual and as the amortised file have it; None where the file has no such row."""
    kind = draw(st.sampled_from(("Usage", "Usage", "Purchase", "Refund", "Tax", "Credit", "RoundingAdjustment", "New")))
    model = draw(st.sampled_from((*COMMITTED, "OnDemand", "Spot", None)))
    row = {
        "billing_account_id": "8611537",
        "charge_type": kind,
        "pricing_model": model,
        "billing_currency": draw(st.sampled_from(("USD", "EUR"))),
        "date": draw(st.sampled_from(("2023-12-31", "2024-01-01", "2024-01-31"))),
        "quantity": draw(st.none() | st.decimals(-100, 10**6, places=6)),
        "effective_price": draw(st.none() | money),
        "unit_price": draw(st.none() | st.decimals(0, 10**4, places=12)),
        "payg_price": draw(st.none() | st.decimals(0, 10**4, places=12)),
        "unit_of_measure": draw(
            st.none() | st.sampled_from(("1 Hour", "10K", "100 GB/Month", "", "weird 1 x", "1/Day"))
        ),
        "resource_id": draw(texts | st.sampled_from(("/subscriptions/s/providers/Microsoft.Compute/x", "/providers/"))),
        "consumed_service": draw(texts),
        "resource_location": draw(texts),
        "benefit_id": draw(texts),
        "additional_info": draw(texts | st.sampled_from(('{"a": {"b": 1}}', '{"a', "[]", "null", '{"\'": "\\""}'))),
        "cost_in_billing_currency": draw(money),
    }
    amortized = row | {"cost_in_billing_currency": draw(money)}
    if model not in COMMITTED:
        only_actual = kind not in ("Usage", "Purchase", "Refund") and draw(st.booleans())
        return row, None if only_actual else row
    if kind in ("Purchase", "Refund"):
        return row, amortized if draw(st.integers(0, 9)) == 0 else None
    if kind == "Usage":
        unused = draw(st.booleans())
        spent = amortized | {"charge_type": "UnusedReservation" if unused else "Usage"}
        return None if unused else row | {"cost_in_billing_currency": Decimal(0)}, spent
    return row, row


class Connection:
    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for name, path in COST.lookups.items():
            reading = f"read_csv('{path}', header=true, all_varchar=true)"
            self.connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {reading}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def fill(self, table: str, rows: list[dict[str, Any]]) -> None:
        self.query(f"CREATE OR REPLACE TABLE {table} ({SHAPE})")
        for row in rows:
            full = {"billing_period": "2024-01", "source_file": table, **row}
            marks = ", ".join("?" for _ in full)
            self.connection.execute(f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", list(full.values()))


@pytest.fixture(scope="module")
def sql() -> Iterator[Connection]:
    made = Connection()
    yield made
    made.connection.close()


@given(st.lists(charges(), max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bill_balances(sql: Connection, made: list[Any]) -> None:
    sql.fill("source", [actual for actual, _ in made if actual])
    sql.fill("source_amortized", [amortized for _, amortized in made if amortized])
    assert COST.focus and COST.checks
    sql.query(f"CREATE OR REPLACE TABLE focus AS {strip(COST.focus.read_text('utf-8'))}")
    results = run_checks(sql, COST.checks.read_text("utf-8"))
    broken = {result.id: result.violations for result in results if not result.ok and result.id not in TOLD}
    assert not broken
    for column in ("ListCost", "ContractedCost", "BilledCost", "EffectiveCost", "ServiceName", "ChargeCategory"):
        assert sql.query(f"SELECT count(*) FROM focus WHERE {column} IS NULL") == [(0,)]
