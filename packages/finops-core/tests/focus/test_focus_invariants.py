"""The form of checks files, and the checks that hold for every provider."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from finops_core.errors import ProviderBroken
from finops_core.focus.conversion import Lineage, focus_select
from finops_core.focus.invariants import Check, failures, parse_checks, row_checks, run_check, run_checks
from hypothesis import given
from hypothesis import strategies as st

GOOD = """-- About this file.

-- check: A1 money Costs agree
--   why they must
SELECT 'all', 1, 2 WHERE false

-- check: A2 quality Something is told
WITH numbers AS (SELECT range AS n FROM range(7))
SELECT 'row ' || n, NULL, n FROM numbers;
"""


class Database:
    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


def test_checks_are_read_and_run() -> None:
    first, second = run_checks(Database(), GOOD, rows=False)
    assert (first.id, first.severity, first.title, first.ok, first.count) == ("A1", "money", "Costs agree", True, 0)
    assert (second.ok, second.count, len(second.violations)) == (False, 7, 5)
    assert second.violations[0] == ("row 0", None, "0")
    assert failures([first, second]) == {"money": [], "quality": [second]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1\n-- check: A1 money x\nSELECT 1", "before its first check"),
        ("-- check: A1 money\nSELECT 1", "out of form"),
        ("-- check: A1 fatal Title\nSELECT 1", "out of form"),
        ("-- check: a1 money Title\nSELECT 1", "out of form"),
        ("-- check: A1 money Title\n-- only words\n", "has no SQL"),
        ("-- check: A1 money x\nSELECT 1\n-- check: A1 quality y\nSELECT 1", "two checks are called A1"),
    ],
)
def test_files_out_of_form_are_refused(text: str, said: str) -> None:
    with pytest.raises(ProviderBroken, match=said) as caught:
        parse_checks(text, "checks.sql")
    assert caught.value.where == "checks.sql"


def test_an_empty_file_has_no_checks() -> None:
    assert parse_checks("") == parse_checks("-- nothing yet\n") == ()


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        checks = parse_checks(text)
    except ProviderBroken:
        return
    assert all(check.sql for check in checks)


def test_a_check_that_does_not_run_is_not_passed_over() -> None:
    for sql in ("SELECT * FROM nowhere", "SELECT nothing, 1, 2", "SELECT 1, 2,, 3"):
        with pytest.raises(ProviderBroken, match="check A1 does not run"):
            run_check(Database(), Check("A1", "money", "x", sql))


def focus(**columns: str) -> Database:
    """A database with one sound FOCUS row, in which some columns have other SQL values."""
    sound = {
        "BilledCost": "0.2",
        "EffectiveCost": "0.2",
        "ListCost": "0.4",
        "ContractedCost": "0.2",
        "ListUnitPrice": "0.2",
        "ContractedUnitPrice": "0.1",
        "PricingQuantity": "2.0",
        "PricingUnit": "'Hours'",
        "ConsumedQuantity": "2.0",
        "ConsumedUnit": "'Hours'",
        "PricingCategory": "'Standard'",
        "ChargeCategory": "'Usage'",
        "ChargeFrequency": "'Usage-Based'",
        "BillingCurrency": "'USD'",
        "BillingAccountId": "'1'",
        "BillingPeriodStart": "TIMESTAMP '2024-02-01'",
        "BillingPeriodEnd": "TIMESTAMP '2024-03-01'",
        "ChargePeriodStart": "TIMESTAMP '2024-02-29 23:00'",
        "ChargePeriodEnd": "TIMESTAMP '2024-03-01'",
        "ServiceName": "'Compute'",
        "ServiceCategory": "'Compute'",
        "ServiceSubcategory": "'Virtual Machines'",
        "ProviderName": "'Acme'",
        "PublisherName": "'Acme'",
        "InvoiceIssuerName": "'Acme'",
        "SkuId": "'S'",
        "SkuPriceId": "'P'",
        "Tags": "'{}'",
        **columns,
    }
    database = Database()
    sql = "SELECT " + ", ".join(f"{value} AS {name}" for name, value in sound.items())
    found = {name: kind for name, kind, *_ in database.query(f"DESCRIBE {sql}")}
    select = focus_select(sql, found, Lineage("2024-02", "acme", "main", "v1")).select
    database.query(f"CREATE TABLE focus AS {select}")
    return database


def broken(database: Database) -> set[str]:
    return {result.id for result in run_checks(database, "") if not result.ok}


def test_a_sound_row_breaks_nothing() -> None:
    assert broken(focus()) == set()


def test_checks_run_on_no_rows() -> None:
    database = focus()
    database.query("DELETE FROM focus")
    assert broken(database) == set()


@pytest.mark.parametrize(
    ("columns", "check"),
    [
        ({"ListUnitPrice": "0.21"}, "R1"),
        ({"ContractedCost": "0.200000002"}, "R1"),
        ({"ListUnitPrice": "-0.1", "ListCost": "-0.2"}, "R2"),
        ({"ChargePeriodEnd": "TIMESTAMP '2024-02-29 23:00'"}, "R3"),
        ({"BillingPeriodEnd": "TIMESTAMP '2024-02-29'"}, "R3"),
        ({"BillingPeriodStart": "TIMESTAMP '2024-02-01 08:00'"}, "R3"),
        ({"SkuId": "NULL"}, "R4"),
        ({"PricingCategory": "NULL"}, "R4"),
        ({"ChargeCategory": "'Tax'"}, "R5"),
        ({"ConsumedUnit": "NULL"}, "R6"),
        ({"PricingUnit": "NULL"}, "R6"),
        ({"ChargeCategory": "'Purchase'"}, "R6"),
        ({"CommitmentDiscountStatus": "'Used'"}, "R7"),
        ({"CommitmentDiscountQuantity": "1.0"}, "R7"),
        ({"CommitmentDiscountId": "'c'", "CommitmentDiscountStatus": "'Used'"}, "R7"),
        ({"CommitmentDiscountId": "'c'", "CommitmentDiscountStatus": "'Used'"}, "R8"),
        ({"RegionName": "'Moon'"}, "R9"),
        ({"ResourceId": "'r'"}, "R9"),
        ({"ServiceSubcategory": "'Bots'"}, "R10b"),
        ({"Tags": "'[]'"}, "R11"),
        ({"SkuPriceDetails": "'1'"}, "R11"),
        ({"ChargeFrequency": "'Other'"}, "R14"),
        ({"ChargeClass": "'Refund'"}, "R14"),
        ({"EffectiveCost": "NULL::DECIMAL(38,18)"}, "R15"),
        ({"ProviderName": "NULL"}, "R15b"),
        ({"PricingCurrency": "'USD'", "PricingCurrencyEffectiveCost": "0.3"}, "R16"),
    ],
)
def test_every_row_check_can_fail(columns: dict[str, str], check: str) -> None:
    assert check in broken(focus(**columns))


def test_usage_without_prices_says_which_columns_are_empty() -> None:
    columns = {"SkuId": "NULL", "ContractedUnitPrice": "NULL::DECIMAL(38,18)"}
    (found,) = [result for result in run_checks(focus(**columns), "") if result.id == "R4"]
    assert "rows without SkuId, ContractedUnitPrice" in str(found.violations)


def test_each_row_check_has_a_failing_example() -> None:
    """Besides R10, which needs two rows."""
    marks = test_every_row_check_can_fail.pytestmark  # type: ignore[attr-defined]
    shown = {example[1] for example in marks[0].args[1]}
    assert shown | {"R10"} == {check.id for check in row_checks()}


def test_a_service_in_two_categories() -> None:
    database = focus()
    database.query("INSERT INTO focus SELECT * REPLACE ('Storage' AS ServiceCategory) FROM focus")
    assert "R10" in broken(database)


def test_corrections_may_restate_a_cost_without_its_price() -> None:
    assert "R1" not in broken(focus(ListUnitPrice="0.21", ChargeClass="'Correction'"))
