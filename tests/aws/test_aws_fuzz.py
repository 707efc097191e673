"""Forty corrupt trees of generated bills: the right rows or a clean error, never anything else.

bench/fuzz_import.py has the cases, says what cannot be noticed, and runs as many more as one likes.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def fuzz() -> Any:
    path = Path(__file__).parents[2] / "bench" / "fuzz_import.py"
    spec = importlib.util.spec_from_file_location("fuzz_import", path)
    assert spec
    assert spec.loader
    module = sys.modules["fuzz_import"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_corrupt_trees_end_in_the_right_rows_or_in_a_clean_error(fuzz: Any, tmp_path: Path) -> None:
    outcomes = list(fuzz.cases(tmp_path, 40, seed=20))
    assert len(outcomes) == 40
    assert {code for outcome in outcomes for code in outcome.errors} >= {"FIN020"}, "damage was found"
    assert any(outcome.errors and "old" in outcome.rows for outcome in outcomes), "and the old rows stood"
    assert any(not outcome.errors and "new" in outcome.rows for outcome in outcomes), "where it did not matter"
