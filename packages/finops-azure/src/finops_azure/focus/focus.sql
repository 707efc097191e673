-- Azure FOCUS exports of versions 1.0-preview(v1), 1.0, 1.0r2, 1.2-preview and 1.2 -> FOCUS 1.2.
--
-- Reads `source` and the lookup azure_services. Costs and rows are Azure's own. What differs from the file: older
-- names and words become those of 1.2, known gaps are filled where FOCUS forbids them, and where Azure contradicts the
-- specification (a status on purchases, prices of 0 that mean unknown) the specification holds.
WITH services_by_name AS (
    SELECT
        ServiceName, min(ServiceCategory) AS ServiceCategory, min(ServiceSubcategory) AS ServiceSubcategory
    FROM azure_services GROUP BY ServiceName
),

named AS (
    SELECT
        * EXCLUDE (ServiceName),
        coalesce(
            nullif(ServiceName, ''), nullif(x_SkuMeterCategory, ''),
            CASE WHEN x_PublisherCategory = 'Marketplace' THEN 'Azure Marketplace' END, 'Azure'
        ) AS ServiceName,
        -- commitment: the commitment's id, where there is one.
        nullif(CommitmentDiscountId, '') AS commitment,
        -- other_sku: what stands for a SKU that is missing: the meter, else the part number.
        coalesce(nullif(x_SkuMeterId, ''), nullif(x_SkuPartNumber, '')) AS other_sku,
        -- subcategory: 1.0-preview's subcategory of a charge.
        lower(coalesce(ChargeSubcategory, '')) AS subcategory,
        -- list_cost: 0 beside a cost means unknown: marketplace, reservations, and usage that they pay for.
        CASE WHEN ListCost = 0 AND (EffectiveCost <> 0 OR BilledCost <> 0) THEN NULL ELSE ListCost END AS list_cost,
        -- contracted: the contracted cost, whichever version's name it has.
        coalesce(ContractedCost, x_OnDemandCost) AS contracted,
        -- own_cost: what stands for a cost that is not known.
        CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS own_cost,
        -- own_price: what stands for a price that is not known: the effective one, where no commitment has a part in it
        --   and times quantity it is the cost.
        CASE
            WHEN commitment IS NULL AND abs(
                x_EffectiveUnitPrice::DOUBLE * PricingQuantity::DOUBLE - own_cost::DOUBLE
            ) <= 1e-9 * greatest(1, abs(own_cost::DOUBLE)) THEN nullif(x_EffectiveUnitPrice, 0)
        END AS own_price
    FROM source
),

matched AS (
    SELECT
        named.*,
        by_name.ServiceCategory AS known_category,
        by_name.ServiceSubcategory AS known_subcategory,
        -- category: the category as exported, else of the service's name.
        coalesce(nullif(named.ServiceCategory, ''), by_name.ServiceCategory, 'Other') AS category,
        -- contracted_cost: the contracted cost; 0 beside a cost means unknown.
        CASE WHEN contracted = 0 AND (EffectiveCost <> 0 OR BilledCost <> 0) THEN NULL ELSE contracted END AS contracted_cost,
        -- contracted_price: the contracted price; where it is unknown, what stands for it.
        CASE
            WHEN ChargeCategory IN ('Usage', 'Purchase') AND contracted_cost IS NULL AND own_price >= 0 THEN own_price
            WHEN ChargeCategory <> 'Tax' AND contracted_cost IS NOT NULL
                AND coalesce(ContractedUnitPrice, x_OnDemandUnitPrice) >= 0
                THEN coalesce(ContractedUnitPrice, x_OnDemandUnitPrice)
        END AS contracted_price,
        -- list_price: the list price; where it is unknown, the contracted price.
        CASE
            WHEN list_cost IS NULL THEN contracted_price
            WHEN ListUnitPrice >= 0 AND ChargeCategory <> 'Tax' THEN ListUnitPrice
        END AS list_price
    FROM named
    LEFT JOIN services_by_name AS by_name ON by_name.ServiceName = named.ServiceName
)

