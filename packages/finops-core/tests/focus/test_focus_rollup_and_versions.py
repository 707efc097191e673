"""What is made from FOCUS rows: the rollup, and other versions of FOCUS."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from finops_core.errors import UsageError
from finops_core.focus.columns import DUCKDB_TYPES, VERSIONS, columns
from finops_core.focus.conversion import Lineage, focus_select
from finops_core.focus.rollup import MEASURES, ROLLUP_COLUMNS, rollup_select
from finops_core.focus.versions import losses, metadata, projection

ROWS = """
SELECT * FROM (VALUES
    ('Usage', 'USD', 1.10, 1.00, 'SKU', 'Acme', TIMESTAMP '2024-01-01 01:00', 'Compute', NULL),
    ('Usage', 'USD', 0.000000000000000001, 2.00, 'SKU', 'Acme', TIMESTAMP '2024-01-01 23:00', 'Compute', NULL),
    ('Usage', 'USD', 4.00, 4.00, NULL, 'Vendor', TIMESTAMP '2024-01-02 00:00', 'Compute', NULL),
    ('Usage', 'EUR', 8.00, 8.00, 'SKU', 'Acme', TIMESTAMP '2024-01-02 00:00', 'Compute', 'USD'),
    ('Tax', 'USD', 0.50, 0.40, NULL, 'Acme', TIMESTAMP '2024-01-01 00:00', NULL, NULL)
) AS t(ChargeCategory, BillingCurrency, BilledCost, EffectiveCost, SkuPriceId, PublisherName, ChargePeriodStart,
       ServiceName, PricingCurrency)
"""


@pytest.fixture
def database() -> Any:
    connection = duckdb.connect()
    sql = (
        "SELECT *, BilledCost AS ListCost, BilledCost AS ContractedCost, 'Acme' AS ProviderName, "
        f"3.0 AS PricingQuantity, 'Hours' AS PricingUnit, 'row' AS x_Own FROM ({ROWS})"
    )
    found = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()}
    select = focus_select(sql, found, Lineage("2024-01", "acme", "main", "v1")).select
    connection.execute(f"CREATE TABLE focus AS {select}")
    return connection


def test_rollup_keeps_days_currencies_and_kinds_apart(database: Any) -> None:
    database.execute(f"CREATE TABLE rollup AS {rollup_select()}")
    shapes = {name: kind for name, kind, *_ in database.execute("DESCRIBE rollup").fetchall()}
    assert list(shapes.items()) == list(ROLLUP_COLUMNS.items())
    rows = database.execute(
        "SELECT x_ChargeDate, ChargeCategory, BillingCurrency, BilledCost, EffectiveCost, x_Rows FROM rollup "
        "ORDER BY ALL"
    ).fetchall()
    first, second = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
    assert rows == [
        (first, "Tax", "USD", Decimal("0.5"), Decimal("0.4"), 1),
        (first, "Usage", "USD", Decimal("1.100000000000000001"), Decimal("3"), 2),
        (second, "Usage", "EUR", Decimal("8"), Decimal("8"), 1),
        (second, "Usage", "USD", Decimal("4"), Decimal("4"), 1),
    ]


def test_rollup_adds_up_to_the_rows(database: Any) -> None:
    sums = ", ".join(f"sum({name})" for name in MEASURES)
    whole = database.execute(f"SELECT count(*), {sums} FROM focus").fetchall()
    assert database.execute(f"SELECT sum(x_Rows), {sums} FROM ({rollup_select()})").fetchall() == whole


@pytest.mark.parametrize("version", VERSIONS)
def test_projections_have_the_versions_columns_then_our_own(database: Any, version: str) -> None:
    available = {**DUCKDB_TYPES, "x_BillingPeriod": "VARCHAR", "x_Own": "VARCHAR"}
    described = database.execute(f"DESCRIBE SELECT {projection(version, available)} FROM focus").fetchall()
    assert [name for name, *_ in described] == [
        *[column.name for column in columns(version)],
        "x_BillingPeriod",
        "x_Own",
    ]
    assert {name: kind for name, kind, *_ in described[:-2]} == {
        column.name: column.duckdb_type.replace("JSON", "VARCHAR") for column in columns(version)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_projections_keep_every_row_and_billed_cost(database: Any, version: str) -> None:
    select = f"SELECT {projection(version, DUCKDB_TYPES)} FROM focus"
    found = database.execute(f"SELECT count(*), sum(BilledCost) FROM ({select})").fetchall()
    assert found == database.execute("SELECT count(*), sum(BilledCost) FROM focus").fetchall()


def test_1_3_names_who_provides_and_who_hosts(database: Any) -> None:
    select = f"SELECT {projection('1.3', DUCKDB_TYPES)} FROM focus"
    found = database.execute(
        f"SELECT DISTINCT PublisherName, ServiceProviderName, HostProviderName FROM ({select}) ORDER BY 1"
    ).fetchall()
    assert found == [("Acme", "Acme", "Acme"), ("Vendor", "Acme", None)]


def test_1_4_taxes_cost_what_is_billed_and_prices_need_a_sku_price(database: Any) -> None:
    select = f"SELECT {projection('1.4', DUCKDB_TYPES)} FROM focus"
    tax = database.execute(f"SELECT EffectiveCost FROM ({select}) WHERE ChargeCategory = 'Tax'").fetchall()
    assert tax == [(Decimal("0.5"),)]
    quantities = database.execute(
        f"SELECT DISTINCT SkuPriceId, PricingQuantity, PricingUnit FROM ({select})"
    ).fetchall()
    assert set(quantities) == {("SKU", Decimal(3), "Hours"), (None, None, None)}
    pricing = database.execute(
        f"SELECT PricingCurrency, PricingCurrencyEffectiveCost FROM ({select}) WHERE BillingCurrency = 'EUR'"
    ).fetchall()
    assert pricing == [("USD", None)]  # another currency's amount is not known, and not made up


def test_losses_of_1_4_are_counted(database: Any) -> None:
    assert sorted(database.execute(losses("1.4")).fetchall()) == [("PricingQuantity", 2), ("PricingUnit", 2)]
    assert database.execute(losses("1.2")).fetchall() == []


def test_metadata_describes_what_was_written() -> None:
    now = dt.datetime(2024, 2, 3, 4, 5, 6)
    shapes = {"BilledCost": "DECIMAL(38,18)", "Tags": "JSON", "x_Own": "BOOLEAN"}
    found = metadata("1.2", shapes, now)
    assert found["Schema"]["FocusVersion"] == "1.2"
    assert found["Schema"]["CreationDate"] == "2024-02-03T04:05:06Z"
    assert found["Schema"]["ColumnDefinition"] == [
        {"ColumnName": "BilledCost", "DataType": "DECIMAL", "NumericPrecision": 38, "NumberScale": 18},
        {"ColumnName": "Tags", "DataType": "JSON"},
        {"ColumnName": "x_Own", "DataType": "BOOLEAN"},
    ]
    assert metadata("1.2", shapes, now + dt.timedelta(days=1))["Schema"]["SchemaId"] == found["Schema"]["SchemaId"]
    assert metadata("1.3", shapes, now)["Schema"]["SchemaId"] != found["Schema"]["SchemaId"]


def test_json_is_written_as_text(database: Any) -> None:
    shapes = {"x_Own": "JSON", "x_Other": "VARCHAR"}
    assert 'CAST("x_Own" AS VARCHAR) AS "x_Own", "x_Other"' in projection("1.2", shapes)


def test_unknown_versions_are_refused() -> None:
    with pytest.raises(UsageError):
        projection("0.9", {})
