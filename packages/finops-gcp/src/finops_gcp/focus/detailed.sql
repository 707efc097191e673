-- Google Cloud standard and detailed usage cost export to FOCUS 1.2, in DuckDB's dialect.
--
-- Reads `source` (the raw rows of one invoice month, nested fields flattened with underscores, lists as JSON) and the
-- lookups gcp_services, gcp_regions and gcp_units. The rule beside a column is its documentation;
-- finops_core.focus.conversion says how it is read.
--
-- Words: the net cost of a row is its cost plus its credits, which are negative. A commitment is a committed use
-- discount (CUD). Its shape is told row by row: in the older model a fee row buys it and credits take the price off the
-- usage it covers; in the newer one (usual since 2025, for spend-based commitments) usage is priced at the discounted
-- rate and a credit takes the used part off the fee, so that what is left of the fee is idle commitment.

WITH
-- What the text of a SKU tells, once for each SKU.
sku_texts AS (
    SELECT
        service_description AS sku_service,
        sku_description AS sku_text,
        -- sku_family: the kind of machine whose cores or memory a resource-based commitment covers (N1 where no name is
        --   given), told by the SKU's text.
        CASE
            WHEN service_description IS DISTINCT FROM 'Compute Engine' THEN NULL
            WHEN regexp_matches(sku_description, '\b(Ram|RAM|Memory)\b')
                THEN coalesce(nullif(regexp_extract(sku_description, '\b([A-Z][0-9][A-Z]?)\b', 1), ''), 'N1') || ' Ram'
            WHEN regexp_matches(sku_description, '\b(Cpu|CPU|Core|vCPU)\b')
                THEN coalesce(nullif(regexp_extract(sku_description, '\b([A-Z][0-9][A-Z]?)\b', 1), ''), 'N1') || ' Core'
        END AS sku_family,
        -- sku_meter: the text without where the SKU runs.
        coalesce(nullif(regexp_replace(sku_description, ' (running )?in [A-Z].*$', ''), ''), sku_description) AS sku_meter,
        -- is_dynamic: the text says that the SKU is spot or preemptible usage.
        coalesce(sku_description LIKE '%Spot%' OR sku_description LIKE '%Preemptible%', false) AS is_dynamic
    FROM (SELECT DISTINCT service_description, sku_description FROM source)
),

-- `credited`, `lines` and `charges` are not kept: rows as wide as these cost more to keep than to read again. Each query
-- below reads of them what it needs.
credited AS NOT MATERIALIZED (
    SELECT
        *,
        -- credit_list: the row's credits; where an old export gives no type, it is told by the credit's name.
        CASE
            WHEN credits IS NOT NULL AND credits <> '[]'
                THEN list_transform(
                    from_json(
                        CASE WHEN json_type(credits) = 'ARRAY' THEN credits END,
                        '[{"id":"VARCHAR","full_name":"VARCHAR","name":"VARCHAR","type":"VARCHAR","amount":"VARCHAR"}]'
                    ),
                    lambda credit: {
                        'id': credit.id,
                        'name': coalesce(credit.full_name, credit.name, credit.id),
                        'kind': coalesce(
                            nullif(upper(credit.type), ''),
                            CASE
                                WHEN credit.name ILIKE '%sustained%' THEN 'SUSTAINED_USAGE_DISCOUNT'
                                WHEN credit.name ILIKE '%committed%' THEN 'COMMITTED_USAGE_DISCOUNT'
                                WHEN credit.name ILIKE '%free%' THEN 'FREE_TIER'
                                ELSE 'UNKNOWN'
                            END
                        ),
                        'amount': coalesce(CAST(nullif(credit.amount, '') AS DECIMAL(38, 18)), 0)
                    }
                )
        END AS credit_list,
        -- has_adjustment: the row says that it corrects something.
        coalesce(
            adjustment_info_id, adjustment_info_description, adjustment_info_mode, adjustment_info_type
        ) IS NOT NULL AS has_adjustment,
        -- is_fee: the row is the fee of a commitment: by its SKU, or by a subscription on a row that no resource, no credit
        --   of a commitment and no consumption model makes usage of it.
        coalesce(
            starts_with(sku_description, 'Commitment')
            OR (
                subscription_instance_id IS NOT NULL
                AND coalesce(resource_global_name, resource_name) IS NULL
                AND coalesce(credits NOT LIKE '%COMMITTED_USAGE_DISCOUNT%', true)
                AND coalesce(consumption_model_description, 'Default') = 'Default'
            ),
            false
        ) AS is_fee,
        -- may_be_pooled: cheap to say, and true of all fees and of all usage that a resource-based commitment covers.
        is_fee OR coalesce(credits ILIKE '%committed%', false) AS may_be_pooled,
        -- model_name: the consumption model under which the row is priced, if it is a commitment's.
        CASE
            WHEN coalesce(consumption_model_description, 'Default') <> 'Default' THEN consumption_model_description
        END AS model_name,
        -- invoice_start: the first of the invoice month; where a hand-made file has none, of the month of the delivery.
        CAST(
            coalesce(
                try_strptime(left(replace(invoice_month, '-', ''), 6), '%Y%m'),
                CAST(billing_period || '-01' AS TIMESTAMP)
            ) AS TIMESTAMP
        ) AS invoice_start
    FROM source
),

