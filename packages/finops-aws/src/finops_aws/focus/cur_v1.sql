-- AWS Cost and Usage Report (CUR v1) to FOCUS 1.2, in DuckDB's dialect.
--
-- Reads `source` (the raw rows of one billing period, columns named as AWS names them in Parquet, tags and cost
-- categories also as one JSON column each) and the lookups aws_services, aws_regions and aws_units. The rule beside a
-- column is its documentation; finops_core.focus.conversion says how it is read. cur_v2.sql is the same text except
-- where the two formats differ.
--
-- Words: a bill is a payer account's billing period in one currency. A bill is NET where negotiated discounts stand
-- in net columns and the discount rows can be left out, GROSS otherwise. A commitment is a Reserved Instance or a
-- Savings Plan.

WITH
bills AS (
    SELECT
        bill_payer_account_id AS payer_id,
        bill_billing_period_start_date AS bill_start,
        line_item_currency_code AS bill_currency,
        -- is_net: a bill is NET when its rows have net costs and, to a cent, its net costs without the discount rows are
        --   its unblended costs with them. Otherwise leaving out either would change the invoice.
        count(line_item_net_unblended_cost) FILTER (line_item_line_item_type NOT LIKE '%Discount') > 0
            AND abs(
                sum(
                    CASE
                        WHEN line_item_line_item_type LIKE '%Discount' THEN 0
                        ELSE coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
                    END
                ) - sum(coalesce(line_item_unblended_cost, 0))
            ) <= 0.01 AS is_net,
        -- is_open: AWS fills in the invoice id when the month is final.
        count(bill_invoice_id) = 0 AS is_open,
        -- last_usage: the start of the last hour (or day) for which there is usage.
        max(line_item_usage_start_date) FILTER (
            line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
        ) AS last_usage
    FROM source
    GROUP BY ALL
),

-- Savings Plans: covered usage stands at its on-demand price, and a negation takes that off again. Where the two
-- cancel, per plan, hour and account, neither was invoiced. In some bills they do not.
cancelled_hours AS (
    SELECT
        coalesce(savings_plan_savings_plan_a_r_n, '') AS plan_id,
        line_item_usage_start_date AS usage_start,
        line_item_usage_account_id AS account_id,
        -- is_cancelled: covered usage and negations of the same plan, hour and account add up to nothing.
        true AS is_cancelled
    FROM source
    WHERE line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
    GROUP BY ALL
    HAVING abs(sum(coalesce(line_item_unblended_cost, 0))) <= 0.000000001 * count(*)
        AND abs(sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0))) <= 0.000000001 * count(*)
),

-- One name and one category per product code: the table's; else the product's own name, with the category that the
-- table gives to that name, or Other.
unlisted_codes AS (
    SELECT
        line_item_product_code AS code,
        regexp_replace(
            strip_accents(coalesce(min(product_product_name), line_item_product_code)), '[^ -~]', '', 'g'
        ) AS name
    FROM source
    ANTI JOIN aws_services ON aws_services.product_code = line_item_product_code
    WHERE line_item_product_code IS NOT NULL
    GROUP BY line_item_product_code
),

services AS (
    SELECT product_code AS code, ServiceName, ServiceCategory, ServiceSubcategory FROM aws_services
    UNION ALL
    SELECT
        code,
        coalesce(nullif(trim(name), ''), code),
        coalesce(named.ServiceCategory, 'Other'),
        coalesce(named.ServiceSubcategory, 'Other (Other)')
    FROM unlisted_codes
    LEFT JOIN (
        SELECT DISTINCT ServiceName, ServiceCategory, ServiceSubcategory FROM aws_services
    ) AS named ON named.ServiceName = trim(name)
),

-- What explains a price is the same in every row of a SKU, so it is put together once per SKU; where it is not, the same
-- value is taken each time.
skus AS (
    SELECT
        product_sku AS sku,
        -- sku_details: the SKU's attributes under the names that FOCUS gives them, others with x_ before theirs.
        nullif(
            '{' || concat_ws(
                ',',
                '"CoreCount":' || TRY_CAST(min(product_vcpu) AS INTEGER),
                '"GpuCount":' || TRY_CAST(min(product_gpu) AS INTEGER),
                '"InstanceSeries":' || to_json(min(product_instance_type_family)),
                '"InstanceType":' || to_json(min(product_instance_type)),
                '"MemorySize":' || TRY_CAST(
                    replace(regexp_extract(min(product_memory), '^[0-9.,]+'), ',', '') AS DOUBLE
                ),
                '"OperatingSystem":' || to_json(min(product_operating_system)),
                '"StorageClass":' || to_json(min(product_storage_class)),
                '"x_DatabaseEngine":' || to_json(min(product_database_engine)),
                '"x_DeploymentOption":' || to_json(min(product_deployment_option)),
                '"x_Tenancy":' || to_json(min(product_tenancy)),
                '"x_VolumeType":' || to_json(min(product_volume_type))
            ) || '}',
            '{}'
        ) AS sku_details
    FROM source
    WHERE product_sku IS NOT NULL
    GROUP BY product_sku
),