SELECT
    -- AvailabilityZone: only 1.0-preview has it.
    AvailabilityZone,
    -- BilledCost: as exported.
    BilledCost,
    -- BillingAccountId: as exported.
    BillingAccountId,
    -- BillingAccountName: as exported.
    BillingAccountName,
    -- BillingAccountType: as exported; where it is missing, what the id is of.
    coalesce(
        nullif(BillingAccountType, ''),
        CASE WHEN contains(lower(BillingAccountId), '/billingprofiles/') THEN 'Billing Profile' ELSE 'Billing Account' END
    ) AS BillingAccountType,
    -- BillingCurrency: as exported.
    upper(BillingCurrency) AS BillingCurrency,
    -- BillingPeriodEnd: as exported; the end of the delivered month where it is missing.
    coalesce(BillingPeriodEnd, (billing_period || '-01')::TIMESTAMP + INTERVAL 1 MONTH) AS BillingPeriodEnd,
    -- BillingPeriodStart: as exported; the start of the delivered month where it is missing.
    coalesce(BillingPeriodStart, (billing_period || '-01')::TIMESTAMP) AS BillingPeriodStart,
    -- CapacityReservationId: as exported, from 1.2 on.
    CapacityReservationId,
    -- CapacityReservationStatus: as exported, from 1.2 on.
    CapacityReservationStatus,
    -- ChargeCategory: as exported.
    coalesce(nullif(ChargeCategory, ''), 'Adjustment') AS ChargeCategory,
    -- ChargeClass: as exported; in 1.0-preview a refund of an earlier period was a subcategory.
    CASE
        WHEN ChargeClass = 'Correction' THEN ChargeClass
        WHEN subcategory = 'refund' AND ChargePeriodStart < BillingPeriodStart THEN 'Correction'
    END AS ChargeClass,
    -- ChargeDescription: as exported.
    ChargeDescription,
    -- ChargeFrequency: as exported; `Other` of 1.0-preview is no value of FOCUS.
    CASE
        WHEN ChargeFrequency IN ('One-Time', 'Recurring', 'Usage-Based') THEN ChargeFrequency
        WHEN ChargeCategory = 'Usage' THEN 'Usage-Based'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- ChargePeriodEnd: as exported.
    coalesce(ChargePeriodEnd, ChargePeriodStart + INTERVAL 1 DAY) AS ChargePeriodEnd,
    -- ChargePeriodStart: as exported.
    ChargePeriodStart,
    -- CommitmentDiscountCategory: as exported, where there is a commitment.
    CASE WHEN commitment IS NOT NULL THEN CommitmentDiscountCategory END AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: `CommitmentDiscountId` in lower case, since its spelling changes from row to row.
    lower(commitment) AS CommitmentDiscountId,
    -- CommitmentDiscountName: as exported, where there is a commitment.
    CASE WHEN commitment IS NOT NULL THEN CommitmentDiscountName END AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: as exported; always empty so far.
    CASE WHEN commitment IS NOT NULL AND ChargeCategory IN ('Usage', 'Purchase') THEN CommitmentDiscountQuantity END
        AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: on usage only: Azure sets Used on purchases too. In 1.0-preview it was a subcategory.
    CASE
        WHEN commitment IS NULL OR ChargeCategory <> 'Usage' THEN NULL
        WHEN CommitmentDiscountStatus IN ('Used', 'Unused') THEN CommitmentDiscountStatus
        WHEN subcategory = 'unused commitment' THEN 'Unused'
        ELSE 'Used'
    END AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: as exported, where there is a commitment.
    CASE WHEN commitment IS NOT NULL THEN CommitmentDiscountType END AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: as exported; always empty so far.
    CASE WHEN commitment IS NOT NULL AND ChargeCategory IN ('Usage', 'Purchase') THEN CommitmentDiscountUnit END
        AS CommitmentDiscountUnit,
    -- ConsumedQuantity: of usage that took place; called UsageQuantity in 1.0-preview.
    CASE
        WHEN ChargeCategory = 'Usage' AND subcategory <> 'unused commitment'
            AND coalesce(CommitmentDiscountStatus, '') <> 'Unused' THEN coalesce(ConsumedQuantity, UsageQuantity)
    END AS ConsumedQuantity,
    -- ConsumedUnit: its unit; called UsageUnit in 1.0-preview.
    CASE
        WHEN ChargeCategory = 'Usage' AND subcategory <> 'unused commitment'
            AND coalesce(CommitmentDiscountStatus, '') <> 'Unused'
            AND coalesce(ConsumedQuantity, UsageQuantity) IS NOT NULL
            THEN coalesce(nullif(ConsumedUnit, ''), nullif(UsageUnit, ''), 'Units')
    END AS ConsumedUnit,
    -- ContractedCost: as exported; 0 beside a cost means unknown, and the cost stands for it. 1.0-preview calls it
    --   x_OnDemandCost.
    coalesce(contracted_cost, own_cost) AS ContractedCost,
    -- ContractedUnitPrice: as exported, where there is a contracted cost; else the effective price, where that is what
    --   was paid without a commitment.
    contracted_price AS ContractedUnitPrice,
    -- EffectiveCost: as exported.
    EffectiveCost,
    -- InvoiceId: as exported; Enterprise Agreements have none. Called x_InvoiceId before 1.2.
    coalesce(nullif(InvoiceId, ''), nullif(x_InvoiceId, '')) AS InvoiceId,
    -- InvoiceIssuerName: as exported; the provider where it is missing.
    coalesce(nullif(InvoiceIssuerName, ''), nullif(ProviderName, ''), 'Microsoft') AS InvoiceIssuerName,
    -- ListCost: as exported; 0 beside a cost means unknown, and the contracted cost or the cost stands for it.
    coalesce(list_cost, contracted_cost, own_cost) AS ListCost,
    -- ListUnitPrice: as exported, where there is a list cost; else the contracted price.
    list_price AS ListUnitPrice,
    -- PricingCategory: in the words of 1.2; a purchase is never Committed, though Azure says so.
    CASE
        WHEN ChargeCategory IN ('Tax', 'Credit', 'Adjustment') THEN NULL
        WHEN PricingCategory IN ('Committed', 'Commitment-Based') AND ChargeCategory = 'Purchase' THEN 'Standard'
        WHEN commitment IS NOT NULL AND ChargeCategory = 'Usage' THEN 'Committed'
        WHEN PricingCategory IN ('On-Demand', 'Standard') THEN 'Standard'
        WHEN PricingCategory IN ('Commitment-Based', 'Committed') THEN 'Committed'
        WHEN PricingCategory = 'Dynamic' THEN 'Dynamic'
        WHEN nullif(PricingCategory, '') IS NULL THEN 'Standard'
        ELSE 'Other'
    END AS PricingCategory,
    -- PricingCurrency: as exported; called x_PricingCurrency before 1.2.
    upper(coalesce(nullif(PricingCurrency, ''), nullif(x_PricingCurrency, ''), BillingCurrency)) AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: ContractedUnitPrice where the currencies are one; else it is not exported.
    CASE
        WHEN upper(coalesce(nullif(PricingCurrency, ''), nullif(x_PricingCurrency, ''), BillingCurrency))
            = upper(BillingCurrency) THEN contracted_price
    END AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: EffectiveCost over the exchange rate, where the currencies differ.
    CASE
        WHEN EffectiveCost = 0 OR coalesce(nullif(x_BillingExchangeRate, 0), 1) = 1 THEN EffectiveCost
        ELSE CAST(round(EffectiveCost::DOUBLE / x_BillingExchangeRate::DOUBLE, 12) AS DECIMAL(38, 18))
    END AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: ListUnitPrice where the currencies are one; else it is not exported.
    CASE
        WHEN upper(coalesce(nullif(PricingCurrency, ''), nullif(x_PricingCurrency, ''), BillingCurrency))
            = upper(BillingCurrency) THEN list_price
    END AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: as exported; none for tax.
    CASE WHEN ChargeCategory <> 'Tax' THEN PricingQuantity END AS PricingQuantity,
    -- PricingUnit: as exported, where there is a quantity.
    CASE WHEN ChargeCategory <> 'Tax' AND PricingQuantity IS NOT NULL THEN coalesce(nullif(PricingUnit, ''), 'Units') END
        AS PricingUnit,
    -- ProviderName: as exported.
    coalesce(nullif(ProviderName, ''), 'Microsoft') AS ProviderName,
    -- PublisherName: as exported; the provider where it is missing, which is so on rows of reservations.
    coalesce(nullif(PublisherName, ''), nullif(ProviderName, ''), 'Microsoft') AS PublisherName,
    -- RegionId: as exported; called Region in 1.0-preview.
    coalesce(nullif(RegionId, ''), lower(replace(nullif(Region, ''), ' ', ''))) AS RegionId,
    -- RegionName: as exported; null exactly where RegionId is.
    CASE
        WHEN coalesce(nullif(RegionId, ''), nullif(Region, '')) IS NOT NULL
            THEN coalesce(nullif(RegionName, ''), nullif(Region, ''), RegionId)
    END AS RegionName,
    -- ResourceId: in lower case, as Azure mostly has it.
    lower(nullif(ResourceId, '')) AS ResourceId,
    -- ResourceName: as exported, where there is a resource.
    CASE WHEN nullif(ResourceId, '') IS NOT NULL THEN nullif(ResourceName, '') END AS ResourceName,
    -- ResourceType: as exported; the type in the id where it is missing.
    CASE
        WHEN nullif(ResourceId, '') IS NOT NULL THEN coalesce(nullif(ResourceType, ''), nullif(x_ResourceType, ''), 'Resource')
    END AS ResourceType,
    -- ServiceCategory: as exported; by the service's name where it is missing.
    category AS ServiceCategory,
    -- ServiceName: as exported; the meter category, or Azure Marketplace, where it is missing.
    ServiceName,
    -- ServiceSubcategory: as exported from 1.2 on; by the service's name before.
    coalesce(
        nullif(ServiceSubcategory, ''),
        CASE WHEN known_category = category THEN known_subcategory END,
        'Other (' || category || ')'
    ) AS ServiceSubcategory,
    -- SkuId: as exported; the meter or the part number where it is missing, which is so for products of the marketplace;
    --   none for tax.
    CASE WHEN ChargeCategory <> 'Tax' THEN coalesce(nullif(SkuId, ''), other_sku) END AS SkuId,
    -- SkuMeter: as exported; called x_SkuMeterName before 1.2.
    CASE WHEN ChargeCategory <> 'Tax' THEN coalesce(nullif(SkuMeter, ''), nullif(x_SkuMeterName, '')) END AS SkuMeter,
    -- SkuPriceDetails: as exported, where it is JSON.
    CASE WHEN ChargeCategory <> 'Tax' AND json_valid(SkuPriceDetails) THEN SkuPriceDetails END AS SkuPriceDetails,
    -- SkuPriceId: as exported; the SKU where it is missing.
    CASE WHEN ChargeCategory <> 'Tax' THEN coalesce(nullif(SkuPriceId, ''), nullif(SkuId, ''), other_sku) END
        AS SkuPriceId,
    -- SubAccountId: as exported.
    SubAccountId,
    -- SubAccountName: as exported.
    CASE WHEN nullif(SubAccountId, '') IS NOT NULL THEN SubAccountName END AS SubAccountName,
    -- SubAccountType: as exported.
    CASE WHEN nullif(SubAccountId, '') IS NOT NULL THEN coalesce(nullif(SubAccountType, ''), 'Subscription') END
        AS SubAccountType,
    -- Tags: as exported.
    CASE WHEN Tags::VARCHAR <> '{}' THEN Tags END AS Tags,
    -- x_SourceFile: the file that the row was read from.
    source_file AS x_SourceFile,
    -- x_Generated: no row is made up here.
    false AS x_Generated,
    -- x_LineItemType: 1.0-preview's subcategory, else Azure's class of an amortised row, else the category.
    coalesce(nullif(ChargeSubcategory, ''), nullif(x_AmortizationClass, ''), ChargeCategory) AS x_LineItemType,
    -- x_ListCostBasis: what ListCost is: list, contracted or cost.
    CASE WHEN list_cost IS NOT NULL THEN 'list' WHEN contracted_cost IS NOT NULL THEN 'contracted' ELSE 'cost' END
        AS x_ListCostBasis,
    -- Azure's own columns, as exported.
    x_AccountId, x_AccountName, x_AccountOwnerId, x_AmortizationClass, x_BilledCostInUsd, x_BilledUnitPrice,
    x_BillingAccountId, x_BillingAccountName, x_BillingExchangeRate, x_BillingExchangeRateDate, x_BillingProfileId,
    x_BillingProfileName, x_ChargeId, x_CostAllocationRuleName, x_CostCenter, x_CustomerId, x_CustomerName,
    x_EffectiveCostInUsd, x_EffectiveUnitPrice, x_InvoiceIssuerId, x_InvoiceSectionId, x_InvoiceSectionName,
    x_ListCostInUsd, x_PartnerCreditApplied, x_PartnerCreditRate, x_PricingBlockSize, x_PricingSubcategory,
    x_PricingUnitDescription, x_PublisherCategory, x_PublisherId, x_ResellerId, x_ResellerName, x_ResourceGroupName,
    x_ResourceType, x_ServiceModel, x_ServicePeriodEnd, x_ServicePeriodStart, x_SkuDescription, x_SkuIsCreditEligible,
    x_SkuMeterCategory, x_SkuMeterId, x_SkuMeterSubcategory, x_SkuOfferId, x_SkuOrderId, x_SkuOrderName,
    x_SkuPartNumber, x_SkuPlanName, x_SkuRegion, x_SkuServiceFamily, x_SkuTerm, x_SkuTier
FROM matched;
