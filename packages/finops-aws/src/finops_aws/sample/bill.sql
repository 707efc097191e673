-- The bill as a view over `lines`: every column by its name in Parquet and CUR 2.0, exact decimals, texts as AWS writes
-- them. Columns of columns.csv that are missing here are empty in every row. Tags and cost categories stand under names
-- of their own (tag_*, category_*), because each format writes them differently.

CREATE OR REPLACE MACRO money(ticks) AS ticks::DECIMAL(18, 0) * 0.0000000001::DECIMAL(10, 10);
CREATE OR REPLACE MACRO amount(millionths) AS millionths::DECIMAL(18, 0) * 0.000001::DECIMAL(6, 6);
CREATE OR REPLACE MACRO resource_text(pattern, region, account, app, slot, hex) AS
    replace(replace(replace(replace(replace(
        pattern, '{region}', coalesce(region, '')), '{account}', account), '{app}', app), '{nn}', lpad(slot::VARCHAR, 2, '0')),
        '{hex}', hex);
CREATE OR REPLACE MACRO invoice(kind) AS
    CASE WHEN NOT getvariable('open_month')
        THEN (1000000000 + md5_number_upper(getvariable('seed') || ':' || getvariable('period') || ':' || kind) % 9000000000)::VARCHAR
    END;

