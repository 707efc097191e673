"""What Acme Retail uses, row by row, as a table in DuckDB: the part of every bill that does not depend on the cloud."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING

from finops_core.periods import Period
from finops_core.sample.world import WEEKDAY_PERCENT, Account, World

if TYPE_CHECKING:
    import duckdb

HOURLY_FROM = 50_000
"""Rows per month from which bills are hourly. Fewer rows are daily, or single hours would stand almost alone."""


def create_usage(
    connection: duckdb.DuckDBPyConnection, world: World, period: Period, *, rows: int, delivery: int = 1
) -> None:
    """Make the table `usage` of one period, with exactly `rows` rows in the first delivery, in order of time.

        n            BIGINT      number of the row in its period, from 0; a second delivery lacks some numbers
        starts,ends  TIMESTAMP   the hour or day (see hourly()), UTC; ends is not included
        account      INTEGER     number in world.accounts
        application  INTEGER     number in world.applications; of the account's team
        kind         VARCHAR     name in world.kinds
        pick         INTEGER     0..999999, to choose a SKU of the kind
        luck         INTEGER     0..999999, for whatever else must be chosen by chance
        resource     INTEGER     0..39, number of the resource among its account's of one SKU
        spend        BIGINT      list price in micros; 0 in a free tier

    Beside it the tables world_accounts(account, name, team, environment), world_applications(application, name, team,
    owner, cost_center, tagged) and world_kinds(kind, rows, spend, free). `delivery` 2 is the restated month: a few
    rows fewer, a few dearer. The same arguments make the same rows everywhere.
    """
    _create_facts(connection, world)
    for name, value in _variables(world, period, rows, delivery).items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    connection.execute(files(__package__).joinpath("usage.sql").read_text("utf-8"))


def hourly(rows: int) -> bool:
    """Whether a month of so many usage rows is written by the hour rather than by the day."""
    return rows >= HOURLY_FROM


def _variables(world: World, period: Period, rows: int, delivery: int) -> dict[str, object]:
    days, spike = world.days(period), world.spike
    return {
        "seed": world.seed,
        "period": str(period),
        "first_day": period.start,
        "rows": rows,
        "buckets": days * 24 if hourly(rows) else days,
        "bucket_seconds": 3_600 if hourly(rows) else 86_400,
        "delivery": delivery,
        "budget": world.budget(period) * days // (period.end - period.start).days,
        "weekday_percent": list(WEEKDAY_PERCENT),
        "spike_day": spike.day,
        "spike_kind": spike.kind,
        "spike_account": spike.account,
        "spike_application": _applications_of(world, world.accounts[spike.account])[0],
        "spike_factor": spike.factor,
    }


def _create_facts(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    accounts = [(a.number, a.name, a.team, a.environment) for a in world.accounts]
    _create(connection, "world_accounts(account INTEGER, name VARCHAR, team VARCHAR, environment VARCHAR)", accounts)
    _create(
        connection,
        "world_applications(application INTEGER, name VARCHAR, team VARCHAR, owner VARCHAR, cost_center VARCHAR, "
        "tagged BOOLEAN)",
        [(a.number, a.name, a.team, a.owner, a.cost_center, a.tagged) for a in world.applications],
    )
    kinds = [(k.name, k.rows, k.spend, k.free) for k in world.kinds]
    _create(connection, "world_kinds(kind VARCHAR, rows BIGINT, spend BIGINT, free BIGINT)", kinds)
    _create(connection, "world_slots(slot INTEGER, account INTEGER, application INTEGER)", _slots(world))
    names = [kind.name for kind in world.kinds for _ in range(kind.rows)]
    _create(connection, "world_kind_slots(slot INTEGER, kind VARCHAR)", enumerate(names))


def _slots(world: World) -> list[tuple[int, int, int]]:
    """A thousand slots, as many for each account as its share, its team's applications in turn."""
    owners = [account for account in world.accounts for _ in range(account.share)]
    slots = []
    for slot, account in enumerate(owners):
        applications = _applications_of(world, account)
        slots.append((slot, account.number, applications[slot % len(applications)]))
    return slots


def _applications_of(world: World, account: Account) -> list[int]:
    return [application.number for application in world.applications if application.team == account.team]


def _create(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(f"CREATE OR REPLACE TABLE {table}")
    name = table.partition("(")[0]
    values = ", ".join("unnest(?)" for _ in columns)
    connection.execute(f"INSERT INTO {name} SELECT {values}", columns)  # noqa: S608
