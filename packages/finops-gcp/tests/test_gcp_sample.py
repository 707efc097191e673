"""Generated bills through the whole pipeline: what stands in DuckDB is what the generator knows to be true."""

from __future__ import annotations

import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core import Period, SampleRequest, Window
from finops_core.errors import UsageError
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import ImportReport, run_import
from finops_core.progress import QuietReporter
from finops_gcp.provider import Gcp
from finops_gcp.sample import FORMATS

FEBRUARY = Period(2024, 2)


def _request(folder: Path, name: str, rows: int = 1500, **changes: Any) -> SampleRequest:
    return SampleRequest(**{"out": folder, "format": name, "months": 2, "rows": rows, "last": FEBRUARY, **changes})


def _sample(folder: Path, name: str, **changes: Any) -> tuple[Gcp, dict[str, Any]]:
    settings = Gcp.sample(_request(folder, name, **changes))
    return Gcp(**settings), json.loads((folder / "truth.json").read_text())


def _import(provider: Gcp, folder: Path, **changes: Any) -> ImportReport:
    target = Target.parse("duckdb", folder / "data")
    options = ImportOptions(window=Window(), target=target, dataset_name="gcp_billing", **changes)
    return run_import(provider, options, QuietReporter(sys.stderr))


def _by_currency(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Decimal]:
    return {currency: total for currency, total in connection.execute(sql).fetchall() if total}


def _assert_true(folder: Path, truth: dict[str, Any], strategy: str = "separate") -> None:
    native = truth["format"].startswith("focus")
    cost, currency = ("BilledCost", "BillingCurrency") if native else ("cost", "currency")
    with duckdb.connect(str(folder / "data" / "finops.duckdb"), read_only=True) as connection:
        for month, expected in truth["periods"].items():
            table = (
                f"gcp_billing.billing_{month.replace('-', '_')}"
                if strategy == "separate"
                else "gcp_billing.billing_data"
            )
            rows = f"{table} WHERE billing_period = '{month}'"
            focus = f"gcp_billing.focus_cost_and_usage WHERE x_BillingPeriod = '{month}'"
            assert connection.execute(f"SELECT count(*) FROM {rows}").fetchall() == [(expected["rows"],)]
            assert connection.execute(f"SELECT count(*) FROM {focus}").fetchall() == [(expected["focus"]["rows"],)]
            found = _by_currency(connection, f"SELECT {currency}, sum({cost}) FROM {rows} GROUP BY 1")
            assert found == _money(expected["cost"])
            for name in ("BilledCost", "EffectiveCost"):
                found = _by_currency(connection, f"SELECT BillingCurrency, sum({name}) FROM {focus} GROUP BY 1")
                assert found == _money(expected["focus"][name])
            conditions = {"Tax": "ChargeCategory = 'Tax'", "Credit": "ChargeCategory = 'Credit'"}
            conditions["Idle"] = "CommitmentDiscountStatus = 'Unused' AND NOT x_Generated"
            for name in conditions.keys() & expected["focus"].keys():
                sql = f"SELECT BillingCurrency, sum(BilledCost) FROM {focus} AND {conditions[name]} GROUP BY 1"
                assert _by_currency(connection, sql) == _money(expected["focus"][name])


def _money(texts: dict[str, str]) -> dict[str, Decimal]:
    return {currency: Decimal(text) for currency, text in texts.items()}


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("detailed-parquet", "separate"),
        ("detailed-parquet", "single"),
        ("standard-csv", "single"),
        ("detailed-jsonl", "separate"),
        ("detailed-avro", "single"),
        ("focus-parquet", "separate"),
        ("detailed-parquet-daily", "single"),
    ],
)
def test_an_import_shows_the_truth(tmp_path: Path, name: str, strategy: Any) -> None:
    provider, truth = _sample(tmp_path, name)
    report = _import(provider, tmp_path, table_strategy=strategy)
    assert (len(report.loaded), report.failed) == (2, [])
    _assert_true(tmp_path, truth, strategy)
    with duckdb.connect(str(tmp_path / "data" / "finops.duckdb"), read_only=True) as connection:
        broken = [
            check
            for (text,) in connection.execute("SELECT checks FROM gcp_billing.import_ledger").fetchall()
            for check in json.loads(text)
            if not check["ok"]
        ]
    assert broken == []
    assert _import(provider, tmp_path, table_strategy=strategy).loaded == []


