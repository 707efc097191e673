-- The same bill as AWS's own FOCUS export writes it: a view over `bill`, whose columns stay beside the FOCUS columns for
-- tags and SKU details. Written apart from the importer's conversion, so that each can show the other wrong.

CREATE OR REPLACE TABLE focus_services AS
SELECT * FROM (VALUES
    ('AmazonEC2', 'Amazon Elastic Compute Cloud', 'Compute', 'Virtual Machines'),
    ('AmazonRDS', 'Amazon Relational Database Service', 'Databases', 'Relational Databases'),
    ('AmazonDynamoDB', 'Amazon DynamoDB', 'Databases', 'NoSQL Databases'),
    ('AmazonElastiCache', 'Amazon ElastiCache', 'Databases', 'Caching'),
    ('AmazonS3', 'Amazon Simple Storage Service', 'Storage', 'Object Storage'),
    ('AWSELB', 'Elastic Load Balancing', 'Networking', 'Application Networking'),
    ('AmazonCloudFront', 'Amazon CloudFront', 'Networking', 'Content Delivery'),
    ('AmazonEKS', 'Amazon Elastic Kubernetes Service', 'Compute', 'Containers'),
    ('AmazonECS', 'Amazon Elastic Container Service', 'Compute', 'Containers'),
    ('AWSLambda', 'AWS Lambda', 'Compute', 'Serverless Compute'),
    ('AmazonCloudWatch', 'AmazonCloudWatch', 'Management and Governance', 'Observability'),
    ('AWSCloudTrail', 'AWS CloudTrail', 'Management and Governance', 'Compliance'),
    ('AWSQueueService', 'Amazon Simple Queue Service', 'Integration', 'Messaging'),
    ('AmazonSNS', 'Amazon Simple Notification Service', 'Integration', 'Messaging'),
    ('ComputeSavingsPlans', 'Savings Plans for AWS Compute usage', 'Compute', 'Other (Compute)'),
    ('AWSSupportBusiness', 'AWS Support (Business)', 'Management and Governance', 'Support')
) AS listed(code, service, category, subcategory);

CREATE OR REPLACE VIEW focus_bill AS
WITH charges AS (
    SELECT * FROM bill
    WHERE line_item_line_item_type <> 'SavingsPlanNegation' AND line_item_operation IS DISTINCT FROM 'EKSPod-EC2'
    UNION ALL
    -- What nobody used of a commitment is a row of its own: a purchase has no effective cost.
    SELECT * REPLACE (true AS unused) FROM bill
    WHERE (line_item_line_item_type = 'RIFee' AND unused_reservation > 0)
        OR (line_item_line_item_type = 'SavingsPlanRecurringFee' AND unused_plan > 0 AND NOT is_future)
),

sorted AS (
    SELECT
        *,
        line_item_line_item_type AS type,
        coalesce(reservation_reservation_a_r_n, savings_plan_savings_plan_a_r_n) AS commitment_arn,
        type IN ('DiscountedUsage', 'SavingsPlanCoveredUsage') AS covered,
        type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') AS used,
        type IN ('RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee', 'Fee') AND NOT unused AS bought,
        line_item_unblended_cost AS cost
    FROM charges LEFT JOIN focus_services ON code = line_item_product_code
)

