"""How each format writes the view `export`: SQL for its columns, and where its files go."""

from __future__ import annotations

from dataclasses import dataclass

from finops_core.errors import UsageError


@dataclass(frozen=True)
class SampleFormat:
    """A way of exporting. `folder` of a month, with {month} as `2024-01` and {yyyymm}; `copy`: DuckDB's COPY options,
    empty for Avro, which DuckDB does not write.

    With `daily` there is a file per day of ingestion instead of shards per month, as `bq extract` of each partition
    makes them; such a file holds rows of more than one invoice month.
    """

    name: str
    root: str
    folder: str
    ending: str
    select: str
    copy: str
    daily: bool = False


DETAILED = "SELECT * REPLACE (timezone('UTC', usage_start_time) AS usage_start_time, "
DETAILED += (
    "timezone('UTC', usage_end_time) AS usage_end_time, timezone('UTC', export_time) AS export_time) FROM {rows}"
)

# BigQuery writes NUMERIC as text in JSON, times in a form of its own, and leaves NULLs out.
JSONL = """
SELECT json_merge_patch('{{}}', to_json(row_of_export))::VARCHAR FROM (
    SELECT * REPLACE (
        strftime(usage_start_time, '%Y-%m-%d %H:%M:%S UTC') AS usage_start_time,
        strftime(usage_end_time, '%Y-%m-%d %H:%M:%S UTC') AS usage_end_time,
        strftime(export_time, '%Y-%m-%d %H:%M:%S.%f UTC') AS export_time,
        CASE WHEN price IS NOT NULL THEN {{
            'effective_price': price.effective_price::VARCHAR, 'tier_start_amount': price.tier_start_amount::VARCHAR,
            'unit': price.unit, 'pricing_unit_quantity': price.pricing_unit_quantity::VARCHAR,
            'list_price': price.list_price::VARCHAR, 'effective_price_default': price.effective_price_default::VARCHAR,
            'list_price_consumption_model': price.list_price_consumption_model::VARCHAR
        }} END AS price,
        cost_at_effective_price_default::VARCHAR AS cost_at_effective_price_default,
        cost_at_list_consumption_model::VARCHAR AS cost_at_list_consumption_model
    ) FROM {rows}
) AS row_of_export
"""

# Nobody writes nested fields to CSV: people flatten them with dotted names and keep lists as JSON.
CSV = """
SELECT
    billing_account_id, service.id AS "service.id", service.description AS "service.description", sku.id AS "sku.id",
    sku.description AS "sku.description", strftime(usage_start_time, '%Y-%m-%d %H:%M:%S UTC') AS usage_start_time,
    strftime(usage_end_time, '%Y-%m-%d %H:%M:%S UTC') AS usage_end_time, project.id AS "project.id",
    project.number AS "project.number", project.name AS "project.name",
    to_json(coalesce(project.labels, []))::VARCHAR AS "project.labels",
    project.ancestry_numbers AS "project.ancestry_numbers", to_json(labels)::VARCHAR AS labels,
    to_json(system_labels)::VARCHAR AS system_labels, to_json(tags)::VARCHAR AS tags,
    location.location AS "location.location", location.country AS "location.country",
    location.region AS "location.region", location.zone AS "location.zone",
    subscription.instance_id AS "subscription.instance_id", transaction_type, seller_name,
    strftime(export_time, '%Y-%m-%d %H:%M:%S.%f UTC') AS export_time, cost, currency, currency_conversion_rate,
    usage.amount AS "usage.amount", usage.unit AS "usage.unit",
    usage.amount_in_pricing_units AS "usage.amount_in_pricing_units", usage.pricing_unit AS "usage.pricing_unit",
    to_json(credits)::VARCHAR AS credits, invoice.month AS "invoice.month",
    invoice.publisher_type AS "invoice.publisher_type", cost_type, adjustment_info.id AS "adjustment_info.id",
    adjustment_info.description AS "adjustment_info.description", adjustment_info.mode AS "adjustment_info.mode",
    adjustment_info.type AS "adjustment_info.type", cost_at_list, price.effective_price AS "price.effective_price",
    price.tier_start_amount AS "price.tier_start_amount", price.unit AS "price.unit",
    price.list_price AS "price.list_price", price.effective_price_default AS "price.effective_price_default",
    cost_at_effective_price_default, consumption_model.id AS "consumption_model.id",
    consumption_model.description AS "consumption_model.description",
    strftime(export_time, '%Y-%m-%d') AS partition_date
FROM {rows}
"""

