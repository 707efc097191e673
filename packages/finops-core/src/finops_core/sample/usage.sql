-- One row per hour (or day), account, application and kind of service: what Acme Retail used, and its list price.
--
-- Reads the variables seed, period, first_day, rows, buckets, bucket_seconds, delivery, budget, weekday_percent,
-- spike_*, and the tables world_slots (slot -> account, application), world_kind_slots (slot -> kind) and world_kinds.
-- Integers only: floating point rounds differently from machine to machine.
CREATE OR REPLACE TABLE usage AS
WITH drawn AS (
    SELECT
        n,
        n * getvariable('buckets') // getvariable('rows') AS bucket,
        md5_number_upper(getvariable('seed') || ':' || getvariable('period') || ':usage:' || n) AS a,
        md5_number_upper(getvariable('seed') || ':' || getvariable('period') || ':more:' || n) AS b
    FROM range(getvariable('rows')::BIGINT) AS numbers(n)
    -- A second delivery has lost a few rows.
    WHERE getvariable('delivery') = 1 OR n % 251 <> 17
),

placed AS (
    SELECT
        n, a, b,
        getvariable('first_day')::TIMESTAMP + to_seconds(bucket * getvariable('bucket_seconds')) AS starts,
        getvariable('first_day')::TIMESTAMP + to_seconds((bucket + 1) * getvariable('bucket_seconds')) AS ends,
        slots.account, slots.application, kinds.kind
    FROM drawn
    JOIN world_slots AS slots ON slots.slot = (a % 1000)::INTEGER
    JOIN world_kind_slots AS kinds ON kinds.slot = (a // 1000 % 1000)::INTEGER
),

weighed AS (
    SELECT
        placed.*,
        -- The square of a product of three even draws: many small rows, few large ones.
        (1 + a // 1000000000000 % 100)::HUGEINT * (1 + a // 100000000000000 % 100) * (1 + a // 10000000000000000 % 100)
            AS weight,
        kind = getvariable('spike_kind') AND starts::DATE = getvariable('spike_day')::DATE AS in_spike
    FROM placed
)

SELECT
    n,
    starts,
    ends,
    CASE WHEN in_spike THEN getvariable('spike_account')::INTEGER ELSE account END AS account,
    CASE WHEN in_spike THEN getvariable('spike_application')::INTEGER ELSE application END AS application,
    weighed.kind AS kind,
    (a // 1000000 % 1000000)::INTEGER AS pick,
    (b // 1000000 % 1000000)::INTEGER AS luck,
    (b // 1000000000000 % 40)::INTEGER AS resource,
    CASE
        WHEN b % 1000 < kinds.free THEN 0
        ELSE (
            getvariable('budget')::HUGEINT * kinds.spend // 1000
            * weight * weight
            * getvariable('weekday_percent')[isodow(starts)]
            * CASE WHEN in_spike THEN getvariable('spike_factor') ELSE 1 END
            -- A second delivery has restated a few rows by five per cent.
            * CASE WHEN getvariable('delivery') > 1 AND n % 251 = 18 THEN 105 ELSE 100 END
            * 1000
            -- Divided by what all these factors come to over the kind's rows; 38734552458 is the mean of weight squared.
            // (
                38734552458::HUGEINT * 100 * 100 * (1000 - kinds.free)
                * greatest(1, getvariable('rows') * kinds.rows // 1000)
            )
        )::BIGINT
    END AS spend
FROM weighed
JOIN world_kinds AS kinds ON kinds.kind = weighed.kind
ORDER BY n
