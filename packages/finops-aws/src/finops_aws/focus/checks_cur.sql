-- What must hold between a Cost and Usage Report (v1 or 2.0) and its FOCUS rows. Sums are exact; a tolerance of 1e-9 per
-- row is for what AWS itself rounds: a Savings Plan's covered usage and its negation may differ in the last digit.
--
-- x_CostBasis says how each bill was read; A1b checks that reading a bill NET did not change its total.

-- check: A1 money Billed cost is the bill's cost, per account
--   GROSS: the unblended cost of all rows. NET: the net cost of all rows but the discounts.
WITH basis AS (
    SELECT BillingAccountId AS payer, BillingPeriodStart AS bill_start, BillingCurrency AS currency,
           max(x_CostBasis) AS cost_basis
    FROM focus
    GROUP BY ALL
),
invoiced AS (
    SELECT bill_payer_account_id AS payer,
           date_trunc('month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP))) AS bill_start,
           line_item_currency_code AS currency, line_item_usage_account_id AS account,
           sum(coalesce(line_item_unblended_cost, 0)) AS gross,
           coalesce(sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)) FILTER (
               line_item_line_item_type NOT LIKE '%Discount'
           ), 0) AS net,
           count(*) AS line_count
    FROM source
    GROUP BY ALL
),
billed AS (
    SELECT BillingAccountId AS payer, BillingPeriodStart AS bill_start, BillingCurrency AS currency,
           SubAccountId AS account, sum(BilledCost) AS cost
    FROM focus
    GROUP BY ALL
)
SELECT
    concat_ws(' ', 'account', coalesce(invoiced.account, billed.account), coalesce(invoiced.currency, billed.currency)),
    CASE WHEN basis.cost_basis = 'net' THEN net ELSE gross END,
    cost
FROM invoiced
LEFT JOIN basis
    ON invoiced.payer IS NOT DISTINCT FROM basis.payer
    AND invoiced.bill_start IS NOT DISTINCT FROM basis.bill_start
    AND invoiced.currency IS NOT DISTINCT FROM basis.currency
FULL JOIN billed
    ON invoiced.payer IS NOT DISTINCT FROM billed.payer
    AND invoiced.bill_start IS NOT DISTINCT FROM billed.bill_start
    AND invoiced.currency IS NOT DISTINCT FROM billed.currency
    AND invoiced.account IS NOT DISTINCT FROM billed.account
WHERE abs(CASE WHEN basis.cost_basis = 'net' THEN coalesce(net, 0) ELSE coalesce(gross, 0) END - coalesce(cost, 0))
    > 0.000000001 * greatest(coalesce(line_count, 1), 1)

