-- What must hold between a standard or detailed export and its FOCUS rows. finops_core.focus.invariants says how this
-- file is read. Sums are exact decimals; the tolerance of 1e-9 is for what is divided.

-- check: G0 money Every row's credits can be read
--   Credits that are no list of amounts would be left out of the bill, which would come out too high.
SELECT source_file, 'a list of credits', credits
FROM source
WHERE credits IS NOT NULL
  AND (json_type(credits) <> 'ARRAY' OR len(json_extract_string(credits, '$[*].amount')) <> json_array_length(credits))

-- check: G1 money Billed cost is cost plus all credits
--   per billing account and currency; with taxes it is what the invoice says. Credits are added up here in another way
--   than in the conversion.
WITH bill AS (
    SELECT billing_account_id AS account, currency,
           sum(coalesce(cost, 0))
           + coalesce(
               sum(list_sum(CAST(json_extract_string(credits, '$[*].amount') AS DECIMAL(38, 18)[]))), 0
           ) AS total
    FROM source
    GROUP BY ALL
),
converted AS (
    SELECT BillingAccountId AS account, BillingCurrency AS currency, sum(BilledCost) AS total FROM focus GROUP BY ALL
)
SELECT coalesce(bill.account, converted.account, 'no account') || ' ' || coalesce(bill.currency, converted.currency, '?'),
       bill.total, converted.total
FROM bill
FULL JOIN converted
    ON bill.account IS NOT DISTINCT FROM converted.account AND bill.currency IS NOT DISTINCT FROM converted.currency
WHERE coalesce(bill.total, 0) <> coalesce(converted.total, 0)

-- check: G2 money Effective cost is billed cost
--   Nothing is paid up front in an export: fees that are spread over usage stay in their month.
SELECT coalesce(BillingAccountId, 'no account') || ' ' || coalesce(BillingCurrency, '?'),
       sum(BilledCost), sum(EffectiveCost)
FROM focus
GROUP BY BillingAccountId, BillingCurrency
HAVING abs(sum(BilledCost) - sum(EffectiveCost)) > 0.000000001

-- check: G3 quality List cost of usage is the export's
--   over usage at list prices, else at cost; without adjustments and idle commitments.
WITH bill AS (
    SELECT currency, sum(coalesce(cost_at_list, cost, 0)) AS total
    FROM source
    WHERE coalesce(cost_type, 'regular') NOT IN ('tax', 'rounding_error', 'adjustment')
      AND coalesce(adjustment_info_id, adjustment_info_description, adjustment_info_mode, adjustment_info_type) IS NULL
      AND NOT coalesce(starts_with(sku_description, 'Commitment'), false)
      AND NOT (
          subscription_instance_id IS NOT NULL
          AND coalesce(resource_global_name, resource_name) IS NULL
          AND coalesce(credits NOT LIKE '%COMMITTED_USAGE_DISCOUNT%', true)
          AND coalesce(consumption_model_description, 'Default') = 'Default'
      )
    GROUP BY currency
),
converted AS (
    SELECT BillingCurrency AS currency, sum(ListCost) AS total
    FROM focus
    WHERE ChargeCategory = 'Usage' AND ChargeClass IS NULL AND CommitmentDiscountStatus IS DISTINCT FROM 'Unused'
    GROUP BY BillingCurrency
)
SELECT coalesce(bill.currency, converted.currency, '?'), bill.total, converted.total
FROM bill FULL JOIN converted ON bill.currency IS NOT DISTINCT FROM converted.currency
WHERE abs(coalesce(bill.total, 0) - coalesce(converted.total, 0)) > 0.000000001

-- check: G4 money Tax is the export's tax
WITH bill AS (
    SELECT currency, sum(coalesce(cost, 0)) AS total FROM source WHERE cost_type = 'tax' GROUP BY currency
),
converted AS (
    SELECT BillingCurrency AS currency, sum(BilledCost) AS total
    FROM focus WHERE ChargeCategory = 'Tax' GROUP BY BillingCurrency
)
SELECT coalesce(bill.currency, converted.currency, '?'), bill.total, converted.total
FROM bill FULL JOIN converted ON bill.currency IS NOT DISTINCT FROM converted.currency
WHERE coalesce(bill.total, 0) <> coalesce(converted.total, 0)
  -- A credit on a tax row lowers the tax.
  AND NOT EXISTS (FROM source WHERE cost_type = 'tax' AND credits IS NOT NULL AND credits <> '[]')