SELECT
    *,
    line_item_availability_zone AS AvailabilityZone,
    CASE WHEN unused OR covered THEN 0 ELSE cost END AS BilledCost,
    bill_payer_account_id AS BillingAccountId,
    bill_payer_account_name AS BillingAccountName,
    'Organization' AS BillingAccountType,
    line_item_currency_code AS BillingCurrency,
    bill_billing_period_end_date AS BillingPeriodEnd,
    bill_billing_period_start_date AS BillingPeriodStart,
    CASE
        WHEN used OR unused THEN 'Usage'
        WHEN bought OR (type = 'Refund' AND commitment_arn IS NOT NULL) THEN 'Purchase'
        WHEN type = 'Refund' THEN 'Usage'
        ELSE type
    END AS ChargeCategory,
    CASE WHEN type = 'Refund' THEN 'Correction' END AS ChargeClass,
    line_item_line_item_description AS ChargeDescription,
    CASE
        WHEN used OR unused THEN 'Usage-Based'
        WHEN type IN ('RIFee', 'SavingsPlanRecurringFee') OR (type = 'Fee' AND commitment_arn IS NULL) THEN 'Recurring'
        ELSE 'One-Time'
    END AS ChargeFrequency,
    line_item_usage_end_date AS ChargePeriodEnd,
    line_item_usage_start_date AS ChargePeriodStart,
    CASE WHEN reservation_reservation_a_r_n IS NOT NULL THEN 'Usage' WHEN commitment_arn IS NOT NULL THEN 'Spend' END
        AS CommitmentDiscountCategory,
    commitment_arn AS CommitmentDiscountId,
    CASE WHEN commitment_arn IS NOT NULL THEN split_part(commitment_arn, '/', 2) END AS CommitmentDiscountName,
    CASE
        WHEN commitment_arn IS NULL OR type = 'Refund' THEN NULL
        WHEN reservation_reservation_a_r_n IS NOT NULL AND unused THEN reservation_unused_quantity
        WHEN reservation_reservation_a_r_n IS NOT NULL THEN line_item_usage_amount
        WHEN unused THEN unused_plan
        WHEN used THEN savings_plan_savings_plan_effective_cost
        ELSE savings_plan_total_commitment_to_date
    END AS CommitmentDiscountQuantity,
    CASE WHEN unused THEN 'Unused' WHEN covered THEN 'Used' END AS CommitmentDiscountStatus,
    CASE
        WHEN reservation_reservation_a_r_n IS NOT NULL THEN 'Reserved Instances'
        WHEN commitment_arn IS NOT NULL THEN 'Compute Savings Plans'
    END AS CommitmentDiscountType,
    CASE
        WHEN CommitmentDiscountQuantity IS NULL THEN NULL
        WHEN reservation_reservation_a_r_n IS NOT NULL THEN 'Hours'
        ELSE line_item_currency_code
    END AS CommitmentDiscountUnit,
    CASE WHEN used THEN line_item_usage_amount END AS ConsumedQuantity,
    CASE WHEN used THEN pricing_unit END AS ConsumedUnit,
    CASE WHEN unused THEN 0 WHEN type = 'DiscountedUsage' THEN pricing_public_on_demand_cost ELSE cost END AS ContractedCost,
    CASE
        WHEN type = 'DiscountedUsage' THEN pricing_public_on_demand_rate::DECIMAL(38, 18)
        WHEN used THEN line_item_unblended_rate::DECIMAL(38, 18)
    END AS ContractedUnitPrice,
    CASE
        WHEN unused THEN coalesce(unused_reservation, unused_plan)
        WHEN type = 'DiscountedUsage' THEN reservation_effective_cost
        WHEN type = 'SavingsPlanCoveredUsage' THEN savings_plan_savings_plan_effective_cost
        WHEN commitment_arn IS NOT NULL THEN 0
        ELSE cost
    END AS EffectiveCost,
    bill_invoice_id AS InvoiceId,
    bill_invoicing_entity AS InvoiceIssuerName,
    CASE WHEN unused THEN 0 WHEN used THEN pricing_public_on_demand_cost ELSE cost END AS ListCost,
    CASE WHEN used THEN pricing_public_on_demand_rate::DECIMAL(38, 18) END AS ListUnitPrice,
    CASE
        WHEN covered OR unused THEN 'Committed'
        WHEN line_item_usage_type LIKE '%SpotUsage%' THEN 'Dynamic'
        WHEN used OR bought THEN 'Standard'
    END AS PricingCategory,
    line_item_currency_code AS PricingCurrency,
    ContractedUnitPrice AS PricingCurrencyContractedUnitPrice,
    EffectiveCost AS PricingCurrencyEffectiveCost,
    ListUnitPrice AS PricingCurrencyListUnitPrice,
    CASE WHEN used OR bought THEN line_item_usage_amount END AS PricingQuantity,
    CASE WHEN used OR bought THEN coalesce(pricing_unit, 'Units') END AS PricingUnit,
    bill_invoicing_entity AS ProviderName,
    line_item_legal_entity AS PublisherName,
    product_region_code AS RegionId,
    CASE WHEN product_region_code IS NOT NULL THEN product_location END AS RegionName,
    line_item_resource_id AS ResourceId,
    CASE WHEN line_item_resource_id IS NOT NULL THEN coalesce(tag_name, line_item_resource_id) END AS ResourceName,
    CASE WHEN line_item_resource_id IS NOT NULL THEN coalesce(product_product_family, 'Savings Plan') END AS ResourceType,
    coalesce(category, 'Other') AS ServiceCategory,
    coalesce(service, product_product_name) AS ServiceName,
    coalesce(subcategory, 'Other (Other)') AS ServiceSubcategory,
    CASE WHEN used OR bought THEN product_sku END AS SkuId,
    CASE WHEN type <> 'Tax' THEN line_item_usage_type END AS SkuMeter,
    CASE WHEN used THEN pricing_rate_code END AS SkuPriceId,
    line_item_usage_account_id AS SubAccountId,
    line_item_usage_account_name AS SubAccountName,
    'Account' AS SubAccountType,
    line_item_operation AS x_Operation,
    line_item_product_code AS x_ServiceCode,
    line_item_usage_type AS x_UsageType
FROM sorted;
