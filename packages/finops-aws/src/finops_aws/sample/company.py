"""The sample world's company as AWS knows it: where it runs, its account ids, and what its money is counted in."""

from __future__ import annotations

from dataclasses import dataclass

from finops_core.sample import World, draw

TICKS = 10_000_000_000
"""Ticks per dollar: ten decimals, as AWS prints money. With at most 15 digits a double keeps them exactly."""

TICKS_PER_MICRO = TICKS // 1_000_000


@dataclass(frozen=True)
class Region:
    code: str
    prefix: str
    name: str


REGIONS = (
    Region("eu-central-1", "EUC1-", "EU (Frankfurt)"),
    Region("us-east-1", "", "US East (N. Virginia)"),
    Region("us-west-2", "USW2-", "US West (Oregon)"),
)


def account_id(world: World, number: int) -> str:
    """Twelve digits, some with leading zeros."""
    digits = draw(world.seed, "aws-account", number) % 10**12
    return f"{digits // 1000 if number % 4 == 1 else digits:012d}"