-- What is left of an amount after the negotiated discount, in bills that have net columns.
CREATE OR REPLACE MACRO net(ticks) AS
    CASE WHEN getvariable('net_columns') THEN money(ticks::HUGEINT * (100 - getvariable('discount_percent')) // 100) END;

CREATE OR REPLACE VIEW bill AS
WITH joined AS (
    SELECT
        lines.*, skus.* EXCLUDE (sku, marketplace),
        commitments.* EXCLUDE (commitment, sku, kind),
        aws_accounts.account_id,
        world_accounts.name AS account_name, world_accounts.team AS account_team, environment,
        world_applications.name AS app, owner AS app_owner, cost_center,
        strftime(lines.starts, '%Y-%m-%dT%H:%M:%SZ') AS starts_text,
        strftime(lines.ends, '%Y-%m-%dT%H:%M:%SZ') AS ends_text,
        substr(md5(lines.account || ':' || lines.sku || ':' || lines.application || ':' || lines.resource), 1, 16) AS hex,
        line_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation') AS metered,
        coalesce(special = 'pod', false) AS pod,
        commitments.type IS NOT DISTINCT FROM 'RI' AS on_ri,
        commitments.type IS NOT DISTINCT FROM 'SP' AS on_sp,
        getvariable('buckets') * getvariable('bucket_seconds') // 3600 AS elapsed,
        tagged AND lines.resource IS NOT NULL AND pattern IS NOT NULL
            AND (lines.account * 7 + lines.sku * 3 + lines.resource) % 10 <> 0 AS is_tagged
    FROM lines
    LEFT JOIN skus USING (sku)
    LEFT JOIN commitments USING (commitment)
    JOIN aws_accounts USING (account)
    JOIN world_accounts USING (account)
    LEFT JOIN world_applications USING (application)
)

SELECT
    ordinal,

    md5(getvariable('seed') || ':' || getvariable('period') || ':' || getvariable('delivery') || ':' || ordinal) AS identity_line_item_id,
    starts_text || '/' || ends_text AS identity_time_interval,

    invoice(CASE WHEN bill_type <> 'Anniversary' THEN bill_type || ordinal WHEN marketplace THEN 'marketplace' ELSE 'aws' END)
        AS bill_invoice_id,
    getvariable('seller') AS bill_invoicing_entity,
    CASE WHEN marketplace THEN 'AWS Marketplace' ELSE 'AWS' END AS bill_billing_entity,
    bill_type AS bill_bill_type,
    getvariable('payer_id') AS bill_payer_account_id,
    getvariable('payer_name') AS bill_payer_account_name,
    getvariable('first_day')::TIMESTAMP AS bill_billing_period_start_date,
    getvariable('first_day')::TIMESTAMP + INTERVAL 1 MONTH AS bill_billing_period_end_date,

    account_id AS line_item_usage_account_id,
    account_name AS line_item_usage_account_name,
    line_type AS line_item_line_item_type,
    starts AS line_item_usage_start_date,
    ends AS line_item_usage_end_date,
    CASE
        WHEN pod THEN 'AmazonEKS'
        WHEN sku IS NOT NULL THEN code
        WHEN on_sp THEN 'ComputeSavingsPlans'
        WHEN special = 'support' THEN 'AWSSupportBusiness'
        WHEN marketplace THEN '1fbx7e3k9q2m4vz8t6w0ryac5'
        WHEN special = 'refund' THEN 'AmazonS3'
        ELSE 'AmazonEC2'
    END AS line_item_product_code,
    CASE
        WHEN pod THEN region_prefix || CASE WHEN part = 0 THEN 'EKS-EC2-vCPU-Hours' ELSE 'EKS-EC2-GB-Hours' END
        WHEN metered THEN usage_type
        WHEN commitment IS NOT NULL THEN fee_usage_type
        WHEN special = 'subscription' THEN 'Global-ContractFee'
        WHEN special = 'refund' THEN 'EUC1-TimedStorage-ByteHrs'
        WHEN special = 'support' THEN 'Dollar'
    END AS line_item_usage_type,
    CASE WHEN pod THEN 'EKSPod-EC2' WHEN sku IS NOT NULL THEN operation WHEN special = 'refund' THEN 'StandardStorage' END
        AS line_item_operation,
    CASE WHEN zonal AND metered THEN region || chr((97 + resource % 3)::INTEGER) END AS line_item_availability_zone,
    CASE
        WHEN pod THEN 'arn:aws:eks:' || region || ':' || account_id || ':pod/shared/default/' || app || '-' || hex
        WHEN metered THEN resource_text(pattern, region, account_id, app, resource, hex)
        WHEN line_type IN ('SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee') THEN arn
    END AS line_item_resource_id,
    amount(quantity) AS line_item_usage_amount,
    CASE WHEN factor > 0 AND NOT pod THEN factor::DECIMAL(6, 1) END AS line_item_normalization_factor,
    CASE WHEN factor > 0 AND NOT pod THEN amount(quantity * factor) END AS line_item_normalized_usage_amount,
    getvariable('currency') AS line_item_currency_code,
    CASE
        WHEN pod OR free OR line_type = 'DiscountedUsage' THEN '0.0000000000'
        WHEN metered THEN rate
        WHEN special IN ('tax', 'credit', 'refund', 'plan-refund', 'discount') THEN NULL
        ELSE (cost * 1000000::HUGEINT // quantity)::DECIMAL(28, 0) * 0.0000000001::DECIMAL(10, 10) || ''
    END AS line_item_unblended_rate,
    money(cost) AS line_item_unblended_cost,
    line_item_unblended_rate AS line_item_blended_rate,
    line_item_unblended_cost AS line_item_blended_cost,
    CASE
        WHEN pod THEN 'Split cost of ' || app || ' on a shared node'
        WHEN line_type = 'DiscountedUsage' THEN title || ', ' || product_instance_type || ' reserved instance applied'
        WHEN line_type = 'SavingsPlanNegation' THEN 'SavingsPlanNegation used by AccountId : ' || account_id || ' and UsageSku : ' || sku_id
        WHEN free THEN '$0.00 per ' || unit || ' under the monthly free tier'
        WHEN metered THEN description
        WHEN line_type = 'RIFee' THEN 'USD hourly fee per ' || title || ', ' || product_instance_type || ' instance'
        WHEN on_ri THEN 'Sign up charge for subscription: ' || arn
        WHEN line_type = 'SavingsPlanRecurringFee' THEN '1 year ' || payment || ' Compute Savings Plan'
        WHEN line_type = 'SavingsPlanUpfrontFee' THEN 'Upfront fee for 1 year ' || payment || ' Compute Savings Plan'
        WHEN special = 'support' THEN '10% of monthly AWS usage for the first $0-$10K, 7% thereafter'
        WHEN special = 'subscription' THEN 'Observely Monitoring: monthly contract, "Team" plan'
        WHEN special = 'tax' THEN 'Tax for product code ' || CASE WHEN marketplace THEN 'AWS Marketplace' ELSE 'AmazonEC2' END
        WHEN special = 'discount' THEN 'Enterprise Discount Program discount'
        ELSE credit_text
    END AS line_item_line_item_description,
    CASE
        WHEN NOT getvariable('net_columns') THEN NULL
        WHEN special = 'discount' THEN money(0)
        ELSE money(cost - discount)
    END AS line_item_net_unblended_cost,
    CASE WHEN getvariable('net_columns') AND discount <> 0 THEN money(-discount) END AS discount_edp_discount,
    discount_edp_discount AS discount_total_discount,
    CASE WHEN special = 'tax' THEN 'VAT' END AS line_item_tax_type,
    CASE
        WHEN marketplace AND special IS DISTINCT FROM 'tax'
            THEN CASE WHEN starts_with(coalesce(title, 'Observely'), 'Observely') THEN 'Observely, Inc.' ELSE 'Shieldwall GmbH' END
        ELSE getvariable('seller')
    END AS line_item_legal_entity,

    CASE WHEN commitment IS NOT NULL AND line_type <> 'SavingsPlanNegation' THEN '1yr' END AS pricing_lease_contract_length,
    CASE WHEN on_ri THEN 'standard' END AS pricing_offering_class,
    CASE WHEN commitment IS NOT NULL AND line_type <> 'SavingsPlanNegation' THEN payment END AS pricing_purchase_option,
    CASE WHEN metered AND NOT pod THEN sku_id || '.JRTCKXETXF.6YS6EN2CT7' END AS pricing_rate_code,
    CASE WHEN metered AND NOT pod THEN rate_id END AS pricing_rate_id,
    getvariable('currency') AS pricing_currency,
    CASE WHEN special = 'tax' THEN NULL ELSE money(coalesce(public_cost, 0)) END AS pricing_public_on_demand_cost,
    CASE WHEN metered AND NOT pod THEN CASE WHEN free THEN '0.0000000000' ELSE public_rate END END AS pricing_public_on_demand_rate,
    CASE
        WHEN on_ri THEN 'Reserved'
        WHEN metered AND NOT pod AND NOT contains(usage_type, 'SpotUsage') THEN 'OnDemand'
    END AS pricing_term,
    CASE
        WHEN pod THEN CASE WHEN part = 0 THEN 'vCPU-Hours' ELSE 'GB-Hours' END
        WHEN metered THEN unit
        WHEN line_type = 'RIFee' THEN 'Hrs'
    END AS pricing_unit,

    money(ri_upfront) AS reservation_amortized_upfront_cost_for_usage,
    money(ri_recurring) AS reservation_recurring_fee_for_usage,
    money(ri_upfront + ri_recurring) AS reservation_effective_cost,
    money(ri_period_upfront) AS reservation_amortized_upfront_fee_for_billing_period,
    money(ri_unused_upfront) AS reservation_unused_amortized_upfront_fee_for_billing_period,
    money(ri_unused_recurring) AS reservation_unused_recurring_fee,
    amount(ri_unused_units) AS reservation_unused_normalized_unit_quantity,
    amount(ri_unused_units // 4) AS reservation_unused_quantity,
    CASE WHEN line_type = 'RIFee' THEN money(units * upfront_rate * 8760) END AS reservation_upfront_value,
    net(ri_upfront) AS reservation_net_amortized_upfront_cost_for_usage,
    net(ri_recurring) AS reservation_net_recurring_fee_for_usage,
    net(ri_upfront + ri_recurring) AS reservation_net_effective_cost,
    net(ri_period_upfront) AS reservation_net_amortized_upfront_fee_for_billing_period,
    net(ri_unused_upfront) AS reservation_net_unused_amortized_upfront_fee_for_billing_period,
    net(ri_unused_recurring) AS reservation_net_unused_recurring_fee,
    CASE WHEN line_type = 'RIFee' THEN net(units * upfront_rate * 8760) END AS reservation_net_upfront_value,
    CASE WHEN on_ri THEN arn END AS reservation_reservation_a_r_n,
    CASE WHEN on_ri OR (metered AND NOT pod) THEN (2000000000 + md5_number_upper('subscription:' || coalesce(commitment, sku_id)) % 900000000)::VARCHAR END
        AS reservation_subscription_id,
    CASE WHEN line_type = 'RIFee' THEN term_start END AS reservation_start_time,
    CASE WHEN line_type = 'RIFee' THEN term_end END AS reservation_end_time,
    CASE WHEN line_type = 'RIFee' THEN 'Original' END AS reservation_modification_status,
    CASE WHEN line_type = 'RIFee' THEN (units // 4)::VARCHAR END AS reservation_number_of_reservations,
    CASE WHEN line_type = 'RIFee' THEN elapsed::VARCHAR END AS reservation_units_per_reservation,
    CASE WHEN line_type = 'RIFee' THEN (elapsed * 4)::VARCHAR END AS reservation_normalized_units_per_reservation,
    CASE WHEN line_type = 'RIFee' THEN (units // 4 * elapsed)::VARCHAR END AS reservation_total_reserved_units,
    CASE WHEN line_type = 'RIFee' THEN (units * elapsed)::VARCHAR END AS reservation_total_reserved_normalized_units,

    money(sp_effective) AS savings_plan_savings_plan_effective_cost,
    CASE WHEN line_type = 'SavingsPlanCoveredUsage' THEN money(price * (1000 - advantage) // 1000) END AS savings_plan_savings_plan_rate,
    money(sp_total) AS savings_plan_total_commitment_to_date,
    money(sp_used) AS savings_plan_used_commitment,
    CASE WHEN line_type = 'SavingsPlanRecurringFee' THEN money(CASE WHEN payment = 'All Upfront' THEN sp_total ELSE 0 END) END
        AS savings_plan_amortized_upfront_commitment_for_billing_period,
    CASE WHEN line_type = 'SavingsPlanRecurringFee' THEN money(CASE WHEN payment = 'All Upfront' THEN 0 ELSE sp_total END) END
        AS savings_plan_recurring_commitment_for_billing_period,
    net(sp_effective) AS savings_plan_net_savings_plan_effective_cost,
    CASE WHEN line_type = 'SavingsPlanRecurringFee' THEN net(CASE WHEN payment = 'All Upfront' THEN sp_total ELSE 0 END) END
        AS savings_plan_net_amortized_upfront_commitment_for_billing_period,
    CASE WHEN line_type = 'SavingsPlanRecurringFee' THEN net(CASE WHEN payment = 'All Upfront' THEN 0 ELSE sp_total END) END
        AS savings_plan_net_recurring_commitment_for_billing_period,
    CASE WHEN on_sp THEN arn END AS savings_plan_savings_plan_a_r_n,
    CASE WHEN on_sp THEN 'ComputeSavingsPlans' END AS savings_plan_offering_type,
    CASE WHEN on_sp THEN payment END AS savings_plan_payment_option,
    CASE WHEN on_sp THEN '1yr' END AS savings_plan_purchase_term,
    CASE WHEN on_sp THEN term_start END AS savings_plan_start_time,
    CASE WHEN on_sp THEN term_end END AS savings_plan_end_time,

    CASE WHEN pod THEN resource_text(pattern, region, account_id, app, resource, hex) END AS split_line_item_parent_resource_id,
    CASE WHEN pod THEN amount(quantity) END AS split_line_item_reserved_usage,
    CASE WHEN pod THEN amount(quantity // 2) END AS split_line_item_actual_usage,
    CASE WHEN pod THEN amount(quantity) END AS split_line_item_split_usage,
    CASE WHEN pod THEN CASE WHEN part = 0 THEN 0.45 ELSE 0.30 END END AS split_line_item_split_usage_ratio,
    money(split_cost) AS split_line_item_split_cost,
    money(split_unused) AS split_line_item_unused_cost,
    money(split_cost) AS split_line_item_public_on_demand_split_cost,
    money(split_unused) AS split_line_item_public_on_demand_unused_cost,

    CASE
        WHEN pod THEN 'Amazon Elastic Container Service for Kubernetes'
        WHEN sku IS NOT NULL THEN title
        WHEN on_sp THEN 'Savings Plans for AWS Compute usage'
        WHEN special = 'support' THEN 'AWS Support (Business)'
        WHEN marketplace THEN 'Observely Monitoring'
        WHEN special = 'refund' THEN 'Amazon Simple Storage Service'
        ELSE 'Amazon Elastic Compute Cloud'
    END AS product_product_name,
    COLUMNS('^product_'),
    folded_keys,
    folded_values,
    future AS is_future,
    false AS unused,
    money(ri_unused_upfront + ri_unused_recurring) AS unused_reservation,
    money(sp_total - sp_used) AS unused_plan,

    CASE WHEN is_tagged THEN CASE WHEN application = 10 THEN 'keep, "as is"' || chr(10) || 'ask ' || account_team ELSE app || '-' || lpad(resource::VARCHAR, 2, '0') END END
        AS tag_name,
    CASE WHEN is_tagged AND application % 3 < 2 THEN app_owner END AS tag_owner,
    CASE WHEN is_tagged AND application % 3 > 0 THEN app_owner || '@' || getvariable('domain') END AS tag_owner_lower,
    CASE WHEN is_tagged THEN environment END AS tag_environment,
    CASE WHEN is_tagged THEN cost_center END AS tag_cost_center,
    CASE WHEN is_tagged AND account_team = 'payments' THEN '47-' || cost_center END AS tag_kostenstelle,
    CASE WHEN is_tagged AND NOT getvariable('first_month') THEN upper(account_team) || '-' || application END AS tag_project,
    CASE WHEN zonal AND metered AND luck % 4 = 0 THEN 'AssumedRole:AROA' || upper(hex) || ':deploy' END AS tag_created_by,
    account_team AS category_team,
    CASE
        WHEN special = 'tax' THEN 'Tax' WHEN commitment IS NOT NULL AND NOT metered THEN 'Commitment fee'
        WHEN metered THEN 'Usage' ELSE 'Other'
    END AS category_charge_type
FROM joined;
