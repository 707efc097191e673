"""The sample world: the same everywhere, with the shape that it promises."""

from __future__ import annotations

import hashlib

import duckdb
import pytest
from finops_core.periods import Period
from finops_core.sample import World, create_usage, draw, draw_sql, hourly, make_world
from hypothesis import given, settings
from hypothesis import strategies as st


def usage(world: World, period: Period, rows: int, delivery: int = 1) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_usage(connection, world, period, rows=rows, delivery=delivery)
    return connection


def digest(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.execute("SELECT * FROM usage ORDER BY n").fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@given(st.lists(st.integers(-(10**12), 10**12) | st.text("abc:ü"), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_sql_draws_what_python_draws(parts: list[int | str]) -> None:
    marks = draw_sql(*("?" for _ in parts))
    assert duckdb.connect().execute(f"SELECT {marks}", parts).fetchall() == [(draw(*parts),)]


def test_draws_are_pinned() -> None:
    assert draw(1, "2024-01", "usage", 0) == int.from_bytes(hashlib.md5(b"1:2024-01:usage:0").digest()[:8], "little")
    assert len({draw(seed, "x") for seed in range(1000)}) == 1000


def test_a_seed_always_gives_these_rows() -> None:
    world = make_world(seed=7)
    assert digest(usage(world, Period(2024, 2), 500)) == (
        "afdea44cdad403fd4287af12fc04542455cece4907609b21d7550fee72de271d"
    )


def test_rows_do_not_depend_on_threads() -> None:
    world, digests = make_world(), set()
    for threads in (1, 4):
        connection = duckdb.connect(config={"threads": threads})
        create_usage(connection, world, world.last, rows=3000)
        digests.add(digest(connection))
    assert len(digests) == 1


def test_another_seed_gives_other_rows() -> None:
    first, second = (usage(make_world(seed), Period(2024, 2), 100) for seed in (1, 2))
    assert digest(first) != digest(second)


def test_shares_are_whole() -> None:
    world = make_world()
    assert sum(account.share for account in world.accounts) == 1000
    assert sum(kind.rows for kind in world.kinds) == sum(kind.spend for kind in world.kinds) == 1000
    assert {account.team for account in world.accounts} <= {app.team for app in world.applications}


@pytest.mark.parametrize("rows", [4_000, 60_000])
def test_spend_meets_the_budget_whatever_the_rows(rows: int) -> None:
    world = make_world()
    spend = usage(world, Period(2024, 1), rows).execute("SELECT sum(spend) FROM usage").fetchall()[0][0]
    assert spend == pytest.approx(world.budget(Period(2024, 1)), rel=0.15)


def test_usage_lies_in_its_days_and_the_last_month_is_open() -> None:
    world = make_world()
    for period in world.periods:
        connection = usage(world, period, 2_000)
        first, last, days = connection.execute(
            "SELECT min(starts)::DATE, max(ends)::DATE, count(DISTINCT starts::DATE) FROM usage"
        ).fetchall()[0]
        assert (first, days) == (period.start, world.days(period))
        assert (last == period.end) is not world.is_open(period)


def test_many_rows_are_hourly() -> None:
    assert not hourly(10_000)
    connection = usage(make_world(), Period(2024, 1), 50_000)
    assert (
        connection.execute("SELECT DISTINCT ends - starts, count(DISTINCT starts) FROM usage GROUP BY 1").fetchall()[0][
            1
        ]
        == 744
    )


def test_the_spike_stands_out_on_its_day_only() -> None:
    world = make_world()
    spike = world.spike
    days = dict(
        usage(world, Period.of(spike.day), 20_000)
        .execute("SELECT starts::DATE, sum(spend) FROM usage WHERE kind = ? GROUP BY 1", [spike.kind])
        .fetchall()
    )
    usual = sorted(days.values())[-2]
    assert days[spike.day] == max(days.values()) > 3 * usual


def test_the_second_delivery_has_fewer_rows_and_other_amounts() -> None:
    world, period = make_world(), Period(2024, 2)
    first, second = (
        dict(usage(world, period, 2_000, delivery).execute("SELECT n, spend FROM usage").fetchall())
        for delivery in (1, 2)
    )
    assert set(second) < set(first)
    changed = {n for n in second if second[n] != first[n]}
    assert changed and all(n % 251 == 18 for n in changed)


@given(st.integers(1, 6), st.integers(1, 100_000))
@settings(max_examples=30, deadline=None)
def test_rows_are_shared_out_to_all_periods(months: int, total: int) -> None:
    world = make_world(months=months)
    rows = world.rows(total)
    assert list(rows) == list(world.periods) and world.periods[-1] == world.last
    assert all(count >= 1 for count in rows.values())
    assert sum(rows.values()) <= max(total, months)
    assert sum(rows.values()) >= total - months


def test_a_world_has_a_month() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        make_world(months=0)


def test_credits_are_in_the_periods_and_only_late_ones_come_late() -> None:
    world = make_world(months=4)
    assert {credit.period for credit in world.credits} == set(world.periods)
    assert sum(credit.late for credit in world.credits) == 4
    assert sum(credit.refund for credit in world.credits) == 1
    assert all(credit.micros > 0 for credit in world.credits)
