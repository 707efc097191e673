-- What must hold between Azure's actual and amortised cost and the FOCUS rows made of them.
-- Reads source (actual), source_amortized and focus. Each check yields (subject, expected, actual) where it is violated.
-- Z8, that a commitment's amortised cost is its price over the whole term, cannot be seen in one month; what can be
-- seen is that one month never holds more than the price.

-- check: Z1 money Billed cost is the actual cost
WITH bill AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost FROM source GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(BilledCost) AS cost FROM focus GROUP BY ALL
)
SELECT currency AS subject, coalesce(bill.cost, 0) AS expected, coalesce(rows_out.cost, 0) AS actual
FROM bill FULL JOIN rows_out USING (currency)
-- The two files may differ in digits far behind the cent, and no charge is smaller than one.
WHERE abs(coalesce(bill.cost, 0) - coalesce(rows_out.cost, 0)) > 0.005 AND (SELECT count(*) > 0 FROM source);

-- check: Z2 money Effective cost is the amortised cost
WITH bill AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost
    FROM source_amortized
    WHERE NOT (
        lower(replace(coalesce(charge_type, ''), ' ', '')) IN ('purchase', 'refund')
        AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
    )
    GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(EffectiveCost) AS cost
    FROM focus
    WHERE x_SourcePart = 'amortized'
    GROUP BY ALL
)
SELECT currency AS subject, coalesce(bill.cost, 0) AS expected, coalesce(rows_out.cost, 0) AS actual
FROM bill FULL JOIN rows_out USING (currency)
WHERE coalesce(bill.cost, 0) <> coalesce(rows_out.cost, 0)
UNION ALL
SELECT BillingCurrency || ', charges that only the actual file has', sum(BilledCost), sum(EffectiveCost)
FROM focus
WHERE x_SourcePart = 'actual' AND NOT (
    x_EffectiveCostBasis = 'amortized'
    AND lower(x_LineItemType) IN ('purchase', 'refund')
    AND rtrim(lower(replace(coalesce(x_PricingModel, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
)
GROUP BY BillingCurrency
HAVING sum(BilledCost) <> sum(EffectiveCost);

-- check: Z3 money No row is lost or doubled
WITH counted AS (
    SELECT
        (SELECT count(*) FROM source) AS actual_rows,
        (SELECT count(*) FROM source_amortized) AS amortized_rows,
        (
            SELECT count(*) FROM source
            WHERE lower(replace(coalesce(charge_type, ''), ' ', '')) IN ('purchase', 'refund')
                AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
        ) AS commitment_rows,
        (
            SELECT count(*) FROM source_amortized
            WHERE lower(replace(coalesce(charge_type, ''), ' ', '')) IN ('purchase', 'refund')
                AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
        ) AS dropped_rows,
        (SELECT count(*) FROM focus WHERE x_SourcePart = 'amortized') AS amortized_out,
        (SELECT count(*) FROM focus WHERE x_SourcePart = 'actual') AS actual_out,
        (
            SELECT count(*) FROM focus
            WHERE x_SourcePart = 'actual' AND lower(x_LineItemType) IN ('purchase', 'refund')
                AND rtrim(lower(replace(coalesce(x_PricingModel, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
        ) AS commitments_out
)
SELECT 'amortised rows' AS subject, expected, amortized_out AS actual
FROM (SELECT *, amortized_rows - CASE WHEN actual_rows > 0 THEN dropped_rows ELSE 0 END AS expected FROM counted)
WHERE expected <> amortized_out
UNION ALL
SELECT 'purchases and refunds of commitments', commitment_rows, commitments_out
FROM counted WHERE amortized_rows > 0 AND commitment_rows <> commitments_out
UNION ALL
SELECT 'actual rows', actual_rows, actual_out FROM counted WHERE amortized_rows = 0 AND actual_rows <> actual_out
UNION ALL
SELECT 'rows of ' || kind, in_bill, coalesce(in_focus, 0)
FROM (SELECT coalesce(charge_type, 'Usage') AS kind, count(*) AS in_bill FROM source GROUP BY ALL)
LEFT JOIN (SELECT x_LineItemType AS kind, count(*) AS in_focus FROM focus GROUP BY ALL) USING (kind)
WHERE in_bill > coalesce(in_focus, 0) AND kind <> 'Usage';

-- check: Z4 money Purchases of commitments are billed and never effective
WITH bill AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost
    FROM source
    WHERE lower(replace(coalesce(charge_type, ''), ' ', '')) IN ('purchase', 'refund')
        AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
    GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(BilledCost) AS billed, sum(abs(EffectiveCost)) AS effective
    FROM focus
    WHERE x_SourcePart = 'actual' AND x_EffectiveCostBasis = 'amortized'
        AND lower(x_LineItemType) IN ('purchase', 'refund')
        AND rtrim(lower(replace(coalesce(x_PricingModel, ''), ' ', '')), 's') IN ('reservation', 'savingsplan')
    GROUP BY ALL
)
SELECT currency || ' billed' AS subject, bill.cost AS expected, coalesce(billed, 0) AS actual
FROM bill LEFT JOIN rows_out USING (currency)
WHERE bill.cost <> coalesce(billed, 0) AND (SELECT count(*) > 0 FROM source_amortized)
UNION ALL
SELECT currency || ' effective', 0, effective FROM rows_out WHERE effective <> 0;

-- check: Z5 money Unused commitment is the amortised file's unused rows, and is not billed
WITH bill AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost
    FROM source_amortized
    WHERE lower(replace(coalesce(charge_type, ''), ' ', '')) IN ('unusedreservation', 'unusedsavingsplan')
    GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(EffectiveCost) AS cost, sum(abs(BilledCost)) AS billed
    FROM focus
    WHERE starts_with(lower(x_LineItemType), 'unused') AND x_SourcePart = 'amortized'
    GROUP BY ALL
)
SELECT currency AS subject, coalesce(bill.cost, 0) AS expected, coalesce(rows_out.cost, 0) AS actual
FROM bill FULL JOIN rows_out USING (currency)
WHERE coalesce(bill.cost, 0) <> coalesce(rows_out.cost, 0)
UNION ALL
SELECT currency || ' billed', 0, billed FROM rows_out WHERE billed <> 0
UNION ALL
SELECT 'unused rows in the actual file', 0, count(*)
FROM source WHERE starts_with(lower(coalesce(charge_type, '')), 'unused') HAVING count(*) > 0;

-- check: Z6 money On-demand usage costs the same in both files, if they were exported at the same time
--   Where it does not, Z1 fails as well, and this says why: one export was made before usage that the other has.
WITH actual_usage AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost
    FROM source
    WHERE lower(coalesce(charge_type, 'usage')) = 'usage'
        AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') NOT IN ('reservation', 'savingsplan')
    GROUP BY ALL
),
amortized_usage AS (
    SELECT upper(billing_currency) AS currency, sum(cost_in_billing_currency) AS cost
    FROM source_amortized
    WHERE lower(coalesce(charge_type, 'usage')) = 'usage'
        AND rtrim(lower(replace(coalesce(pricing_model, ''), ' ', '')), 's') NOT IN ('reservation', 'savingsplan')
    GROUP BY ALL
)
SELECT currency AS subject, coalesce(actual_usage.cost, 0) AS expected, coalesce(amortized_usage.cost, 0) AS actual
FROM actual_usage FULL JOIN amortized_usage USING (currency)
WHERE abs(coalesce(actual_usage.cost, 0) - coalesce(amortized_usage.cost, 0)) > 0.01
    AND (SELECT count(*) > 0 FROM source) AND (SELECT count(*) > 0 FROM source_amortized);

-- check: Z7 quality Negotiated price times quantity is the cost of on-demand usage
SELECT
    BillingCurrency || ' per ' || coalesce(x_PricingUnitDescription, 'unit') AS subject,
    sum(BilledCost) AS expected,
    sum(ContractedCost) AS actual
FROM focus
WHERE ChargeCategory = 'Usage' AND PricingCategory = 'Standard'
GROUP BY subject
HAVING abs(sum(BilledCost) - sum(ContractedCost)) > 0.01 + 0.05 * abs(sum(BilledCost));

-- check: Z8 quality A month never amortises more of a commitment than was paid for it
SELECT CommitmentDiscountId AS subject, sum(BilledCost) AS expected, sum(EffectiveCost) AS actual
FROM focus
WHERE CommitmentDiscountId IS NOT NULL AND x_EffectiveCostBasis = 'amortized'
GROUP BY CommitmentDiscountId, BillingCurrency
HAVING bool_or(ChargeCategory = 'Purchase' AND ChargeFrequency = 'One-Time' AND BilledCost > 0)
    AND sum(EffectiveCost) > sum(CASE WHEN BilledCost > 0 THEN BilledCost ELSE 0 END) + 0.01;

-- check: Z9 quality Every service is known
SELECT ServiceName AS subject, 0 AS expected, count(*) AS actual
FROM focus
WHERE ServiceCategory = 'Other' AND ChargeCategory IN ('Usage', 'Purchase')
    AND ServiceName NOT IN (SELECT ServiceName FROM azure_services)
GROUP BY ServiceName;

-- check: Z10 quality Price times quantity is the cost in one of its two readings
SELECT x_PricingUnitDescription AS subject, 0 AS expected, count(*) AS actual
FROM focus
WHERE ChargeCategory = 'Usage' AND PricingQuantity IS NULL
GROUP BY x_PricingUnitDescription;

-- check: Z11 quality Where there are commitments, actual and amortised cost are both there
SELECT
    'this bill' AS subject,
    'an actual cost export' AS expected,
    'none, so that BilledCost of what commitments pay for is unknown' AS actual
FROM (
    SELECT bool_or(rtrim(lower(replace(pricing_model, ' ', '')), 's') IN ('reservation', 'savingsplan')) AS committed
    FROM source_amortized
)
WHERE committed AND (SELECT count(*) = 0 FROM source)
UNION ALL
SELECT 'this bill', 'an amortised cost export', 'none, so that EffectiveCost is the billed cost'
FROM (
    SELECT bool_or(rtrim(lower(replace(pricing_model, ' ', '')), 's') IN ('reservation', 'savingsplan')) AS committed
    FROM source
)
WHERE committed AND (SELECT count(*) = 0 FROM source_amortized);