lines AS NOT MATERIALIZED (
    SELECT
        *,
        -- split_credits: the credits that make rows of their own: promotions and kinds that nobody knows.
        list_filter(
            credit_list,
            lambda credit: credit.amount <> 0 AND credit.kind NOT IN (
                'SUSTAINED_USAGE_DISCOUNT', 'DISCOUNT', 'COMMITTED_USAGE_DISCOUNT',
                'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE', 'FEE_UTILIZATION_OFFSET', 'SUBSCRIPTION_BENEFIT',
                'RESELLER_MARGIN', 'FREE_TIER'
            )
        ) AS split_credits,
        -- covering_credits: what commitments of the older model took off this row.
        list_filter(credit_list, lambda credit: starts_with(credit.kind, 'COMMITTED_USAGE_DISCOUNT')) AS covering_credits,
        -- net_cost: the row's cost and those of its credits that are discounts of this very row.
        coalesce(cost, 0)
            + coalesce(list_sum(list_transform(credit_list, lambda credit: credit.amount)), 0)
            - coalesce(list_sum(list_transform(split_credits, lambda credit: credit.amount)), 0) AS net_cost,
        -- covered_credit: what commitments of the older model took off this row, as a positive amount.
        -coalesce(list_sum(list_transform(covering_credits, lambda credit: credit.amount)), 0) AS covered_credit,
        -- covering_credit: the first of those credits.
        list_filter(covering_credits, lambda credit: credit.amount <> 0)[1] AS covering_credit
    FROM credited
),

-- Fees of the newer model: those that a FEE_UTILIZATION_OFFSET credit ever reduces in this bill. An hour in which all of
-- such a commitment was idle has no credit.
offset_fees AS (
    SELECT DISTINCT billing_account_id AS account, subscription_instance_id AS subscription, sku_id AS sku
    FROM credited
    WHERE credits LIKE '%FEE_UTILIZATION_OFFSET%'
        AND is_fee
),

charges AS NOT MATERIALIZED (
    SELECT
        lines.*,
        sku_texts.* EXCLUDE (sku_service, sku_text),
        -- charge_kind: what the row is: by cost type, then adjustments by whether they carry usage, then fees of
        --   commitments, then usage.
        CASE
            WHEN cost_type = 'tax' THEN 'Tax'
            WHEN cost_type = 'rounding_error' THEN 'Adjustment'
            WHEN (has_adjustment OR cost_type = 'adjustment') AND coalesce(usage_amount, 0) = 0 THEN 'Adjustment'
            WHEN is_fee AND offset_fees.sku IS NOT NULL THEN 'Idle commitment'
            WHEN is_fee THEN 'Commitment fee'
            ELSE 'Usage'
        END AS charge_kind,
        -- covered_by: resource, spend or model: which sort of commitment covers the usage.
        CASE
            WHEN charge_kind <> 'Usage' THEN NULL
            WHEN covering_credit.kind = 'COMMITTED_USAGE_DISCOUNT' THEN 'resource'
            WHEN covering_credit IS NOT NULL THEN 'spend'
            WHEN model_name IS NOT NULL THEN 'model'
        END AS covered_by,
        CAST(usage_start_time AS DATE) AS usage_day,
        -- pooled_family: the family whose fees this row pays (fees) or has to bear (usage that they cover).
        CASE
            WHEN (covered_by = 'resource' OR charge_kind = 'Commitment fee') AND may_be_pooled AND NOT has_adjustment
                THEN sku_family
        END AS pooled_family
    FROM lines
    LEFT JOIN sku_texts
        ON sku_texts.sku_text IS NOT DISTINCT FROM sku_description
        AND sku_texts.sku_service IS NOT DISTINCT FROM service_description
    LEFT JOIN offset_fees
        ON is_fee
        AND offset_fees.account IS NOT DISTINCT FROM billing_account_id
        AND offset_fees.subscription IS NOT DISTINCT FROM subscription_instance_id
        AND offset_fees.sku = sku_id
),

-- The only commitment to spend of an account, where there is but one: covered usage does not say which one it was.
spend_commitments AS (
    SELECT
        billing_account_id AS account,
        charge_kind = 'Idle commitment' AS is_model,
        CASE WHEN count(DISTINCT subscription_instance_id) = 1 THEN min(subscription_instance_id) END AS only_commitment
    FROM charges
    WHERE charge_kind = 'Idle commitment' OR (charge_kind = 'Commitment fee' AND sku_family IS NULL)
    GROUP BY ALL
),

-- Resource-based commitments: their fees and the usage that they cover.
pooled AS MATERIALIZED (
    SELECT
        *,
        -- place: the order of the rows of a pool, but for ties.
        {
            'start': usage_start_time, 'sku': sku_id, 'project': project_id, 'resource': resource_global_name,
            'cost': cost
        } AS place,
        -- weight: by what a row shares: what a fee costs, or what was taken off usage.
        CASE WHEN charge_kind = 'Usage' THEN covered_credit ELSE net_cost END AS weight,
        -- pooled_quantity: of usage the part whose price the credits took off. Decimals, since a sum of binary numbers
        --   depends on their order.
        CASE
            WHEN charge_kind = 'Usage'
                THEN CAST(
                    CAST(usage_amount_in_pricing_units AS DOUBLE) * CAST(covered_credit AS DOUBLE)
                    / CAST(nullif(cost, 0) AS DOUBLE) AS DECIMAL(38, 12)
                )
            ELSE usage_amount_in_pricing_units
        END AS pooled_quantity
    FROM charges
    WHERE pooled_family IS NOT NULL
        -- Spares reading the credits of all other rows.
        AND may_be_pooled
),

