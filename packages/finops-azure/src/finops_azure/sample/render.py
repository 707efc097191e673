"""The columns of each format, each as one SQL expression over `charges`."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from finops_core import Found
from finops_core.focus.conversion import strip
from finops_core.sql import identifier, literal

from finops_azure.columns import cost_columns, known_types
from finops_azure.datasets import COST
from finops_azure.sample.catalog import guid
from finops_azure.sample.charges import Month

if TYPE_CHECKING:
    import duckdb

AGREEMENTS = {
    "ea": {"billing_account_id": "8611537", "billing_account_name": "Acme Retail", "billing_profile_id": "8611537"},
    "mca": {
        "billing_account_id": "5e98e158-9c0d-4a5b-8f5a-2f1f7a3f7c11:ad7f6c1f-0f3e-4f0f-9a52-93c9f7a4a0a1_2019-05-31",
        "billing_account_name": "Acme Retail",
        "billing_profile_id": "PE2Q-NOIT-BG7-TGB",
        "billing_profile_name": "Acme Retail EUR",
    },
}


OWN = (
    "charge_type",
    "frequency",
    "pricing_model",
    "benefit_id",
    "benefit_name",
    "reservation_id",
    "reservation_name",
    "term",
    "subscription_id",
    "subscription_name",
    "cost_center",
    "resource_group",
    "resource_id",
    "resource_name",
    "resource_location",
    "resource_location_normalized",
    "meter_region",
    "consumed_service",
    "meter_id",
    "meter_category",
    "meter_sub_category",
    "meter_name",
    "part_number",
    "product_id",
    "product_name",
    "service_family",
    "unit_of_measure",
    "quantity",
    "payg_price",
    "unit_price",
    "publisher_type",
    "publisher_name",
    "additional_info",
    "tags",
    "product_order_id",
    "product_order_name",
    "date",
    "previous_invoice_id",
)
"""Columns of `charges` that stand in the files as they are."""


@dataclass(frozen=True)
class OutputColumn:
    """A column as it is written: its header, and SQL over `charges`."""

    header: str
    expression: str


def cost_columns_of(month: Month, part: str) -> list[OutputColumn]:
    """The columns of the actual or amortised file of an agreement, in their documented order."""
    with files(__package__).joinpath("headers.csv").open("r", encoding="utf-8") as stream:
        headers = [row["header"] for row in csv.DictReader(stream) if row["agreement"] == month.shape.agreement]
    names = [column.name for column in cost_columns([Found(header, "VARCHAR", "c") for header in headers])]
    types, values = known_types("cost_columns"), _values(month, part)
    return [
        OutputColumn(header, _written(values.get(name, "NULL"), types[name], month))
        for header, name in zip(headers, names, strict=True)
    ]


def _written(value: str, kind: str, month: Month) -> str:
    if month.shape.file == "parquet":
        type_ = {"DATE": "TIMESTAMP", "JSON": "VARCHAR"}.get(kind, kind)
        return f"CAST({value} AS {type_})"
    if kind == "DATE":
        return f"strftime(CAST({value} AS DATE), '%m/%d/%Y')"
    if kind.startswith("DECIMAL"):
        text = f"CAST({value} AS VARCHAR)"
        return f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    return value


def _values(month: Month, part: str) -> dict[str, str]:
    """Column of the raw table -> SQL over `charges`."""
    mca, rate = month.shape.agreement == "mca", f"{month.rate}::DECIMAL(6, 4)"
    values = {name: name for name in OWN} | {name: literal(text) for name, text in _fixed(month).items()}
    amount = f"{part}_amount"
    return values | {
        "location": "resource_location",
        "service_period_start_date": "date",
        "service_period_end_date": "date",
        "effective_price": f"{part}_price",
        "cost_in_billing_currency": f"({amount} * {rate})",
        "cost_in_pricing_currency": amount,
        "cost_in_usd": amount,
        "exchange_rate_pricing_to_billing": rate,
        # Nothing is known of the list price where a reservation or somebody else's product is charged.
        "payg_cost_in_billing_currency": f"(payg_price * quantity * {rate})",
        "payg_cost_in_usd": "(payg_price * quantity)",
        "publisher_type": "replace(publisher_type, 'Azure', 'Microsoft')" if mca else "publisher_type",
    }


def _fixed(month: Month) -> dict[str, str]:
    """What every row of a month says alike."""
    return AGREEMENTS[month.shape.agreement] | {
        "billing_period_start_date": str(month.period.start),
        "billing_period_end_date": str(month.period.end - dt.timedelta(days=1)),
        "billing_currency": month.billing_currency,
        "pricing_currency": month.world.currency,
        "exchange_rate_date": str(month.period.start),
        "invoice_id": "" if month.world.is_open(month.period) else f"G{month.period.year}{month.period.month:05d}",
        "invoice_section_name": "Acme Retail",
        "invoice_section_id": guid(month.world.seed, "section"),
        "account_name": "Acme Retail",
        "account_owner_id": f"billing@{month.world.domain}",
        "offer_id": "MS-AZR-0017P" if month.shape.agreement == "ea" else "",
        "is_azure_credit_eligible": "True",
        "provider": "Azure",
    }


def create_focus(connection: duckdb.DuckDBPyConnection, month: Month) -> list[OutputColumn]:
    """Make the table `focus_rows` as Azure's own FOCUS export would have it, and say which columns it writes.

    The conversion of the two cost files makes the rows; what Azure is known to write otherwise is then put back:
    0 where a list or contracted cost is unknown, no SKU in the marketplace, a status on purchases, no publisher on rows
    of reservations.
    """
    for relation, part in (("source", "actual"), ("source_amortized", "amortized")):
        _create_source(connection, month, relation, part)
    for name, path in COST.lookups.items():
        options = "header=true, all_varchar=true, delim=',', quote='\"'"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_csv({literal(str(path))}, {options})"
        )
    if COST.focus is None:
        raise ValueError("the cost dataset has a FOCUS conversion")
    connection.execute(f"CREATE OR REPLACE TABLE focus_rows AS {strip(COST.focus.read_text('utf-8'))}")
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE focus_rows").fetchall()}
    return [OutputColumn(name, _focus_value(name, kind, types)) for name, kind in _focus_names(month.shape.focus)]


def _create_source(connection: duckdb.DuckDBPyConnection, month: Month, relation: str, part: str) -> None:
    values = _values(month, part)
    if month.shape.agreement == "mca":
        values.pop("account_name"), values.pop("account_owner_id")
    braced = {"tags": "CASE WHEN tags IS NULL THEN NULL ELSE tags::JSON END"}
    columns = ", ".join(
        f"CAST({braced.get(name) or values.get(name, 'NULL')} AS {kind}) AS {identifier(name)}"
        for name, kind in COST.known.items()
    )
    connection.execute(
        f"CREATE OR REPLACE VIEW {relation} AS SELECT {columns}, {literal(str(month.period))} AS billing_period, "
        f"'' AS source_file FROM charges WHERE in_{part}"
    )


def _focus_names(version: str) -> list[tuple[str, str]]:
    with files("finops_azure").joinpath("data/focus_columns.csv").open("r", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [(row["name"], row["type"]) for row in rows if version in row["versions"].split("|")]


def _focus_value(name: str, kind: str, types: dict[str, str]) -> str:
    unknown = "(x_PublisherCategory = 'Marketplace' OR ContractedUnitPrice IS NULL)"
    special = {
        "ListCost": "CASE WHEN x_ListCostBasis = 'list' OR ListCost = 0 THEN ListCost ELSE 0 END",
        "ContractedCost": f"CASE WHEN {unknown} THEN 0 ELSE ContractedCost END",
        "ContractedUnitPrice": f"CASE WHEN {unknown} THEN 0 ELSE ContractedUnitPrice END",
        "ListUnitPrice": "CASE WHEN x_ListCostBasis = 'list' THEN ListUnitPrice ELSE 0 END",
        "SkuId": "CASE WHEN x_PublisherCategory = 'Marketplace' THEN NULL ELSE SkuId END",
        "SkuPriceId": "CASE WHEN x_PublisherCategory = 'Marketplace' THEN NULL ELSE SkuPriceId END",
        "x_EffectiveUnitPrice": "CASE WHEN PricingQuantity <> 0 "
        "THEN CAST(EffectiveCost::DOUBLE / PricingQuantity::DOUBLE AS DECIMAL(38, 18)) END",
        "PublisherName": "CASE WHEN x_PricingModel = 'Reservation' THEN NULL ELSE PublisherName END",
        "CommitmentDiscountStatus": "CASE WHEN CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase' "
        "THEN 'Used' ELSE CommitmentDiscountStatus END",
        "PricingCategory": "CASE WHEN CommitmentDiscountId IS NOT NULL THEN 'Committed' ELSE PricingCategory END",
        "CommitmentDiscountQuantity": "NULL",
        "CommitmentDiscountUnit": "NULL",
        "SkuPriceDetails": "NULL",
        "x_AmortizationClass": "CASE WHEN x_LineItemType = 'Purchase' AND CommitmentDiscountId IS NOT NULL "
        "THEN 'Principal' WHEN CommitmentDiscountId IS NOT NULL THEN 'Amortized Charge' END",
        "x_InvoiceId": "InvoiceId",
        "x_PricingCurrency": "PricingCurrency",
        "x_SkuMeterName": "SkuMeter",
        "x_SkuDetails": "SkuPriceDetails",
    }
    value = special.get(name) or (identifier(name) if name in types else "NULL")
    return f"CAST({value} AS {'VARCHAR' if kind == 'JSON' else kind})"
