-- AWS's own FOCUS exports are taken over row by row: nothing may be lost, doubled or changed on the way.

-- check: F1 money Rows and costs are those of the export, per account and currency
--   Exact: nothing is computed.
WITH exported AS (
    SELECT BillingAccountId AS payer, SubAccountId AS account, BillingCurrency AS currency, count(*) AS line_count,
           sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, sum(ListCost) AS list,
           sum(ContractedCost) AS contracted
    FROM source
    GROUP BY ALL
),
converted AS (
    SELECT BillingAccountId AS payer, SubAccountId AS account, BillingCurrency AS currency, count(*) AS line_count,
           sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, sum(ListCost) AS list,
           sum(ContractedCost) AS contracted
    FROM focus
    GROUP BY ALL
)
SELECT
    concat_ws(' ', coalesce(exported.account, converted.account), coalesce(exported.currency, converted.currency)),
    concat_ws(' / ', exported.line_count, exported.billed, exported.effective, exported.list, exported.contracted),
    concat_ws(' / ', converted.line_count, converted.billed, converted.effective, converted.list, converted.contracted)
FROM exported
FULL JOIN converted
    ON exported.payer IS NOT DISTINCT FROM converted.payer
    AND exported.account IS NOT DISTINCT FROM converted.account
    AND exported.currency IS NOT DISTINCT FROM converted.currency
WHERE exported.line_count IS DISTINCT FROM converted.line_count
   OR exported.billed IS DISTINCT FROM converted.billed
   OR exported.effective IS DISTINCT FROM converted.effective
   OR exported.list IS DISTINCT FROM converted.list
   OR exported.contracted IS DISTINCT FROM converted.contracted

-- check: F2 money Rows and costs are those of the export, per category of charge
--   The same by kind of charge, so that no cost moves from one kind to another.
WITH exported AS (
    SELECT ChargeCategory AS category, CommitmentDiscountStatus AS status, BillingCurrency AS currency,
           count(*) AS line_count, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective
    FROM source
    GROUP BY ALL
),
converted AS (
    SELECT ChargeCategory AS category, CommitmentDiscountStatus AS status, BillingCurrency AS currency,
           count(*) AS line_count, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective
    FROM focus
    GROUP BY ALL
)
SELECT
    concat_ws(' ', coalesce(exported.category, converted.category), coalesce(exported.status, converted.status),
              coalesce(exported.currency, converted.currency)),
    concat_ws(' / ', exported.line_count, exported.billed, exported.effective),
    concat_ws(' / ', converted.line_count, converted.billed, converted.effective)
FROM exported
FULL JOIN converted
    ON exported.category IS NOT DISTINCT FROM converted.category
    AND exported.status IS NOT DISTINCT FROM converted.status
    AND exported.currency IS NOT DISTINCT FROM converted.currency
WHERE exported.line_count IS DISTINCT FROM converted.line_count
   OR exported.billed IS DISTINCT FROM converted.billed
   OR exported.effective IS DISTINCT FROM converted.effective
