-- What every FOCUS row must be like, whichever provider it came from. Costs and prices are compared as DOUBLE, which is
-- enough for a tolerance of 1e-9; a product of two DECIMAL(38,18) would not fit.

-- check: R1 quality Unit price times quantity is the cost
--   Corrections may restate a cost without its price.
SELECT
    CASE WHEN list_is_off THEN 'list' ELSE 'contracted' END || ' price of ' || sku,
    CASE WHEN list_is_off THEN list_cost ELSE contracted_cost END,
    CASE WHEN list_is_off THEN list_product ELSE contracted_product END
FROM (
    SELECT
        *,
        abs(list_product - list_cost) > 1e-9 * greatest(1, abs(list_cost)) AS list_is_off,
        abs(contracted_product - contracted_cost) > 1e-9 * greatest(1, abs(contracted_cost)) AS contracted_is_off
    FROM (
        SELECT
            coalesce(SkuPriceId, SkuId, ServiceName, '?') AS sku,
            CAST(ListCost AS DOUBLE) AS list_cost,
            CAST(ContractedCost AS DOUBLE) AS contracted_cost,
            CAST(ListUnitPrice AS DOUBLE) * CAST(PricingQuantity AS DOUBLE) AS list_product,
            CAST(ContractedUnitPrice AS DOUBLE) * CAST(PricingQuantity AS DOUBLE) AS contracted_product
        FROM focus
        WHERE ChargeClass IS NULL
    )
)
WHERE list_is_off OR contracted_is_off

-- check: R2 quality Unit prices are not negative
SELECT coalesce(SkuPriceId, SkuId, ServiceName), '>= 0', least(ListUnitPrice, ContractedUnitPrice)
FROM focus
WHERE ListUnitPrice < 0 OR ContractedUnitPrice < 0

-- check: R3 quality Periods begin before they end, and billing periods are calendar months in UTC
SELECT 'charge period', ChargePeriodStart, ChargePeriodEnd
FROM focus
WHERE ChargePeriodStart >= ChargePeriodEnd
UNION ALL
SELECT 'billing period', date_trunc('month', BillingPeriodStart), BillingPeriodEnd
FROM (SELECT DISTINCT BillingPeriodStart, BillingPeriodEnd FROM focus)
WHERE BillingPeriodStart <> date_trunc('month', BillingPeriodStart)
   OR BillingPeriodEnd <> BillingPeriodStart + INTERVAL 1 MONTH

-- check: R4 quality Usage says what was priced
--   FOCUS asks it of purchases too, but no cloud gives its fees a SKU. Rows that give money back have no price.
SELECT ChargeCategory || ' of ' || ServiceName, 'quantity, unit, SKU and prices',
       count(*) || ' rows without ' || concat_ws(', ',
           CASE WHEN bool_or(PricingQuantity IS NULL) THEN 'PricingQuantity' END,
           CASE WHEN bool_or(PricingUnit IS NULL) THEN 'PricingUnit' END,
           CASE WHEN bool_or(PricingCategory IS NULL) THEN 'PricingCategory' END,
           CASE WHEN bool_or(SkuId IS NULL) THEN 'SkuId' END,
           CASE WHEN bool_or(SkuPriceId IS NULL) THEN 'SkuPriceId' END,
           CASE WHEN bool_or(PricingQuantity <> 0 AND ListUnitPrice IS NULL) THEN 'ListUnitPrice' END,
           CASE WHEN bool_or(PricingQuantity <> 0 AND ContractedUnitPrice IS NULL) THEN 'ContractedUnitPrice' END)
FROM focus
WHERE ChargeCategory = 'Usage' AND ChargeClass IS NULL AND BilledCost > 0
  AND (PricingQuantity IS NULL OR PricingUnit IS NULL OR PricingCategory IS NULL OR SkuId IS NULL
       OR SkuPriceId IS NULL OR (PricingQuantity <> 0 AND (ListUnitPrice IS NULL OR ContractedUnitPrice IS NULL)))
GROUP BY ChargeCategory, ServiceName

-- check: R5 quality Taxes have no prices and no SKU
SELECT 'tax of ' || ServiceName, NULL, coalesce(SkuId, SkuPriceId, SkuMeter, PricingCategory, PricingUnit, 'a price')
FROM focus
WHERE ChargeCategory = 'Tax'
  AND (SkuId IS NOT NULL OR SkuPriceId IS NOT NULL OR SkuMeter IS NOT NULL OR SkuPriceDetails IS NOT NULL
       OR PricingCategory IS NOT NULL OR PricingUnit IS NOT NULL OR PricingQuantity IS NOT NULL
       OR ListUnitPrice IS NOT NULL OR ContractedUnitPrice IS NOT NULL)

