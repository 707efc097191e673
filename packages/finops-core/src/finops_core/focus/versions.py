"""FOCUS 1.0, 1.1, 1.2, 1.3 and 1.4 as projections of the wide table, and the metadata that FOCUS asks for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from finops_core import __version__
from finops_core.focus.columns import DUCKDB_TYPES, FocusColumn, FocusType, columns
from finops_core.sql import identifier

_SINCE_1_3: Mapping[str, str] = {
    # 1.3 splits "provider" into who sells the service and on whose infrastructure it runs. A cloud runs what it makes;
    # for what others publish on a marketplace the bill does not say, and null is allowed.
    "ServiceProviderName": '"ProviderName"',
    "HostProviderName": 'CASE WHEN "PublisherName" = "ProviderName" THEN "ProviderName" END',
}

_SINCE_1_4: Mapping[str, str] = {
    # 1.4 states that a tax's effective cost is its billed cost; 1.2 derives it from the taxed rows.
    "EffectiveCost": """CASE WHEN "ChargeCategory" = 'Tax' THEN "BilledCost" ELSE "EffectiveCost" END""",
    "PricingCurrency": 'coalesce("PricingCurrency", "BillingCurrency")',
    "PricingCurrencyEffectiveCost": """CASE WHEN "ChargeCategory" = 'Tax' """
    """AND coalesce("PricingCurrency", "BillingCurrency") = "BillingCurrency" THEN "BilledCost" """
    """WHEN coalesce("PricingCurrency", "BillingCurrency") = "BillingCurrency" """
    """THEN coalesce("PricingCurrencyEffectiveCost", "EffectiveCost") ELSE "PricingCurrencyEffectiveCost" END""",
}

_NEED_A_SKU_PRICE = ("ConsumedQuantity", "ConsumedUnit", "PricingCategory", "PricingQuantity", "PricingUnit")
"""Null in 1.4 on rows without SkuPriceId."""


_WRITTEN: Mapping[str, str] = {"JSON": "VARCHAR"}
"""DuckDB type in the table -> type in a file, where they differ."""

_METADATA_TYPES: Mapping[FocusType, str] = {
    "String": "STRING",
    "Decimal": "DECIMAL",
    "Date/Time": "DATETIME",
    "JSON": "JSON",
}


def projection(version: str, shapes: Mapping[str, str]) -> str:
    """The SELECT list that makes a version from the wide table. `shapes`: the table's columns -> DuckDB types.

    FOCUS columns in the specification's order, then every x_ column. JSON comes out as text: files mark JSON in ways
    that not every reader understands (a Parquet reader may take it for bytes). Raises UsageError for a version that is
    not known.
    """
    items = [f"{_expression(column, version)} AS {identifier(column.name)}" for column in columns(version)]
    for name, kind in shapes.items():
        if name.startswith("x_"):
            text = kind == "JSON"
            items.append(f"CAST({identifier(name)} AS VARCHAR) AS {identifier(name)}" if text else identifier(name))
    return ", ".join(items)


def losses(version: str) -> str:
    """A SELECT over `focus` of (column, rows): values of the wide table that a version has no place for.

    Dropped columns are no loss, that is what the version asks for; values nulled by a rule of the version are.
    """
    if version != "1.4":
        return "SELECT NULL AS name, NULL AS rows WHERE false"
    parts = [
        f"SELECT '{name}' AS name, count(*) AS rows FROM focus "
        f'WHERE "SkuPriceId" IS NULL AND {identifier(name)} IS NOT NULL HAVING count(*) > 0'
        for name in _NEED_A_SKU_PRICE
    ]
    return " UNION ALL ".join(parts)


def _expression(column: FocusColumn, version: str) -> str:
    name, kind = column.name, _WRITTEN.get(column.duckdb_type, column.duckdb_type)
    rules = {**(_SINCE_1_3 if version in {"1.3", "1.4"} else {}), **(_SINCE_1_4 if version == "1.4" else {})}
    if version == "1.4" and name in _NEED_A_SKU_PRICE:
        return f'CASE WHEN "SkuPriceId" IS NOT NULL THEN {identifier(name)} END'
    if name in rules:
        return f"CAST({rules[name]} AS {kind})"
    if name not in DUCKDB_TYPES:
        return f"CAST(NULL AS {kind})"
    return identifier(name) if kind == column.duckdb_type else f"CAST({identifier(name)} AS {kind})"


def metadata(version: str, shapes: Mapping[str, str], created: dt.datetime) -> dict[str, Any]:
    """The schema metadata that stands beside exported data, ready for JSON.

    `shapes`: column -> DuckDB type, as exported; `created` is UTC. SchemaId is the same for the same version and
    columns, and another one for others.
    """
    focus = {column.name: column for column in columns(version)}
    listed = [
        {
            "ColumnName": name,
            "DataType": _METADATA_TYPES[focus[name].type] if name in focus else kind,
            **({"NumericPrecision": 38, "NumberScale": 18} if kind == "DECIMAL(38,18)" else {}),
        }
        for name, kind in shapes.items()
    ]
    schema = uuid.uuid5(uuid.NAMESPACE_URL, f"focus {version} {sorted(shapes.items())}")
    return {
        "DataGenerator": f"finops {__version__}",
        "Schema": {
            "SchemaId": str(schema),
            "FocusVersion": version,
            "CreationDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ColumnDefinition": listed,
        },
    }
