"""The columns of every FOCUS version as data."""

from __future__ import annotations

import pytest
from finops_core.errors import UsageError
from finops_core.focus.columns import DUCKDB_TYPES, VERSIONS, columns, subcategories


@pytest.mark.parametrize(("version", "count"), [("1.0", 43), ("1.1", 50), ("1.2", 57), ("1.3", 65), ("1.4", 65)])
def test_versions_have_as_many_columns_as_the_specification(version: str, count: int) -> None:
    names = [column.name for column in columns(version)]
    assert len(names) == count
    assert names == sorted(names)


def test_what_each_version_added_and_took_away() -> None:
    names = {version: {column.name for column in columns(version)} for version in VERSIONS}
    assert names["1.2"] - names["1.1"] == {
        "BillingAccountType",
        "SubAccountType",
        "InvoiceId",
        "PricingCurrency",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice",
    }
    assert names["1.1"] - names["1.0"] == {
        "CapacityReservationId",
        "CapacityReservationStatus",
        "CommitmentDiscountQuantity",
        "CommitmentDiscountUnit",
        "ServiceSubcategory",
        "SkuMeter",
        "SkuPriceDetails",
    }
    assert names["1.0"] < names["1.1"] < names["1.2"] < names["1.3"]
    assert names["1.3"] - names["1.4"] == {"ProviderName", "PublisherName"}
    assert names["1.4"] - names["1.3"] == {"InvoiceDetailId", "CommitmentProgramEligibilityDetails"}


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        columns("2.0")
    assert "1.4" in caught.value.hint


def test_columns_that_1_4_no_longer_leaves_null() -> None:
    def nullable(version: str) -> set[str]:
        return {column.name for column in columns(version) if column.allows_nulls}

    assert nullable("1.3") - nullable("1.4") == {"PricingCurrency", "PricingCurrencyEffectiveCost"}


def test_money_is_decimal() -> None:
    assert {DUCKDB_TYPES[name] for name in DUCKDB_TYPES if name.endswith(("Cost", "Price"))} == {"DECIMAL(38,18)"}


def test_every_subcategory_has_a_category_that_focus_knows() -> None:
    allowed = {column.name: set(column.allowed_values) for column in columns()}
    assert set(subcategories()) == allowed["ServiceSubcategory"]
    assert set(subcategories().values()) == allowed["ServiceCategory"]