def test_a_month_that_is_exported_again_replaces_itself_and_leaves_the_stale_shard(tmp_path: Path) -> None:
    provider, before = _sample(tmp_path, "detailed-parquet")
    _import(provider, tmp_path)
    provider, truth = _sample(tmp_path, "detailed-parquet", redeliver=FEBRUARY)
    assert truth["earlier"]["2024-02"] == before["periods"]["2024-02"]
    assert truth["periods"]["2024-02"] != before["periods"]["2024-02"]
    report = _import(provider, tmp_path)
    assert [str(step.delivery.period) for step in report.loaded] == ["2024-02"]
    assert "part-000000000002" in report.loaded[0].delivery.notes[0]
    _assert_true(tmp_path, truth)


def test_the_same_seed_writes_the_same_world(tmp_path: Path) -> None:
    digests = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        Gcp.sample(_request(folder, "detailed-parquet", rows=300))
        files = sorted((folder / "acme-billing-export" / "detailed").rglob("*.parquet"))
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"SELECT to_json(t)::VARCHAR FROM read_parquet({[str(f) for f in files]}) t ORDER BY 1"
            )
            digests.append(hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest())
        truth = json.loads((folder / "truth.json").read_text())
    assert digests[0] == digests[1]
    assert truth["periods"]["2024-01"]["rows"] == 192
    assert truth["periods"]["2024-01"]["cost"] == {"EUR": "0.360800329", "USD": "306017.639018255"}


def test_every_format_holds_the_same_money(tmp_path: Path) -> None:
    net = set()
    for name in FORMATS:
        _, truth = _sample(tmp_path / name, name, rows=300)
        net.add(json.dumps([truth["periods"][month]["focus"]["BilledCost"] for month in truth["periods"]]))
    assert len(net) == 1


def test_the_quirks_of_a_real_export_are_there(tmp_path: Path) -> None:
    _sample(tmp_path, "detailed-parquet", rows=6000)
    with duckdb.connect() as connection:
        pattern = tmp_path / "acme-billing-export/detailed/*/*.parquet"
        connection.execute(f"CREATE VIEW bill AS FROM read_parquet('{pattern}', hive_partitioning=false)")

        def count(condition: str) -> int:
            return int(connection.execute(f"SELECT count(*) FROM bill WHERE {condition}").fetchall()[0][0])

        assert count("invoice.month <> strftime(usage_start_time, '%Y%m')")
        assert count("project IS NULL AND cost_type = 'tax'") == 4
        assert count("cost_type = 'rounding_error'")
        assert count("len(list_filter(labels, lambda pair: pair.key = 'environment')) = 2")
        assert count("len(list_filter(labels, lambda pair: pair.value LIKE '%ß%')) > 0")
        assert count("currency = 'EUR' AND currency_conversion_rate = 0.92")
        assert count("adjustment_info.mode LIKE 'COMPLETE_NEGATION%' AND cost < 0")
        assert count("location.zone IS NULL")
        for kind in (
            "PROMOTION",
            "FREE_TIER",
            "SUSTAINED_USAGE_DISCOUNT",
            "COMMITTED_USAGE_DISCOUNT",
            "FEE_UTILIZATION_OFFSET",
        ):
            assert count(f"len(list_filter(credits, lambda item: item.type = '{kind}')) > 0"), kind
        repeated = "SELECT count(*) FROM (SELECT count(*) AS n FROM bill GROUP BY ALL HAVING n > 1)"
        assert connection.execute(repeated).fetchall()[0][0]


def test_unknown_formats_and_months_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format"):
        Gcp.sample(_request(tmp_path, "avro"))
    with pytest.raises(UsageError, match="not among"):
        Gcp.sample(_request(tmp_path, "detailed-parquet", redeliver=Period(2023, 1)))
    assert set(Gcp.sample_formats) <= set(FORMATS)
