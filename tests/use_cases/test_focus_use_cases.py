"""The queries of docs/howto/use-cases.md on three clouds' bills: each runs, and what it sums ties out with the rows."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core import Period, SampleRequest, Window, registry
from finops_core.load import Target
from finops_core.options import ImportOptions
from finops_core.pipeline import run_import
from finops_core.progress import QuietReporter

pytestmark = pytest.mark.xdist_group("use-cases")  # the bills are loaded once

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "use-cases.md"
QUERIES = dict(re.findall(r"(?ms)^### ([^\n]+)\n\n```sql\n(.+?)```", PAGE.read_text(encoding="utf-8")))
CLOUDS = ("aws", "azure", "gcp")

MEASURES = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "PricingCurrencyEffectiveCost",
            "ConsumedQuantity")  # fmt: skip

USAGE = "ChargeCategory = 'Usage'"
CORE = USAGE + " AND json_exists(SkuPriceDetails, '$.\"CoreCount\"')"
ROWS = {
    "Analyze credit memos": "ChargeCategory = 'Credit'",
    "Report corrections for a previously invoiced billing period": "ChargeClass = 'Correction'",
    "Report corrections by subaccount for a previously invoiced billing period": "ChargeClass = 'Correction'",
    "Report spending across billing periods for a provider by service category": "x_Provider = 'azure'",
    "Analyze costs by service name": "ServiceName = 'Amazon Elastic Compute Cloud'",
    "Analyze marketplace vendors costs": "InvoiceIssuerName <> PublisherName",
    "Calculate average rate of a component resource": f"{CORE} AND PricingUnit = 'Hours'",
    "Calculate unit economics": f"{USAGE} AND ConsumedUnit = 'GB'",
    "Compare resource usage month over month": f"{USAGE} AND ConsumedQuantity IS NOT NULL",
    "Get historical usage and rates to enable cost forecasting": USAGE,
    "Analyze capacity reservations on compute costs": f"{USAGE} AND ServiceCategory = 'Compute'",
    "Report commitment discount purchases": "ChargeCategory = 'Purchase' AND CommitmentDiscountId > ''",
    "Report recurring charges for commitment-based discounts over a period": "ChargeFrequency = 'Recurring' "
    "AND CommitmentDiscountId > ''",
    "Identify unused commitments": "CommitmentDiscountStatus = 'Unused'",
    "Report effective cost of compute": "ServiceCategory = 'Compute'",
    "Determine Effective Savings Rate": f"{USAGE} AND coalesce(ChargeClass, '') <> 'Correction'",
    "Determine Effective Savings Rate by Service": f"{USAGE} AND coalesce(ChargeClass, '') <> 'Correction'",
    "Verify discount accuracy for previously invoiced billing period": "coalesce(ChargeClass, '') <> 'Correction'",
    "Compare billed cost per subaccount to budget": f"{USAGE} AND month(ChargePeriodStart) = 1",
    "Analyze purchase of virtual currency": "ChargeCategory = 'Purchase'",
}
"""Which rows a query sums, in other words than its own; all of them where it is not named."""

OF_ONE = {
    "Report service costs by providers subaccount": "SubAccountId = '{SubAccountId}'",
    "Analyze costs of components of a resource": "ResourceId = '{ResourceId}'",
    "Analyze the different metered costs for a particular SKU": "SkuId = '{SkuId}'",
}
"""Queries about what costs most of its kind: their rows are all of its rows."""

CUT = {
    "Analyze service costs by subaccount",
    "Analyze cost per compute service for a subaccount",
    "Analyze costs by availability zone for a subaccount",
    "Calculate consumption of virtual currency within a billing period",
    "Determine target of virtual currency usage",
}
"""Queries that show a part of what they sum, or do not say of what."""

NONE = {"Identify unused capacity reservations"}
"""Nothing of this kind is in the generated bills."""


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Three months of three clouds in one database."""
    if missing := set(CLOUDS) - set(registry.names()):
        pytest.skip(f"{', '.join(sorted(missing))} is not installed")
    folder = tmp_path_factory.mktemp("use-cases")
    target = Target.parse("duckdb", folder / "data")
    for name in CLOUDS:
        provider = registry.load(name)
        request = SampleRequest(folder / name, provider.sample_formats[0], rows=1500, last=Period(2024, 3))
        made = provider(**provider.sample(request))
        options = ImportOptions(Window(), target, f"{name}_billing")
        assert run_import(made, options, QuietReporter(sys.stderr)).failed == []
    with duckdb.connect(target.location, read_only=True) as connection:
        yield connection


