-- The line items of one AWS bill, from the sample world's `usage`: amounts only, in ticks (1e-10 of the currency) and
-- in millionths of a unit, so that every identity between rows holds exactly. bill.sql puts words and columns to them.
--
-- Reads the variables of usage.sql, and first_month, open_month, split_month, tax_permille, discount_percent; and the
-- tables of catalog.py and `credit_lines`.

CREATE OR REPLACE MACRO hours(starts, ends) AS date_diff('hour', starts, ends);

CREATE OR REPLACE TABLE priced AS
WITH chosen AS (
    SELECT
        usage.*,
        -- Seven of ten rows lie in the account's home region.
        (home_region + CASE WHEN luck % 10 < 7 THEN 0 WHEN luck % 10 < 9 THEN 1 ELSE 2 END) % 3 AS region_number
    FROM usage JOIN aws_accounts USING (account)
),

measured AS (
    SELECT
        chosen.* EXCLUDE (region_number, kind, pick),
        skus.sku, price, public_price, factor, reservation, plannable, marketplace,
        -- Millionths of a unit. Free-tier usage has an amount, too.
        CASE WHEN spend = 0 THEN (1 + luck) * 1000::BIGINT ELSE greatest(1, spend::HUGEINT * 10000000000 // public_price)::BIGINT END
            AS amount,
        whole
    FROM chosen
    JOIN sku_slots
        ON sku_slots.kind = chosen.kind
        AND sku_slots.region_number = chosen.region_number
        AND sku_slots.slot = chosen.pick % 1000
    JOIN skus ON skus.sku = sku_slots.sku
),

rounded AS (
    SELECT * EXCLUDE (amount, whole), CASE WHEN whole THEN (amount // 1000000 + 1) * 1000000 ELSE amount END AS quantity
    FROM measured
)

SELECT
    *,
    CASE WHEN spend = 0 THEN 0 ELSE (quantity::HUGEINT * price // 1000000)::BIGINT END AS list_cost,
    CASE WHEN spend = 0 THEN 0 ELSE (quantity::HUGEINT * public_price // 1000000)::BIGINT END AS public_cost,
    quantity * factor AS normalized
FROM rounded;

-- Reservations take usage of their family hour by hour, smallest first, until their units are used up.
CREATE OR REPLACE TABLE reserved AS
SELECT
    n, commitment,
    -- Rounded down, so that the used parts never exceed the whole; to hundreds, so that a per cent of each is exact, too.
    (normalized::HUGEINT * upfront_rate // 100000000)::BIGINT * 100 AS ri_upfront,
    (normalized::HUGEINT * recurring_rate // 100000000)::BIGINT * 100 AS ri_recurring
FROM (
    SELECT
        n, commitment, normalized, upfront_rate, recurring_rate,
        sum(normalized) OVER (PARTITION BY commitment, starts ORDER BY normalized, n)
            <= units * 1000000::BIGINT * hours(starts, ends) AS fits
    FROM priced JOIN commitments ON reservation = commitment
    WHERE spend > 0 AND luck % 1000 < 850
)
WHERE fits;

-- So do savings plans, in money, with what reservations have left.
CREATE OR REPLACE TABLE planned AS
SELECT n, commitment, effective
FROM (
    SELECT
        n, commitment, effective,
        sum(effective) OVER (PARTITION BY commitment, starts ORDER BY effective, n) <= hourly * hours(starts, ends) AS fits
    FROM (
        SELECT n, starts, ends, commitment, hourly, (list_cost::HUGEINT * (1000 - advantage) // 100000)::BIGINT * 100 AS effective
        FROM priced
        JOIN commitments
            ON commitment = CASE WHEN luck % 1000 < 600 THEN 'compute-plan' WHEN luck % 1000 < 740 THEN 'compute-plan-upfront' END
        WHERE plannable AND spend > 0 AND n NOT IN (SELECT n FROM reserved)
    )
)
WHERE fits;

CREATE OR REPLACE TABLE usage_lines AS
SELECT
    0 AS section, priced.n, starts, ends, account, application, sku, resource, luck, quantity, factor,
    CASE
        WHEN reserved.n IS NOT NULL THEN 'DiscountedUsage'
        WHEN planned.n IS NOT NULL THEN 'SavingsPlanCoveredUsage'
        ELSE 'Usage'
    END AS line_type,
    CASE WHEN reserved.n IS NOT NULL THEN 0 ELSE list_cost END AS cost,
    public_cost,
    spend = 0 AS free,
    marketplace,
    coalesce(reserved.commitment, planned.commitment) AS commitment,
    ri_upfront, ri_recurring,
    effective AS sp_effective
FROM priced
LEFT JOIN reserved USING (n)
LEFT JOIN planned ON planned.n = priced.n;

CREATE OR REPLACE TABLE fee_lines AS
WITH month AS (
    SELECT
        getvariable('first_day')::TIMESTAMP AS starts,
        getvariable('first_day')::TIMESTAMP + INTERVAL 1 MONTH AS ends,
        getvariable('buckets') * getvariable('bucket_seconds') // 3600 AS elapsed
),

-- One row per reservation and month, restated at every delivery: what it cost so far and what nobody used.
reservation_fees AS (
    SELECT
        10 AS section, row_number() OVER (ORDER BY commitment) AS n, 'RIFee' AS line_type, starts, ends, buyer AS account,
        commitment, sku,
        units * recurring_rate * elapsed AS cost,
        units * upfront_rate * elapsed AS ri_period_upfront,
        units * upfront_rate * elapsed - coalesce(used_upfront, 0) AS ri_unused_upfront,
        units * recurring_rate * elapsed - coalesce(used_recurring, 0) AS ri_unused_recurring,
        units * elapsed * 1000000 - coalesce(used_units, 0) AS ri_unused_units,
        units * elapsed * 1000000 // 4 AS quantity
    FROM commitments
    CROSS JOIN month
    LEFT JOIN (
        SELECT
            commitment, sum(ri_upfront)::BIGINT AS used_upfront, sum(ri_recurring)::BIGINT AS used_recurring,
            sum(quantity * factor)::BIGINT AS used_units
        FROM usage_lines WHERE line_type = 'DiscountedUsage' GROUP BY commitment
    ) USING (commitment)
    WHERE type = 'RI'
),

reservation_purchases AS (
    SELECT
        11 AS section, row_number() OVER (ORDER BY commitment) AS n, 'Fee' AS line_type, 'Purchase' AS bill_type,
        starts, starts + INTERVAL 1 SECOND AS ends, buyer AS account, commitment, sku,
        units * upfront_rate * 8760 AS cost, units * 1000000 // 4 AS quantity
    FROM commitments CROSS JOIN month
    WHERE type = 'RI' AND upfront_rate > 0 AND getvariable('first_month')
),

-- One row per savings plan and hour (or day); in an open month also for the day to come, of which nothing is used yet.
hours_to_pay AS (
    SELECT
        month.starts + to_seconds(bucket * getvariable('bucket_seconds')) AS starts,
        month.starts + to_seconds((bucket + 1) * getvariable('bucket_seconds')) AS ends
    FROM month, range(
        getvariable('buckets') + CASE WHEN getvariable('open_month') THEN 86400 // getvariable('bucket_seconds') ELSE 0 END
    ) AS buckets(bucket)
),

plan_fees AS (
    SELECT
        12 AS section, row_number() OVER (ORDER BY starts, commitment) AS n, 'SavingsPlanRecurringFee' AS line_type,
        starts, ends, buyer AS account, commitment,
        CASE WHEN payment = 'All Upfront' THEN 0 ELSE hourly * hours(starts, ends) END AS cost,
        hourly * hours(starts, ends) AS sp_total,
        coalesce(used, 0) AS sp_used,
        hours(starts, ends) * 1000000 AS quantity,
        starts > (SELECT max(starts) FROM usage_lines) AS future
    FROM commitments
    CROSS JOIN hours_to_pay
    LEFT JOIN (
        SELECT commitment, starts, sum(sp_effective)::BIGINT AS used
        FROM usage_lines WHERE line_type = 'SavingsPlanCoveredUsage' GROUP BY ALL
    ) USING (commitment, starts)
    WHERE type = 'SP'
),

plan_purchases AS (
    SELECT
        13 AS section, row_number() OVER (ORDER BY commitment) AS n, 'SavingsPlanUpfrontFee' AS line_type, 'Purchase' AS bill_type,
        starts, starts + INTERVAL 1 SECOND AS ends, buyer AS account, commitment,
        hourly * 8760 AS cost, 1000000 AS quantity
    FROM commitments CROSS JOIN month
    WHERE type = 'SP' AND payment = 'All Upfront' AND getvariable('first_month')
),

support AS (
    SELECT
        14 AS section, 0 AS n, 'Fee' AS line_type, starts, ends, 0 AS account, 'support' AS special,
        (SELECT sum(cost) FROM usage_lines WHERE NOT marketplace) * 4 // 100 // 100000000 * 100000000 AS cost, 1000000 AS quantity
    FROM month
),

subscription AS (
    SELECT
        15 AS section, 0 AS n, 'Fee' AS line_type, starts, ends, 5 AS account, 'subscription' AS special, true AS marketplace,
        12500000000000 AS cost, 1000000 AS quantity
    FROM month
),

-- A day of pods on instances: rows that repeat what their instance costs, and cost nothing themselves.
pods AS (
    SELECT
        16 AS section, n * 2 + part AS n, 'Usage' AS line_type, starts, ends, account, application, sku, resource, luck,
        'pod' AS special, part,
        quantity * CASE WHEN part = 0 THEN 2 ELSE 8 END AS quantity,
        0 AS cost,
        public_cost * (CASE WHEN part = 0 THEN 45 ELSE 30 END) // 100 AS split_cost,
        public_cost * (CASE WHEN part = 0 THEN 15 ELSE 10 END) // 100 AS split_unused
    FROM (
        SELECT * FROM usage_lines
        WHERE factor > 0 AND NOT free AND sku IN (SELECT sku FROM skus WHERE kind = 'compute')
            AND starts::DATE = getvariable('first_day') + 9
        ORDER BY n LIMIT 40
    )
    CROSS JOIN range(2) AS parts(part)
    WHERE getvariable('split_month')
)

FROM reservation_fees
UNION ALL BY NAME FROM reservation_purchases
UNION ALL BY NAME FROM plan_fees
UNION ALL BY NAME FROM plan_purchases
UNION ALL BY NAME FROM support
UNION ALL BY NAME FROM subscription
UNION ALL BY NAME FROM pods
UNION ALL BY NAME FROM credit_lines;

CREATE OR REPLACE TABLE lines AS
WITH negations AS (
    SELECT * REPLACE ('SavingsPlanNegation' AS line_type, -cost AS cost, 0 AS public_cost, NULL::BIGINT AS sp_effective, 1 AS section)
    FROM usage_lines WHERE line_type = 'SavingsPlanCoveredUsage'
),

undiscounted AS (
    FROM usage_lines
    UNION ALL BY NAME FROM negations
    UNION ALL BY NAME FROM fee_lines
),

-- A negotiated discount on what AWS itself charges for usage and for commitments; usage that a plan covers has it in
-- the plan's fee.
discounted AS (
    SELECT *, CASE
        WHEN line_type IN ('Usage', 'RIFee', 'Fee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
            AND NOT coalesce(marketplace, false)
        THEN cost * getvariable('discount_percent') // 100 ELSE 0
    END AS discount
    FROM undiscounted
),

-- One row per account and commitment takes off what the rows of the account were charged too much.
discounts AS (
    SELECT
        18 AS section, row_number() OVER (ORDER BY account, commitment) AS n, 'EdpDiscount' AS line_type,
        getvariable('first_day')::TIMESTAMP AS starts, getvariable('first_day')::TIMESTAMP + INTERVAL 1 MONTH AS ends,
        account, commitment, 'discount' AS special, 1000000 AS quantity, -total AS cost
    FROM (SELECT account, commitment, sum(discount) AS total FROM discounted GROUP BY ALL HAVING sum(discount) > 0)
),

untaxed AS (FROM discounted UNION ALL BY NAME FROM discounts),

-- One row per account and seller, rounded to cents.
taxes AS (
    SELECT
        20 AS section, row_number() OVER (ORDER BY account, marketplace) AS n, 'Tax' AS line_type,
        getvariable('first_day')::TIMESTAMP AS starts, getvariable('first_day')::TIMESTAMP + INTERVAL 1 MONTH AS ends,
        account, marketplace, 'tax' AS special, 1000000 AS quantity,
        taxed * getvariable('tax_permille') // 1000 // 100000000 * 100000000 AS cost
    FROM (
        SELECT account, coalesce(marketplace, false) AS marketplace, sum(cost) AS taxed
        FROM untaxed GROUP BY ALL HAVING sum(cost) > 0
    )
),

together AS (FROM untaxed UNION ALL BY NAME FROM taxes)

SELECT
    row_number() OVER (ORDER BY section > 1, CASE WHEN section < 2 THEN n END, section, n) - 1 AS ordinal,
    * REPLACE (
        cost::BIGINT AS cost, coalesce(marketplace, false) AS marketplace, coalesce(free, false) AS free,
        coalesce(future, false) AS future, coalesce(discount, 0)::BIGINT AS discount,
        coalesce(bill_type, 'Anniversary') AS bill_type
    )
FROM together
ORDER BY ordinal;
