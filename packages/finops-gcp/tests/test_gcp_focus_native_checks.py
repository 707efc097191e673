"""The checks of Google's own FOCUS export: each is broken by a fault of its own."""

from __future__ import annotations

from typing import Any

import pytest


def _exported(billed: str, effective: str, credit: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "BillingAccountId": "AAAAAA-BBBBBB-CCCCCC", "BilledCost": billed, "EffectiveCost": effective,
        "ListCost": billed, "ContractedCost": "5.0", "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "BillingPeriodStart": "2025-01-01 00:00:00 UTC", "ChargePeriodStart": "2025-01-15 00:00:00 UTC",
        "x_Credits": [{"Type": "PROMOTION", "Amount": credit}] if credit else [], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "caught"),
    [
        ("UPDATE focus SET BilledCost = 2 * BilledCost", ["F1"]),
        ("UPDATE focus SET EffectiveCost = -EffectiveCost", ["F1"]),
        ("UPDATE focus SET BilledCost = EffectiveCost, EffectiveCost = BilledCost", ["F1"]),
        ("UPDATE focus SET BillingCurrency = 'EUR'", ["F1"]),
        ("UPDATE focus SET BillingAccountId = 'other' WHERE BilledCost = 3", ["F1"]),
        ("DELETE FROM focus WHERE BilledCost = 0", ["F2"]),
        ("INSERT INTO focus SELECT * FROM focus WHERE BilledCost = 0", ["F2"]),
        ("DELETE FROM focus WHERE BilledCost = 3", ["F1", "F2"]),
    ],
)
def test_each_fault_of_a_conversion_is_caught(desk: Any, damage: str, caught: list[str]) -> None:
    rows = [_exported("3", "2.5"), _exported("0", "0"), _exported("4", "4.25", "-1")]
    desk.write("2025-01/a.json", *rows)
    bill = desk.read()
    own = {"F1", "F2", "F3", "F4"}
    assert own.isdisjoint(bill.broken)
    bill.connection.execute(damage)
    assert sorted(own & set(bill.recheck())) == caught


def test_credits_that_billed_costs_leave_out_are_told(desk: Any) -> None:
    """Google's view shows credits beside costs that are all alike."""
    desk.write("2025-01/a.json", _exported("5.0", "5.0", "-1"), _exported("5.0", "5.0"))
    assert "F3" in desk.read().broken


def test_rows_of_another_invoice_month_are_told(desk: Any) -> None:
    other = _exported("1", "1", BillingPeriodStart="2025-02-01 00:00:00 UTC")
    desk.write("2025-01/a.json", _exported("1", "1"), other)
    bill = desk.read()
    assert "F4" in bill.broken