-- Cost categories have few values: each set is converted once.
category_sets AS (
    SELECT
        cost_category AS categories_key,
        -- category_members: the members of `cost_category`, each as `"costCategory/NAME":"VALUE"`.
        (
            SELECT string_agg(to_json('costCategory/' || key) || ':' || value, ',' ORDER BY key)
            FROM json_each(cost_category)
        ) AS category_members
    FROM (SELECT DISTINCT cost_category FROM source WHERE cost_category IS NOT NULL)
),

-- Tags repeat from hour to hour: with the cost categories beside them, each set is converted once.
tag_sets AS (
    SELECT
        resource_tags AS tags_key,
        cost_category AS tags_categories_key,
        -- tag_members: the members of `resource_tags`, a comma before each, without AWS's user: (in Parquet and CUR 2.0
        --   user_) before their keys. In JSON without blanks a quote after such a comma begins a key, whatever the
        --   values are. What is no JSON object is one member, _raw.
        CASE
            WHEN ltrim(CAST(resource_tags AS VARCHAR)) LIKE '{%' THEN replace(
                replace(
                    ',' || nullif(substr(json(resource_tags), 2, length(json(resource_tags)) - 2), ''), ',"user_', ',"'
                ),
                ',"user:',
                ',"'
            )
            ELSE ',"_raw":' || nullif(json(resource_tags), 'null')
        END AS tag_members,
        -- tag_set: both in one JSON object.
        nullif('{' || substr(concat(tag_members, ',' || category_members), 2) || '}', '{}') AS tag_set
    FROM (SELECT DISTINCT resource_tags, cost_category FROM source)
    LEFT JOIN category_sets ON category_sets.categories_key = cost_category
),

-- Fee rows of commitments once more, for the part of the commitment that nobody used: FOCUS wants no effective cost
-- on the purchase and an Unused row beside it, and one row cannot be both.
lines AS (
    SELECT
        *,
        -- is_generated: true on the second copy of a commitment's fee row.
        false AS is_generated
    FROM source
    -- Split cost rows repeat the cost of the instance that a container ran on.
    WHERE (
        line_item_line_item_type = 'Usage'
        AND line_item_operation IN ('ECSTask-EC2', 'EKSPod-EC2')
        AND (split_line_item_parent_resource_id IS NOT NULL OR split_line_item_split_usage IS NOT NULL)
        AND coalesce(line_item_unblended_cost, 0) = 0
        AND coalesce(line_item_net_unblended_cost, 0) = 0
    ) IS NOT TRUE
    UNION ALL
    SELECT *, true AS is_generated
    FROM source
    WHERE line_item_line_item_type IN ('RIFee', 'SavingsPlanRecurringFee')
),