-- check: R6 quality Only usage consumes
SELECT ChargeCategory || ' of ' || ServiceName, NULL, ConsumedQuantity
FROM focus
WHERE (ConsumedQuantity IS NOT NULL OR ConsumedUnit IS NOT NULL)
  AND (ChargeCategory <> 'Usage' OR CommitmentDiscountStatus = 'Unused')
UNION ALL
SELECT 'unit of ' || ServiceName, coalesce(ConsumedUnit, 'a unit'), ConsumedQuantity
FROM focus
WHERE (ConsumedQuantity IS NULL) <> (ConsumedUnit IS NULL)
UNION ALL
SELECT 'unit of ' || ServiceName, coalesce(PricingUnit, 'a unit'), PricingQuantity
FROM focus
WHERE (PricingQuantity IS NULL) <> (PricingUnit IS NULL)

-- check: R7 quality Commitment columns stand together
SELECT CommitmentDiscountId, 'Used or Unused', CommitmentDiscountStatus
FROM focus
WHERE CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Usage' AND CommitmentDiscountStatus IS NULL
UNION ALL
SELECT ServiceName, 'no commitment columns without an id',
       coalesce(CommitmentDiscountStatus, CommitmentDiscountCategory, CommitmentDiscountType, CommitmentDiscountName,
                CommitmentDiscountUnit, CAST(CommitmentDiscountQuantity AS VARCHAR))
FROM focus
WHERE CommitmentDiscountId IS NULL
  AND (CommitmentDiscountStatus IS NOT NULL OR CommitmentDiscountCategory IS NOT NULL
       OR CommitmentDiscountType IS NOT NULL OR CommitmentDiscountName IS NOT NULL
       OR CommitmentDiscountQuantity IS NOT NULL OR CommitmentDiscountUnit IS NOT NULL)
UNION ALL
SELECT CommitmentDiscountId, 'a category and a type', coalesce(CommitmentDiscountCategory, CommitmentDiscountType)
FROM focus
WHERE CommitmentDiscountId IS NOT NULL AND (CommitmentDiscountCategory IS NULL OR CommitmentDiscountType IS NULL)

-- check: R8 quality Committed is the pricing of what a commitment covers
SELECT CommitmentDiscountId, 'Committed', PricingCategory
FROM focus
WHERE CommitmentDiscountStatus IS NOT NULL AND PricingCategory IS DISTINCT FROM 'Committed'
UNION ALL
SELECT CommitmentDiscountId, 'not Committed on a purchase', PricingCategory
FROM focus
WHERE ChargeCategory = 'Purchase' AND PricingCategory = 'Committed'

-- check: R9 quality Names and types stand where their ids do
SELECT coalesce(RegionId, RegionName), RegionId, RegionName
FROM focus
WHERE (RegionId IS NULL) <> (RegionName IS NULL)
UNION ALL
SELECT coalesce(ResourceId, ResourceName, ResourceType), ResourceId, ResourceType
FROM focus
WHERE (ResourceId IS NULL) <> (ResourceType IS NULL) OR (ResourceId IS NULL AND ResourceName IS NOT NULL)
UNION ALL
SELECT coalesce(CapacityReservationId, ChargeDescription), CapacityReservationId, CapacityReservationStatus
FROM focus
WHERE CapacityReservationId IS NULL AND CapacityReservationStatus IS NOT NULL

-- check: R10 quality A service has one category
SELECT ServiceName, '1 category', string_agg(DISTINCT ServiceCategory, ', ' ORDER BY ServiceCategory)
FROM focus
GROUP BY ServiceName
HAVING count(DISTINCT ServiceCategory) > 1

-- check: R11 quality JSON columns hold objects
SELECT 'Tags of ' || coalesce(ResourceId, ServiceName), 'a JSON object', Tags
FROM (SELECT DISTINCT ON (Tags) Tags, ResourceId, ServiceName FROM focus WHERE Tags IS NOT NULL)
WHERE json_type(Tags) IS DISTINCT FROM 'OBJECT'
UNION ALL
SELECT 'SkuPriceDetails of ' || coalesce(SkuId, ServiceName), 'a JSON object', SkuPriceDetails
FROM (SELECT DISTINCT ON (SkuPriceDetails) SkuPriceDetails, SkuId, ServiceName FROM focus WHERE SkuPriceDetails IS NOT NULL)
WHERE json_type(SkuPriceDetails) IS DISTINCT FROM 'OBJECT'

-- check: R16 quality Costs in the pricing currency are the costs where it is the billing currency
SELECT 'pricing currency ' || PricingCurrency, EffectiveCost, PricingCurrencyEffectiveCost
FROM focus
WHERE PricingCurrency = BillingCurrency AND PricingCurrencyEffectiveCost <> EffectiveCost
