-- Acme Cloud's line items as FOCUS 1.2. Reads from `source`, the rows of one month, and can be pasted into a DuckDB
-- shell that has such a table. Each rule stands above its column; `finops` shows them in its documentation.
SELECT
    -- BilledCost: the cost of the line; Acme Cloud sells nothing in advance.
    cost AS BilledCost,
    -- EffectiveCost: the same, since there are no commitments to spread.
    cost AS EffectiveCost,
    -- ListCost: there are no discounts but credits, which are lines of their own.
    cost AS ListCost,
    -- ContractedCost: the same.
    cost AS ContractedCost,
    -- BillingCurrency: as billed.
    currency AS BillingCurrency,
    -- BillingAccountId: one customer, one invoice.
    'acme' AS BillingAccountId,
    -- BillingAccountType: the word of Acme Cloud's invoices.
    'Customer' AS BillingAccountType,
    -- BillingPeriodStart: the calendar month, in UTC.
    CAST(billing_period || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    -- BillingPeriodEnd: the first instant of the next month.
    CAST(billing_period || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    -- ChargePeriodStart: when the usage began.
    usage_start AS ChargePeriodStart,
    -- ChargePeriodEnd: when it ended, excluded.
    usage_end AS ChargePeriodEnd,
    -- ChargeCategory: from the kind of line; one that is not documented is an adjustment.
    CASE kind WHEN 'usage' THEN 'Usage' WHEN 'tax' THEN 'Tax' WHEN 'credit' THEN 'Credit' ELSE 'Adjustment' END
        AS ChargeCategory,
    -- ChargeFrequency: usage by use, tax and credits once a month.
    CASE kind WHEN 'usage' THEN 'Usage-Based' ELSE 'One-Time' END AS ChargeFrequency,
    -- ChargeDescription: what the invoice says.
    concat_ws(' ', service, sku, kind) AS ChargeDescription,
    -- ProviderName: always Acme Cloud, as are publisher and issuer.
    'Acme Cloud' AS ProviderName,
    'Acme Cloud' AS PublisherName,
    'Acme Cloud' AS InvoiceIssuerName,
    -- ServiceName: the service, or the kind of line where it belongs to none.
    coalesce(service, kind) AS ServiceName,
    -- ServiceCategory: by the service.
    CASE service WHEN 'Compute' THEN 'Compute' WHEN 'Storage' THEN 'Storage' WHEN 'Network' THEN 'Networking'
        ELSE 'Other' END AS ServiceCategory,
    -- SubAccountId: the account that used it.
    account AS SubAccountId,
    -- SubAccountType: the word of Acme Cloud's console.
    CASE WHEN account IS NOT NULL THEN 'Account' END AS SubAccountType,
    -- RegionId: as billed; the code is the name.
    region AS RegionId,
    region AS RegionName,
    -- ResourceId: what was used.
    resource AS ResourceId,
    -- ResourceType: a service has one kind of resource.
    CASE WHEN resource IS NOT NULL THEN service END AS ResourceType,
    -- SkuId: the SKU has one price, which therefore shares its id.
    sku AS SkuId,
    sku AS SkuPriceId,
    -- PricingCategory: everything is sold on demand.
    CASE kind WHEN 'usage' THEN 'Standard' END AS PricingCategory,
    -- PricingQuantity: what was used is what is priced.
    CASE kind WHEN 'usage' THEN quantity END AS PricingQuantity,
    CASE kind WHEN 'usage' THEN unit END AS PricingUnit,
    -- ConsumedQuantity: the same.
    CASE kind WHEN 'usage' THEN quantity END AS ConsumedQuantity,
    CASE kind WHEN 'usage' THEN unit END AS ConsumedUnit,
    -- ListUnitPrice: the price of one unit.
    CASE kind WHEN 'usage' THEN price END AS ListUnitPrice,
    CASE kind WHEN 'usage' THEN price END AS ContractedUnitPrice,
    -- Tags: the resource's tags, a JSON object.
    tags AS Tags,
    -- x_LineItemType: Acme Cloud's own word for the charge.
    kind AS x_LineItemType,
    -- x_SourceFile: the file that the line stands in.
    source_file AS x_SourceFile,
    -- x_Generated: every row is a line of the bill.
    false AS x_Generated
FROM source