-- Per account, currency, region, day and family, what the fees cost and how much of what they buy was used.
pools AS (
    SELECT
        billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit,
        sum(weight) FILTER (charge_kind <> 'Usage') AS fee_cost,
        CAST(sum(pooled_quantity) FILTER (charge_kind <> 'Usage') AS DOUBLE) AS fee_quantity,
        sum(weight) FILTER (charge_kind = 'Usage') AS credit,
        CAST(sum(pooled_quantity) FILTER (charge_kind = 'Usage') AS DOUBLE) AS covered_quantity,
        CASE
            WHEN count(DISTINCT subscription_instance_id) FILTER (charge_kind <> 'Usage') = 1
                THEN min(subscription_instance_id) FILTER (charge_kind <> 'Usage')
        END AS pool_commitment,
        -- used_cost: the part of the fees that goes to covered usage: the used part of what they buy. What is left unused
        --   of a millionth is nothing.
        CASE
            WHEN covered_quantity IS NULL THEN NULL
            WHEN covered_quantity >= fee_quantity * 0.999999 THEN fee_cost
            ELSE CAST(
                CAST(CAST(fee_cost AS DOUBLE) * covered_quantity / fee_quantity AS DECIMAL(38, 9)) AS DECIMAL(38, 18)
            )
        END AS used_cost
    FROM pooled
    GROUP BY billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit
    HAVING fee_cost > 0 AND fee_quantity > 0 AND credit > 0
),

-- What each side of a pool, its usage and its fees, has to bear of the fees, and what shares by weight leave over.
sides AS (
    SELECT
        billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit, charge_kind,
        pool_commitment,
        CASE WHEN charge_kind = 'Usage' THEN used_cost ELSE fee_cost - used_cost END AS to_bear,
        CASE WHEN charge_kind = 'Usage' THEN credit ELSE fee_cost END AS whole_weight,
        min(place) AS first_place,
        sum(
            CAST(CAST(to_bear AS DOUBLE) * CAST(weight AS DOUBLE) / CAST(whole_weight AS DOUBLE) AS DECIMAL(38, 12))
        ) AS rounded_sum
    FROM pooled
    JOIN pools
        USING (billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit)
    GROUP BY ALL
),

shares AS NOT MATERIALIZED (
    SELECT
        *,
        -- rounded_share: the part of the fees that this row bears by its weight: covered usage of what was used, fees of
        --   what was left unused. Twelve decimals and eighteen make twelve in DuckDB, hence the casts.
        CAST(
            CAST(CAST(to_bear AS DOUBLE) * CAST(weight AS DOUBLE) / CAST(whole_weight AS DOUBLE) AS DECIMAL(38, 12))
            AS DECIMAL(38, 18)
        ) AS rounded_share,
        first_place IS NOT NULL AND place IS NOT DISTINCT FROM first_place AS is_early
    FROM pooled
    LEFT JOIN sides
        USING (
            billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit, charge_kind
        )
),

-- What each row bears, to the last digit: the first row of each side takes the rounding. Only rows that may be it are
-- put in order.
bearing AS (
    SELECT *, rounded_share AS pool_share
    FROM shares
    WHERE NOT is_early
    UNION ALL
    SELECT
        *,
        -- pool_share: the part of the fees that this row bears: covered usage of what was used, fees of what was left
        --   unused.
        rounded_share
            + CASE WHEN row_number() OVER side = 1 THEN to_bear - CAST(rounded_sum AS DECIMAL(38, 18)) ELSE 0 END
            AS pool_share
    FROM shares
    WHERE is_early
    WINDOW side AS (
        PARTITION BY
            billing_account_id, currency, location_region, pooled_family, usage_day, usage_pricing_unit, charge_kind
        -- Of rows that are equal in all that FOCUS shows it does not matter which one it is.
        ORDER BY
            usage_end_time, export_time, usage_amount_in_pricing_units, credits, labels, tags, project_labels,
            system_labels, location_zone, resource_name, price_effective_price, cost_at_list, source_file
    )
),

-- A row, and beside it one for each of its credits that is no discount of it. Both come from one reading of the credits.
divided AS (
    SELECT
        *,
        CAST(NULL AS VARCHAR) AS pool_commitment,
        CAST(NULL AS DECIMAL(38, 18)) AS pool_share,
        false AS is_unused_part,
        unnest(list_concat([NULL], split_credits)) AS split_credit
    FROM charges
    WHERE pooled_family IS NULL
    UNION ALL BY NAME
    SELECT *, false AS is_unused_part, unnest(list_concat([NULL], split_credits)) AS split_credit FROM bearing
    UNION ALL BY NAME
    -- The unused part of a fee: FOCUS wants no effective cost on the purchase and an Unused row beside it.
    SELECT *, true AS is_unused_part FROM bearing WHERE charge_kind = 'Commitment fee' AND pool_share <> 0
),

