-- Toy bills as FOCUS 1.2: every row is usage that costs what it says.
SELECT
    -- BilledCost: the bill's cost.
    cost AS BilledCost,
    -- EffectiveCost: the same, there are no commitments.
    cost AS EffectiveCost,
    cost AS ListCost,
    cost AS ContractedCost,
    currency AS BillingCurrency,
    'toy-1' AS BillingAccountId,
    CAST(billing_period || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    CAST(billing_period || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    day AS ChargePeriodStart,
    day + INTERVAL 1 DAY AS ChargePeriodEnd,
    'Usage' AS ChargeCategory,
    'Toys' AS ProviderName,
    'Toys' AS PublisherName,
    'Toys' AS InvoiceIssuerName,
    coalesce(service, 'Toy') AS ServiceName,
    'Other' AS ServiceCategory,
    source_file AS x_SourceFile,
    false AS x_Generated
FROM source
