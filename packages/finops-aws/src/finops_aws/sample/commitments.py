"""The company's reservations and savings plans as AWS sells them: sizes, prices and names."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from finops_core.sample import Commitment, World, draw

from finops_aws.sample.company import REGIONS, TICKS, TICKS_PER_MICRO, account_id

HOURS_PER_MONTH = 730

SAVINGS_PLAN_BUYER = 0
"""Savings plans are bought by the payer; every account may use them."""

RESERVATION_BUYER = 5

PAYMENTS = {"none": "No Upfront", "partial": "Partial Upfront", "all": "All Upfront"}

BOUGHT = {"units": 600, "spend": 850}
"""How much of a commitment's share of the spend is bought, per thousand: a reservation fits one family in one region
only, and usage has its quiet hours. More would mostly lie idle."""

STEP = TICKS // 1000
"""Savings plans are bought in tenths of a cent per hour."""


def commitment_rows(world: World, skus: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per commitment: `type` RI (`units` of normalised size at `upfront_rate` and `recurring_rate` ticks per
    hour) or SP (`hourly` ticks); its price `advantage` per thousand; its `buyer`; what its fee rows are called."""
    return [(_plan if item.basis == "spend" else _reservation)(world, item, skus) for item in world.commitments]


def _plan(world: World, item: Commitment, _: list[dict[str, Any]]) -> dict[str, Any]:
    hourly = _hourly_list(world, item) * (1000 - item.discount) // 1000 // STEP * STEP
    arn = f"arn:aws:savingsplans::{account_id(world, SAVINGS_PLAN_BUYER)}:savingsplan/{_uuid(world, item)}"
    known = {"type": "SP", "arn": arn, "buyer": SAVINGS_PLAN_BUYER, "hourly": max(STEP, hourly), "sku": None}
    known |= {"units": 0, "upfront_rate": 0, "recurring_rate": 0}
    return _common(world, item) | known | {"fee_usage_type": f"ComputeSP:1yr{PAYMENTS[item.payment].replace(' ', '')}"}


def _reservation(world: World, item: Commitment, skus: list[dict[str, Any]]) -> dict[str, Any]:
    sku = next(sku for sku in skus if sku["reservation"] == item.name)
    unit_price = sku["price"] // sku["factor"]
    # An even number of ten-thousandths of a cent, so that a partial payment halves exactly.
    paid = unit_price * (1000 - item.discount) // 1000 // 2_000_000 * 2_000_000
    upfront = {"none": 0, "partial": paid // 2, "all": paid}[item.payment]
    service, payer = sku["code"].removeprefix("Amazon").lower(), account_id(world, RESERVATION_BUYER)
    return _common(world, item) | {
        "type": "RI",
        "arn": f"arn:aws:{service}:{REGIONS[0].code}:{payer}:reserved-instances/{_uuid(world, item)}",
        "buyer": RESERVATION_BUYER,
        "hourly": 0,
        "sku": sku["sku"],
        "units": max(1, _hourly_list(world, item) // unit_price // 4) * 4,
        "upfront_rate": upfront,
        "recurring_rate": paid - upfront,
        "fee_usage_type": f"{REGIONS[0].prefix}HeavyUsage:{sku['product_instance_type']}",
    }


def _common(world: World, item: Commitment) -> dict[str, Any]:
    start = world.periods[0].start
    end = dt.date(start.year + 1, start.month, 1)
    return {
        "commitment": item.name,
        "kind": item.kind,
        "payment": PAYMENTS[item.payment],
        "advantage": item.discount,
        "term_start": f"{start}T00:00:00.000Z",
        "term_end": f"{end}T00:00:00.000Z",
    }


def _hourly_list(world: World, item: Commitment) -> int:
    """Ticks per hour, at list prices, of the usage that the commitment is meant to cover."""
    kind = next(kind for kind in world.kinds if kind.name == item.kind)
    monthly = world.budget(world.periods[0]) * kind.spend * item.share // 1_000_000 * BOUGHT[item.basis] // 1000
    return monthly * TICKS_PER_MICRO // HOURS_PER_MONTH


def _uuid(world: World, item: Commitment) -> str:
    chance = draw(world.seed, "aws-commitment", item.name)
    return str(uuid.UUID(int=chance << 64 | draw(chance)))