parts AS (
    SELECT
        * REPLACE (
            CASE WHEN split_credit IS NULL THEN charge_kind ELSE 'Credit' END AS charge_kind,
            CASE WHEN split_credit IS NULL THEN covered_by END AS covered_by,
            CASE WHEN split_credit IS NULL THEN pool_commitment END AS pool_commitment,
            CASE WHEN split_credit IS NULL THEN pool_share END AS pool_share
        ),
        -- is_generated: the row is no row of the bill.
        is_unused_part OR split_credit IS NOT NULL AS is_generated
    FROM divided
),

-- Labels and tags repeat from hour to hour: each set is converted once.
tag_sets AS (
    SELECT
        labels AS labels_key,
        tags AS tags_key,
        project_labels AS project_labels_key,
        -- pairs: keys and values of all three, in their order of precedence.
        list_concat(
            from_json(CASE WHEN json_type(labels) = 'ARRAY' THEN labels END, '[{"key":"VARCHAR","value":"VARCHAR"}]'),
            from_json(CASE WHEN json_type(tags) = 'ARRAY' THEN tags END, '[{"key":"VARCHAR","value":"VARCHAR"}]'),
            from_json(
                CASE WHEN json_type(project_labels) = 'ARRAY' THEN project_labels END,
                '[{"key":"VARCHAR","value":"VARCHAR"}]'
            )
        ) AS pairs,
        list_transform(pairs, lambda pair: pair.key) AS keys,
        -- tag_set: labels of the resource, then resource manager tags, then labels of the project; of a key that stands
        --   several times the first counts; a key without a value is true, as FOCUS wants it.
        nullif(
            '{' || array_to_string(
                list_transform(
                    list_filter(pairs, lambda pair, i: pair.key IS NOT NULL AND list_position(keys, pair.key) = i),
                    lambda pair: to_json(pair.key) || ':' || coalesce(to_json(pair.value), 'true')
                ),
                ','
            ) || '}',
            '{}'
        ) AS tag_set
    FROM (SELECT DISTINCT labels, tags, project_labels FROM source)
    WHERE coalesce(labels, tags, project_labels) IS NOT NULL
),

spec_sets AS (
    SELECT
        system_labels AS system_labels_key,
        -- specs: the system labels.
        from_json(
            CASE WHEN json_type(system_labels) = 'ARRAY' THEN system_labels END, '[{"key":"VARCHAR","value":"VARCHAR"}]'
        ) AS specs,
        -- machine_spec: the system label compute.googleapis.com/machine_spec.
        list_filter(specs, lambda spec: spec.key LIKE '%/machine_spec')[1].value AS machine_spec,
        list_filter(specs, lambda spec: spec.key LIKE '%/cores')[1].value AS cores,
        list_filter(specs, lambda spec: spec.key LIKE '%/memory')[1].value AS memory,
        -- is_unused_reservation: the system label compute.googleapis.com/is_unused_reservation.
        coalesce(
            lower(list_filter(specs, lambda spec: spec.key LIKE '%/is_unused_reservation')[1].value) = 'true', false
        ) AS is_unused_reservation,
        -- spec_details: machine type, cores and memory (given in MiB, written in GiB).
        nullif(
            '{' || concat_ws(
                ',',
                '"InstanceType":' || to_json(machine_spec),
                '"CoreCount":' || TRY_CAST(cores AS INTEGER),
                '"MemorySize":' || TRY_CAST(memory AS DOUBLE) / 1024
            ) || '}',
            '{}'
        ) AS spec_details
    FROM (SELECT DISTINCT system_labels FROM source WHERE system_labels IS NOT NULL)
),

