"""The whole pipeline on a toy provider: what stands in DuckDB afterwards, whatever happened on the way."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core import FinopsError, Window
from finops_core.errors import UsageError
from finops_core.ledger import loaded_periods
from finops_core.load import Target
from finops_core.options import ImportOptions, Strategy
from finops_core.pipeline import ImportReport, plan_import, run_import
from finops_core.progress import QuietReporter
from finops_core.stage.reading import _Group

toy = sys.modules["toy"]

HEADER = "id,service,cost,currency,day\n"
STRATEGIES: tuple[Strategy, ...] = ("separate", "single")


class Project:
    def __init__(self, folder: Path, strategy: Strategy = "separate") -> None:
        self.bills, self.data, self.strategy = folder / "bills", folder / "data", strategy
        self.bills.mkdir()
        self.target = Target.parse("duckdb", self.data)

    def deliver(self, period: str, *rows: str, header: str = HEADER) -> None:
        (self.bills / f"{period}.csv").write_text(header + "".join(f"{row}\n" for row in rows))

    def options(self, **changes: Any) -> ImportOptions:
        given = {"window": Window(), "target": self.target, "dataset_name": "toy_billing"}
        return ImportOptions(**{**given, "table_strategy": self.strategy, **changes})

    def run(self, **changes: Any) -> ImportReport:
        return run_import(toy.Toy(folder=self.bills), self.options(**changes), QuietReporter(sys.stderr))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data / "finops.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def raw(self) -> list[tuple[str, str, Decimal]]:
        return self.query("SELECT billing_period, id, cost FROM toy_billing.billing ORDER BY ALL")

    def focus(self) -> list[tuple[str, Decimal]]:
        return self.query("SELECT x_BillingPeriod, BilledCost FROM focus.cost_and_usage ORDER BY ALL")


@pytest.fixture(params=STRATEGIES)
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    yield Project(tmp_path, request.param)


def test_a_bill_is_loaded_once_and_only_what_changed_is_loaded_again(project: Project) -> None:
    project.deliver("2024-01", "001,A,1.5,USD,2024-01-01", "2,B,0.000000000000000001,EUR,2024-01-02T03:00:00Z")
    project.deliver("2024-02", "1,A,2,USD,2024-02-01")
    first = project.run()
    assert [str(step.delivery.period) for step in first.loaded] == ["2024-01", "2024-02"]
    assert first.totals == {"USD": Decimal("3.5"), "EUR": Decimal("1e-18")}
    assert project.raw()[0] == ("2024-01", "001", Decimal("1.5"))
    second = project.run()
    assert (len(second.loaded), len(second.skipped), second.rows) == (0, 2, 0)

    project.deliver("2024-01", "7,A,9,USD,2024-01-05")
    third = project.run()
    assert [str(step.delivery.period) for step in third.loaded] == ["2024-01"]
    assert project.raw() == [("2024-01", "7", Decimal(9)), ("2024-02", "1", Decimal(2))]
    assert project.focus() == [("2024-01", Decimal(9)), ("2024-02", Decimal(2))]
    rollup = project.query(
        "SELECT count(DISTINCT x_SourceVersion) FROM focus.cost_rollup WHERE x_BillingPeriod='2024-01'"
    )
    assert rollup == [(2,)], "the rollup keeps what the earlier version said"
    entries = {str(entry.period): entry for entry in loaded_periods(project.target)}
    assert entries["2024-01"].totals == {"USD": Decimal(9)}
    assert entries["2024-01"].measures["USD"]["billed"] == Decimal(9)


def test_an_empty_redelivery_empties_the_period(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.deliver("2024-02", "1,A,2,USD,2024-02-01")
    project.run()
    project.deliver("2024-01")
    assert project.run().rows == 0
    assert project.raw() == [("2024-02", "1", Decimal(2))]
    assert project.focus() == [("2024-02", Decimal(2))]


@pytest.mark.parametrize(
    "bad",
    [
        "id,service\n1,A\n",
        HEADER + "1,A,1,USD\n",
        HEADER + "1,A,1.0000000000000000001,USD,2024-01-01\n",
        HEADER + "1,A,x,USD,\n",
    ],
)
def test_a_bad_period_keeps_its_old_rows_and_the_others_load(project: Project, bad: str) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.run()
    (project.bills / "2024-01.csv").write_text(bad)
    project.deliver("2024-02", "1,A,2,USD,2024-02-01")
    report = project.run()
    [(step, error)] = report.failed
    assert (str(step.delivery.period), error.exit_code) == ("2024-01", 1)
    assert "2024-01.csv" in error.where
    assert project.raw() == [("2024-01", "1", Decimal(1)), ("2024-02", "1", Decimal(2))]


def test_columns_come_and_go(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01,x", header="id,service,cost,currency,day,Cost Center\n")
    project.deliver("2024-02", "y,USD,2,2024-02-01,1,z", header="cost Center,currency,cost,day,id,Other\n")
    project.run()
    tag = "lower(source_name) = 'cost center'"
    names = f"SELECT column_name FROM toy_billing.column_names WHERE {tag} ORDER BY billing_period"
    (january,), (february,) = project.query(names)
    assert january != february, "tags that differ by case are two columns, also in different months"
    values = project.query(
        f'SELECT "{january}", "{february}", service FROM toy_billing.billing ORDER BY billing_period'
    )
    assert values == [("x", None, "A"), (None, "y", None)]


def test_the_table_strategy_can_change_both_ways(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.deliver("2024-02", "1,A,2,USD,2024-02-01")
    expected = [("2024-01", "1", Decimal(1)), ("2024-02", "1", Decimal(2))]
    for strategy in ("separate", "single", "separate", "single"):
        assert len(project.run(table_strategy=strategy).loaded) == 2
        assert project.raw() == expected
        assert project.focus() == [("2024-01", Decimal(1)), ("2024-02", Decimal(2))]


def test_without_raw_or_without_focus(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.run(raw=False)
    assert project.focus() == [("2024-01", Decimal(1))]
    assert project.query("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'billing%'") == [(0,)]
    assert project.run(raw=False).skipped
    project.run()
    assert project.raw() == [("2024-01", "1", Decimal(1))]
    project.run(focus=False, force=True)
    assert project.focus() == []
    [entry] = loaded_periods(project.target)
    assert (entry.focus_rows, entry.rows) == (None, 1)


def test_a_dry_run_changes_nothing(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    [step] = plan_import(toy.Toy(folder=project.bills), project.options())
    assert step.action == "load"
    assert not (project.data / "finops.duckdb").exists()


def test_another_export_in_the_same_dataset_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.run()
    discover = toy.Toy.discover
    monkeypatch.setattr(toy.Toy, "discover", lambda self, w: (replace(d, export="b") for d in discover(self, w)))
    with pytest.raises(UsageError, match="holds export 'toys'"):
        project.run()


def test_broken_money_fails_the_period_unless_allowed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    doubled = project.bills.parent / "doubled.sql"
    doubled.write_text(toy.BILL.focus.read_text().replace("cost AS BilledCost", "2 * cost AS BilledCost"))
    monkeypatch.setattr(toy.Toy, "datasets", (replace(toy.BILL, focus=doubled),))
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    [(_, error)] = project.run().failed
    assert error.code == "FIN022"
    assert "T1" in str(error)
    assert loaded_periods(project.target) == []
    assert project.run(allow_unbalanced=True).rows == 1
    [entry] = loaded_periods(project.target)
    assert {check["id"] for check in entry.checks if not check["ok"] and check["severity"] == "money"} == {"T1"}


def test_a_row_that_the_reader_passes_over_fails_the_period(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are held against a count of the file's records that is made without DuckDB."""
    project.deliver("2024-01", '1,"A\n\nand B",1,USD,2024-01-01', "2,B,2,USD,2024-01-02")
    project.run()
    scan = _Group._scan
    monkeypatch.setattr(_Group, "_scan", lambda group: f"(FROM {scan(group)} LIMIT 1)")
    for rows in (['1,"A\n\nand B",1,USD,2024-01-01', "2,B,3,USD,2024-01-02"], ["1,A,1,USD,2024-01-01"] * 2):
        project.deliver("2024-01", *rows)
        [(_, error)] = project.run().failed
        assert "1 row was read of 2" in error.what
        assert error.where == "2024-01.csv"
    assert [row[2] for row in project.raw()] == [1, 2]