# Google's FOCUS export keeps one row per row, with the credits in its costs.
FOCUS = """
SELECT
    location.zone AS AvailabilityZone, net AS BilledCost, billing_account_id AS BillingAccountId,
    'Billing Account' AS BillingAccountType, currency AS BillingCurrency,
    timezone('UTC', strptime(invoice.month, '%Y%m')) AS BillingPeriodStart,
    timezone('UTC', strptime(invoice.month, '%Y%m') + INTERVAL 1 MONTH) AS BillingPeriodEnd,
    CASE
        WHEN cost_type = 'tax' THEN 'Tax'
        WHEN cost_type <> 'regular' THEN 'Adjustment'
        WHEN sku.description LIKE 'Commitment%' THEN 'Purchase'
        ELSE 'Usage'
    END AS ChargeCategory,
    CASE WHEN adjustment_info IS NOT NULL THEN 'Correction' END AS ChargeClass, sku.description AS ChargeDescription,
    timezone('UTC', usage_start_time) AS ChargePeriodStart, timezone('UTC', usage_end_time) AS ChargePeriodEnd,
    CASE WHEN cost_type = 'regular' THEN usage.amount::DECIMAL(38, 9) END AS ConsumedQuantity,
    CASE WHEN cost_type = 'regular' THEN usage.unit END AS ConsumedUnit,
    cost_at_effective_price_default AS ContractedCost, price.effective_price_default AS ContractedUnitPrice,
    coalesce(cost_at_list, cost)::DECIMAL(38, 9) AS ListCost, price.list_price AS ListUnitPrice,
    CASE
        WHEN cost_type <> 'regular' THEN NULL
        WHEN consumption_model.description <> 'Default' THEN 'Committed'
        ELSE 'Standard'
    END AS PricingCategory,
    usage.amount_in_pricing_units::DECIMAL(38, 9) AS PricingQuantity, usage.pricing_unit AS PricingUnit,
    'Google Cloud' AS ProviderName,
    CASE WHEN transaction_type = 'GOOGLE' THEN 'Google Cloud' ELSE seller_name END AS PublisherName,
    coalesce(location.region, location.location) AS RegionId,
    coalesce(location.region, location.location) AS RegionName,
    coalesce(resource.global_name, resource.name) AS ResourceId, resource.name AS ResourceName,
    service.description AS ServiceName, CASE WHEN cost_type <> 'tax' THEN sku.id END AS SkuId,
    CASE WHEN cost_type <> 'tax' THEN sku.id || '/0' END AS SkuPriceId, project.id AS SubAccountId,
    project.name AS SubAccountName, net AS EffectiveCost, currency AS PricingCurrency,
    price.effective_price_default AS PricingCurrencyContractedUnitPrice, net AS PricingCurrencyEffectiveCost,
    price.list_price AS PricingCurrencyListUnitPrice, cost_type AS x_CostType,
    list_transform(credits, lambda item: {{
        'Id': item.id, 'FullName': item.full_name, 'Type': item.type, 'Name': item.name,
        'Amount': item.amount::DECIMAL(38, 9)
    }}) AS x_Credits,
    currency_conversion_rate AS x_CurrencyConversionRate, timezone('UTC', export_time) AS x_ExportTime,
    list_transform(labels, lambda item: {{'Key': item.key, 'Value': item.value}}) AS x_Labels,
    location.location AS x_Location,
    {{'Id': project.id, 'Number': project.number, 'Name': project.name}} AS x_Project,
    list_transform(project.labels, lambda item: {{'Key': item.key, 'Value': item.value}}) AS x_ProjectLabels,
    service.id AS x_ServiceId, subscription.instance_id AS x_SubscriptionInstanceId,
    list_transform(tags, lambda item: {{
        'Key': item.key, 'Value': item.value, 'x_Inherited': item.inherited, 'x_Namespace': item.namespace
    }}) AS x_Tags,
    consumption_model.id AS x_ConsumptionModelId, consumption_model.description AS x_ConsumptionModelDescription
FROM (
    SELECT
        *,
        list_sum(list_transform(credits, lambda item: item.amount::DECIMAL(38, 9))) AS credit,
        (cost::DECIMAL(38, 9) + coalesce(credit, 0))::DECIMAL(38, 9) AS net
    FROM {rows}
)
"""

_TEXT = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\\x01', COMPRESSION gzip"
"""One text column per line as it is; the delimiter is a character that JSON never holds unescaped."""

FORMATS = {
    item.name: item
    for item in (
        SampleFormat("detailed-parquet", "detailed", "billing_period={month}", "parquet", DETAILED, "FORMAT parquet"),
        SampleFormat(
            "standard-csv", "standard", "invoice_month={yyyymm}", "csv.gz", CSV, "FORMAT csv, HEADER, COMPRESSION gzip"
        ),
        SampleFormat("detailed-avro", "detailed-avro", "billing_period={month}", "avro", DETAILED, ""),
        SampleFormat("detailed-jsonl", "detailed-json", "{month}", "json.gz", JSONL, _TEXT),
        SampleFormat("focus-parquet", "focus", "year={year}/month={mm}", "parquet", FOCUS, "FORMAT parquet"),
        SampleFormat("detailed-parquet-daily", "daily", "", "parquet", DETAILED, "FORMAT parquet", daily=True),
    )
}
"""The default first. All hold the same rows; standard lacks the resources."""


def format_named(name: str) -> SampleFormat:
    """Raises UsageError for a format that there is not."""
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!r}", hint=f"choose one of {', '.join(FORMATS)}")
    return FORMATS[name]
