-- Google Cloud's own FOCUS export (and the view that Google publishes as SQL) to FOCUS 1.2, in DuckDB's dialect.
--
-- The rows are Google's. What is mended is what FOCUS 1.2 asks for and the export lacks or writes otherwise. Reads
-- `source` (the raw rows of one invoice month under Google's own names, nested columns as JSON) and the lookups
-- gcp_services, gcp_regions and gcp_units.

WITH
tag_sets AS (
    SELECT
        x_Labels AS labels_key,
        x_Tags AS tags_key,
        x_ProjectLabels AS project_labels_key,
        -- pairs: keys and values of all three, in their order of precedence.
        list_concat(
            from_json(CASE WHEN json_type(x_Labels) = 'ARRAY' THEN x_Labels END, '[{"Key":"VARCHAR","Value":"VARCHAR"}]'),
            from_json(CASE WHEN json_type(x_Tags) = 'ARRAY' THEN x_Tags END, '[{"Key":"VARCHAR","Value":"VARCHAR"}]'),
            from_json(
                CASE WHEN json_type(x_ProjectLabels) = 'ARRAY' THEN x_ProjectLabels END,
                '[{"Key":"VARCHAR","Value":"VARCHAR"}]'
            )
        ) AS pairs,
        list_transform(pairs, lambda pair: pair."Key") AS keys,
        -- tag_set: labels of the resource, tags and labels of the project in one, the first of each key.
        nullif(
            '{' || array_to_string(
                list_transform(
                    list_filter(pairs, lambda pair, i: pair."Key" IS NOT NULL AND list_position(keys, pair."Key") = i),
                    lambda pair: to_json(pair."Key") || ':' || coalesce(to_json(pair."Value"), 'true')
                ),
                ','
            ) || '}',
            '{}'
        ) AS tag_set
    FROM (SELECT DISTINCT x_Labels, x_Tags, x_ProjectLabels FROM source)
    WHERE coalesce(x_Labels, x_Tags, x_ProjectLabels) IS NOT NULL
),

-- The category of a service that is not in the table: one of those that the export gives it.
named AS (
    SELECT ServiceName AS service_description, min(ServiceCategory) AS ServiceCategory
    FROM source
    WHERE ServiceCategory IS NOT NULL
    GROUP BY ServiceName
),

rows_of_bill AS (
    SELECT
        *,
        -- category: the charge category with a capital.
        coalesce(upper(left(ChargeCategory, 1)) || lower(substring(ChargeCategory, 2)), 'Usage') AS category,
        -- model_name: the consumption model, if it is a commitment's.
        CASE
            WHEN coalesce(x_ConsumptionModelDescription, 'Default') <> 'Default' THEN x_ConsumptionModelDescription
        END AS model_name,
        -- commitment: the commitment that the row buys or is covered by.
        coalesce(
            CommitmentDiscountId,
            CASE WHEN category = 'Purchase' THEN x_SubscriptionInstanceId END,
            CASE WHEN category = 'Usage' AND model_name IS NOT NULL THEN
                'unknown:' || coalesce(x_ConsumptionModelId, model_name)
            END
        ) AS commitment,
        -- consumes: usage, but not what is left unused of a commitment.
        category = 'Usage' AND CommitmentDiscountStatus IS DISTINCT FROM 'Unused' AS consumes,
        -- consumed: the consumed quantity if it fits.
        CASE WHEN abs(ConsumedQuantity) < 99999999999999999999 THEN CAST(ConsumedQuantity AS DECIMAL(38, 18)) END
            AS consumed,
        -- billing_start: the first of the month; midnight in Los Angeles is up to eight hours later in UTC.
        date_trunc('month', coalesce(BillingPeriodStart, CAST(billing_period || '-01' AS TIMESTAMP))) AS billing_start
    FROM source
)

SELECT
    -- AvailabilityZone: the export's.
    AvailabilityZone AS AvailabilityZone,
    -- BilledCost: the export's. Its older relative, a view that Google publishes as SQL, leaves credits out of it; the check
    --   F3 tells.
    coalesce(BilledCost, 0) AS BilledCost,
    -- BillingAccountId: the export's.
    BillingAccountId AS BillingAccountId,
    -- BillingAccountName: the export's, if it has one.
    BillingAccountName AS BillingAccountName,
    -- BillingAccountType: the export's, else Google's word for it.
    coalesce(BillingAccountType, 'Billing Account') AS BillingAccountType,
    -- BillingCurrency: the export's.
    BillingCurrency AS BillingCurrency,
    -- BillingPeriodEnd: the first of the month after BillingPeriodStart; Google's view ends it a day early.
    billing_start + INTERVAL 1 MONTH AS BillingPeriodEnd,
    -- BillingPeriodStart: the first of the export's month at midnight UTC; Google's view writes midnight in Los Angeles.
    billing_start AS BillingPeriodStart,
    -- CapacityReservationId: the export's, if it has one.
    CapacityReservationId AS CapacityReservationId,
    -- CapacityReservationStatus: the export's, if it has one.
    CASE WHEN CapacityReservationId IS NOT NULL THEN CapacityReservationStatus END AS CapacityReservationStatus,
    -- ChargeCategory: the export's, with a capital; Google's view writes it small.
    category AS ChargeCategory,
    -- ChargeClass: the export's, with a capital.
    CASE WHEN lower(ChargeClass) = 'correction' THEN 'Correction' END AS ChargeClass,
    -- ChargeDescription: the export's.
    ChargeDescription AS ChargeDescription,
    -- ChargeFrequency: the export's; else Usage-Based for usage, Recurring for purchases, One-Time for the rest.
    coalesce(
        ChargeFrequency,
        CASE category WHEN 'Usage' THEN 'Usage-Based' WHEN 'Purchase' THEN 'Recurring' ELSE 'One-Time' END
    ) AS ChargeFrequency,
    -- ChargePeriodEnd: the export's.
    coalesce(ChargePeriodEnd, billing_start + INTERVAL 1 MONTH) AS ChargePeriodEnd,
    -- ChargePeriodStart: the export's.
    coalesce(ChargePeriodStart, billing_start) AS ChargePeriodStart,
    -- CommitmentDiscountCategory: the export's; Spend where the consumption model tells of a spend-based commitment.
    CASE
        WHEN CommitmentDiscountCategory IS NOT NULL THEN CommitmentDiscountCategory
        WHEN commitment IS NULL THEN NULL
        WHEN model_name IS NOT NULL THEN 'Spend'
        ELSE 'Usage'
    END AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: the export's; else the subscription of a purchase, or `unknown:` and the consumption model.
    commitment AS CommitmentDiscountId,
    -- CommitmentDiscountName: the export's, else the consumption model's name.
    CASE WHEN commitment IS NOT NULL THEN coalesce(CommitmentDiscountName, model_name) END AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: the export's.
    CASE WHEN commitment IS NOT NULL THEN CommitmentDiscountQuantity END AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: the export's; Used on usage under a consumption model.
    CASE WHEN commitment IS NOT NULL AND category = 'Usage' THEN coalesce(CommitmentDiscountStatus, 'Used') END AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: the export's, else Google's name for it.
    CASE WHEN commitment IS NOT NULL THEN coalesce(CommitmentDiscountType, 'Committed use discount') END AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: the export's.
    CASE WHEN commitment IS NOT NULL THEN CommitmentDiscountUnit END AS CommitmentDiscountUnit,
    -- ConsumedQuantity: the export's, on usage; amounts above 10^20, which do not fit, in pricing units.
    CASE WHEN consumes THEN coalesce(consumed, PricingQuantity) END AS ConsumedQuantity,
    -- ConsumedUnit: the export's, as FOCUS writes units.
    CASE
        WHEN consumes AND consumed IS NOT NULL THEN coalesce(consumed_units.unit, source.ConsumedUnit, 'Units')
        WHEN consumes AND PricingQuantity IS NOT NULL THEN coalesce(pricing_units.unit, source.PricingUnit, 'Units')
    END AS ConsumedUnit,
    -- ContractedCost: the export's.
    coalesce(ContractedCost, BilledCost, 0) AS ContractedCost,
    -- ContractedUnitPrice: the export's; negative ones, and those of taxes, are left out.
    CASE WHEN ContractedUnitPrice >= 0 AND category <> 'Tax' THEN ContractedUnitPrice END AS ContractedUnitPrice,
    -- EffectiveCost: the export's, else BilledCost.
    coalesce(EffectiveCost, BilledCost, 0) AS EffectiveCost,
    -- InvoiceId: the export's, if it has one.
    InvoiceId AS InvoiceId,
    -- InvoiceIssuerName: the export's, else Google Cloud.
    coalesce(InvoiceIssuerName, 'Google Cloud') AS InvoiceIssuerName,
    -- ListCost: the export's, else ContractedCost.
    coalesce(ListCost, ContractedCost, BilledCost, 0) AS ListCost,
    -- ListUnitPrice: the export's; negative ones, and those of taxes, are left out.
    CASE WHEN ListUnitPrice >= 0 AND category <> 'Tax' THEN ListUnitPrice END AS ListUnitPrice,
    -- PricingCategory: Committed on what a commitment covers; else the export's on usage and purchases; never on taxes.
    CASE
        WHEN category = 'Tax' THEN NULL
        WHEN commitment IS NOT NULL AND category = 'Usage' THEN 'Committed'
        WHEN category = 'Purchase' THEN coalesce(nullif(PricingCategory, 'Committed'), 'Standard')
        ELSE PricingCategory
    END AS PricingCategory,
    -- PricingCurrency: the export's, else the billing currency.
    coalesce(PricingCurrency, BillingCurrency) AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: the export's.
    CASE WHEN category <> 'Tax' THEN PricingCurrencyContractedUnitPrice END AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: the export's; EffectiveCost where it is in the billing currency.
    CASE
        WHEN coalesce(PricingCurrency, BillingCurrency) = BillingCurrency THEN coalesce(EffectiveCost, BilledCost, 0)
        ELSE PricingCurrencyEffectiveCost
    END AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: the export's.
    CASE WHEN category <> 'Tax' THEN PricingCurrencyListUnitPrice END AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: the export's; not on taxes.
    CASE WHEN category <> 'Tax' THEN PricingQuantity END AS PricingQuantity,
    -- PricingUnit: the export's, as FOCUS writes units.
    CASE
        WHEN category <> 'Tax' AND PricingQuantity IS NOT NULL THEN coalesce(pricing_units.unit, PricingUnit, 'Units')
    END AS PricingUnit,
    -- ProviderName: the export's, else Google Cloud.
    coalesce(ProviderName, 'Google Cloud') AS ProviderName,
    -- PublisherName: the export's, else Google Cloud.
    coalesce(PublisherName, 'Google Cloud') AS PublisherName,
    -- RegionId: the export's.
    source.RegionId AS RegionId,
    -- RegionName: the export's, else from the table of regions, else RegionId.
    CASE
        WHEN source.RegionId IS NOT NULL THEN coalesce(source.RegionName, gcp_regions.RegionName, source.RegionId)
    END AS RegionName,
    -- ResourceId: the export's.
    ResourceId AS ResourceId,
    -- ResourceName: the export's.
    CASE WHEN ResourceId IS NOT NULL THEN ResourceName END AS ResourceName,
    -- ResourceType: the export's; else the segment before the last of a full resource name, else the service.
    CASE
        WHEN ResourceId IS NULL THEN NULL
        WHEN ResourceType IS NOT NULL THEN ResourceType
        WHEN ResourceId LIKE '//%/%/%' THEN coalesce(nullif(split_part(ResourceId, '/', -2), ''), source.ServiceName)
        ELSE coalesce(source.ServiceName, 'Resource')
    END AS ResourceType,
    -- ServiceCategory: from the table of services, so that a service has one category; else the export's, else Other.
    coalesce(gcp_services.ServiceCategory, named.ServiceCategory, source.ServiceCategory, 'Other') AS ServiceCategory,
    -- ServiceName: the export's.
    coalesce(source.ServiceName, 'Invoice') AS ServiceName,
    -- ServiceSubcategory: from the table of services, else the export's, else Other.
    coalesce(
        gcp_services.ServiceSubcategory,
        source.ServiceSubcategory,
        'Other (' || coalesce(source.ServiceCategory, 'Other') || ')'
    ) AS ServiceSubcategory,
    -- SkuId: the export's; nothing on taxes.
    CASE WHEN category <> 'Tax' THEN SkuId END AS SkuId,
    -- SkuMeter: the export's, else the description; nothing on taxes.
    CASE WHEN category <> 'Tax' AND SkuId IS NOT NULL THEN coalesce(SkuMeter, ChargeDescription) END AS SkuMeter,
    -- SkuPriceDetails: the export's, if it has them.
    CASE WHEN category <> 'Tax' AND SkuPriceId IS NOT NULL THEN SkuPriceDetails END AS SkuPriceDetails,
    -- SkuPriceId: the export's; nothing on taxes.
    CASE WHEN category <> 'Tax' THEN SkuPriceId END AS SkuPriceId,
    -- SubAccountId: the project; the export's own where there is none. Google's view puts the billing account there.
    coalesce(x_Project ->> 'Id', nullif(SubAccountId, BillingAccountId)) AS SubAccountId,
    -- SubAccountName: the project's name, else the export's.
    coalesce(x_Project ->> 'Name', SubAccountName) AS SubAccountName,
    -- SubAccountType: the export's, else Google's word for it.
    CASE
        WHEN coalesce(x_Project ->> 'Id', nullif(SubAccountId, BillingAccountId)) IS NOT NULL
            THEN coalesce(SubAccountType, 'Project')
    END AS SubAccountType,
    -- Tags: the export's; else labels of the resource, tags and labels of the project in one, the first of each key.
    coalesce(Tags, tag_sets.tag_set) AS Tags,
    -- x_ConsumptionModel: the consumption model under which the row is priced.
    x_ConsumptionModelDescription AS x_ConsumptionModel,
    -- x_Credits: the row's credits as exported.
    CASE WHEN x_Credits <> '[]' THEN x_Credits END AS x_Credits,
    -- x_ExportTime: when Google appended the row, UTC.
    x_ExportTime AS x_ExportTime,
    -- x_Generated: false: no row is made here.
    false AS x_Generated,
    -- x_LineItemType: the cost type.
    x_CostType AS x_LineItemType,
    -- x_ProjectNumber: the project's number.
    x_Project ->> 'Number' AS x_ProjectNumber,
    -- x_ServiceCode: the service's id.
    x_ServiceId AS x_ServiceCode,
    -- x_SourceFile: the file that the row came from.
    source_file AS x_SourceFile
FROM rows_of_bill AS source
LEFT JOIN gcp_services ON gcp_services.service_description = source.ServiceName
LEFT JOIN named ON named.service_description = source.ServiceName
LEFT JOIN gcp_regions ON gcp_regions.RegionId = source.RegionId
LEFT JOIN gcp_units AS consumed_units ON consumed_units.pricing_unit = ConsumedUnit
LEFT JOIN gcp_units AS pricing_units ON pricing_units.pricing_unit = PricingUnit
LEFT JOIN tag_sets
    ON tag_sets.labels_key IS NOT DISTINCT FROM x_Labels
    AND tag_sets.tags_key IS NOT DISTINCT FROM x_Tags
    AND tag_sets.project_labels_key IS NOT DISTINCT FROM x_ProjectLabels;
