"""`finops export focus`: exact, in every version, with its metadata, and nothing half written."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from finops_core.cli import run
from finops_core.focus.columns import VERSIONS, columns

TINY = "0.000000000000000001"
HUGE = "12345678901234567890.123456789012345678"


@pytest.fixture
def loaded(acme: Any) -> Path:
    bills = acme.workdir / "bills"
    bills.mkdir()
    header = "service,cost,currency,day\n"
    (bills / "2024-01.csv").write_text(f'{header}Compute,{TINY},USD,2024-01-01\n"=1+1, ""x""",{HUGE},EUR,2024-01-02\n')
    (bills / "2024-02.csv").write_text(f"{header}Compute,-1.5,USD,2024-02-29\n")
    assert run(["acme", "import-billing", "--bucket", bills.as_uri(), "-q"]) == 0
    folder: Path = acme.workdir
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_parquet_of_every_version(loaded: Path, version: str) -> None:
    assert run(["export", "focus", "--out", "focus.parquet", "--focus-version", version]) == 0
    table = pq.read_table(loaded / "focus.parquet")
    expected = [column.name for column in columns(version)]
    assert table.column_names[: len(expected)] == expected
    assert all(name.startswith("x_") for name in table.column_names[len(expected) :])
    assert str(table.schema.field("BilledCost").type) == "decimal128(38, 18)"
    assert sorted(table.column("BilledCost").to_pylist()) == sorted(map(Decimal, [TINY, HUGE, "-1.5"]))
    assert table.column("ChargePeriodStart").to_pylist()[0].utcoffset() == dt.timedelta(0)
    facts = json.loads((loaded / "focus.metadata.json").read_text())
    assert facts["Schema"]["FocusVersion"] == version
    assert [column["ColumnName"] for column in facts["Schema"]["ColumnDefinition"]] == table.column_names


def test_csv_keeps_every_digit_and_alters_nothing(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "focus", "--out", "focus.csv", "--no-x-columns"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "focus.csv\n"
    assert "3 rows, 57 columns" in captured.err
    with (loaded / "focus.csv").open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: Decimal(row["BilledCost"]))
    assert [row["BilledCost"] for row in rows] == ["-1.500000000000000000", TINY, HUGE]
    assert [row["ServiceName"] for row in rows] == ["Compute", "Compute", '=1+1, "x"']
    assert rows[0]["BillingPeriodStart"] == "2024-02-01T00:00:00Z"
    assert list(rows[0]) == [column.name for column in columns("1.2")]


def test_only_what_was_asked_for(loaded: Path) -> None:
    window = ["--start-date", "2024-02", "--end-date", "2024-02", "--provider", "acme"]
    assert run(["export", "focus", "--out", "february.parquet", *window]) == 0
    assert pq.read_table(loaded / "february.parquet").column("x_BillingPeriod").to_pylist() == ["2024-02"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--out", "x.xlsx"], 2),
        (["--out", "x.parquet", "--focus-version", "2.0"], 2),
        (["--out", "x.parquet", "--provider", "nobody"], 2),
        (["--out", "x.parquet", "--start-date", "2030-01"], 5),
        (["--out", "nowhere/x.parquet"], 2),
        ([], 2),
    ],
)
def test_a_refusal_leaves_no_file(loaded: Path, arguments: list[str], code: int) -> None:
    assert run(["export", "focus", *arguments]) == code
    assert not list(loaded.glob("x.*"))


def test_a_file_that_is_there_stays_when_the_export_fails(loaded: Path) -> None:
    (loaded / "focus.csv").write_text("old")
    assert run(["export", "focus", "--out", "focus.csv", "--start-date", "2030-01"]) == 5
    assert (loaded / "focus.csv").read_text() == "old"
    assert not list(loaded.glob("*.part"))


def test_what_a_version_has_no_place_for_is_said(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import duckdb

    with duckdb.connect(str(loaded / "data" / "finops.duckdb")) as connection:
        connection.execute("UPDATE acme_billing.focus_cost_and_usage SET PricingQuantity = 3, PricingUnit = 'Hours'")
    assert run(["export", "focus", "--out", "focus.csv", "--focus-version", "1.4"]) == 0
    assert "PricingQuantity is null in FOCUS 1.4 without a SkuPriceId: 3 rows" in capsys.readouterr().err