charges AS (
    SELECT
        lines.*,
        bills.is_net,
        cancelled_hours.is_cancelled,
        -- charge_kind: the line item type, told apart further where one type means several things.
        CASE
            WHEN is_generated THEN 'Unused'
            WHEN line_item_line_item_type IN ('RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
                THEN 'Commitment fee'
            WHEN line_item_line_item_type = 'Fee'
                AND (reservation_reservation_a_r_n IS NOT NULL OR savings_plan_savings_plan_a_r_n IS NOT NULL)
                THEN 'Commitment fee'
            WHEN line_item_line_item_type = 'Refund' AND line_item_tax_type IS NOT NULL THEN 'Tax refund'
            WHEN line_item_line_item_type = 'Refund'
                AND (
                    line_item_product_code LIKE '%SavingsPlans'
                    OR savings_plan_savings_plan_a_r_n IS NOT NULL
                    OR reservation_reservation_a_r_n IS NOT NULL
                )
                THEN 'Commitment refund'
            WHEN line_item_line_item_type LIKE '%Discount'
                AND (
                    line_item_product_code LIKE '%SavingsPlans'
                    OR savings_plan_savings_plan_a_r_n IS NOT NULL
                    OR reservation_reservation_a_r_n IS NOT NULL
                )
                THEN 'Commitment discount'
            WHEN line_item_line_item_type LIKE '%Discount' THEN 'Discount'
            WHEN line_item_line_item_type IN (
                'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation',
                'Fee', 'Tax', 'Credit', 'Refund'
            )
                THEN line_item_line_item_type
            ELSE 'Unknown'
        END AS charge_kind,
        -- row_cost: what AWS charges for the row: the net cost in a NET bill, the unblended cost otherwise.
        CASE
            WHEN is_net THEN coalesce(line_item_net_unblended_cost, line_item_unblended_cost, 0)
            ELSE coalesce(line_item_unblended_cost, 0)
        END AS row_cost,
        -- unused_commitment: per fee row of a Savings Plan, what was committed and not used.
        coalesce(savings_plan_total_commitment_to_date, 0) - coalesce(savings_plan_used_commitment, 0)
            AS unused_commitment,
        -- net_commitment: what the row's commitment costs after negotiated discounts.
        coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period, 0)
            + coalesce(savings_plan_net_recurring_commitment_for_billing_period, 0) AS net_commitment,
        -- gross_commitment: what the row's commitment costs before negotiated discounts.
        coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
            + coalesce(savings_plan_recurring_commitment_for_billing_period, 0) AS gross_commitment,
        -- commitment_waste: what the unused part of a commitment costs; of a Reserved Instance as AWS states it, of a
        --   Savings Plan the unused commitment, in a NET bill scaled by the ratio of net to gross commitment.
        CASE
            WHEN NOT is_generated THEN 0
            WHEN line_item_line_item_type = 'RIFee' AND is_net
                THEN coalesce(
                    reservation_net_unused_amortized_upfront_fee_for_billing_period,
                    reservation_unused_amortized_upfront_fee_for_billing_period,
                    0
                ) + coalesce(reservation_net_unused_recurring_fee, reservation_unused_recurring_fee, 0)
            WHEN line_item_line_item_type = 'RIFee'
                THEN coalesce(reservation_unused_amortized_upfront_fee_for_billing_period, 0)
                    + coalesce(reservation_unused_recurring_fee, 0)
            WHEN is_open AND (line_item_usage_start_date > last_usage OR last_usage IS NULL) THEN 0
            WHEN is_net AND net_commitment > 0 AND net_commitment < gross_commitment
                THEN CAST(unused_commitment AS DECIMAL(20, 12))
                    * CAST(CAST(net_commitment AS DOUBLE) / CAST(gross_commitment AS DOUBLE) AS DECIMAL(18, 15))
            ELSE unused_commitment
        END AS commitment_waste,
        -- commitment_id: the ARN of the commitment that a row buys, uses or leaves unused.
        CASE
            WHEN charge_kind IN (
                'DiscountedUsage', 'SavingsPlanCoveredUsage', 'Unused', 'Commitment fee', 'Commitment refund'
            )
                THEN coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n)
        END AS commitment_id,
        -- issuer_name: the legal entity that invoices; on a marketplace row the legal entity is the seller.
        coalesce(
            bill_invoicing_entity,
            CASE WHEN bill_billing_entity IS DISTINCT FROM 'AWS Marketplace' THEN line_item_legal_entity END,
            'AWS'
        ) AS issuer_name,
        -- service_code: the product code; parts of Amazon EC2 that are services of their own are told by usage type.
        CASE
            WHEN line_item_usage_type LIKE '%EBS:%' THEN 'AmazonEBS'
            WHEN line_item_usage_type LIKE '%NatGateway%' THEN 'AmazonVPC'
            WHEN line_item_usage_type LIKE '%LoadBalancer%' OR line_item_usage_type LIKE '%LCUUsage%' THEN 'AWSELB'
            ELSE line_item_product_code
        END AS service_code,
        -- region_code: the product's region; where there is none, the availability zone without its letter.
        coalesce(
            product_region,
            product_region_code,
            CASE
                WHEN line_item_availability_zone IS NOT NULL
                    THEN nullif(regexp_replace(line_item_availability_zone, '[a-z]$', ''), '')
            END
        ) AS region_code
    FROM lines
    LEFT JOIN bills
        ON bills.payer_id IS NOT DISTINCT FROM bill_payer_account_id
        AND bills.bill_start IS NOT DISTINCT FROM bill_billing_period_start_date
        AND bills.bill_currency IS NOT DISTINCT FROM line_item_currency_code
    LEFT JOIN cancelled_hours
        ON cancelled_hours.plan_id = CASE
            WHEN line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
                THEN coalesce(savings_plan_savings_plan_a_r_n, '')
        END
        AND cancelled_hours.usage_start = line_item_usage_start_date
        AND cancelled_hours.account_id = line_item_usage_account_id
),

