-- The rows of one invoice month of Acme Retail's Google Cloud export, as the table `lines`.
--
-- Reads `usage` (finops_core.sample.usage), `skus`, `world_accounts`, `world_applications`, `credit_rows` and the
-- variables period_start, period_end, first_month, tax_permille, delivery. All amounts are integers, so that no machine
-- rounds differently:
--   quantity   hundred-thousandths of a pricing unit
--   price      millionths of the currency per pricing unit
--   list_cost, default_cost, cost, credit amounts   billionths of the currency (`tick`)
CREATE OR REPLACE MACRO credit(credit_name, credit_type, ticks) AS {
    'name': credit_name, 'amount': ticks::BIGINT, 'full_name': credit_name, 'id': credit_name, 'type': credit_type
};

CREATE OR REPLACE TABLE priced AS
SELECT
    usage.n,
    skus.part,
    -- One row in a hundred of the first day is late: it was used in the month before, and is invoiced now.
    starts - CASE WHEN is_late THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END AS starts,
    ends - CASE WHEN is_late THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END AS ends,
    account, application, luck, resource,
    skus.* EXCLUDE (kind, part, low, high, share, list_price, sku_model),
    usage.kind,
    -- One subsidiary is billed in euros.
    account = 7 AS in_euro,
    CASE WHEN in_euro THEN skus.list_price * 92 ELSE skus.list_price * 100 END AS price,
    spend = 0 AS is_free,
    -- A few rows stand twice, which is legal: usage is split.
    CASE WHEN n % 997 = 3 THEN 2 ELSE 1 END AS times,
    greatest(
        1,
        CASE WHEN spend = 0 THEN 1 + luck % 1000 ELSE spend * skus.share // 100 * 1000 // skus.list_price END
    )::BIGINT AS quantity,
    ((quantity * price + 50) // 100)::BIGINT AS list_cost,
    -- The contract takes three per cent off.
    (list_cost * 97 + 50) // 100 AS default_cost,
    CASE WHEN NOT in_euro AND NOT is_free THEN skus.sku_model END AS model,
    CASE WHEN model IS NOT NULL THEN list_cost * 70 // 100 ELSE default_cost END AS cost,
    -- Per cent of the row that the commitment to E2 machines in us-central1 covers.
    CASE
        WHEN family = 'E2' AND region = 'us-central1' AND NOT in_euro AND NOT is_free
            THEN CASE WHEN luck < 600000 THEN 100 WHEN luck < 700000 THEN 60 ELSE 0 END
        ELSE 0
    END AS covered
FROM (
    SELECT
        *,
        starts::DATE = getvariable('period_start')::DATE AND n % 100 = 1 AND NOT getvariable('first_month') AS is_late
    FROM usage
) AS usage
JOIN skus ON skus.kind = usage.kind AND usage.pick // 1000 >= skus.low AND usage.pick // 1000 < skus.high;

-- Fees of the commitment to E2 cores and memory: a row a day, for what the busiest day used and five per cent more.
CREATE OR REPLACE TABLE fees AS
WITH days AS (
    SELECT starts::DATE AS day, part, any_value(price) AS price, sum(quantity * covered // 100 * times)::BIGINT AS used
    FROM priced
    WHERE covered > 0
    GROUP BY ALL
),
sizes AS (SELECT part, (max(used) * 105 // 100)::BIGINT AS quantity FROM days GROUP BY part)
SELECT
    day, part, used, sizes.quantity, price * 63 // 100 AS price,
    (sizes.quantity * (price * 63 // 100) // 100)::BIGINT AS cost
FROM days JOIN sizes USING (part);

-- Fees of the commitment to spend on Cloud SQL: a row a day; the used part comes off again as a credit.
CREATE OR REPLACE TABLE spend_fees AS
WITH days AS (
    SELECT starts::DATE AS day, sum(cost * times)::BIGINT AS used FROM priced WHERE model IS NOT NULL GROUP BY ALL
)
SELECT day, used, (max(used) OVER () * 102 // 100 // 10000 * 10000)::BIGINT AS cost FROM days;

CREATE OR REPLACE TABLE plain_lines AS
WITH ordinary AS (
    SELECT
        *,
        list_filter(
            [
                CASE WHEN covered > 0 THEN
                    credit(
                        'Committed Usage Discount: ' || CASE part WHEN 'core' THEN 'CPU' ELSE 'RAM' END,
                        'COMMITTED_USAGE_DISCOUNT', -(cost * covered // 100)
                    )
                END,
                CASE WHEN family = 'N1' AND day(starts) > 15 AND NOT is_free THEN
                    credit('Sustained Usage Discount', 'SUSTAINED_USAGE_DISCOUNT', -(cost * 20 // 100))
                END,
                CASE WHEN is_free THEN credit('Free tier', 'FREE_TIER', -cost) END,
                -- A grant pays for part of the sandbox.
                CASE WHEN account = 11 AND NOT is_free AND luck < 500000 THEN
                    credit('Research grant', 'PROMOTION', -(cost * (100 - covered) // 100))
                END
            ],
            lambda item: item IS NOT NULL
        ) AS credits
    FROM priced
)
SELECT 1 AS section, ordinary.*, 'regular' AS cost_type, NULL::VARCHAR AS adjustment_mode, NULL::VARCHAR AS subscription
FROM ordinary
UNION ALL
SELECT 1, ordinary.*, 'regular', NULL, NULL FROM ordinary WHERE times = 2
UNION ALL
-- Corrections of last month's usage: a negative copy, and the usage again at a better price.
SELECT 2, ordinary.* REPLACE (
    starts - INTERVAL 1 MONTH AS starts, ends - INTERVAL 1 MONTH AS ends, -quantity AS quantity, -list_cost AS list_cost,
    -default_cost AS default_cost, -cost AS cost, [] AS credits
), 'regular', 'COMPLETE_NEGATION_WITH_REMONETIZATION', NULL
FROM ordinary WHERE n % 500 = 7 AND covered = 0 AND NOT is_free AND NOT getvariable('first_month')
UNION ALL
SELECT 3, ordinary.* REPLACE (
    starts - INTERVAL 1 MONTH AS starts, ends - INTERVAL 1 MONTH AS ends, cost * 95 // 100 AS cost, [] AS credits
), 'regular', 'COMPLETE_NEGATION_WITH_REMONETIZATION', NULL
FROM ordinary WHERE n % 500 = 7 AND covered = 0 AND NOT is_free AND NOT getvariable('first_month');

CREATE OR REPLACE TABLE lines AS
WITH special AS (
    SELECT
        4 AS section, day::TIMESTAMP AS starts, day::TIMESTAMP + INTERVAL 1 DAY AS ends, '6F81-5844-456A' AS service_id,
        'Compute Engine' AS service,
        CASE part WHEN 'core' THEN 'B7E3-1A6F-CD01' ELSE '5C2D-90B4-EF02' END AS sku_id,
        'Commitment v1: E2 ' || CASE part WHEN 'core' THEN 'Cpu' ELSE 'Ram' END || ' in Americas for 1 Year' AS sku,
        CASE part WHEN 'core' THEN 'hour' ELSE 'gibibyte hour' END AS pricing_unit,
        CASE part WHEN 'core' THEN 'seconds' ELSE 'byte-seconds' END AS usage_unit,
        CASE part WHEN 'core' THEN 3600 ELSE 3865470566400 END AS base_units, price, quantity, cost,
        [] AS credits, 'us-central1' AS region, 'regular' AS cost_type, 'e2-americas-1y' AS subscription,
        NULL::INTEGER AS account, NULL::VARCHAR AS adjustment_mode
    FROM fees
    UNION ALL
    SELECT
        5, day::TIMESTAMP, day::TIMESTAMP + INTERVAL 1 DAY, '9662-B51E-5089', 'Cloud SQL', '8E44-2B19-AA10',
        'Commitment - dollar based v1: Cloud SQL database in Iowa for 1 year', 'hour', 'seconds', 3600, 1000000,
        cost // 10000, cost, [credit('Cloud SQL CUD - 1 Year', 'FEE_UTILIZATION_OFFSET', -used)], 'us-central1',
        'regular', 'cloudsql-spend-1y', NULL, NULL
    FROM spend_fees
    UNION ALL
    -- A promotion comes as a row without cost; a refund as an adjustment without usage.
    SELECT
        6, getvariable('period_start')::TIMESTAMP, getvariable('period_start')::TIMESTAMP + INTERVAL 1 DAY,
        '6F81-5844-456A', 'Compute Engine', 'CF4E-A0C7-E3BF', 'E2 Instance Core running in Americas', 'hour', 'seconds',
        3600, 21800, 0, 0, [credit(description, 'PROMOTION', -ticks)], 'us-central1', 'regular', NULL, account, NULL
    FROM credit_rows WHERE NOT is_refund
    UNION ALL
    SELECT
        7, getvariable('period_start')::TIMESTAMP - INTERVAL 1 MONTH, getvariable('period_start')::TIMESTAMP,
        '95FF-2EF5-5EA1', 'Cloud Storage', 'E5F0-6A5D-7BAD', description, NULL, NULL, 0, 0, 0, -ticks, [], 'us',
        'adjustment', NULL, account, 'MANUAL_ADJUSTMENT'
    FROM credit_rows WHERE is_refund
    UNION ALL
    SELECT
        8, getvariable('period_end')::TIMESTAMP - INTERVAL 1 DAY, getvariable('period_end')::TIMESTAMP,
        'A3F0-0000-1111', 'Invoice', '0000-1111-2222', 'Contract billing adjustment', NULL, NULL, 0, 0, 0, -1250000000,
        [], NULL, 'adjustment', NULL, NULL, NULL
),
charged AS (
    SELECT
        section, n, part, starts, ends, account, application, luck, resource, kind, in_euro, service_id, service,
        sku_id, sku, pricing_unit, usage_unit, base_units, price, quantity, list_cost, default_cost, cost, covered,
        model, credits, region, zonal, collection, cost_type, adjustment_mode, subscription
    FROM plain_lines
    UNION ALL
    SELECT
        section, NULL, NULL, starts, ends, account, NULL, 0, 0, NULL, false, service_id, service, sku_id, sku,
        pricing_unit, usage_unit, base_units, price, quantity, CASE WHEN section IN (4, 5) THEN cost ELSE 0 END,
        cost, cost, 0, NULL, credits, region, 0, NULL, cost_type, adjustment_mode, subscription
    FROM special
),
totals AS (
    SELECT in_euro, sum(cost + coalesce(list_sum(list_transform(credits, lambda item: item.amount)), 0))::BIGINT AS net
    FROM charged GROUP BY in_euro
)
SELECT * FROM charged
UNION ALL
-- Tax and rounding have no project and cover the whole month.
SELECT
    9, NULL, NULL, getvariable('period_start')::TIMESTAMP, getvariable('period_end')::TIMESTAMP, NULL, NULL, 0, 0, NULL,
    in_euro, '0000-TAX0-0000', 'Invoice', 'TAX0-0000-0001', 'State sales tax (4.71%)', NULL, NULL, 0, 0, 0, 0, NULL,
    net * getvariable('tax_permille') // 1000, 0, NULL, [], NULL, 0, NULL, 'tax', NULL, NULL
FROM totals WHERE net > 0
UNION ALL
SELECT
    10, NULL, NULL, getvariable('period_start')::TIMESTAMP, getvariable('period_end')::TIMESTAMP, NULL, NULL, 0, 0, NULL,
    in_euro, '0000-RND0-0000', 'Invoice', 'RND0-0000-0001', 'Rounding error', NULL, NULL, 0, 0, 0, 0, NULL,
    net % 10000000, 0, NULL, [], NULL, 0, NULL, 'rounding_error', NULL, NULL
FROM totals;