-- check: A1b money A bill read net of discounts has the total of the bill read gross
--   To a cent, and per bill: discount rows need not stand in the account that they are for.
SELECT concat_ws(' ', 'payer', bill.payer, bill.currency), bill.gross, billed.cost
FROM (
    SELECT bill_payer_account_id AS payer,
           date_trunc('month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP))) AS bill_start,
           line_item_currency_code AS currency, sum(coalesce(line_item_unblended_cost, 0)) AS gross,
           count(*) AS line_count
    FROM source
    GROUP BY ALL
) AS bill
LEFT JOIN (
    SELECT BillingAccountId AS payer, BillingPeriodStart AS bill_start, BillingCurrency AS currency,
           sum(BilledCost) AS cost
    FROM focus
    GROUP BY ALL
) AS billed
    ON bill.payer IS NOT DISTINCT FROM billed.payer
    AND bill.bill_start IS NOT DISTINCT FROM billed.bill_start
    AND bill.currency IS NOT DISTINCT FROM billed.currency
WHERE abs(bill.gross - coalesce(billed.cost, 0)) > 0.01 + 0.000000001 * bill.line_count

-- check: A2 quality Savings Plan negations cancel what they are for, per plan, hour and account
--   Where they do not, covered usage is billed at its on-demand price and a negation is an adjustment: the bill's total
--   stays right, but neither was meant to be invoiced.
SELECT
    concat_ws(' ', coalesce(savings_plan_savings_plan_a_r_n, 'no plan'), line_item_usage_account_id,
              line_item_usage_start_date),
    0,
    sum(coalesce(line_item_unblended_cost, 0))
FROM source
WHERE line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
GROUP BY savings_plan_savings_plan_a_r_n, line_item_usage_account_id, line_item_usage_start_date
HAVING abs(sum(coalesce(line_item_unblended_cost, 0))) > 0.000000001 * count(*)

-- check: A3 money Effective cost is the bill's amortised cost, per account and line item type
--   Covered usage at its effective cost, the unused part of commitments once, nothing for buying them, and every other
--   row at its own cost: the usual amortised view, from the raw columns.
WITH bills AS (
    SELECT bill_payer_account_id AS payer, bill_billing_period_start_date AS bill_start,
           line_item_currency_code AS currency, count(bill_invoice_id) = 0 AS is_open,
           max(line_item_usage_start_date) FILTER (
               line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
           ) AS last_usage
    FROM source
    GROUP BY ALL
),
basis AS (
    SELECT BillingAccountId AS payer, BillingPeriodStart AS bill_start, BillingCurrency AS currency,
           max(x_CostBasis) = 'net' AS is_net
    FROM focus
    GROUP BY ALL
),
lines AS (
    SELECT
        source.*,
        is_net IS TRUE AS is_net,
        CASE WHEN is_net THEN coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
             ELSE coalesce(line_item_unblended_cost, 0) END AS own_cost,
        CASE WHEN is_net
             THEN CAST(
                      coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period, 0)
                      + coalesce(savings_plan_net_recurring_commitment_for_billing_period, 0) AS DOUBLE
                  ) / nullif(CAST(
                      coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                      + coalesce(savings_plan_recurring_commitment_for_billing_period, 0) AS DOUBLE
                  ), 0)
        END AS net_ratio,
        is_open AND (line_item_usage_start_date > last_usage OR last_usage IS NULL) AS is_future,
        line_item_product_code LIKE '%SavingsPlans' OR savings_plan_savings_plan_a_r_n IS NOT NULL
            OR reservation_reservation_a_r_n IS NOT NULL AS is_of_commitment
    FROM source
    LEFT JOIN bills
        ON bills.payer IS NOT DISTINCT FROM bill_payer_account_id
        AND bills.bill_start IS NOT DISTINCT FROM bill_billing_period_start_date
        AND bills.currency IS NOT DISTINCT FROM line_item_currency_code
    LEFT JOIN basis
        ON basis.payer IS NOT DISTINCT FROM bill_payer_account_id
        AND basis.bill_start IS NOT DISTINCT FROM date_trunc(
            'month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP))
        )
        AND basis.currency IS NOT DISTINCT FROM line_item_currency_code
),
amortised AS (
    SELECT
        line_item_usage_account_id AS account,
        line_item_currency_code AS currency,
        line_item_line_item_type AS line_item_type,
        sum(CASE
            WHEN line_item_line_item_type = 'DiscountedUsage'
                THEN coalesce(CASE WHEN is_net THEN reservation_net_effective_cost END,
                              reservation_effective_cost, own_cost)
            WHEN line_item_line_item_type = 'SavingsPlanCoveredUsage'
                THEN coalesce(CASE WHEN is_net THEN savings_plan_net_savings_plan_effective_cost END,
                              savings_plan_savings_plan_effective_cost, own_cost)
            WHEN line_item_line_item_type = 'RIFee'
                THEN greatest(0,
                    coalesce(CASE WHEN is_net THEN reservation_net_unused_amortized_upfront_fee_for_billing_period END,
                             reservation_unused_amortized_upfront_fee_for_billing_period, 0)
                    + coalesce(CASE WHEN is_net THEN reservation_net_unused_recurring_fee END,
                               reservation_unused_recurring_fee, 0))
            WHEN line_item_line_item_type = 'SavingsPlanRecurringFee' AND is_future THEN 0
            WHEN line_item_line_item_type = 'SavingsPlanRecurringFee'
                 AND (net_ratio IS NULL OR net_ratio <= 0 OR net_ratio >= 1)
                THEN greatest(0, coalesce(savings_plan_total_commitment_to_date, 0)
                                 - coalesce(savings_plan_used_commitment, 0))
            WHEN line_item_line_item_type = 'SavingsPlanRecurringFee'
                THEN CAST(greatest(0, CAST(coalesce(savings_plan_total_commitment_to_date, 0)
                                           - coalesce(savings_plan_used_commitment, 0) AS DOUBLE) * net_ratio)
                          AS DECIMAL(38, 18))
            WHEN line_item_line_item_type IN ('SavingsPlanUpfrontFee', 'SavingsPlanNegation') THEN 0
            WHEN line_item_line_item_type = 'Fee'
                 AND (savings_plan_savings_plan_a_r_n IS NOT NULL OR reservation_reservation_a_r_n IS NOT NULL) THEN 0
            WHEN line_item_line_item_type LIKE '%Discount' AND (is_net OR is_of_commitment) THEN 0
            WHEN line_item_line_item_type = 'Refund' AND line_item_tax_type IS NULL AND is_of_commitment THEN 0
            ELSE own_cost
        END) AS cost,
        count(*) AS line_count
    FROM lines
    GROUP BY ALL
),
effective AS (
    SELECT SubAccountId AS account, BillingCurrency AS currency, x_LineItemType AS line_item_type,
           sum(EffectiveCost) AS cost
    FROM focus
    GROUP BY ALL
)
SELECT
    concat_ws(' ', coalesce(amortised.line_item_type, effective.line_item_type), 'of account',
              coalesce(amortised.account, effective.account), coalesce(amortised.currency, effective.currency)),
    amortised.cost,
    effective.cost
