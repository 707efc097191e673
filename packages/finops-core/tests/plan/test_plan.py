"""Why was this period loaded, reloaded, skipped? Each reason is one row here."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from finops_core.delivery import Delivery
from finops_core.errors import UsageError
from finops_core.ledger import LedgerEntry
from finops_core.periods import Period
from finops_core.plan import Wishes, plan
from hypothesis import given
from hypothesis import strategies as st

JANUARY = Period(2024, 1)
FOUND = Delivery("aws", "acme", JANUARY, "v2", "cur-v1", "csv", ())
STANDING = LedgerEntry(
    dataset_name="aws_billing",
    provider="aws",
    export="acme",
    period=JANUARY,
    version="v2",
    dataset="cur-v1",
    rows=3,
    totals={"USD": Decimal(1)},
    loaded_at=dt.datetime(2024, 2, 1),
    focus_rows=3,
    raw_tables=("billing_2024_01",),
)


@pytest.mark.parametrize(
    ("delivery", "standing", "wishes", "action", "reason"),
    [
        (FOUND, None, Wishes(), "load", "not loaded yet"),
        (FOUND, STANDING, Wishes(), "skip", "this version is loaded"),
        (FOUND, replace(STANDING, version="v1"), Wishes(), "reload", "new version, v1 is loaded"),
        (FOUND, STANDING, Wishes(force=True), "reload", "forced"),
        (FOUND, STANDING, Wishes(table_strategy="single"), "reload", "loaded with table strategy separate"),
        (FOUND, replace(STANDING, focus_rows=None), Wishes(), "reload", "loaded without FOCUS rows"),
        (FOUND, replace(STANDING, focus_rows=None), Wishes(focus=False), "skip", "this version is loaded"),
        (FOUND, replace(STANDING, raw_tables=()), Wishes(), "reload", "loaded without raw rows"),
        (FOUND, replace(STANDING, raw_tables=()), Wishes(raw=False), "skip", "this version is loaded"),
        (replace(FOUND, problem="not JSON"), STANDING, Wishes(force=True), "fail", "not JSON"),
        (replace(FOUND, problem="not JSON"), None, Wishes(), "fail", "not JSON"),
    ],
)
def test_each_reason(
    delivery: Delivery, standing: LedgerEntry | None, wishes: Wishes, action: str, reason: str
) -> None:
    [step] = plan([delivery], [standing] if standing else [], wishes)
    assert (step.action, step.reason, step.loaded) == (action, reason, standing)


def test_a_dataset_holds_one_export() -> None:
    with pytest.raises(UsageError, match=r"holds export 'other', not 'acme'"):
        plan([FOUND], [replace(STANDING, export="other")])


def test_two_deliveries_of_one_period_are_refused() -> None:
    with pytest.raises(ValueError, match="two deliveries of acme for 2024-01"):
        plan([FOUND, replace(FOUND, version="v3")], [])


@given(st.lists(st.integers(0, 40), unique=True), st.sets(st.integers(0, 40)))
def test_every_delivery_has_one_step_in_order_and_nothing_loaded_is_loaded_again(
    found: list[int], old: set[int]
) -> None:
    deliveries = [replace(FOUND, period=JANUARY.shift(month)) for month in found]
    steps = plan(deliveries, [replace(STANDING, period=JANUARY.shift(month)) for month in old])
    assert [step.delivery.period for step in steps] == [JANUARY.shift(month) for month in sorted(found)]
    assert {s.delivery.period for s in steps if s.action == "skip"} == {JANUARY.shift(m) for m in old & set(found)}
    assert {step.action for step in steps} <= {"load", "skip"}