-- check: G5 money Split-off credits are the export's credits of these kinds
--   where the export gives a kind at all.
WITH each AS (
    SELECT currency, unnest(from_json(credits, '[{"type":"VARCHAR","amount":"VARCHAR"}]')) AS credit
    FROM source
    WHERE credits IS NOT NULL AND json_type(credits) = 'ARRAY'
),
bill AS (
    SELECT currency, sum(CAST(nullif(credit.amount, '') AS DECIMAL(38, 18))) AS total
    FROM each
    WHERE upper(credit.type) NOT IN (
        '', 'SUSTAINED_USAGE_DISCOUNT', 'DISCOUNT', 'COMMITTED_USAGE_DISCOUNT', 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE',
        'FEE_UTILIZATION_OFFSET', 'SUBSCRIPTION_BENEFIT', 'RESELLER_MARGIN', 'FREE_TIER'
    )
    GROUP BY currency
),
converted AS (
    SELECT BillingCurrency AS currency, sum(BilledCost) AS total
    FROM focus WHERE ChargeCategory = 'Credit' AND x_CreditType <> 'UNKNOWN' GROUP BY BillingCurrency
)
SELECT coalesce(bill.currency, converted.currency, '?'), bill.total, converted.total
FROM bill FULL JOIN converted ON bill.currency IS NOT DISTINCT FROM converted.currency
WHERE coalesce(bill.total, 0) <> coalesce(converted.total, 0)

-- check: G6 money What usage bears of resource-based commitments is their fees
--   per day, where a fee was spread: what effective cost exceeds billed cost by on Used and Unused rows.
SELECT CAST(ChargePeriodStart AS DATE) || ' ' || coalesce(BillingCurrency, '?'),
       sum(BilledCost) FILTER (ChargeCategory = 'Purchase'),
       sum(EffectiveCost - BilledCost) FILTER (ChargeCategory = 'Usage')
FROM focus
WHERE x_EffectiveCostBasis = 'spread'
GROUP BY CAST(ChargePeriodStart AS DATE), BillingCurrency
HAVING abs(
    coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Purchase'), 0)
    - coalesce(sum(EffectiveCost - BilledCost) FILTER (ChargeCategory = 'Usage'), 0)
) > 0.000000001

-- check: G7 quality What is left of fees after their offset is idle commitment, and not negative
SELECT coalesce(BillingAccountId, 'no account') || ' ' || coalesce(BillingCurrency, '?'), '>= 0', sum(EffectiveCost)
FROM focus
WHERE CommitmentDiscountStatus = 'Unused' AND NOT x_Generated
GROUP BY BillingAccountId, BillingCurrency
HAVING sum(EffectiveCost) < -0.01

-- check: G8 money Every row of the export is one row, beside those that are generated
SELECT source_file, count(*) FILTER (side = 'bill'), count(*) FILTER (side = 'focus')
FROM (
    SELECT source_file, 'bill' AS side FROM source
    UNION ALL
    SELECT x_SourceFile, 'focus' FROM focus WHERE NOT x_Generated
)
GROUP BY source_file
HAVING count(*) FILTER (side = 'bill') <> count(*) FILTER (side = 'focus')

-- check: G9 quality Rows belong to the invoice month that they are loaded as
--   A folder per month of use, or of export, is never final: late rows come in later ones.
SELECT 'invoice month ' || coalesce(invoice_month, 'missing'), billing_period, count(*) || ' rows'
FROM source
WHERE left(replace(invoice_month, '-', ''), 6) IS DISTINCT FROM replace(billing_period, '-', '')
GROUP BY invoice_month, billing_period

-- check: G10 quality Services are in the table of services
--   What others sell on the marketplace never is.
SELECT ServiceName, 'a service category', sum(BilledCost)
FROM focus
WHERE ServiceCategory = 'Other' AND ServiceName <> 'Invoice' AND ChargeCategory NOT IN ('Tax', 'Adjustment')
  AND PublisherName = ProviderName
GROUP BY ServiceName
