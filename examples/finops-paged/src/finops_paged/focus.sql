-- Paged Cloud's lines as FOCUS 1.2: every line is usage of one kind of machine.
SELECT
    -- BilledCost: the line's amount.
    amount AS BilledCost,
    -- EffectiveCost: the same, nothing is sold in advance.
    amount AS EffectiveCost,
    -- ListCost: there are no discounts.
    amount AS ListCost,
    amount AS ContractedCost,
    currency AS BillingCurrency,
    -- BillingAccountId: one customer, one invoice.
    'paged' AS BillingAccountId,
    'Customer' AS BillingAccountType,
    -- BillingPeriodStart: the calendar month, in UTC.
    CAST(billing_period || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    CAST(billing_period || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    usage_start AS ChargePeriodStart,
    usage_end AS ChargePeriodEnd,
    'Usage' AS ChargeCategory,
    'Usage-Based' AS ChargeFrequency,
    service || ' in ' || project AS ChargeDescription,
    'Paged Cloud' AS ProviderName,
    'Paged Cloud' AS PublisherName,
    'Paged Cloud' AS InvoiceIssuerName,
    service AS ServiceName,
    'Compute' AS ServiceCategory,
    project AS SubAccountId,
    'Project' AS SubAccountType,
    -- SkuId: each service has one SKU and one price.
    service AS SkuId,
    service AS SkuPriceId,
    'Standard' AS PricingCategory,
    hours AS PricingQuantity,
    'Hours' AS PricingUnit,
    hours AS ConsumedQuantity,
    'Hours' AS ConsumedUnit,
    -- ListUnitPrice: the API has no prices; this one is the quotient of amount and hours.
    CAST(amount AS DOUBLE) / nullif(CAST(hours AS DOUBLE), 0) AS ListUnitPrice,
    CAST(amount AS DOUBLE) / nullif(CAST(hours AS DOUBLE), 0) AS ContractedUnitPrice,
    'usage' AS x_LineItemType,
    source_file AS x_SourceFile,
    false AS x_Generated
FROM source
