"""Generated bills through the whole pipeline, against the truth that the generator wrote."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from finops_azure.datasets import COST
from finops_azure.provider import Azure
from finops_core import Period, SampleRequest
from finops_core.ledger import loaded_periods
from finops_core.load import Target
from finops_core.verify import Proof, verify

FORMATS = Azure.sample_formats
MONTHS = ("2024-01", "2024-02", "2024-03")
FEBRUARY = Period(2024, 2)


def sampled(folder: Path, format: str, **changes: Any) -> tuple[Azure, dict[str, Any]]:
    settings = Azure.sample(SampleRequest(folder, format, rows=changes.pop("rows", 300), **changes))
    return Azure(**settings), json.loads((folder / "truth.json").read_text())


def money(sums: dict[str, str]) -> dict[str, Decimal]:
    return {code: Decimal(text) for code, text in sums.items()}


def assert_true(warehouse: Any, truth: dict[str, Any]) -> None:
    """Rows and every sum, exactly, per month: raw, amortised and FOCUS."""
    focus = "BilledCost" in {row[0] for row in warehouse.query("DESCRIBE azure_billing.billing")}
    cost = "BilledCost" if focus else "cost_in_billing_currency"
    for month, facts in truth["periods"].items():
        where = f"WHERE billing_period = '{month}'"
        (raw,) = warehouse.query(f'SELECT count(*), sum("{cost}") FROM azure_billing.billing {where}')
        assert (raw[0], raw[1]) == (facts["rows"], *money(facts["CostInBillingCurrency"]).values())
        if not focus:
            (spread,) = warehouse.query(f"SELECT count(*), sum({cost}) FROM azure_billing.billing_amortized {where}")
            amortized = facts["amortized"]
            assert spread == (amortized["rows"], *money(amortized["CostInBillingCurrency"]).values())
        (made,) = warehouse.query(
            "SELECT count(*), sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage "
            f"WHERE x_BillingPeriod = '{month}'"
        )
        wanted = facts["focus"]
        assert made == (
            wanted["rows"],
            *money(wanted["BilledCost"]).values(),
            *money(wanted["EffectiveCost"]).values(),
        )


@pytest.mark.parametrize(
    ("format", "strategy"),
    [*((format, "separate") for format in FORMATS), ("ea-csv", "single"), ("focus-1.0", "single")],
)
def test_every_format_is_imported_exactly(format: str, strategy: str, tmp_path: Path, warehouse: Any) -> None:
    provider, truth = sampled(tmp_path, format)
    report = warehouse.load(provider, table_strategy=strategy)
    assert [str(step.delivery.period) for step in report.loaded] == list(MONTHS) and not report.failed
    assert not report.notes, "every check holds"
    assert_true(warehouse, truth)
    assert warehouse.load(provider, table_strategy=strategy).loaded == []


@pytest.mark.parametrize(("format", "strategy"), [("ea-csv", "separate"), ("mca-csv", "single")])
def test_a_redelivered_month_replaces_itself(format: str, strategy: str, tmp_path: Path, warehouse: Any) -> None:
    provider, _ = sampled(tmp_path, format)
    warehouse.load(provider, table_strategy=strategy)
    provider, truth = sampled(tmp_path, format, redeliver=FEBRUARY)
    report = warehouse.load(provider, table_strategy=strategy)
    assert [step.delivery.period for step in report.loaded] == [FEBRUARY]
    assert truth["earlier"]["2024-02"] != truth["periods"]["2024-02"]
    assert_true(warehouse, truth)


def test_only_one_of_the_two_files(tmp_path: Path, warehouse: Any) -> None:
    provider, truth = sampled(tmp_path, "ea-csv", months=1, last=Period(2024, 1))
    facts = truth["periods"]["2024-01"]
    settings = {"container": provider.container, "prefix": provider.prefix, "export_name": "acme-actual"}
    report = warehouse.load(Azure(**settings, dataset_type="actual"))
    assert not report.failed
    assert [note.text for note in report.notes if "EffectiveCost is the billed cost" in note.text]
    costs = (
        "SELECT count(*), sum(BilledCost), sum(EffectiveCost), any_value(x_EffectiveCostBasis) "
        "FROM focus.cost_and_usage WHERE x_BillingPeriod = '2024-01'"
    )
    actual = money(facts["CostInBillingCurrency"])["USD"]
    assert warehouse.query(costs) == [(facts["rows"], actual, actual, "billed")]

    settings["export_name"] = "acme-amortized"
    report = warehouse.load(Azure(**settings, dataset_type="amortized"), dataset_name="azure_amortized")
    assert not report.failed
    assert [note.text for note in report.notes if "BilledCost of what commitments pay for is unknown" in note.text]
    amortized = facts["amortized"]
    ((rows, billed, effective, _),) = warehouse.query(costs + " AND x_SourceExport = 'acme-amortized'")
    assert (rows, effective) == (amortized["rows"], money(amortized["CostInBillingCurrency"])["USD"])
    assert billed < effective


def test_cost_files_and_focus_file_say_the_same_of_one_month(tmp_path: Path) -> None:
    _, truth = sampled(tmp_path / "a", "mca-csv", months=1)
    _, other = sampled(tmp_path / "b", "focus-1.2", months=1)
    assert {month: facts["focus"] for month, facts in truth["periods"].items()} == {
        month: facts["focus"] for month, facts in other["periods"].items()
    }


@pytest.mark.parametrize("format", ["ea-csv", "focus-1.0"])
def test_samples_are_the_same_every_time(format: str, tmp_path: Path) -> None:
    trees = []
    for name in ("a", "b"):
        sampled(tmp_path / name, format, rows=200, months=1)
        root = tmp_path / name / "acme-exports"
        names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        bytes_ = [(root / key).read_bytes() for key in names if key.endswith(".csv")]
        truth = (tmp_path / name / "truth.json").read_text().replace(str(tmp_path / name), "")
        trees.append((names, bytes_, truth))
    assert trees[0] == trees[1]


def test_an_amortised_export_alone_is_told_and_verified_with_its_own_rows(exports: Any, warehouse: Any) -> None:
    exports.run("acme", kind="amortized")
    report = warehouse.load(exports.provider())
    assert (report.rows, report.totals) == (1, {"USD": Decimal("1.5")})
    target = Target.parse("duckdb", warehouse.data)
    (entry,) = loaded_periods(target)
    assert (entry.rows, entry.totals) == (1, {"USD": Decimal("1.5")})
    found = list(verify(target, entry, Proof(COST, exports.provider())))
    assert {finding.result for finding in found} == {"ok"}
    assert {(finding.rows, finding.part) for finding in found if finding.level == "raw"} == {(0, ""), (1, "amortized")}
