"""Where a file belongs, told by its name, and which shards count. Pure."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from finops_core import Period
from finops_core.store import StoredObject
from finops_gcp.layout import Place, place
from finops_gcp.shards import ONE_RUN, TWO_RUNS, newest_run
from hypothesis import given
from hypothesis import strategies as st

NOON = dt.datetime(2025, 2, 2, 12, tzinfo=dt.UTC)


def _place(key: str, written: dt.datetime = NOON) -> Place:
    found = place(StoredObject(key, 10, written))
    assert found
    return found


@pytest.mark.parametrize(
    ("key", "root", "month", "kind"),
    [
        ("b/billing_period=2025-01/part-000000000000.parquet", "b/", "2025-01", "parquet"),
        ("b/billing_period=2025-01-01/x.parquet", "b/", "2025-01", "parquet"),
        ("b/invoice_month=202501/x.csv.gz", "b/", "2025-01", "csv"),
        ("b/invoice.month=202512/x.snappy.parquet", "b/", "2025-12", "parquet"),
        ("b/year=2025/month=1/x.json", "b/", "2025-01", "jsonl"),
        ("b/year=2025/month=01/day=04/x.json", "b/", "None", "jsonl"),
        ("b/2025-01/x.ndjson.gz", "b/", "2025-01", "jsonl"),
        ("b/202501/x.jsonl", "b/", "2025-01", "jsonl"),
        ("2025/01/x.csv", "", "2025-01", "csv"),
        ("2025/01/15/x.csv", "", "None", "csv"),
        ("b/2025-01-15/x.csv", "b/", "None", "csv"),
        ("b/dt=20250115/x.csv", "b/", "None", "csv"),
        ("b/acme-202501-000000000000.csv", "b/", "2025-01", "csv"),
        ("b/acme-2025-01.csv", "b/", "2025-01", "csv"),
        ("acme-2025-01-15.csv", "", "None", "csv"),
        ("acme-20250115.csv", "", "None", "csv"),
        ("acme-202501-to-202502.csv", "", "None", "csv"),
        ("b/part-000000202501.parquet", "b/", "None", "parquet"),
        ("b/billing_period=2025-13/x.parquet", "b/", "None", "parquet"),
        ("b/2025-01/x.avro", "b/", "2025-01", "avro"),
        ("b/2025-01/part-000000000000", "b/", "2025-01", "unknown"),
    ],
)
def test_names_tell_export_month_and_format(key: str, root: str, month: str, kind: str) -> None:
    found = _place(key)
    assert (found.root, str(found.period), found.kind) == (root, month, kind)


@pytest.mark.parametrize(
    "key",
    [
        "b/",
        "b/2025-01/_SUCCESS",
        "b/2025-01/manifest.json",
        "b/.hidden.csv",
        "b/_temporary/0/x.csv",
        "b/2025-01/.crc/x.csv",
    ],
)
def test_markers_are_no_data(key: str) -> None:
    assert place(StoredObject(key, 0, NOON)) is None


@given(st.text(max_size=40))
def test_any_name_has_a_place_or_none(key: str) -> None:
    found = place(StoredObject(key, 1, NOON))
    assert found is None or key.startswith(found.root)


def _shard(number: int, written: dt.datetime) -> Place:
    return _place(f"b/2025-01/part-{number:012d}.parquet", written)


@given(st.integers(1, 30), st.integers(0, 30), st.randoms())
def test_exactly_the_surplus_of_an_older_run_is_stale(now: int, surplus: int, chance: random.Random) -> None:
    """`now` shards were written within minutes; the run before, a day earlier, had more of them."""
    newest = [_shard(n, NOON + dt.timedelta(seconds=chance.randrange(300))) for n in range(now)]
    before = NOON - dt.timedelta(days=1)
    oldest = [_shard(n, before + dt.timedelta(seconds=chance.randrange(300))) for n in range(now, now + surplus)]
    mixed = [*newest, *oldest]
    chance.shuffle(mixed)
    found = newest_run(mixed)
    assert set(found.current) == set(newest)
    assert set(found.stale) == set(oldest)
    assert not found.doubt


@given(st.lists(st.integers(0, int(ONE_RUN.total_seconds())), min_size=1, max_size=20))
def test_shards_of_one_run_all_count(seconds: list[int]) -> None:
    places = [_shard(n, NOON + dt.timedelta(seconds=second)) for n, second in enumerate(seconds)]
    assert set(newest_run(places).current) == set(places)


def test_files_that_were_added_later_all_count() -> None:
    """Newer files with higher numbers: an export that appends."""
    places = [_shard(n, NOON + n * TWO_RUNS) for n in range(5)]
    assert set(newest_run(places).current) == set(places)


@pytest.mark.parametrize("numbers", [(0, 2), (1,), (0, 1, 2, 7)])
def test_a_gap_among_bigquerys_own_numbers_is_a_missing_file(numbers: tuple[int, ...]) -> None:
    missing = next(n for n in range(8) if n not in numbers)
    assert f"no shard {missing:012d} before it" in newest_run([_shard(n, NOON) for n in numbers]).doubt


@pytest.mark.parametrize("names", [("part-00000.csv", "part-00007.csv"), ("b-202501151030.csv", "b-202501161030.csv")])
def test_other_numbers_with_a_gap_are_no_series_of_one_export(names: tuple[str, ...]) -> None:
    places = [_place(f"b/2025-01/{name}", NOON - dt.timedelta(days=3 * n)) for n, name in enumerate(names)]
    found = newest_run(places)
    assert (set(found.current), found.doubt) == (set(places), "")


def test_between_one_run_and_two_nobody_guesses() -> None:
    places = [_shard(0, NOON), _shard(1, NOON - dt.timedelta(minutes=20))]
    assert "part-000000000001.parquet" in newest_run(places).doubt


def test_each_series_is_judged_for_itself() -> None:
    other = [_place(f"b/2025-01/other-{n:012d}.parquet", NOON - dt.timedelta(days=9)) for n in range(3)]
    ours = [_shard(0, NOON), _shard(1, NOON - dt.timedelta(days=1))]
    found = newest_run([*other, *ours])
    assert set(found.current) == {*other, ours[0]}


def test_months_are_periods() -> None:
    assert _place("2025-01/x.csv").period == Period(2025, 1)
