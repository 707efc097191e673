-- AWS FOCUS 1.0 (Data Exports table FOCUS_1_0_AWS) as FOCUS 1.2, in DuckDB's dialect.
--
-- AWS's own rows as they are. Columns that came with FOCUS 1.1 and 1.2 are filled where the 1.0 export says the same
-- elsewhere. Reads `source` and the lookup aws_services. finops_core.focus.conversion says how the rules are read.

SELECT
    -- AvailabilityZone: as exported.
    source.AvailabilityZone AS AvailabilityZone,
    -- BilledCost: as exported.
    source.BilledCost AS BilledCost,
    -- BillingAccountId: as exported.
    source.BillingAccountId AS BillingAccountId,
    -- BillingAccountName: as exported.
    source.BillingAccountName AS BillingAccountName,
    -- BillingAccountType: not in FOCUS 1.0; what AWS writes in its bills of 1.2.
    'Payer Account' AS BillingAccountType,
    -- BillingCurrency: as exported.
    source.BillingCurrency AS BillingCurrency,
    -- BillingPeriodEnd: as exported.
    source.BillingPeriodEnd AS BillingPeriodEnd,
    -- BillingPeriodStart: as exported.
    source.BillingPeriodStart AS BillingPeriodStart,
    -- CapacityReservationId: not in FOCUS 1.0.
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    -- CapacityReservationStatus: not in FOCUS 1.0.
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    -- ChargeCategory: as exported.
    source.ChargeCategory AS ChargeCategory,
    -- ChargeClass: as exported.
    source.ChargeClass AS ChargeClass,
    -- ChargeDescription: as exported.
    source.ChargeDescription AS ChargeDescription,
    -- ChargeFrequency: as exported.
    source.ChargeFrequency AS ChargeFrequency,
    -- ChargePeriodEnd: as exported.
    source.ChargePeriodEnd AS ChargePeriodEnd,
    -- ChargePeriodStart: as exported.
    source.ChargePeriodStart AS ChargePeriodStart,
    -- CommitmentDiscountCategory: as exported.
    source.CommitmentDiscountCategory AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: as exported.
    source.CommitmentDiscountId AS CommitmentDiscountId,
    -- CommitmentDiscountName: as exported.
    source.CommitmentDiscountName AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: not in FOCUS 1.0.
    CAST(NULL AS DECIMAL(38, 18)) AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: as exported.
    source.CommitmentDiscountStatus AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: as exported.
    source.CommitmentDiscountType AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: not in FOCUS 1.0.
    CAST(NULL AS VARCHAR) AS CommitmentDiscountUnit,
    -- ConsumedQuantity: as exported.
    source.ConsumedQuantity AS ConsumedQuantity,
    -- ConsumedUnit: as exported.
    source.ConsumedUnit AS ConsumedUnit,
    -- ContractedCost: as exported.
    source.ContractedCost AS ContractedCost,
    -- ContractedUnitPrice: as exported.
    source.ContractedUnitPrice AS ContractedUnitPrice,
    -- EffectiveCost: as exported.
    source.EffectiveCost AS EffectiveCost,
    -- InvoiceId: not in FOCUS 1.0.
    CAST(NULL AS VARCHAR) AS InvoiceId,
    -- InvoiceIssuerName: as exported, else the provider's name: AWS leaves it empty on some rows of direct bills.
    coalesce(source.InvoiceIssuerName, source.ProviderName) AS InvoiceIssuerName,
    -- ListCost: as exported.
    source.ListCost AS ListCost,
    -- ListUnitPrice: as exported.
    source.ListUnitPrice AS ListUnitPrice,
    -- PricingCategory: as exported.
    source.PricingCategory AS PricingCategory,
    -- PricingCurrency: not in FOCUS 1.0; its prices are in the billing currency.
    source.BillingCurrency AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: not in FOCUS 1.0; ContractedUnitPrice, as prices are in the billing currency.
    source.ContractedUnitPrice AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: not in FOCUS 1.0; EffectiveCost, as prices are in the billing currency.
    source.EffectiveCost AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: not in FOCUS 1.0; ListUnitPrice, as prices are in the billing currency.
    source.ListUnitPrice AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: as exported.
    source.PricingQuantity AS PricingQuantity,
    -- PricingUnit: as exported.
    source.PricingUnit AS PricingUnit,
    -- ProviderName: as exported.
    source.ProviderName AS ProviderName,
    -- PublisherName: as exported, else the provider's name: AWS leaves it empty on some rows.
    coalesce(source.PublisherName, source.ProviderName) AS PublisherName,
    -- RegionId: as exported.
    source.RegionId AS RegionId,
    -- RegionName: as exported.
    source.RegionName AS RegionName,
    -- ResourceId: as exported.
    source.ResourceId AS ResourceId,
    -- ResourceName: as exported.
    source.ResourceName AS ResourceName,
    -- ResourceType: as exported.
    source.ResourceType AS ResourceType,
    -- ServiceCategory: as exported.
    source.ServiceCategory AS ServiceCategory,
    -- ServiceName: as exported.
    source.ServiceName AS ServiceName,
    -- ServiceSubcategory: not in FOCUS 1.0; from the table of services by `x_ServiceCode`, where its category is the row's.
    CASE
        WHEN aws_services.ServiceCategory = source.ServiceCategory THEN aws_services.ServiceSubcategory
        ELSE 'Other (' || source.ServiceCategory || ')'
    END AS ServiceSubcategory,
    -- SkuId: as exported.
    source.SkuId AS SkuId,
    -- SkuMeter: not in FOCUS 1.0; the usage type, where there is a SKU and the row is no tax.
    CASE WHEN source.SkuId IS NOT NULL AND source.ChargeCategory <> 'Tax' THEN source.x_UsageType END AS SkuMeter,
    -- SkuPriceDetails: not in FOCUS 1.0.
    CAST(NULL AS JSON) AS SkuPriceDetails,
    -- SkuPriceId: as exported.
    source.SkuPriceId AS SkuPriceId,
    -- SubAccountId: as exported.
    source.SubAccountId AS SubAccountId,
    -- SubAccountName: as exported.
    source.SubAccountName AS SubAccountName,
    -- SubAccountType: not in FOCUS 1.0; what AWS writes in its bills of 1.2.
    CASE WHEN source.SubAccountId IS NOT NULL THEN 'Account' END AS SubAccountType,
    -- Tags: as exported.
    source.Tags AS Tags,
    -- x_CommitmentOffering: not in AWS's FOCUS exports.
    CAST(NULL AS VARCHAR) AS x_CommitmentOffering,
    -- x_CostBasis: not in AWS's FOCUS exports: their costs are net of negotiated discounts.
    CAST(NULL AS VARCHAR) AS x_CostBasis,
    -- x_CostCategories: as exported.
    source.x_CostCategories AS x_CostCategories,
    -- x_Discounts: as exported.
    source.x_Discounts AS x_Discounts,
    -- x_Generated: always false: every row is one of the export's.
    false AS x_Generated,
    -- x_LineItemType: not in AWS's FOCUS exports.
    CAST(NULL AS VARCHAR) AS x_LineItemType,
    -- x_Operation: as exported.
    source.x_Operation AS x_Operation,
    -- x_ServiceCode: as exported.
    source.x_ServiceCode AS x_ServiceCode,
    -- x_SourceFile: the file that the row came from.
    source.source_file AS x_SourceFile,
    -- x_UsageType: as exported.
    source.x_UsageType AS x_UsageType
FROM source
LEFT JOIN aws_services ON aws_services.product_code = source.x_ServiceCode;