FROM amortised
FULL JOIN effective
    ON amortised.account IS NOT DISTINCT FROM effective.account
    AND amortised.currency IS NOT DISTINCT FROM effective.currency
    AND amortised.line_item_type IS NOT DISTINCT FROM effective.line_item_type
WHERE abs(coalesce(amortised.cost, 0) - coalesce(effective.cost, 0))
    > 0.000000001 * greatest(coalesce(amortised.line_count, 1), 1)

-- check: A4 quality A Savings Plan's used and unused cost is its commitment
--   Holds when every account that shares the plan is in the bill, which the payer's is. To a cent per plan, and in a
--   bill read GROSS; in an open month for the hours that have usage.
WITH last_hour AS (
    SELECT
        count(bill_invoice_id) = 0 AS is_open,
        max(line_item_usage_start_date) FILTER (
            line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
        ) AS last_usage
    FROM source
),
committed AS (
    SELECT savings_plan_savings_plan_a_r_n AS plan_id, sum(savings_plan_total_commitment_to_date) AS cost,
           sum(savings_plan_used_commitment) AS used
    FROM source
    CROSS JOIN last_hour
    WHERE line_item_line_item_type = 'SavingsPlanRecurringFee'
      AND NOT (is_open AND (line_item_usage_start_date > last_usage OR last_usage IS NULL))
    GROUP BY ALL
),
spread AS (
    SELECT CommitmentDiscountId AS plan_id, sum(EffectiveCost) AS cost,
           sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Used') AS used
    FROM focus
    WHERE CommitmentDiscountStatus IS NOT NULL AND CommitmentDiscountCategory = 'Spend' AND x_CostBasis = 'gross'
    GROUP BY ALL
)
SELECT plan_id, committed.cost, spread.cost
FROM committed
JOIN spread USING (plan_id)
WHERE abs(committed.cost - spread.cost) > 0.01
UNION ALL
SELECT 'used part of ' || plan_id, committed.used, spread.used
FROM committed
JOIN spread USING (plan_id)
WHERE abs(committed.used - coalesce(spread.used, 0)) > 0.01

