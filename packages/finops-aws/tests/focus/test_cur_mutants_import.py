"""A conversion that gets money wrong never reaches the destination: the import itself refuses the period."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest, Window
from finops_core.focus.conversion import strip
from finops_core.ledger import loaded_periods
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import ImportReport, run_import
from finops_core.progress import QuietReporter

MUTANTS = {
    "a cost is doubled": "SELECT * REPLACE (if({one}, BilledCost + BilledCost, BilledCost) AS BilledCost) FROM sound",
    "an effective cost is doubled": (
        "SELECT * REPLACE (if({one}, EffectiveCost + EffectiveCost, EffectiveCost) AS EffectiveCost) FROM sound"
    ),
    "a row is dropped": "SELECT * FROM sound WHERE NOT {one}",
    "a row is doubled": "SELECT * FROM sound UNION ALL SELECT * FROM sound WHERE {one}",
    "a sign is turned": "SELECT * REPLACE (if({one}, -BilledCost, BilledCost) AS BilledCost) FROM sound",
    "billed and effective change places": (
        "SELECT * REPLACE (EffectiveCost AS BilledCost, BilledCost AS EffectiveCost) FROM sound"
    ),
}

ONE = (
    "(x_LineItemType = 'Usage' AND BilledCost = (SELECT max(BilledCost) FROM sound WHERE x_LineItemType = 'Usage') "
    "AND EffectiveCost > 0)"
)


@dataclass
class Loaded:
    provider: Aws
    options: ImportOptions

    def run(self, **changes: Any) -> ImportReport:
        return run_import(self.provider, replace(self.options, **changes), QuietReporter(sys.stderr))

    def focus(self) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.options.target.location, read_only=True) as connection:
            return connection.execute(
                "SELECT count(*), sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage"
            ).fetchall()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """One month of a generated bill, loaded soundly."""
    folder = tmp_path_factory.mktemp("mutants")
    request = SampleRequest(folder / "bills", "cur-v1-parquet", months=1, rows=800, seed=5, last=Period(2024, 3))
    options = ImportOptions(Window(), Target.parse("duckdb", folder / "data"), "aws_billing")
    made = Loaded(Aws(**Aws.sample(request)), options)
    assert made.run().failed == []
    return made


@pytest.fixture
def mutate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Put a fault behind the conversion of every dataset of AWS."""

    def apply(statement: str) -> None:
        changed = []
        for dataset in Aws.datasets:
            assert dataset.focus is not None
            path = tmp_path / f"{dataset.name}.sql"
            sound = strip(dataset.focus.read_text(encoding="utf-8"))
            path.write_text(f"WITH sound AS (\n{sound}\n)\n{statement.format(one=ONE)}\n")
            changed.append(replace(dataset, focus=path))
        monkeypatch.setattr(Aws, "datasets", tuple(changed))

    return apply


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_of_money_stops_the_import(loaded: Loaded, mutate: Callable[[str], None], name: str) -> None:
    before = loaded.focus()
    mutate(MUTANTS[name])
    report = loaded.run(force=True)
    [(_, error)] = report.failed
    assert error.code == "FIN022", error
    assert "--allow-unbalanced" in error.hint
    assert loaded.focus() == before, "the rows that stood before stand still"
    [entry] = loaded_periods(loaded.options.target)
    assert all(check["ok"] for check in entry.checks if check["severity"] == "money")


def test_without_a_fault_the_same_detour_loads(loaded: Loaded, mutate: Callable[[str], None]) -> None:
    before = loaded.focus()
    mutate("SELECT * FROM sound")
    assert loaded.run(force=True).failed == []
    assert loaded.focus() == before


def test_what_was_allowed_in_spite_of_it_is_recorded(
    loaded: Loaded, mutate: Callable[[str], None], tmp_path: Path
) -> None:
    mutate(MUTANTS["a cost is doubled"])
    target = Target.parse("duckdb", tmp_path / "data")
    assert loaded.run(target=target, allow_unbalanced=True).failed == []
    [entry] = loaded_periods(target)
    assert "A1" in {check["id"] for check in entry.checks if not check["ok"]}
