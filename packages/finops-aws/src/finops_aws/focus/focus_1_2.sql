-- AWS FOCUS 1.2 (Data Exports table FOCUS_1_2_AWS) as FOCUS 1.2, in DuckDB's dialect.
--
-- AWS's own rows as they are. Reads `source`. finops_core.focus.conversion says how the rules are read.

SELECT
    -- AvailabilityZone: as exported.
    source.AvailabilityZone AS AvailabilityZone,
    -- BilledCost: as exported.
    source.BilledCost AS BilledCost,
    -- BillingAccountId: as exported.
    source.BillingAccountId AS BillingAccountId,
    -- BillingAccountName: as exported.
    source.BillingAccountName AS BillingAccountName,
    -- BillingAccountType: as exported.
    source.BillingAccountType AS BillingAccountType,
    -- BillingCurrency: as exported.
    source.BillingCurrency AS BillingCurrency,
    -- BillingPeriodEnd: as exported.
    source.BillingPeriodEnd AS BillingPeriodEnd,
    -- BillingPeriodStart: as exported.
    source.BillingPeriodStart AS BillingPeriodStart,
    -- CapacityReservationId: as exported.
    source.CapacityReservationId AS CapacityReservationId,
    -- CapacityReservationStatus: as exported.
    source.CapacityReservationStatus AS CapacityReservationStatus,
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
    -- CommitmentDiscountQuantity: as exported.
    source.CommitmentDiscountQuantity AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: as exported.
    source.CommitmentDiscountStatus AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: as exported.
    source.CommitmentDiscountType AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: as exported.
    source.CommitmentDiscountUnit AS CommitmentDiscountUnit,
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
    -- InvoiceId: as exported.
    source.InvoiceId AS InvoiceId,
    -- InvoiceIssuerName: as exported, else the provider's name: AWS leaves it empty on some rows of direct bills.
    coalesce(source.InvoiceIssuerName, source.ProviderName) AS InvoiceIssuerName,
    -- ListCost: as exported.
    source.ListCost AS ListCost,
    -- ListUnitPrice: as exported.
    source.ListUnitPrice AS ListUnitPrice,
    -- PricingCategory: as exported.
    source.PricingCategory AS PricingCategory,
    -- PricingCurrency: as exported.
    source.PricingCurrency AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: as exported.
    source.PricingCurrencyContractedUnitPrice AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: as exported.
    source.PricingCurrencyEffectiveCost AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: as exported.
    source.PricingCurrencyListUnitPrice AS PricingCurrencyListUnitPrice,
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
    -- ServiceSubcategory: as exported.
    source.ServiceSubcategory AS ServiceSubcategory,
    -- SkuId: as exported.
    source.SkuId AS SkuId,
    -- SkuMeter: as exported.
    source.SkuMeter AS SkuMeter,
    -- SkuPriceDetails: as exported.
    source.SkuPriceDetails AS SkuPriceDetails,
    -- SkuPriceId: as exported.
    source.SkuPriceId AS SkuPriceId,
    -- SubAccountId: as exported.
    source.SubAccountId AS SubAccountId,
    -- SubAccountName: as exported.
    source.SubAccountName AS SubAccountName,
    -- SubAccountType: as exported.
    source.SubAccountType AS SubAccountType,
    -- Tags: as exported.
    source.Tags AS Tags,
    -- x_CommitmentOffering: not in AWS's FOCUS exports.
    CAST(NULL AS VARCHAR) AS x_CommitmentOffering,
    -- x_CostBasis: not in AWS's FOCUS exports: their costs are net of negotiated discounts.
    CAST(NULL AS VARCHAR) AS x_CostBasis,
    -- x_CostCategories: not in this export: AWS has moved cost categories into Tags.
    CAST(NULL AS JSON) AS x_CostCategories,
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
    -- x_UsageType: the usage type, which this export calls SkuMeter.
    source.SkuMeter AS x_UsageType
FROM source;
