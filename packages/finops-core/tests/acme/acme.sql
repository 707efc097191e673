-- Acme bills as FOCUS: every row is usage that costs what it says.
SELECT
    cost AS BilledCost,
    cost AS EffectiveCost,
    cost AS ListCost,
    cost AS ContractedCost,
    currency AS BillingCurrency,
    'acme-1' AS BillingAccountId,
    CAST(billing_period || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    CAST(billing_period || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    day AS ChargePeriodStart,
    day + INTERVAL 1 DAY AS ChargePeriodEnd,
    'Usage' AS ChargeCategory,
    'Acme' AS ProviderName,
    'Acme' AS PublisherName,
    'Acme' AS InvoiceIssuerName,
    service AS ServiceName,
    'Other' AS ServiceCategory,
    source_file AS x_SourceFile,
    false AS x_Generated,
    'usage' AS x_LineItemType
FROM source