priced AS (
    SELECT
        *,
        -- effective_cost: what the row costs once commitments are spread over the usage they cover.
        CASE charge_kind
            WHEN 'Unused' THEN commitment_waste
            WHEN 'DiscountedUsage'
                THEN coalesce(
                    CASE WHEN is_net THEN reservation_net_effective_cost END, reservation_effective_cost, row_cost
                )
            WHEN 'SavingsPlanCoveredUsage'
                THEN coalesce(
                    CASE WHEN is_net THEN savings_plan_net_savings_plan_effective_cost END,
                    savings_plan_savings_plan_effective_cost,
                    row_cost
                )
            WHEN 'Commitment fee' THEN 0
            WHEN 'Commitment refund' THEN 0
            WHEN 'Commitment discount' THEN 0
            WHEN 'SavingsPlanNegation' THEN 0
            ELSE row_cost
        END AS effective_cost,
        -- list_cost: AWS's public on-demand cost where it states one; 0 on discounts and unused commitments.
        CASE charge_kind
            WHEN 'Usage' THEN coalesce(nullif(pricing_public_on_demand_cost, 0), row_cost)
            WHEN 'SavingsPlanCoveredUsage' THEN coalesce(nullif(pricing_public_on_demand_cost, 0), row_cost)
            WHEN 'DiscountedUsage' THEN coalesce(nullif(pricing_public_on_demand_cost, 0), effective_cost)
            WHEN 'Unused' THEN 0
            WHEN 'Discount' THEN 0
            WHEN 'Commitment discount' THEN 0
            ELSE row_cost
        END AS list_cost,
        -- contracted_cost: the cost before commitments; what a Reserved Instance covers has only a public cost.
        CASE charge_kind
            WHEN 'DiscountedUsage' THEN list_cost
            WHEN 'Unused' THEN 0
            ELSE row_cost
        END AS contracted_cost,
        -- priced_quantity: the usage amount; 1 for a fee without one, what was left unused of a Reserved Instance;
        --   nothing on taxes, credits, discounts and adjustments.
        CASE
            WHEN charge_kind IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'Refund')
                THEN line_item_usage_amount
            WHEN charge_kind IN ('Fee', 'Commitment fee', 'Commitment refund')
                THEN coalesce(nullif(line_item_usage_amount, 0), 1)
            WHEN charge_kind = 'Unused' AND line_item_line_item_type = 'RIFee' THEN reservation_unused_quantity
        END AS priced_quantity
    FROM charges
    WHERE NOT (charge_kind = 'SavingsPlanNegation' AND is_cancelled IS TRUE)
        AND NOT (charge_kind IN ('Discount', 'Commitment discount') AND is_net IS TRUE)
        AND NOT (is_generated AND commitment_waste <= 0)
),

-- Prices go through DOUBLE: a quotient has no exact form, and no cost is made from it. To turn a long decimal into a
-- DOUBLE is slow, so each is turned once.
compared AS (
    SELECT
        *,
        -- quantity_number: the priced quantity as a DOUBLE.
        CAST(priced_quantity AS DOUBLE) AS quantity_number,
        -- list_number: the list cost as a DOUBLE.
        CAST(list_cost AS DOUBLE) AS list_number
    FROM priced
),

rated AS (
    SELECT
        *,
        -- list_rate: the public rate as AWS writes it, where it explains the list cost to ten decimals.
        CASE
            WHEN abs(TRY_CAST(pricing_public_on_demand_rate AS DOUBLE) * quantity_number - list_number)
                <= 1e-10 * greatest(1, abs(list_number))
                THEN TRY_CAST(pricing_public_on_demand_rate AS DECIMAL(38, 18))
        END AS list_rate,
        -- list_price: the public rate, else list cost by quantity, where that is not negative.
        CASE
            WHEN charge_kind IN ('Tax', 'Tax refund', 'Credit') OR coalesce(priced_quantity, 0) = 0 THEN NULL
            WHEN list_cost = 0 THEN 0
            WHEN (list_cost > 0) <> (priced_quantity > 0) THEN NULL
            ELSE coalesce(list_rate, TRY_CAST(list_number / quantity_number AS DECIMAL(38, 18)))
        END AS list_price,
        -- contracted_price: contracted cost by quantity, where that is not negative.
        CASE
            WHEN contracted_cost = list_cost THEN list_price
            WHEN charge_kind IN ('Tax', 'Tax refund', 'Credit') OR coalesce(priced_quantity, 0) = 0 THEN NULL
            WHEN contracted_cost = 0 THEN 0
            WHEN (contracted_cost > 0) <> (priced_quantity > 0) THEN NULL
            ELSE TRY_CAST(CAST(contracted_cost AS DOUBLE) / quantity_number AS DECIMAL(38, 18))
        END AS contracted_price
    FROM compared
)

