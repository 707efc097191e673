"""The sample world: one made-up company whose bills every provider package can write.

    world.py   World             who spends on what: accounts, applications, kinds of service, spike, commitments
    draws.py   draw, draw_sql    seeded chance, the same in Python and in SQL on every machine
    usage.py   create_usage      World, Period -> table `usage` in a DuckDB connection: who used which kind of service,
                                 when, and for how much; a provider turns each row into its own SKUs and columns
    focus.py   generate_focus_record   one valid FOCUS 1.2 row, for tests

A generator in a provider package makes the world, creates `usage` for each period, joins its own SKU table by
`kind` and `pick`, and COPYs the result: no row passes through Python.
"""

from __future__ import annotations

from finops_core.sample.draws import draw, draw_sql
from finops_core.sample.focus import generate_focus_record
from finops_core.sample.usage import create_usage, hourly
from finops_core.sample.world import Account, Application, Commitment, Credit, Kind, Spike, World, make_world

__all__ = [
    "Account",
    "Application",
    "Commitment",
    "Credit",
    "Kind",
    "Spike",
    "World",
    "create_usage",
    "draw",
    "draw_sql",
    "generate_focus_record",
    "hourly",
    "make_world",
]
