"""One month of the sample world, delivered in each format, imported for real: FOCUS is one truth in all of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest, Window
from finops_core.load import Target
from finops_core.pipeline import ImportOptions, run_import
from finops_core.progress import QuietReporter

JANUARY = Period(2024, 1)

FORMATS = {
    "cur-v1-csv": set(),
    "cur-v1-parquet": set(),
    "cur-v2-csv": set(),
    "cur-v2-parquet": set(),
    "cur-v1-csv-net": set(),
    "cur-v1-csv-discount-rows": {"A13"},
    "cur-v2-parquet-net": set(),
    "focus-1.0-csv": set(),
    "focus-1.2-parquet": set(),
}
"""Format -> the checks that do not hold, which is what the bill deserves."""

NOT_THE_SAME = {
    "BillingAccountName": "CUR v1 has no names of accounts",
    "SubAccountName": "CUR v1 has no names of accounts",
    "Tags": "CUR 2.0 and Parquet have lost the original keys",
    "x_CostCategories": "the same",
    "x_SourceExport": "lineage",
    "x_SourceVersion": "lineage",
    "x_SourceFile": "lineage",
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, dict[str, Any]]]:
    """Format -> (database, the generator's truth of the month); each is imported once."""
    found: dict[str, tuple[Any, dict[str, Any]]] = {}

    def get(form: str) -> tuple[Any, dict[str, Any]]:
        if form not in found:
            folder = tmp_path_factory.mktemp(form)
            settings = Aws.sample(SampleRequest(folder, form, months=1, rows=3000, seed=5, last=JANUARY))
            target = Target.parse("duckdb", folder / "data")
            options = ImportOptions(Window(), target, "aws_billing")
            report = run_import(Aws(**settings), options, QuietReporter(io.StringIO()))
            assert not report.failed
            truth = json.loads((folder / "truth.json").read_text())["periods"]["2024-01"]
            found[form] = (duckdb.connect(target.location, read_only=True), truth)
        return found[form]

    return get


@pytest.mark.parametrize("form", FORMATS)
def test_focus_is_the_truth_of_the_bill(imported: Any, form: str) -> None:
    database, truth = imported(form)
    found = database.execute(
        "SELECT count(*), sum(BilledCost), sum(EffectiveCost) FROM aws_billing.focus_cost_and_usage"
    ).fetchall()
    expected = truth["focus"]
    assert found == [
        (expected["rows"], Decimal(expected["BilledCost"]["USD"]), Decimal(expected["EffectiveCost"]["USD"]))
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_check_holds(imported: Any, form: str) -> None:
    ((checks,),) = imported(form)[0].execute("SELECT checks FROM aws_billing.import_ledger").fetchall()
    results = json.loads(checks)
    assert len(results) > 15
    assert {result["id"] for result in results if not result["ok"]} == FORMATS[form]


@pytest.mark.parametrize("form", ["cur-v1-parquet", "cur-v2-csv", "cur-v2-parquet"])
def test_rows_are_the_same_in_every_cur_format(imported: Any, form: str) -> None:
    left, right = imported("cur-v1-csv")[0], imported(form)[0]
    names = [name for (name, *_) in left.execute("DESCRIBE aws_billing.focus_cost_and_usage").fetchall()]
    listed = ", ".join(f'"{name}"' for name in names if name not in NOT_THE_SAME)
    select = f"SELECT {listed} FROM aws_billing.focus_cost_and_usage ORDER BY ALL"
    assert left.execute(select).fetchall() == right.execute(select).fetchall()


@pytest.mark.parametrize("form", ["focus-1.0-csv", "focus-1.2-parquet"])
def test_our_conversion_agrees_with_the_native_export(imported: Any, form: str) -> None:
    """Per day, account and kind of charge."""
    select = """
        SELECT CAST(ChargePeriodStart AS DATE), SubAccountId, ChargeCategory, CommitmentDiscountStatus,
               sum(BilledCost), sum(EffectiveCost), count(*)
        FROM aws_billing.focus_cost_and_usage GROUP BY ALL ORDER BY ALL
    """
    ours, native = imported("cur-v1-csv")[0], imported(form)[0]
    assert ours.execute(select).fetchall() == native.execute(select).fetchall()


def test_tags_that_differ_only_by_case_are_both_kept(imported: Any) -> None:
    select = """
        SELECT count(*) FROM aws_billing.focus_cost_and_usage
        WHERE json_extract_string(Tags, '$.Owner') IS NOT NULL AND json_extract_string(Tags, '$.owner') IS NOT NULL
    """
    ((rows,),) = imported("cur-v1-csv")[0].execute(select).fetchall()
    assert rows > 0


def test_rollup_adds_up_to_the_rows(imported: Any) -> None:
    database = imported("cur-v1-csv")[0]
    select = "SELECT sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost) FROM aws_billing.{}"
    rows = database.execute(select.format("focus_cost_and_usage")).fetchall()
    assert database.execute(select.format("cost_rollup")).fetchall() == rows