SELECT
    -- AvailabilityZone: the line item's availability zone.
    line_item_availability_zone AS AvailabilityZone,
    -- BilledCost: the row's cost as invoiced: net of negotiated discounts in a NET bill, unblended otherwise. 0 on usage
    --   whose Savings Plan negation is in the bill (negations are left out then) and on generated rows.
    CAST(
        CASE
            WHEN is_generated OR (charge_kind = 'SavingsPlanCoveredUsage' AND is_cancelled) THEN 0
            ELSE row_cost
        END AS DECIMAL(38, 18)
    ) AS BilledCost,
    -- BillingAccountId: the payer account.
    bill_payer_account_id AS BillingAccountId,
    -- BillingAccountName: not in CUR v1.
    CAST(NULL AS VARCHAR) AS BillingAccountName,
    -- BillingAccountType: AWS's word for the account that gets the invoice.
    'Payer Account' AS BillingAccountType,
    -- BillingCurrency: the line item's currency.
    line_item_currency_code AS BillingCurrency,
    -- BillingPeriodEnd: the first of the month after BillingPeriodStart; bills write the end in two ways.
    date_trunc('month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP)))
        + INTERVAL 1 MONTH AS BillingPeriodEnd,
    -- BillingPeriodStart: the first of the bill's month.
    date_trunc('month', coalesce(bill_billing_period_start_date, CAST(billing_period || '-01' AS TIMESTAMP)))
        AS BillingPeriodStart,
    -- CapacityReservationId: not in CUR v1.
    CAST(NULL AS VARCHAR) AS CapacityReservationId,
    -- CapacityReservationStatus: not in CUR v1.
    CAST(NULL AS VARCHAR) AS CapacityReservationStatus,
    -- ChargeCategory: by line item type: usage of every kind, its refunds and discount rows are Usage; fees and refunds
    --   of commitments are Purchase; Tax, with its refunds, and Credit are themselves; types that are not known, and
    --   negations that cancel nothing, are Adjustment.
    CASE charge_kind
        WHEN 'Usage' THEN 'Usage'
        WHEN 'DiscountedUsage' THEN 'Usage'
        WHEN 'SavingsPlanCoveredUsage' THEN 'Usage'
        WHEN 'Unused' THEN 'Usage'
        WHEN 'Refund' THEN 'Usage'
        WHEN 'Discount' THEN 'Usage'
        WHEN 'Commitment discount' THEN 'Usage'
        WHEN 'Fee' THEN 'Purchase'
        WHEN 'Commitment fee' THEN 'Purchase'
        WHEN 'Commitment refund' THEN 'Purchase'
        WHEN 'Tax' THEN 'Tax'
        WHEN 'Tax refund' THEN 'Tax'
        WHEN 'Credit' THEN 'Credit'
        ELSE 'Adjustment'
    END AS ChargeCategory,
    -- ChargeClass: Correction on a refund of what an earlier bill, final by now, charged. Late usage is none.
    CASE
        WHEN line_item_line_item_type = 'Refund' AND line_item_usage_start_date < bill_billing_period_start_date
            THEN 'Correction'
    END AS ChargeClass,
    -- ChargeDescription: the line item's description.
    line_item_line_item_description AS ChargeDescription,
    -- ChargeFrequency: recurring fees of commitments, and fees for most of a month, are Recurring; usage is Usage-Based;
    --   all else is One-Time.
    CASE
        WHEN charge_kind IN (
            'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'Unused', 'Discount',
            'Commitment discount'
        )
            THEN 'Usage-Based'
        WHEN line_item_line_item_type IN ('RIFee', 'SavingsPlanRecurringFee') THEN 'Recurring'
        WHEN charge_kind = 'Fee'
            AND bill_bill_type IS DISTINCT FROM 'Purchase'
            AND line_item_usage_end_date >= line_item_usage_start_date + INTERVAL 27 DAY
            THEN 'Recurring'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    -- ChargePeriodEnd: the end of usage, exclusive, UTC.
    line_item_usage_end_date AS ChargePeriodEnd,
    -- ChargePeriodStart: the start of usage, UTC.
    line_item_usage_start_date AS ChargePeriodStart,
    -- CommitmentDiscountCategory: Savings Plans commit to spend, Reserved Instances to usage.
    CASE
        WHEN commitment_id IS NULL THEN NULL
        WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Spend'
        ELSE 'Usage'
    END AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: the ARN of the Savings Plan or reservation that the row buys, uses or leaves unused.
    commitment_id AS CommitmentDiscountId,
    -- CommitmentDiscountName: CUR has none.
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: of a Savings Plan the commitment bought, used or left, in money; of a Reserved Instance
    --   normalised units, or the usage amount where AWS gives no normalised ones.
    CASE
        WHEN commitment_id IS NULL OR charge_kind = 'Commitment refund' THEN NULL
        WHEN charge_kind = 'SavingsPlanCoveredUsage' THEN savings_plan_savings_plan_effective_cost
        WHEN charge_kind = 'DiscountedUsage'
            THEN coalesce(nullif(line_item_normalized_usage_amount, 0), line_item_usage_amount)
        WHEN line_item_line_item_type = 'SavingsPlanRecurringFee' AND is_generated THEN unused_commitment
        WHEN line_item_line_item_type = 'SavingsPlanRecurringFee' THEN savings_plan_total_commitment_to_date
        WHEN line_item_line_item_type = 'SavingsPlanUpfrontFee' THEN line_item_unblended_cost
        WHEN is_generated
            THEN coalesce(nullif(reservation_unused_normalized_unit_quantity, 0), reservation_unused_quantity)
        ELSE coalesce(nullif(line_item_normalized_usage_amount, 0), line_item_usage_amount)
    END AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: Used on covered usage, Unused on generated rows; only where the commitment is known.
    CASE
        WHEN commitment_id IS NULL THEN NULL
        WHEN charge_kind IN ('DiscountedUsage', 'SavingsPlanCoveredUsage') THEN 'Used'
        WHEN charge_kind = 'Unused' THEN 'Unused'
    END AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: AWS's name for the kind of commitment.
    CASE
        WHEN commitment_id IS NULL THEN NULL
        WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Savings Plan'
        ELSE 'Reserved Instance'
    END AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: the currency for a Savings Plan; Normalized Hours for a Reserved Instance, where AWS gives no
    --   normalised amounts its pricing unit, which is Hours for most.
    CASE
        WHEN commitment_id IS NULL OR charge_kind = 'Commitment refund' THEN NULL
        WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN line_item_currency_code
        WHEN is_generated AND coalesce(reservation_unused_normalized_unit_quantity, 0) <> 0 THEN 'Normalized Hours'
        WHEN NOT is_generated AND coalesce(line_item_normalized_usage_amount, 0) <> 0 THEN 'Normalized Hours'
        ELSE coalesce(aws_units.unit, pricing_unit, 'Hours')
    END AS CommitmentDiscountUnit,
    -- ConsumedQuantity: the usage amount, as billed (with minimum charges), on usage; nothing on unused commitments,
    --   discounts and refunds, which consume nothing.
    CASE
        WHEN charge_kind IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') THEN line_item_usage_amount
    END AS ConsumedQuantity,
    -- ConsumedUnit: the pricing unit, as FOCUS writes units.
    CASE
        WHEN charge_kind IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
            AND line_item_usage_amount IS NOT NULL
            THEN coalesce(aws_units.unit, pricing_unit, 'Units')
    END AS ConsumedUnit,
    -- ContractedCost: the row's own cost; of usage under a Savings Plan its on-demand cost, under a Reserved Instance its
    --   public cost; 0 on generated rows.
    CAST(contracted_cost AS DECIMAL(38, 18)) AS ContractedCost,
    -- ContractedUnitPrice: ContractedCost divided by PricingQuantity; nothing on taxes and where it is negative.
    contracted_price AS ContractedUnitPrice,
    -- EffectiveCost: the row's cost with commitments spread over what they cover: AWS's effective cost on covered usage;
    --   0 on what buys a commitment, on its refunds and on the discounts of its fees; the unused part on generated
    --   rows (in an open month only up to the last hour that has usage); BilledCost elsewhere.
    CAST(effective_cost AS DECIMAL(38, 18)) AS EffectiveCost,
    -- InvoiceId: the bill's invoice id, once AWS has made the invoice.
    bill_invoice_id AS InvoiceId,
    -- InvoiceIssuerName: the invoicing entity, else the legal entity of what AWS itself sells, else AWS.
    issuer_name AS InvoiceIssuerName,
    -- ListCost: AWS's public on-demand cost; where it states none (or 0 for what costs something) the row's own cost, on
    --   covered usage its on-demand or effective cost. Taxes, credits, fees and refunds: the row's cost. 0 on discounts
    --   and on generated rows.
    CAST(list_cost AS DECIMAL(38, 18)) AS ListCost,
    -- ListUnitPrice: AWS's public rate if it explains ListCost, else ListCost divided by PricingQuantity; nothing on
    --   taxes and where it is negative.
    list_price AS ListUnitPrice,
    -- PricingCategory: Committed on what a commitment covers or leaves unused, Dynamic on spot usage, Standard on other
    --   usage and purchases; nothing on taxes, credits, adjustments and refunds of fees.
    CASE
        WHEN charge_kind IN ('DiscountedUsage', 'SavingsPlanCoveredUsage', 'Unused') THEN 'Committed'
        WHEN charge_kind IN ('Usage', 'Refund', 'Discount', 'Commitment discount')
            AND line_item_usage_type LIKE '%SpotUsage%'
            THEN 'Dynamic'
        WHEN charge_kind IN ('Usage', 'Refund', 'Discount', 'Commitment discount', 'Fee', 'Commitment fee')
            THEN 'Standard'
    END AS PricingCategory,
    -- PricingCurrency: the price list's currency, else the bill's.
    coalesce(pricing_currency, line_item_currency_code) AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: ContractedUnitPrice where prices and bill are in one currency.
    CASE WHEN coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code THEN contracted_price END
        AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: EffectiveCost where prices and bill are in one currency.
    CASE
        WHEN coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code
            THEN CAST(effective_cost AS DECIMAL(38, 18))
    END AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: ListUnitPrice where prices and bill are in one currency.
    CASE WHEN coalesce(pricing_currency, line_item_currency_code) = line_item_currency_code THEN list_price END
        AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: the usage amount; 1 for a fee without one; the unused quantity on the generated row of a Reserved
    --   Instance; nothing on taxes, credits, discounts and adjustments.
    priced_quantity AS PricingQuantity,
    -- PricingUnit: the pricing unit, as FOCUS writes units.
    CASE WHEN priced_quantity IS NOT NULL THEN coalesce(aws_units.unit, pricing_unit, 'Units') END AS PricingUnit,
    -- ProviderName: the same as InvoiceIssuerName: who sells on AWS's behalf, its bills do not say.
    issuer_name AS ProviderName,
    -- PublisherName: the seller on marketplace rows, else InvoiceIssuerName.
    CASE
        WHEN bill_billing_entity = 'AWS Marketplace' THEN coalesce(line_item_legal_entity, issuer_name)
        ELSE issuer_name
    END AS PublisherName,
    -- RegionId: the product's region, else the availability zone's.
    region_code AS RegionId,
    -- RegionName: from the table of regions by `region_code`, else the product's location, else RegionId.
    CASE
        WHEN region_code IS NULL THEN NULL
        WHEN aws_regions.RegionName IS NOT NULL THEN aws_regions.RegionName
        ELSE coalesce(nullif(regexp_replace(strip_accents(product_location), '[^ -~]', '', 'g'), ''), region_code)
    END AS RegionName,
    -- ResourceId: the resource; on rows that buy a commitment or leave it unused, the commitment.
    CASE
        WHEN charge_kind IN ('Commitment fee', 'Commitment refund', 'Unused')
            THEN coalesce(commitment_id, line_item_resource_id)
        ELSE line_item_resource_id
    END AS ResourceId,
    -- ResourceName: the last part of the resource's ARN; other ids have no name beside them.
    CASE
        WHEN charge_kind IN ('Commitment fee', 'Commitment refund', 'Unused') THEN NULL
        WHEN line_item_resource_id LIKE 'arn:%' THEN nullif(regexp_extract(line_item_resource_id, '[^:/]*$'), '')
    END AS ResourceName,
    -- ResourceType: the kind of commitment; else what the resource's id or ARN says, else the product family.
    CASE
        WHEN charge_kind IN ('Commitment fee', 'Commitment refund', 'Unused') AND commitment_id IS NOT NULL
            THEN CASE WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Savings Plan' ELSE 'Reserved Instance' END
        WHEN line_item_resource_id IS NULL THEN NULL
        WHEN line_item_resource_id LIKE 'i-%' THEN 'instance'
        WHEN line_item_resource_id LIKE 'vol-%' THEN 'volume'
        WHEN line_item_resource_id LIKE 'arn:%'
            THEN coalesce(
                nullif(regexp_extract(line_item_resource_id, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^:/]+)[:/].', 1), ''),
                nullif(regexp_extract(line_item_resource_id, '^arn:[^:]*:([^:]+):', 1), ''),
                product_product_family,
                'Other'
            )
        ELSE coalesce(product_product_family, 'Other')
    END AS ResourceType,
    -- ServiceCategory: from the table of services by `service_code`; Other for services that are not in it.
    coalesce(services.ServiceCategory, 'Other') AS ServiceCategory,
    -- ServiceName: from the table of services by `service_code`; else the product's name, else the code. EBS, NAT gateways
    --   and load balancers, which AWS bills under Amazon EC2, are services of their own, so that each service has one
    --   category.
    coalesce(services.ServiceName, 'Unknown') AS ServiceName,
    -- ServiceSubcategory: from the table of services by `service_code`.
    coalesce(services.ServiceSubcategory, 'Other (Other)') AS ServiceSubcategory,
    -- SkuId: the product's SKU; nothing on taxes.
    CASE WHEN charge_kind NOT IN ('Tax', 'Tax refund') THEN product_sku END AS SkuId,
    -- SkuMeter: the usage type, where there is a SKU.
    CASE WHEN charge_kind NOT IN ('Tax', 'Tax refund') AND product_sku IS NOT NULL THEN line_item_usage_type END
        AS SkuMeter,
    -- SkuPriceDetails: the attributes of `product_sku` (InstanceType, CoreCount, MemorySize, OperatingSystem …), where
    --   there is a price.
    CASE
        WHEN charge_kind NOT IN ('Tax', 'Tax refund') AND coalesce(pricing_rate_code, pricing_rate_id) IS NOT NULL
            THEN skus.sku_details
    END AS SkuPriceDetails,
    -- SkuPriceId: the rate code, else the rate id; nothing on taxes.
    CASE WHEN charge_kind NOT IN ('Tax', 'Tax refund') THEN coalesce(pricing_rate_code, pricing_rate_id) END AS SkuPriceId,
    -- SubAccountId: the account that used it.
    line_item_usage_account_id AS SubAccountId,
    -- SubAccountName: not in CUR v1.
    CAST(NULL AS VARCHAR) AS SubAccountName,
    -- SubAccountType: AWS's word for it.
    CASE WHEN line_item_usage_account_id IS NOT NULL THEN 'Account' END AS SubAccountType,
    -- Tags: the resource's tags (`resource_tags`), without AWS's user: before their keys, and the row's cost categories
    --   (`cost_category`) as costCategory/NAME.
    tag_sets.tag_set AS Tags,
    -- x_CommitmentOffering: the kind of Savings Plan, or the reservation's offering class.
    CASE WHEN commitment_id IS NOT NULL THEN coalesce(savings_plan_offering_type, pricing_offering_class) END
        AS x_CommitmentOffering,
    -- x_CostBasis: net or gross: whether negotiated discounts are in the row's costs or in rows of their own.
    CASE WHEN is_net THEN 'net' ELSE 'gross' END AS x_CostBasis,
    -- x_CostCategories: the row's cost categories as the bill has them.
    CAST(cost_category AS JSON) AS x_CostCategories,
    -- x_Discounts: what each negotiated discount takes off the row.
    CASE
        WHEN discount_total_discount IS NOT NULL
            THEN CAST(
                '{' || concat_ws(
                    ',',
                    '"bundled_discount":' || discount_bundled_discount,
                    '"edp_discount":' || discount_edp_discount,
                    '"private_rate_discount":' || discount_private_rate_discount,
                    '"ri_volume_discount":' || discount_ri_volume_discount,
                    '"spp_discount":' || discount_spp_discount,
                    '"total_discount":' || discount_total_discount
                ) || '}' AS JSON
            )
    END AS x_Discounts,
    -- x_Generated: true on Unused rows, which are no rows of the bill.
    is_generated AS x_Generated,
    -- x_LineItemType: the line item type.
    line_item_line_item_type AS x_LineItemType,
    -- x_Operation: the line item's operation.
    line_item_operation AS x_Operation,
    -- x_ServiceCode: the product code.
    line_item_product_code AS x_ServiceCode,
    -- x_SourceFile: the file that the row came from.
    source_file AS x_SourceFile,
    -- x_UsageType: the usage type.
    line_item_usage_type AS x_UsageType
FROM rated
LEFT JOIN services ON services.code = service_code
LEFT JOIN aws_regions ON aws_regions.RegionId = region_code
LEFT JOIN aws_units USING (pricing_unit)
LEFT JOIN skus ON skus.sku = product_sku
LEFT JOIN tag_sets
    ON tag_sets.tags_key IS NOT DISTINCT FROM resource_tags
    AND tag_sets.tags_categories_key IS NOT DISTINCT FROM cost_category;
