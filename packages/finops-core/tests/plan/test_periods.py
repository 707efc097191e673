from __future__ import annotations

import datetime as dt

import pytest
from finops_core.errors import UsageError
from finops_core.periods import Period, Window
from hypothesis import given
from hypothesis import strategies as st

PERIODS = st.builds(Period, st.integers(1971, 2999), st.integers(1, 12))


@given(PERIODS)
def test_written_and_read_back(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(st.text())
def test_anything_else_is_a_usage_error(text: str) -> None:
    try:
        assert str(Period.parse(text)) == text.strip()
    except UsageError as error:
        assert "YYYY-MM" in error.hint


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-1", "2024-01-05", "24-01", "", "2024/01", "0000-01"])
def test_near_misses(text: str) -> None:
    with pytest.raises(UsageError):
        Period.parse(text)


@given(PERIODS, st.integers(-500, 500))
def test_shift_is_its_own_inverse_and_months_touch(period: Period, months: int) -> None:
    if 1970 <= (period.year * 12 + period.month - 1 + months) // 12 <= 9998:
        assert period.shift(months).shift(-months) == period
    assert period.end == period.shift(1).start
    assert Period.of(period.end - dt.timedelta(days=1)) == period


@given(PERIODS, PERIODS, PERIODS)
def test_a_window_includes_both_ends(a: Period, b: Period, c: Period) -> None:
    first, last = min(a, b), max(a, b)
    assert (c in Window(first, last)) == (first <= c <= last)
    assert (c in Window(first)) == (c >= first)
    assert (c in Window(None, last)) == (c <= last)
    if first != last:
        with pytest.raises(UsageError):
            Window(last, first)
