"""Wrapping a provider's SELECT, and reading its rules."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core import Dataset, Delivery, Period
from finops_core.errors import ProviderBroken
from finops_core.focus.columns import DUCKDB_TYPES
from finops_core.focus.conversion import (
    LINEAGE_COLUMNS,
    Lineage,
    convert,
    explain,
    focus_select,
    strip,
    undocumented,
)
from hypothesis import given
from hypothesis import strategies as st

LINEAGE = Lineage("2024-01", "acme", "main's", "v1")


def converted(sql: str) -> dict[str, Any]:
    """The one row of a provider's SELECT after wrapping, with the types that it came out with."""
    connection = duckdb.connect()
    found = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()}
    conversion = focus_select(sql, found, LINEAGE)
    connection.execute(f"CREATE TABLE focus AS {conversion.select}")
    shapes = {name: kind for name, kind, *_ in connection.execute("DESCRIBE focus").fetchall()}
    assert list(shapes.items()) == list(conversion.columns.items())
    (row,) = connection.execute("FROM focus").fetchall()
    return dict(zip(shapes, row, strict=True))


def test_columns_come_in_the_specifications_order_then_lineage_then_the_providers_own() -> None:
    row = converted("SELECT 'b' AS x_Last, 1.5 AS BilledCost, 'a' AS x_First")
    assert list(row) == [*DUCKDB_TYPES, *LINEAGE_COLUMNS, "x_Last", "x_First"]
    assert (row["BilledCost"], row["EffectiveCost"]) == (Decimal("1.5"), None)
    assert [row[name] for name in LINEAGE_COLUMNS] == ["2024-01", "acme", "main's", "v1"]


def test_names_are_found_whatever_their_case() -> None:
    assert converted("SELECT 2.5 AS billedcost")["BilledCost"] == Decimal("2.5")


def test_blanks_are_null() -> None:
    row = converted("SELECT '' AS RegionId, '' AS Tags, ' ' AS ServiceName, '' AS x_Own")
    assert (row["RegionId"], row["Tags"], row["ServiceName"], row["x_Own"]) == (None, None, " ", None)


def test_no_digit_of_a_cost_is_lost() -> None:
    digits = "12345678901234567890.123456789012345678"
    assert converted(f"SELECT {digits} AS BilledCost")["BilledCost"] == Decimal(digits)


def test_maps_and_structs_become_json() -> None:
    row = converted("SELECT MAP {'a': 'b'} AS Tags, {'c': 1} AS x_Own, [1, 2] AS x_List")
    assert (row["Tags"], row["x_Own"], row["x_List"]) == ('{"a":"b"}', '{"c":1}', "[1,2]")


def test_own_columns_have_few_types() -> None:
    row = converted("SELECT 1::INTEGER AS x_Int, 0.5::DOUBLE AS x_Number, true AS x_Flag, DATE '2024-01-02' AS x_Day")
    assert (row["x_Int"], row["x_Number"], row["x_Flag"], row["x_Day"]) == (
        1,
        Decimal("0.5"),
        True,
        dt.date(2024, 1, 2),
    )


@pytest.mark.parametrize("column", ["BilledCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost"])
def test_money_as_floating_point_is_refused(column: str) -> None:
    with pytest.raises(ProviderBroken, match=f"{column} as DOUBLE"):
        converted(f"SELECT 1.5::DOUBLE AS {column}")


@pytest.mark.parametrize("column", ["UsageQuantity", "X_Upper", "x_SourceVersion", "AllocatedTags"])
def test_columns_that_are_not_focus_1_2_are_refused(column: str) -> None:
    with pytest.raises(ProviderBroken, match=column):
        converted(f"SELECT 1 AS {column}")


@pytest.mark.parametrize(
    "text",
    ["SELECT 1", "-- a file\n--\n\nSELECT 1;\n", "\n  SELECT 1 ;", "-- SELECT 2;\nSELECT 1\n;"],
)
def test_strip_leaves_the_statement(text: str) -> None:
    assert strip(text) == "SELECT 1"


def dataset(tmp_path: Path, sql: str) -> Dataset:
    path = tmp_path / "bill.sql"
    path.write_text(sql)
    return Dataset("bill", "Bill", lambda found: [], {}, (), "cost", "currency", focus=path)


def test_convert_describes_and_wraps(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE source AS SELECT 1.25 AS cost")
    delivery = Delivery("acme", "main", Period(2024, 1), "v7", "bill", "csv", ())
    conversion = convert(connection, delivery, dataset(tmp_path, "-- x\nSELECT cost AS BilledCost FROM source;"))
    row = connection.execute(f"SELECT BilledCost, x_SourceVersion FROM ({conversion.select})").fetchall()
    assert row == [(Decimal("1.25"), "v7")]


def test_sql_that_does_not_run_says_which_file(tmp_path: Path) -> None:
    delivery = Delivery("acme", "main", Period(2024, 1), "v7", "bill", "csv", ())
    with pytest.raises(ProviderBroken) as caught:
        convert(duckdb.connect(), delivery, dataset(tmp_path, "SELECT nothing FROM nowhere"))
    assert "bill.sql" in caught.value.where


EXAMPLE = """
-- A file about BilledCost: this line is no rule.
WITH charges AS (
    SELECT
        -- row_cost: what the row costs,
        --   net if it can be.
        coalesce(net_cost, gross_cost, 0) AS row_cost,
        other_column
    FROM source
)
SELECT
    -- BilledCost: the cost; 'quoted_text' and upper_case( are no sources.
    CASE WHEN kind_code = 'quoted_text' THEN lower_name(row_cost) ELSE row_cost END AS BilledCost,
    -- ServiceName: from the table, by `product_code`.
    services.name AS ServiceName,
    -- RegionId: as exported.
    source.RegionId AS RegionId,
    -- x_Own: ours.
    "quoted_name" AS x_Own
FROM charges;
"""


def test_explain_reads_rules_and_follows_sources() -> None:
    rules = explain(EXAMPLE)
    assert list(rules) == ["BilledCost", "ServiceName", "RegionId", "x_Own"]
    assert rules["BilledCost"].sources == ("kind_code", "net_cost", "gross_cost")
    assert rules["BilledCost"].text.startswith("the cost;")
    assert rules["BilledCost"].sql.startswith("CASE WHEN") and rules["BilledCost"].sql.endswith("END")
    assert rules["ServiceName"].sources == ("product_code",)
    assert rules["RegionId"].sources == ("RegionId",)
    assert rules["x_Own"].sources == ("quoted_name",)
    assert "EffectiveCost" in undocumented(EXAMPLE) and "BilledCost" not in undocumented(EXAMPLE)


def test_values_that_use_each_other_do_not_run_in_circles() -> None:
    rules = explain("SELECT\n-- BilledCost: a.\nb_b AS BilledCost,\n-- b_b: b.\nBilledCost AS b_b\n")
    assert rules["BilledCost"].sources == ()


@given(st.text(max_size=300))
def test_explain_reads_any_text(text: str) -> None:
    for rule in explain(text).values():
        assert rule.text