-- check: A5 quality A reservation's used and unused cost is its amortised upfront and recurring fee
--   Holds when every account that shares the reservation is in the bill. To a cent per reservation.
WITH paid AS (
    SELECT
        source.reservation_reservation_a_r_n AS reservation,
        sum(CASE WHEN net.is_net
                 THEN coalesce(reservation_net_amortized_upfront_fee_for_billing_period,
                               reservation_amortized_upfront_fee_for_billing_period, 0)
                      + coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
                 ELSE coalesce(reservation_amortized_upfront_fee_for_billing_period, 0)
                      + coalesce(line_item_unblended_cost, 0) END) AS cost
    FROM source
    CROSS JOIN (SELECT coalesce(max(x_CostBasis) = 'net', false) AS is_net FROM focus) AS net
    WHERE line_item_line_item_type = 'RIFee' AND source.reservation_reservation_a_r_n IS NOT NULL
    GROUP BY ALL
),
spread AS (
    SELECT CommitmentDiscountId AS reservation, sum(EffectiveCost) AS cost
    FROM focus
    WHERE CommitmentDiscountStatus IS NOT NULL AND CommitmentDiscountCategory = 'Usage'
    GROUP BY ALL
)
SELECT reservation, paid.cost, coalesce(spread.cost, 0)
FROM paid
LEFT JOIN spread USING (reservation)
WHERE abs(paid.cost - coalesce(spread.cost, 0)) > 0.01

-- check: A6 quality A commitment without upfront payment is billed what it costs
--   Of final bills, and when every account that shares the commitment is in the bill. To a cent per commitment and month;
--   with an upfront payment the two agree only over the whole term.
WITH fees AS (
    SELECT DISTINCT coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) AS commitment
    FROM source
    WHERE line_item_line_item_type IN ('RIFee', 'SavingsPlanRecurringFee')
      AND coalesce(savings_plan_payment_option, pricing_purchase_option) = 'No Upfront'
),
costs AS (
    SELECT CommitmentDiscountId AS commitment,
           sum(BilledCost) FILTER (ChargeCategory = 'Purchase' AND x_LineItemType <> 'Refund') AS billed,
           sum(EffectiveCost) FILTER (CommitmentDiscountStatus IS NOT NULL) AS effective
    FROM focus
    WHERE InvoiceId IS NOT NULL AND x_CostBasis = 'gross'
    GROUP BY ALL
)
SELECT commitment, billed, coalesce(effective, 0)
FROM fees
JOIN costs USING (commitment)
WHERE abs(billed - coalesce(effective, 0)) > 0.01

-- check: A7 quality What a reservation covers costs its share of the upfront and recurring fee
--   Of raw rows, hence a check of the bill itself. To the sixth decimal.
SELECT
    concat_ws(' ', reservation_reservation_a_r_n, line_item_usage_account_id, line_item_usage_start_date),
    reservation_amortized_upfront_cost_for_usage + reservation_recurring_fee_for_usage,
    reservation_effective_cost
FROM source
WHERE line_item_line_item_type = 'DiscountedUsage'
  AND abs(reservation_amortized_upfront_cost_for_usage + reservation_recurring_fee_for_usage
          - reservation_effective_cost) > 0.000001

-- check: A8 money What buys a commitment has no effective cost
SELECT CommitmentDiscountId, 0, EffectiveCost
FROM focus
WHERE ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NOT NULL AND EffectiveCost <> 0

-- check: A8b quality What a commitment covers or leaves unused is not billed
--   Broken where A2 is: covered usage without its negation is billed.
SELECT CommitmentDiscountId, 0, BilledCost
FROM focus
WHERE CommitmentDiscountStatus IS NOT NULL AND BilledCost <> 0

