-- What must hold between Google's own FOCUS export and the FOCUS rows made of it.

-- check: F1 money Costs are the export's
WITH bill AS (
    SELECT BillingAccountId, BillingCurrency, sum(coalesce(BilledCost, 0)) AS billed,
           sum(coalesce(EffectiveCost, BilledCost, 0)) AS effective
    FROM source GROUP BY ALL
),
converted AS (
    SELECT BillingAccountId, BillingCurrency, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective
    FROM focus GROUP BY ALL
)
SELECT coalesce(bill.BillingAccountId, converted.BillingAccountId, 'no account') || ' '
           || coalesce(bill.BillingCurrency, converted.BillingCurrency, '?'),
       bill.billed || ' billed, ' || bill.effective || ' effective',
       converted.billed || ' billed, ' || converted.effective || ' effective'
FROM bill
FULL JOIN converted
    ON bill.BillingAccountId IS NOT DISTINCT FROM converted.BillingAccountId
    AND bill.BillingCurrency IS NOT DISTINCT FROM converted.BillingCurrency
WHERE bill.billed IS DISTINCT FROM converted.billed OR bill.effective IS DISTINCT FROM converted.effective

-- check: F2 money Every row of the export is one row
SELECT source_file, count(*) FILTER (side = 'bill'), count(*) FILTER (side = 'focus')
FROM (
    SELECT source_file, 'bill' AS side FROM source
    UNION ALL
    SELECT x_SourceFile, 'focus' FROM focus
)
GROUP BY source_file
HAVING count(*) FILTER (side = 'bill') <> count(*) FILTER (side = 'focus')

-- check: F3 quality Credits are in the billed cost
--   Google's view leaves them out: on every row that has credits, billed, effective and contracted cost are the same.
SELECT 'credits beside BilledCost', count(*) || ' rows with credits', sum(credit) || ' of credits are not in it'
FROM (
    SELECT BilledCost, EffectiveCost, ContractedCost,
           list_sum(CAST(json_extract_string(x_Credits, '$[*].Amount') AS DECIMAL(38, 18)[])) AS credit
    FROM source
    WHERE json_type(x_Credits) = 'ARRAY' AND x_Credits <> '[]'
)
WHERE credit <> 0
HAVING count(*) > 0 AND bool_and(BilledCost = ContractedCost AND BilledCost = EffectiveCost)

-- check: F4 quality Rows belong to the invoice month that they are loaded as
SELECT 'billing period ' || coalesce(strftime(BillingPeriodStart, '%Y-%m'), 'missing'), billing_period, count(*) || ' rows'
FROM source
WHERE strftime(BillingPeriodStart, '%Y-%m') IS DISTINCT FROM billing_period
GROUP BY BillingPeriodStart, billing_period