def answer(bills: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    done = bills.execute(sql)
    names = [column[0] for column in done.description or ()]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def by_currency(rows: list[dict[str, Any]], measure: str) -> dict[str | None, Decimal]:
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row[measure] is not None:
            sums[row.get("BillingCurrency") or row.get("PricingCurrency")] += row[measure]
    return {code: cost for code, cost in sums.items() if cost}


def test_every_use_case_has_a_query() -> None:
    assert len(QUERIES) == 53
    assert {*ROWS, *OF_ONE, *CUT, *NONE} <= set(QUERIES)


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_runs_and_ties_out(bills: duckdb.DuckDBPyConnection, title: str) -> None:
    found = answer(bills, QUERIES[title])
    assert bool(found) is (title not in NONE)
    if title in CUT or not found:
        return
    where = OF_ONE[title].format(**found[0]) if title in OF_ONE else ROWS.get(title, "true")
    rows = answer(bills, f"SELECT * FROM focus.cost_and_usage WHERE {where}")
    if "BillingCurrency" not in found[0] and "PricingCurrency" not in found[0]:
        rows = [{**row, "BillingCurrency": None, "PricingCurrency": None} for row in rows]
    if "BillingCurrency" not in found[0]:
        rows = [{**row, "BillingCurrency": None} for row in rows]
    for measure in {*MEASURES} & {*found[0]}:
        total = by_currency(rows, measure)
        assert total, measure
        assert by_currency(found, measure) == total, measure


def test_all_clouds_and_currencies_are_in_the_answers(bills: duckdb.DuckDBPyConnection) -> None:
    found = answer(bills, QUERIES["Identify sources of billed cost"])
    assert len({row["ProviderName"] for row in found}) == 3
    assert len({row["BillingCurrency"] for row in found}) > 1


def test_savings_rates_are_those_of_the_sums(bills: duckdb.DuckDBPyConnection) -> None:
    for row in answer(bills, QUERIES["Determine Effective Savings Rate"]):
        assert row["over_list"] == pytest.approx(float(1 - row["EffectiveCost"] / row["ListCost"]))
        assert row["over_contracted"] == pytest.approx(float(1 - row["EffectiveCost"] / row["ContractedCost"]))


def test_changes_from_month_to_month_add_up(bills: duckdb.DuckDBPyConnection) -> None:
    found = answer(bills, QUERIES["Analyze service costs month over month"])
    services = {(row["ServiceName"], row["BillingCurrency"]) for row in found}
    for service in services:
        months = [row for row in found if (row["ServiceName"], row["BillingCurrency"]) == service]
        changes = sum(row["more_than_the_month_before"] for row in months[1:])
        assert months[-1]["EffectiveCost"] - months[0]["EffectiveCost"] == changes


def test_tag_coverage_is_a_part(bills: duckdb.DuckDBPyConnection) -> None:
    found = answer(bills, QUERIES["Analyze tag coverage"])
    assert all(0 <= row["percent"] < 100 and row["tagged"] < row["EffectiveCost"] for row in found)
    assert any(row["percent"] > 0 for row in found)


def test_an_answer_that_leaves_rows_out_does_not_tie_out(
    bills: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = "Report costs by service category"
    monkeypatch.setitem(
        QUERIES, title, QUERIES[title].replace("GROUP BY", "WHERE ChargeClass != 'Correction' GROUP BY")
    )
    with pytest.raises(AssertionError):
        test_a_query_runs_and_ties_out(bills, title)