def test_nothing_stays_behind_in_the_data_directory(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    project.run()
    left = {path.name for path in project.data.iterdir()} - {"finops.duckdb"}
    assert left <= {".staging"}
    assert not list((project.data / ".staging").iterdir())


@pytest.mark.slow
def test_killed_at_random_moments_it_is_the_old_period_or_the_new_one(project: Project) -> None:
    project.deliver("2024-01", *(f"{i},A,1,USD,2024-01-01" for i in range(2000)))
    project.run()
    moment = random.Random(7)
    outcomes = set()
    for attempt in range(10):
        count = 1000 + attempt
        project.deliver("2024-01", *(f"{i},A,{attempt}.5,USD,2024-01-01" for i in range(count)))
        before = project.query("SELECT count(*), sum(cost) FROM toy_billing.billing")
        child = os.fork()
        if child == 0:
            try:
                project.run()
            finally:
                os._exit(0)
        time.sleep(moment.uniform(0.0, 1.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        new = [(count, count * Decimal(f"{attempt}.5"))]
        found = project.query("SELECT count(*), sum(cost) FROM toy_billing.billing")
        focus = project.query("SELECT count(*), sum(BilledCost) FROM focus.cost_and_usage")
        assert found in (before, new)
        assert focus == found
        outcomes.add(found == new)
        project.run()
        assert project.query("SELECT count(*), sum(cost) FROM toy_billing.billing") == new
        assert project.query("SELECT count(*), sum(BilledCost) FROM focus.cost_and_usage") == new
    assert outcomes <= {True, False}


def test_every_error_of_a_period_is_one_of_ours(project: Project) -> None:
    project.deliver("2024-01", "1,A,1,USD,2024-13-45")
    [(_, error)] = project.run().failed
    assert isinstance(error, FinopsError)
    assert not (project.data / "finops.duckdb").exists() or loaded_periods(project.target) == []


def test_raw_rows_are_written_ahead_so_that_reading_them_again_needs_no_memory(project: Project) -> None:
    """DuckDB keeps what its own transaction has written in memory for as long as that transaction reads it."""
    from finops_core.load import embedded

    project.deliver("2024-01", "1,A,1,USD,2024-01-01")
    statements: list[str] = []
    rows = embedded.DuckDbSql._rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded.DuckDbSql, "_rows", lambda s, sql, p: (statements.append(sql), rows(s, sql, p))[1])
        project.run()
    begin = statements.index("BEGIN TRANSACTION")
    [ahead] = [i for i, sql in enumerate(statements) if "read_csv" in sql and sql.startswith("CREATE TABLE")]
    assert ahead < begin
    assert not any("bills" in sql for sql in statements[begin:]), "no file is read inside the transaction"
    left = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%incoming%'"
    assert project.query(left) == [(0,)]