-- check: A9 money Every row of the bill is there once
--   Left out: negations that cancel covered usage, discount rows of a NET bill, split cost rows without a cost. Added:
--   an Unused row for each fee row of a commitment that was not fully used.
WITH basis AS (
    SELECT BillingAccountId AS payer, BillingPeriodStart AS bill_start, BillingCurrency AS currency,
           max(x_CostBasis) = 'net' AS is_net
    FROM focus
    GROUP BY ALL
),
hours AS (
    SELECT
        sum(coalesce(line_item_unblended_cost, 0)) AS gross,
        sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)) AS net,
        count(*) AS line_count,
        count(*) FILTER (line_item_line_item_type = 'SavingsPlanNegation') AS negations
    FROM source
    WHERE line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
    GROUP BY coalesce(savings_plan_savings_plan_a_r_n, ''), line_item_usage_start_date, line_item_usage_account_id
),
counted AS (
    SELECT
        count(*) AS line_count,
        count(*) FILTER (line_item_line_item_type LIKE '%Discount' AND is_net) AS discounts,
        count(*) FILTER (
            line_item_line_item_type = 'Usage'
            AND line_item_operation IN ('ECSTask-EC2', 'EKSPod-EC2')
            AND (split_line_item_parent_resource_id IS NOT NULL OR split_line_item_split_usage IS NOT NULL)
            AND coalesce(line_item_unblended_cost, 0) = 0
            AND coalesce(line_item_net_unblended_cost, 0) = 0
        ) AS splits
    FROM source
    LEFT JOIN basis
        ON basis.payer IS NOT DISTINCT FROM bill_payer_account_id
        AND basis.bill_start IS NOT DISTINCT FROM date_trunc(
            'month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP))
        )
        AND basis.currency IS NOT DISTINCT FROM line_item_currency_code
),
expected AS (
    SELECT
        line_count - discounts - splits - coalesce((
            SELECT sum(negations) FROM hours
            WHERE abs(gross) <= 0.000000001 * line_count AND abs(net) <= 0.000000001 * line_count
        ), 0) AS kept
    FROM counted
)
SELECT 'rows of the bill', kept, (SELECT count(*) FROM focus WHERE NOT x_Generated)
FROM expected
WHERE kept <> (SELECT count(*) FROM focus WHERE NOT x_Generated)
UNION ALL
SELECT 'generated rows of ' || x_LineItemType, 'a fee row each', count(*)
FROM focus
WHERE x_Generated
GROUP BY x_LineItemType
HAVING x_LineItemType NOT IN ('RIFee', 'SavingsPlanRecurringFee')
    OR count(*) > (SELECT count(*) FROM source WHERE line_item_line_item_type = x_LineItemType)

-- check: A10 quality Line item types are known
--   Rows of other types are adjustments at their own cost.
SELECT x_LineItemType, 'a known type', count(*) || ' rows, ' || sum(BilledCost)
FROM focus
WHERE ChargeCategory = 'Adjustment' AND x_LineItemType IS DISTINCT FROM 'SavingsPlanNegation'
GROUP BY x_LineItemType

-- check: A11 quality Services are in the table of services
--   Marketplace products are not expected there. Others have category Other until they are added.
SELECT x_ServiceCode, 'a service with a category', ServiceName || ', ' || count(*) || ' rows'
FROM focus
SEMI JOIN (
    SELECT DISTINCT line_item_product_code AS code
    FROM source
    WHERE bill_billing_entity IS DISTINCT FROM 'AWS Marketplace'
) AS sold_by_aws ON sold_by_aws.code = x_ServiceCode
ANTI JOIN aws_services ON aws_services.product_code = x_ServiceCode
WHERE ServiceCategory = 'Other'
GROUP BY x_ServiceCode, ServiceName

-- check: A12 quality Net columns were of use
--   A bill with net columns whose sums do not fit is read GROSS: its costs are before negotiated discounts that have no
--   row of their own.
SELECT
    concat_ws(' ', 'payer', bill_payer_account_id, line_item_currency_code),
    sum(coalesce(line_item_unblended_cost, 0)),
    sum(CASE WHEN line_item_line_item_type LIKE '%Discount' THEN 0
             ELSE coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0) END)
FROM source
GROUP BY bill_payer_account_id, bill_billing_period_start_date, line_item_currency_code
HAVING count(line_item_net_unblended_cost) > 0
   AND abs(sum(coalesce(line_item_unblended_cost, 0))
           - sum(CASE WHEN line_item_line_item_type LIKE '%Discount' THEN 0
                      ELSE coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0) END)) > 0.01

-- check: A13 quality Effective cost is exact where discounts of commitments have rows of their own
--   In a GROSS bill the discount of a commitment's fee is spread by AWS through the effective cost of what it covers: the
--   month's effective cost is approximate.
SELECT x_LineItemType || ' of account ' || SubAccountId, 0, sum(BilledCost)
FROM focus
WHERE x_LineItemType LIKE '%Discount' AND BilledCost <> EffectiveCost
GROUP BY x_LineItemType, SubAccountId