costed AS (
    SELECT
        parts.*,
        spend_commitments.only_commitment AS spend_commitment,
        -- billed_cost: the net cost of the row, of a split-off credit its amount, of the unused part of a fee nothing.
        CASE
            WHEN split_credit IS NOT NULL THEN split_credit.amount
            WHEN is_generated THEN 0
            ELSE net_cost
        END AS billed_cost,
        -- effective_cost: billed cost, but fees of resource-based commitments are spread over the usage they cover.
        CASE
            WHEN is_generated AND split_credit IS NULL THEN pool_share
            WHEN pool_share IS NULL THEN billed_cost
            WHEN charge_kind = 'Commitment fee' THEN 0
            ELSE billed_cost + pool_share
        END AS effective_cost,
        -- list_cost: cost at list prices; of idle commitments and all that has no price the billed cost.
        CASE
            WHEN is_generated AND split_credit IS NULL THEN 0
            WHEN charge_kind IN ('Usage', 'Commitment fee') THEN coalesce(cost_at_list, cost, 0)
            ELSE billed_cost
        END AS list_cost,
        -- contracted_cost: cost at contract prices before credits and commitments; else as list_cost.
        CASE
            WHEN is_generated AND split_credit IS NULL THEN 0
            WHEN charge_kind IN ('Usage', 'Commitment fee') THEN coalesce(cost_at_effective_price_default, cost, 0)
            ELSE billed_cost
        END AS contracted_cost,
        -- status: Used or Unused, of a commitment.
        CASE
            WHEN charge_kind = 'Idle commitment' OR (is_generated AND split_credit IS NULL) THEN 'Unused'
            WHEN covered_by IS NOT NULL THEN 'Used'
        END AS status,
        -- commitment_id: on fees the subscription; covered usage does not name it, so the only one that can be meant
        --   (of the family, region and day, or the account's only commitment to spend), else `unknown:` and its kind.
        CASE
            WHEN charge_kind IN ('Commitment fee', 'Idle commitment')
                THEN coalesce(subscription_instance_id, 'unknown:' || sku_id, 'unknown')
            WHEN covered_by = 'resource'
                THEN coalesce(
                    pool_commitment, 'unknown:' || coalesce(covering_credit.id, covering_credit.name, 'resource')
                )
            WHEN covered_by = 'spend'
                THEN coalesce(
                    spend_commitments.only_commitment,
                    'unknown:' || coalesce(covering_credit.id, covering_credit.name, 'spend')
                )
            WHEN covered_by = 'model'
                THEN coalesce(
                    spend_commitments.only_commitment, 'unknown:' || coalesce(consumption_model_id, model_name)
                )
        END AS commitment_id,
        -- is_spend: the commitment is to money per hour, not to cores or memory.
        CASE
            WHEN commitment_id IS NULL THEN NULL
            WHEN charge_kind = 'Commitment fee' THEN sku_family IS NULL
            ELSE covered_by IS DISTINCT FROM 'resource'
        END AS is_spend,
        -- priced_quantity: the usage in pricing units, on usage and fees; of an idle commitment the part that was idle;
        --   nothing on what has no price and on generated rows.
        CASE
            WHEN charge_kind IN ('Usage', 'Commitment fee') AND NOT is_generated THEN usage_amount_in_pricing_units
            WHEN charge_kind = 'Idle commitment'
                THEN TRY_CAST(
                    CAST(usage_amount_in_pricing_units AS DOUBLE) * CAST(net_cost AS DOUBLE)
                    / CAST(nullif(cost, 0) AS DOUBLE) AS DECIMAL(38, 18)
                )
        END AS priced_quantity,
        -- pricing_unit_name: the pricing unit as FOCUS writes units.
        coalesce(gcp_units.unit, usage_pricing_unit, price_unit, 'Units') AS pricing_unit_name,
        -- consumed: usage in base units; more than 10^20 of them (petabytes in byte-seconds) do not fit, and the amount in
        --   pricing units stands instead.
        CASE
            WHEN charge_kind <> 'Usage' THEN NULL
            WHEN abs(usage_amount) < 99999999999999999999 THEN CAST(usage_amount AS DECIMAL(38, 18))
        END AS consumed,
        -- resource_id: the full resource name, else its short name.
        coalesce(resource_global_name, resource_name) AS resource_id,
        -- region_code: the region, else the multi-region, country or `global`.
        coalesce(location_region, location_location) AS region_code,
        coalesce(nullif(currency_conversion_rate, 0), 1) AS rate,
        -- is_converted: prices are in US dollars and the bill is not.
        rate <> 1 AS is_converted
    FROM parts
    LEFT JOIN spend_commitments
        ON covered_by IN ('spend', 'model')
        AND spend_commitments.account IS NOT DISTINCT FROM billing_account_id
        AND spend_commitments.is_model = (covered_by = 'model')
    LEFT JOIN gcp_units ON gcp_units.pricing_unit = coalesce(usage_pricing_unit, price_unit)
),

-- What unit prices are compared by. To turn a long decimal into a DOUBLE is slow, so each is turned once.
compared AS (
    SELECT
        *,
        -- quantity_number: the priced quantity as a DOUBLE.
        CAST(priced_quantity AS DOUBLE) AS quantity_number,
        -- list_number: the list cost as a DOUBLE.
        CAST(list_cost AS DOUBLE) AS list_number,
        -- contracted_number: the contracted cost as a DOUBLE.
        CAST(contracted_cost AS DOUBLE) AS contracted_number
    FROM costed
)

SELECT
    -- AvailabilityZone: the zone; regional and global services have none.
    location_zone AS AvailabilityZone,
    -- BilledCost: cost plus the credits that are discounts of the row (sustained use, committed use, free tier, spend-based
    --   and negotiated discounts, reseller margin). Promotions and unknown kinds of credit have rows of their own, with
    --   their amount. 0 on generated Unused rows.
    CAST(billed_cost AS DECIMAL(38, 18)) AS BilledCost,
    -- BillingAccountId: the billing account.
    billing_account_id AS BillingAccountId,
    -- BillingAccountName: not in the export.
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    -- BillingAccountType: Google's word for the account that gets the invoice.
    'Billing Account' AS BillingAccountType,
    -- BillingCurrency: the row's currency.
    currency AS BillingCurrency,
    -- BillingPeriodEnd: the first of the month after the invoice month.
    invoice_start + INTERVAL 1 MONTH AS BillingPeriodEnd,
    -- BillingPeriodStart: the first of the invoice month, at midnight UTC. Google's invoice calendar is in US Pacific time:
    --   the usage of its first and last hours may lie in the next or the previous month.
    invoice_start AS BillingPeriodStart,
    -- CapacityReservationId: the resource, where the system labels say that it is an unused reservation.
    CASE WHEN spec_sets.is_unused_reservation THEN resource_id END AS CapacityReservationId,
    -- CapacityReservationStatus: Unused, where the system labels say so; the export does not tell used ones.
    CASE WHEN spec_sets.is_unused_reservation AND resource_id IS NOT NULL THEN 'Unused' END
        AS CapacityReservationStatus,
    -- ChargeCategory: Tax for taxes; Adjustment for rounding and for adjustments without usage; Purchase for fees of
    --   commitments, but Usage where the fee is idle commitment (see CommitmentDiscountStatus); Credit for split-off
    --   credits; else Usage.
    CASE
        WHEN charge_kind IN ('Tax', 'Adjustment', 'Credit') THEN charge_kind
        WHEN charge_kind = 'Commitment fee' AND NOT is_generated THEN 'Purchase'
        ELSE 'Usage'
    END AS ChargeCategory,
    -- ChargeClass: Correction where adjustment_info says that the row corrects something; never on split-off credits.
    CASE WHEN has_adjustment AND charge_kind <> 'Credit' THEN 'Correction' END AS ChargeClass,
    -- ChargeDescription: the SKU's description, of a split-off credit its name.
    CASE WHEN split_credit IS NOT NULL THEN split_credit.name ELSE sku_description END AS ChargeDescription,
    -- ChargeFrequency: usage is Usage-Based, fees of commitments are Recurring, all else is One-Time.
    CASE
        WHEN charge_kind IN ('Usage', 'Idle commitment') THEN 'Usage-Based'
        WHEN charge_kind = 'Commitment fee' THEN CASE WHEN is_generated THEN 'Usage-Based' ELSE 'Recurring' END
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- ChargePeriodEnd: the end of usage, exclusive, UTC; of taxes and the like without one the end of the invoice month.
    coalesce(usage_end_time, invoice_start + INTERVAL 1 MONTH) AS ChargePeriodEnd,
    -- ChargePeriodStart: the start of usage, UTC; of taxes and the like without one the start of the invoice month.
    coalesce(usage_start_time, invoice_start) AS ChargePeriodStart,
    -- CommitmentDiscountCategory: Usage for resource-based commitments, Spend for spend-based ones.
    CASE WHEN is_spend THEN 'Spend' WHEN commitment_id IS NOT NULL THEN 'Usage' END AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: on fees the subscription. Covered usage does not name its commitment: where only one can be
    --   meant it is that one, else `unknown:` and the credit or consumption model.
    commitment_id AS CommitmentDiscountId,
    -- CommitmentDiscountName: of a fee the SKU's description, of covered usage the credit's or consumption model's name.
    CASE
        WHEN charge_kind IN ('Commitment fee', 'Idle commitment') THEN sku_description
        WHEN covered_by = 'model' THEN model_name
        ELSE covering_credit.name
    END AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: money for spend-based commitments (what usage cost or the fee says), amounts in pricing
    --   units for resource-based ones; on covered usage only the covered part.
    CASE
        WHEN commitment_id IS NULL THEN NULL
        WHEN covered_by = 'resource'
            THEN TRY_CAST(
                CAST(usage_amount_in_pricing_units AS DOUBLE) * CAST(covered_credit AS DOUBLE)
                / CAST(nullif(cost, 0) AS DOUBLE) AS DECIMAL(38, 18)
            )
        WHEN charge_kind = 'Commitment fee' AND is_generated
            THEN TRY_CAST(
                CAST(usage_amount_in_pricing_units AS DOUBLE) * CAST(pool_share AS DOUBLE)
                / CAST(nullif(net_cost, 0) AS DOUBLE) AS DECIMAL(38, 18)
            )
        WHEN charge_kind = 'Commitment fee' AND NOT is_spend THEN usage_amount_in_pricing_units
        WHEN charge_kind = 'Commitment fee' THEN cost
        WHEN covered_by = 'spend' THEN covered_credit
        ELSE net_cost
    END AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: Used on usage that a commitment credit or consumption model covers; Unused on what is left
    --   of a fee after FEE_UTILIZATION_OFFSET, and on generated rows.
    status AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: Google's name for the kind of commitment.
    CASE
        WHEN is_spend THEN 'Spend-based committed use discount'
        WHEN commitment_id IS NOT NULL THEN 'Resource-based committed use discount'
    END AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: the currency for spend-based commitments, else the pricing unit.
    CASE WHEN is_spend THEN currency WHEN commitment_id IS NOT NULL THEN pricing_unit_name END
        AS CommitmentDiscountUnit,
    -- ConsumedQuantity: usage in base units (bytes, seconds, byte-seconds, requests); amounts above 10^20 in pricing units.
    CASE WHEN charge_kind = 'Usage' THEN coalesce(consumed, usage_amount_in_pricing_units) END AS ConsumedQuantity,
    -- ConsumedUnit: its unit, as FOCUS writes units.
    CASE
        WHEN consumed IS NOT NULL THEN coalesce(base_units.unit, usage_unit, 'Units')
        WHEN charge_kind = 'Usage' AND usage_amount_in_pricing_units IS NOT NULL THEN pricing_unit_name
    END AS ConsumedUnit,
    -- ContractedCost: cost at the contract's prices under the default consumption model, else cost; before credits. Of
    --   charges that have no price, and of idle commitments, BilledCost. 0 on generated Unused rows.
    CAST(contracted_cost AS DECIMAL(38, 18)) AS ContractedCost,
    -- ContractedUnitPrice: the export's contract price if it explains ContractedCost, else ContractedCost divided by
    --   PricingQuantity; nothing where that is negative.
    CASE
        WHEN priced_quantity <> 0 AND (contracted_cost = 0 OR (contracted_cost > 0) = (priced_quantity > 0))
            THEN CASE
                WHEN abs(
                    CAST(coalesce(price_effective_price_default, price_effective_price) AS DOUBLE)
                    * quantity_number - contracted_number
                ) <= 1e-10 * greatest(1, abs(contracted_number))
                    THEN coalesce(price_effective_price_default, price_effective_price)
                ELSE TRY_CAST(contracted_number / quantity_number AS DECIMAL(38, 18))
            END
    END AS ContractedUnitPrice,
    -- EffectiveCost: BilledCost, except where a resource-based commitment's fee is spread: per account, region, day and
    --   machine family the fee goes to the usage that its credits cover, in proportion to them, and what was not used to
    --   generated Unused rows. Where fee and usage do not match, nothing is spread and x_EffectiveCostBasis is `net`.
    CAST(effective_cost AS DECIMAL(38, 18)) AS EffectiveCost,
    -- InvoiceId: the export has no invoice number.
    CAST(NULL AS VARCHAR) AS InvoiceId,
    -- InvoiceIssuerName: Google Cloud invoices.
    'Google Cloud' AS InvoiceIssuerName,
    -- ListCost: cost at list prices where the export has it, else cost. Of charges that have no price, and of idle
    --   commitments, BilledCost. 0 on generated Unused rows.
    CAST(list_cost AS DECIMAL(38, 18)) AS ListCost,
    -- ListUnitPrice: the export's list price if it explains ListCost, else ListCost divided by PricingQuantity; nothing
    --   where that is negative.
    CASE
        WHEN priced_quantity <> 0 AND (list_cost = 0 OR (list_cost > 0) = (priced_quantity > 0))
            THEN CASE
                WHEN abs(CAST(price_list_price AS DOUBLE) * quantity_number - list_number)
                    <= 1e-10 * greatest(1, abs(list_number))
                    THEN price_list_price
                ELSE TRY_CAST(list_number / quantity_number AS DECIMAL(38, 18))
            END
    END AS ListUnitPrice,
    -- PricingCategory: Committed on what a commitment covers or leaves unused, Dynamic on spot and preemptible usage,
    --   Standard on other usage and on fees; nothing on taxes, credits and adjustments.
    CASE
        WHEN status IS NOT NULL THEN 'Committed'
        WHEN charge_kind = 'Usage' AND is_dynamic THEN 'Dynamic'
        WHEN charge_kind IN ('Usage', 'Commitment fee') THEN 'Standard'
    END AS PricingCategory,
    -- PricingCurrency: US dollars where the bill is converted from them, else the bill's currency.
    CASE WHEN is_converted THEN 'USD' ELSE currency END AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: ContractedUnitPrice divided by the conversion rate.
    CASE
        WHEN is_converted
            THEN TRY_CAST(CAST(ContractedUnitPrice AS DOUBLE) / CAST(rate AS DOUBLE) AS DECIMAL(38, 18))
        ELSE ContractedUnitPrice
    END AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: EffectiveCost divided by the conversion rate.
    CASE
        WHEN is_converted THEN TRY_CAST(CAST(effective_cost AS DOUBLE) / CAST(rate AS DOUBLE) AS DECIMAL(38, 18))
        ELSE CAST(effective_cost AS DECIMAL(38, 18))
    END AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: ListUnitPrice divided by the conversion rate.
    CASE
        WHEN is_converted THEN TRY_CAST(CAST(ListUnitPrice AS DOUBLE) / CAST(rate AS DOUBLE) AS DECIMAL(38, 18))
        ELSE ListUnitPrice
    END AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: usage in pricing units, on usage and fees; of an idle commitment the part that was idle; nothing on
    --   what has no price.
    priced_quantity AS PricingQuantity,
    -- PricingUnit: the pricing unit, as FOCUS writes units.
    CASE WHEN priced_quantity IS NOT NULL THEN pricing_unit_name END AS PricingUnit,
    -- ProviderName: Google Cloud sells, also what others publish on its marketplace.
    'Google Cloud' AS ProviderName,
    -- PublisherName: the seller where the transaction is a third party's, else Google Cloud.
    CASE
        WHEN coalesce(transaction_type, 'GOOGLE') = 'GOOGLE' THEN 'Google Cloud'
        ELSE coalesce(seller_name, 'Google Cloud')
    END AS PublisherName,
    -- RegionId: the region, else the multi-region, country or `global`.
    region_code AS RegionId,
    -- RegionName: from the table of regions, else RegionId.
    CASE WHEN region_code IS NOT NULL THEN coalesce(gcp_regions.RegionName, region_code) END AS RegionName,
    -- ResourceId: the full name of the resource, else its short one.
    resource_id AS ResourceId,
    -- ResourceName: the resource's short name.
    resource_name AS ResourceName,
    -- ResourceType: the segment before the last of the full name (//compute.googleapis.com/…/instances/1), else the service.
    CASE
        WHEN resource_id IS NULL THEN NULL
        WHEN resource_global_name LIKE '//%/%/%'
            THEN coalesce(nullif(split_part(resource_global_name, '/', -2), ''), service_description, 'Resource')
        ELSE coalesce(service_description, 'Resource')
    END AS ResourceType,
    -- ServiceCategory: from the table of services by the service's description, else Other.
    coalesce(gcp_services.ServiceCategory, 'Other') AS ServiceCategory,
    -- ServiceName: the service's description.
    coalesce(gcp_services.ServiceName, service_description, 'Invoice') AS ServiceName,
    -- ServiceSubcategory: from the table of services, else Other.
    coalesce(gcp_services.ServiceSubcategory, 'Other (Other)') AS ServiceSubcategory,
    -- SkuId: the SKU; nothing on taxes and split-off credits.
    CASE WHEN charge_kind NOT IN ('Tax', 'Credit') THEN sku_id END AS SkuId,
    -- SkuMeter: the SKU's description without where it runs; nothing on taxes and split-off credits.
    CASE WHEN charge_kind NOT IN ('Tax', 'Credit') AND sku_id IS NOT NULL THEN sku_meter END AS SkuMeter,
    -- SkuPriceDetails: machine type, cores and memory from the system labels, where there is a price.
    CASE WHEN charge_kind IN ('Usage', 'Commitment fee') AND sku_id IS NOT NULL THEN spec_sets.spec_details END
        AS SkuPriceDetails,
    -- SkuPriceId: the SKU, the tier from which the price holds, and the consumption model if it is not the default one.
    --   The billing account is no part of it: the same price has the same id in all accounts.
    CASE
        WHEN charge_kind NOT IN ('Tax', 'Credit') AND sku_id IS NOT NULL
            THEN concat_ws(
                '/',
                sku_id,
                CASE
                    WHEN coalesce(price_tier_start_amount, 0) = 0 THEN '0'
                    ELSE rtrim(rtrim(CAST(price_tier_start_amount AS VARCHAR), '0'), '.')
                END,
                CASE WHEN model_name IS NOT NULL THEN coalesce(consumption_model_id, model_name) END
            )
    END AS SkuPriceId,
    -- SubAccountId: the project's id; its number where the project was deleted and only that is left.
    coalesce(project_id, project_number) AS SubAccountId,
    -- SubAccountName: the project's name.
    project_name AS SubAccountName,
    -- SubAccountType: Google's word for it.
    CASE WHEN coalesce(project_id, project_number) IS NOT NULL THEN 'Project' END AS SubAccountType,
    -- Tags: labels of the resource, resource manager tags and labels of the project in one; of a key that stands several
    --   times the first of these counts; a key without a value is true.
    tag_sets.tag_set AS Tags,
    -- x_AdjustmentMode: how the row corrects another (negation, re-pricing).
    adjustment_info_mode AS x_AdjustmentMode,
    -- x_AdjustmentType: why the row corrects another.
    adjustment_info_type AS x_AdjustmentType,
    -- x_ConsumptionModel: the consumption model under which the row is priced.
    consumption_model_description AS x_ConsumptionModel,
    -- x_CreditType: the kind of a split-off credit.
    split_credit.kind AS x_CreditType,
    -- x_Credits: the row's credits as exported; they stand once, on the row and not on the split-off ones.
    CASE WHEN NOT is_generated AND credits <> '[]' THEN credits END AS x_Credits,
    -- x_EffectiveCostBasis: `spread` where a commitment's fee was spread over usage, `net` where it could not be.
    CASE
        WHEN commitment_id IS NULL THEN NULL
        WHEN pool_share IS NOT NULL THEN 'spread'
        ELSE 'net'
    END AS x_EffectiveCostBasis,
    -- x_ExportTime: when Google appended the row, UTC.
    export_time AS x_ExportTime,
    -- x_Generated: true on split-off credits and on Unused rows, which are no rows of the bill.
    is_generated AS x_Generated,
    -- x_LineItemType: the cost type.
    cost_type AS x_LineItemType,
    -- x_ProjectAncestry: the numbers of the organisation and folders above the project.
    project_ancestry_numbers AS x_ProjectAncestry,
    -- x_ProjectNumber: the project's number.
    project_number AS x_ProjectNumber,
    -- x_ServiceCode: the service's id.
    service_id AS x_ServiceCode,
    -- x_SourceFile: the file that the row came from.
    source_file AS x_SourceFile
FROM compared
LEFT JOIN gcp_services USING (service_description)
LEFT JOIN gcp_regions ON gcp_regions.RegionId = region_code
LEFT JOIN gcp_units AS base_units ON base_units.pricing_unit = usage_unit
LEFT JOIN spec_sets ON spec_sets.system_labels_key = system_labels
LEFT JOIN tag_sets
    ON tag_sets.labels_key IS NOT DISTINCT FROM labels
    AND tag_sets.tags_key IS NOT DISTINCT FROM tags
    AND tag_sets.project_labels_key IS NOT DISTINCT FROM project_labels;
