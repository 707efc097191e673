-- Azure actual and amortised cost -> FOCUS 1.2.
--
-- Reads `source` (actual cost) and `source_amortized`, the lookups azure_services and azure_regions.
-- Rows out = amortised rows, with what they do not have from actual: purchases and refunds of commitments, and charges
-- that stand only there (rounding, tax). The same usage stands in both files; it is never added.
-- Where only one of the two files exists, its rows are all there is; x_EffectiveCostBasis and x_BilledCostBasis say so.
WITH bill AS (
    SELECT
        (SELECT count(*) > 0 FROM source) AS has_actual,
        (SELECT count(*) > 0 FROM source_amortized) AS has_amortized
),

-- Only the columns that are used: a bill may have further ones of any name.
charges_read AS NOT MATERIALIZED (
    SELECT
        file_part AS part,
        -- type: the charge type in lower case; usage where a file has none.
        lower(replace(coalesce(charge_type, 'Usage'), ' ', '')) AS type,
        -- model: the pricing model in lower case, without spaces.
        lower(replace(coalesce(pricing_model, ''), ' ', '')) AS model,
        -- committed: whether a reservation or savings plan is concerned, in any spelling of the pricing model; what was
        --   not used of one says so by its type.
        model IN ('reservation', 'reservations', 'savingsplan', 'savingsplans')
            OR type IN ('unusedreservation', 'unusedsavingsplan') AS committed,
        -- place: the resource's location, else the meter's.
        coalesce(resource_location_normalized, resource_location, location, meter_region) AS place,
        account_name, additional_info, availability_zone, benefit_id, benefit_name, billing_account_id,
        billing_account_name, billing_currency, billing_period_end_date, billing_period_start_date,
        billing_profile_id, billing_profile_name, charge_type, consumed_service, cost_allocation_rule_name,
        cost_center, cost_in_billing_currency, cost_in_pricing_currency, date, effective_price,
        exchange_rate_pricing_to_billing, frequency, invoice_id, invoice_section_name, location,
        meter_category, meter_id, meter_name, meter_region, meter_sub_category, meter_type, offer_id,
        part_number, partner_name, payg_cost_in_billing_currency, payg_price, pricing_currency,
        pricing_model, product_id, product_name, product_order_id, product_order_name, provider,
        publisher_name, publisher_type, quantity, reservation_id, reservation_name, resource_group,
        resource_id, resource_location, resource_location_normalized, resource_name, resource_type,
        service_family, sku_id, subscription_guid, subscription_id, subscription_name, tags, term,
        unit_of_measure, unit_price, billing_period, source_file
    FROM (
        SELECT *, 'actual' AS file_part FROM source
        UNION ALL BY NAME
        SELECT *, 'amortized' AS file_part FROM source_amortized
    )
),

actual AS NOT MATERIALIZED (
    SELECT * FROM charges_read WHERE part = 'actual'
),

amortized AS NOT MATERIALIZED (
    SELECT * FROM charges_read WHERE part = 'amortized'
),

-- Charges other than usage carry no id that both files share: they are matched by what they say, one for one; of those
-- that say the same, the same ones each time.
actual_charges AS (
    SELECT *, row_number() OVER (PARTITION BY likeness ORDER BY charge) AS nth
    FROM (
        SELECT *, concat_ws(
            '|', type, coalesce(date::VARCHAR, ''), coalesce(lower(subscription_id), ''),
            coalesce(lower(resource_id), ''), coalesce(meter_id, ''), coalesce(product_name, ''),
            coalesce(product_order_id, ''), coalesce(publisher_name, ''), coalesce(invoice_section_name, ''),
            coalesce(quantity::VARCHAR, ''), coalesce(cost_in_billing_currency::VARCHAR, '')
        ) AS likeness
        FROM actual
        WHERE NOT committed AND type <> 'usage'
    ) AS charge
),

amortized_charges AS (
    SELECT likeness, count(*) AS copies
    FROM (
        SELECT concat_ws(
            '|', type, coalesce(date::VARCHAR, ''), coalesce(lower(subscription_id), ''),
            coalesce(lower(resource_id), ''), coalesce(meter_id, ''), coalesce(product_name, ''),
            coalesce(product_order_id, ''), coalesce(publisher_name, ''), coalesce(invoice_section_name, ''),
            coalesce(quantity::VARCHAR, ''), coalesce(cost_in_billing_currency::VARCHAR, '')
        ) AS likeness
        FROM amortized
        WHERE NOT committed AND type <> 'usage'
    )
    GROUP BY likeness
),

charges AS (
    -- A purchase of a commitment in the amortised file would double the one from actual.
    SELECT * FROM amortized
    WHERE NOT (committed AND type IN ('purchase', 'refund') AND (SELECT has_actual FROM bill))
    UNION ALL BY NAME
    SELECT * FROM actual
    WHERE NOT (SELECT has_amortized FROM bill) OR (committed AND type IN ('purchase', 'refund'))
    UNION ALL BY NAME
    SELECT actual_charges.* EXCLUDE (likeness, nth)
    FROM actual_charges
    LEFT JOIN amortized_charges USING (likeness)
    WHERE (SELECT has_amortized FROM bill) AND nth > coalesce(copies, 0)
),

-- Units, places and details are few beside the charges: they are read from the files apart, so that the charges need not
-- be kept in memory, and taken to pieces once each.

-- `100 Hours`, `10K`, `1 GB/Month`: how many units a price is for, and of which unit.
units_written AS (
    SELECT DISTINCT unit_of_measure FROM charges_read WHERE unit_of_measure IS NOT NULL
),

units_split AS (
    SELECT
        unit_of_measure,
        regexp_extract(
            unit_of_measure, '^\s*([0-9][0-9,]*)?\s*(?:([KM])(?:\b|$))?\s*(.*?)\s*$', ['number', 'thousands', 'rest']
        ) AS parts
    FROM units_written
),

units AS (
    SELECT
        unit_of_measure,
        coalesce(TRY_CAST(replace(parts.number, ',', '') AS BIGINT), 1)
            * CASE parts.thousands WHEN 'K' THEN 1000 WHEN 'M' THEN 1000000 ELSE 1 END AS block_size,
        CASE
            WHEN parts.rest = '' THEN 'Units'
            WHEN starts_with(parts.rest, '/') THEN 'Units/' || ltrim(parts.rest, '/ ')
            WHEN regexp_matches(parts.rest, '^.+[ /](Second|Minute|Hour|Day|Week|Month|Year)s?$')
                THEN regexp_replace(parts.rest, '^(.+)[ /](Second|Minute|Hour|Day|Week|Month|Year)s?$', '\1-\2s')
            WHEN regexp_matches(parts.rest, '^[A-Z]?[a-z]+[a-rt-z]$') THEN parts.rest || 's'
            ELSE parts.rest
        END AS unit
    FROM units_split
),

places AS (
    SELECT
        place,
        -- region: `place` as a region id.
        CASE
            WHEN place_key IN ('', 'unassigned', 'unknown', 'notapplicable', 'na', 'null', 'none') THEN NULL
            ELSE coalesce(RegionId, place_key)
        END AS region,
        -- region_name: the region's name, else `place` as written.
        coalesce(RegionName, place) AS region_name
    FROM (
        SELECT place, lower(regexp_replace(place, '[^A-Za-z0-9]', '', 'g')) AS place_key
        FROM (SELECT DISTINCT place FROM charges_read)
    )
    LEFT JOIN azure_regions ON Location = place_key
),

details AS (
    SELECT
        additional_info,
        '{' || array_to_string(
            list_transform(
                json_keys(additional_info),
                lambda name: to_json('x_' || name)::VARCHAR || ':'
                    || coalesce(json_extract(additional_info, '$."' || name || '"')::VARCHAR, 'null')
            ),
            ','
        ) || '}' AS price_details,
        nullif(additional_info ->> '$.VMCapacityReservationId', '') AS capacity_reservation
    FROM (
        SELECT additional_info FROM (SELECT DISTINCT additional_info FROM charges_read)
        WHERE starts_with(additional_info, '{') AND json_valid(additional_info)
    )
),

services_by_type AS (
    SELECT
        ResourceType, any_value(ServiceName) AS ServiceName,
        any_value(ServiceCategory) AS ServiceCategory, any_value(ServiceSubcategory) AS ServiceSubcategory
    FROM azure_services GROUP BY ResourceType HAVING count(DISTINCT ServiceName) = 1
),

services_by_provider AS (
    SELECT
        ConsumedService, any_value(ServiceName) AS ServiceName,
        any_value(ServiceCategory) AS ServiceCategory, any_value(ServiceSubcategory) AS ServiceSubcategory
    FROM azure_services WHERE ConsumedService IS NOT NULL
    GROUP BY ConsumedService HAVING count(DISTINCT ServiceName) = 1
),

services_by_name AS (
    SELECT
        ServiceName, min(ServiceCategory) AS ServiceCategory, min(ServiceSubcategory) AS ServiceSubcategory
    FROM azure_services GROUP BY ServiceName
),

placed AS (
    SELECT
        charges.*,
        -- cost: the row's cost in its file.
        cost_in_billing_currency AS cost,
        -- rate: billing currency per pricing currency; 1 where the file has only one.
        coalesce(nullif(exchange_rate_pricing_to_billing, 0), 1) AS rate,
        -- cost_in_pricing: the cost in the currency of the price list.
        coalesce(cost_in_pricing_currency, cost_in_billing_currency) AS cost_in_pricing,
        -- is_mca: a Microsoft Customer Agreement has pricing currencies, and colons in its account's id.
        (cost_in_pricing_currency IS NOT NULL OR contains(coalesce(billing_account_id, ''), ':')) AS is_mca,
        -- commitment: the benefit's id, else the reservation's, in lower case: one is written in several ways.
        lower(CASE WHEN committed THEN coalesce(nullif(benefit_id, ''), nullif(reservation_id, '')) END) AS commitment,
        -- is_plan: a savings plan rather than a reservation.
        starts_with(model, 'savingsplan') OR type = 'unusedsavingsplan' AS is_plan,
        -- is_unused: what of a commitment was not used.
        type LIKE 'unused%' AS is_unused,
        -- resource: the resource's id in lower case; some files leave out the slash at its start.
        CASE
            WHEN resource_id LIKE 'subscriptions/%' THEN '/' || lower(resource_id) ELSE lower(resource_id)
        END AS resource,
        -- block_size: the number in unit_of_measure, 10000 in 10K.
        coalesce(block_size, 1) AS block_size,
        -- unit: the unit in unit_of_measure, GB-Months in 100 GB/Month.
        coalesce(unit, 'Units') AS unit,
        -- period_start: the first day of the billing period.
        coalesce(billing_period_start_date, (billing_period || '-01')::DATE) AS period_start
    FROM charges
    LEFT JOIN units USING (unit_of_measure)
),

measured AS (
    SELECT
        *,
        -- counts: what quantity counts. Blocks in real files of Enterprise Agreements, single units in others: price
        --   times quantity must be the cost, and tells which. Only a ratio of ten or more is to be told apart, so a
        --   tolerance of 1 % is safe.
        CASE
            WHEN quantity IS NULL THEN NULL
            WHEN block_size = 1 OR effective_price IS NULL THEN 'blocks'
            WHEN abs(effective_price::DOUBLE * quantity::DOUBLE - cost_in_pricing::DOUBLE)
                <= 0.01 * abs(cost_in_pricing::DOUBLE) + 1e-15 THEN 'blocks'
            WHEN abs(effective_price::DOUBLE * quantity::DOUBLE / block_size - cost_in_pricing::DOUBLE)
                <= 0.01 * abs(cost_in_pricing::DOUBLE) + 1e-15 THEN 'units'
        END AS counts,
        -- path: what follows the last provider in the id: microsoft.sql, servers, srv, databases, db.
        CASE WHEN contains(resource, '/providers/') THEN string_split(string_split(resource, '/providers/')[-1], '/') END
            AS path
    FROM placed
),

typed AS (
    SELECT
        *,
        -- kind: the resource's type, microsoft.sql/servers/databases.
        CASE
            WHEN path IS NULL THEN lower(resource_type)
            ELSE concat_ws('/', path[1], nullif(path[2], ''), nullif(path[4], ''), nullif(path[6], ''))
        END AS kind,
        -- pricing_quantity: quantity in blocks.
        CASE
            WHEN type = 'tax' THEN NULL
            WHEN counts = 'blocks' THEN quantity
            WHEN counts = 'units' THEN CAST(round(quantity::DOUBLE / block_size, 15) AS DECIMAL(38, 18))
        END AS pricing_quantity,
        -- consumed_quantity: quantity in single units.
        CASE counts WHEN 'blocks' THEN quantity * block_size WHEN 'units' THEN quantity END AS consumed_quantity,
        -- list_price: the pay-as-you-go price; 0 is none where something else pays for the row.
        CASE WHEN payg_price = 0 AND (committed OR cost <> 0) THEN NULL ELSE payg_price END AS list_price,
        -- own_price: the negotiated price; 0 is none, unless nothing was paid. Files leave it out for products of the
        --   marketplace, and older ones for everything: there the effective price stands for it, where no commitment has a
        --   part in it and times quantity it is the cost.
        coalesce(
            nullif(unit_price, 0),
            CASE
                WHEN NOT committed AND abs(
                    effective_price::DOUBLE * pricing_quantity::DOUBLE - cost_in_pricing::DOUBLE
                ) <= 1e-9 * greatest(1, abs(cost_in_pricing::DOUBLE)) AND (effective_price <> 0 OR cost_in_pricing = 0)
                    THEN effective_price
            END
        ) AS own_price,
        -- list_cost_given: the pay-as-you-go cost, where the file has it.
        CASE
            WHEN payg_cost_in_billing_currency = 0 AND (committed OR cost <> 0) THEN NULL
            ELSE payg_cost_in_billing_currency
        END AS list_cost_given
    FROM measured
),

costed AS (
    SELECT
        *,
        -- billed: the cost, but 0 on an amortised row of a commitment: its purchase was paid.
        CASE
            WHEN part = 'amortized' AND committed AND type IN ('usage', 'unusedreservation', 'unusedsavingsplan') THEN 0
            ELSE cost
        END AS billed,
        -- effective: the cost, but 0 on the purchase of a commitment: its use is counted.
        CASE
            WHEN committed AND type IN ('purchase', 'refund') AND (SELECT has_amortized FROM bill) THEN 0
            ELSE cost
        END AS effective,
        -- category: the charge type in FOCUS's words.
        CASE
            WHEN type IN ('usage', 'unusedreservation', 'unusedsavingsplan') THEN 'Usage'
            WHEN type IN ('purchase', 'refund') THEN 'Purchase'
            WHEN type = 'tax' THEN 'Tax'
            WHEN type = 'credit' THEN 'Credit'
            ELSE 'Adjustment'
        END AS category,
        -- list_price_billed: the pay-as-you-go price in the billing currency.
        CASE WHEN rate = 1 THEN list_price
            ELSE CAST(round(list_price::DOUBLE * rate::DOUBLE, 15) AS DECIMAL(38, 18)) END AS list_price_billed,
        -- own_price_billed: the negotiated price in the billing currency.
        CASE WHEN rate = 1 THEN own_price
            ELSE CAST(round(own_price::DOUBLE * rate::DOUBLE, 15) AS DECIMAL(38, 18)) END AS own_price_billed
    FROM typed
),

-- DECIMAL(38, 18) cannot hold the product of two of its kind. Factors with up to nine decimals, which is the rule, are
-- multiplied exactly; others as binary numbers, whose noise is rounded away. Nine decimals of a number below a million
-- also pass exactly through a binary number, which takes DuckDB a sixth of the time of dividing a wide decimal.
shortened AS (
    SELECT
        *,
        -- list_factor: the price with nine decimals.
        CASE WHEN abs(list_price_billed) < 1000000 THEN TRY_CAST(list_price_billed::DOUBLE AS DECIMAL(19, 9))
            ELSE TRY_CAST(list_price_billed AS DECIMAL(19, 9)) END AS list_factor,
        -- own_factor: the price with nine decimals.
        CASE WHEN abs(own_price_billed) < 1000000 THEN TRY_CAST(own_price_billed::DOUBLE AS DECIMAL(19, 9))
            ELSE TRY_CAST(own_price_billed AS DECIMAL(19, 9)) END AS own_factor,
        -- quantity_factor: the quantity with nine decimals.
        CASE WHEN abs(pricing_quantity) < 1000000 THEN TRY_CAST(pricing_quantity::DOUBLE AS DECIMAL(19, 9))
            ELSE TRY_CAST(pricing_quantity AS DECIMAL(19, 9)) END AS quantity_factor,
        -- own_cost: what stands for a price that is not known.
        CASE WHEN category = 'Purchase' THEN billed ELSE effective END AS own_cost
    FROM costed
),

multiplied AS (
    SELECT
        * EXCLUDE (list_factor, own_factor, quantity_factor, short_quantity),
        -- list_product: pay-as-you-go price times quantity.
        CASE
            WHEN short_quantity AND list_factor = list_price_billed THEN list_factor * quantity_factor
            ELSE CAST(round(list_price_billed::DOUBLE * pricing_quantity::DOUBLE, 15) AS DECIMAL(38, 18))
        END AS list_product,
        -- own_product: negotiated price times quantity.
        CASE
            WHEN short_quantity AND own_factor = own_price_billed THEN own_factor * quantity_factor
            ELSE CAST(round(own_price_billed::DOUBLE * pricing_quantity::DOUBLE, 15) AS DECIMAL(38, 18))
        END AS own_product
    FROM (SELECT *, quantity_factor = pricing_quantity AS short_quantity FROM shortened)
),

matched AS (
    SELECT
        multiplied.*,
        -- service: by consumed service and `kind`, kind alone, or consumed service alone; else what the row says.
        coalesce(
            exact.ServiceName, by_type.ServiceName, by_provider.ServiceName, nullif(meter_category, ''),
            nullif(consumed_service, ''), CASE WHEN publisher_type = 'Marketplace' THEN product_name END, 'Azure'
        ) AS service,
        -- service_category: from the same table, by `consumed_service` and `kind`.
        coalesce(exact.ServiceCategory, by_type.ServiceCategory, by_provider.ServiceCategory) AS service_category,
        -- service_part: from the same table, by `consumed_service` and `kind`.
        coalesce(exact.ServiceSubcategory, by_type.ServiceSubcategory, by_provider.ServiceSubcategory) AS service_part,
        places.region,
        CASE WHEN places.region IS NOT NULL THEN places.region_name END AS region_name,
        price_details,
        capacity_reservation
    FROM multiplied
    LEFT JOIN azure_services AS exact
        ON exact.ConsumedService = lower(consumed_service) AND exact.ResourceType = kind
    LEFT JOIN services_by_type AS by_type ON by_type.ResourceType = kind
    LEFT JOIN services_by_provider AS by_provider ON by_provider.ConsumedService = lower(consumed_service)
    LEFT JOIN places ON places.place = multiplied.place
    LEFT JOIN details ON details.additional_info = multiplied.additional_info
),

located AS (
    SELECT
        matched.*,
        -- final_category: from the table; by the service's name where it is there.
        coalesce(service_category, by_name.ServiceCategory, 'Other') AS final_category,
        -- final_part: from the table; by the service's name where it is there.
        coalesce(service_part, by_name.ServiceSubcategory, 'Other (Other)') AS final_part,
        -- charged_resource: the resource; the commitment on charges of the commitment itself.
        coalesce(nullif(resource, ''), CASE WHEN category = 'Purchase' OR is_unused THEN commitment END)
            AS charged_resource
    FROM matched
    LEFT JOIN services_by_name AS by_name ON by_name.ServiceName = matched.service
)

SELECT
    -- AvailabilityZone: the zone that newer schemas of Enterprise Agreements name; others have none.
    nullif(availability_zone, '') AS AvailabilityZone,
    -- BilledCost: the cost in the billing currency; 0 for usage that a reservation or savings plan pays for and for
    --   unused commitment, whose money stands on the purchase. Microsoft's own rule leaves the unused rows in, which
    --   makes the sum exceed the invoice.
    billed AS BilledCost,
    -- BillingAccountId: the billing account; for a Microsoft Customer Agreement the billing profile, which is what is
    --   invoiced; the subscription where the file knows neither.
    CASE WHEN is_mca THEN coalesce(billing_profile_id, billing_account_id)
        ELSE coalesce(billing_account_id, billing_profile_id, subscription_guid, subscription_id)
    END AS BillingAccountId,
    -- BillingAccountName: the name of that account or profile.
    CASE WHEN is_mca THEN coalesce(billing_profile_name, billing_account_name)
        ELSE coalesce(billing_account_name, billing_profile_name) END AS BillingAccountName,
    -- BillingAccountType: which of them it is.
    CASE WHEN is_mca THEN 'Billing Profile' WHEN billing_account_id IS NULL THEN 'Subscription'
        ELSE 'Billing Account' END AS BillingAccountType,
    -- BillingCurrency: the currency of the invoice.
    upper(billing_currency) AS BillingCurrency,
    -- BillingPeriodEnd: the day after the last day of the billing period, which Azure includes.
    CASE
        WHEN billing_period_end_date IS NULL THEN period_start + INTERVAL 1 MONTH
        WHEN day(billing_period_end_date) = 1 THEN billing_period_end_date::TIMESTAMP
        ELSE billing_period_end_date + INTERVAL 1 DAY
    END AS BillingPeriodEnd,
    -- BillingPeriodStart: the first day of the billing period; of the delivered month where rows do not say.
    period_start::TIMESTAMP AS BillingPeriodStart,
    -- CapacityReservationId: from `additional_info`.
    capacity_reservation AS CapacityReservationId,
    -- CapacityReservationStatus: Unused on rows of the reservation itself, Used on rows of machines in it.
    CASE
        WHEN capacity_reservation IS NULL THEN NULL
        WHEN kind = 'microsoft.compute/capacityreservationgroups/capacityreservations' THEN 'Unused'
        ELSE 'Used'
    END AS CapacityReservationStatus,
    -- ChargeCategory: Usage, Purchase, Tax and Credit as they are; unused commitment is Usage; a refund is a Purchase;
    --   rounding and whatever is unknown is an Adjustment.
    category AS ChargeCategory,
    -- ChargeClass: Correction for a refund of an earlier billing period. A refund within the period corrects no
    --   invoice, though Microsoft marks every one.
    CASE WHEN type = 'refund' AND date < period_start THEN 'Correction' END AS ChargeClass,
    -- ChargeDescription: the product's name.
    coalesce(nullif(product_name, ''), nullif(meter_name, ''), charge_type) AS ChargeDescription,
    -- ChargeFrequency: OneTime, Recurring and UsageBased in FOCUS's words.
    CASE lower(replace(coalesce(frequency, ''), '-', ''))
        WHEN 'onetime' THEN 'One-Time'
        WHEN 'recurring' THEN 'Recurring'
        WHEN 'usagebased' THEN 'Usage-Based'
        ELSE CASE WHEN category = 'Usage' THEN 'Usage-Based' ELSE 'One-Time' END
    END AS ChargeFrequency,
    -- ChargePeriodEnd: the day after the charge's day.
    coalesce(date, period_start) + INTERVAL 1 DAY AS ChargePeriodEnd,
    -- ChargePeriodStart: the charge's day.
    coalesce(date, period_start)::TIMESTAMP AS ChargePeriodStart,
    -- CommitmentDiscountCategory: Spend for savings plans, Usage for reservations, by the pricing model.
    CASE WHEN commitment IS NULL THEN NULL WHEN is_plan THEN 'Spend' ELSE 'Usage' END AS CommitmentDiscountCategory,
    -- CommitmentDiscountId: the benefit, else the reservation, of rows whose pricing model is one of the two; in lower
    --   case, since its spelling changes from row to row.
    commitment AS CommitmentDiscountId,
    -- CommitmentDiscountName: the name of the benefit or reservation.
    CASE WHEN commitment IS NOT NULL THEN coalesce(nullif(benefit_name, ''), nullif(reservation_name, '')) END
        AS CommitmentDiscountName,
    -- CommitmentDiscountQuantity: money in the pricing currency for savings plans, units for reservations.
    CASE
        WHEN commitment IS NULL OR category NOT IN ('Usage', 'Purchase') THEN NULL
        WHEN is_plan THEN cost_in_pricing
        ELSE consumed_quantity
    END AS CommitmentDiscountQuantity,
    -- CommitmentDiscountStatus: Unused for the rows that say so, Used for other usage of a commitment.
    CASE WHEN commitment IS NULL OR category <> 'Usage' THEN NULL WHEN is_unused THEN 'Unused' ELSE 'Used' END
        AS CommitmentDiscountStatus,
    -- CommitmentDiscountType: Azure's name for the kind of commitment.
    CASE WHEN commitment IS NULL THEN NULL WHEN is_plan THEN 'Savings Plan' ELSE 'Reservation' END
        AS CommitmentDiscountType,
    -- CommitmentDiscountUnit: the unit of that quantity.
    CASE
        WHEN commitment IS NULL OR category NOT IN ('Usage', 'Purchase') THEN NULL
        WHEN is_plan THEN upper(coalesce(pricing_currency, billing_currency))
        WHEN consumed_quantity IS NOT NULL THEN unit
    END AS CommitmentDiscountUnit,
    -- ConsumedQuantity: quantity in single units, for usage that took place.
    CASE WHEN type = 'usage' THEN consumed_quantity END AS ConsumedQuantity,
    -- ConsumedUnit: the unit without its block size.
    CASE WHEN type = 'usage' AND consumed_quantity IS NOT NULL THEN unit END AS ConsumedUnit,
    -- ContractedCost: negotiated price times quantity; where there is no such price, the cost itself.
    coalesce(CASE WHEN category IN ('Usage', 'Purchase') THEN own_product END, own_cost)
        AS ContractedCost,
    -- ContractedUnitPrice: the negotiated price in the billing currency, for a block of units.
    CASE WHEN category IN ('Usage', 'Purchase') AND own_product IS NOT NULL AND own_price_billed >= 0
        THEN own_price_billed END AS ContractedUnitPrice,
    -- EffectiveCost: the amortised cost; 0 for purchases and refunds of commitments, whose money is spread over the
    --   usage that they cover. Without an amortised file, the billed cost (x_EffectiveCostBasis).
    effective AS EffectiveCost,
    -- InvoiceId: the invoice; Enterprise Agreements do not tell it.
    nullif(invoice_id, '') AS InvoiceId,
    -- InvoiceIssuerName: the partner who bills, else Microsoft.
    coalesce(nullif(partner_name, ''), 'Microsoft') AS InvoiceIssuerName,
    -- ListCost: the pay-as-you-go cost where the file has it; pay-as-you-go price times quantity; else the contracted
    --   cost; else the cost itself. x_ListCostBasis says which.
    CASE WHEN category NOT IN ('Usage', 'Purchase') THEN own_cost
        ELSE coalesce(list_cost_given, list_product, own_product, own_cost) END AS ListCost,
    -- ListUnitPrice: the pay-as-you-go price in the billing currency for a block of units; where the file has the cost
    --   instead, the price that this cost means; else the contracted price.
    CASE
        WHEN category NOT IN ('Usage', 'Purchase') THEN NULL
        WHEN list_cost_given IS NOT NULL AND coalesce(pricing_quantity, 0) <> 0
            AND coalesce(abs(list_product - list_cost_given) > 1e-9 * greatest(1, abs(list_cost_given)), true)
            THEN CASE WHEN list_cost_given::DOUBLE / pricing_quantity::DOUBLE >= 0
                THEN CAST(list_cost_given::DOUBLE / pricing_quantity::DOUBLE AS DECIMAL(38, 18)) END
        WHEN coalesce(list_cost_given, list_product) IS NOT NULL
            THEN CASE WHEN list_price_billed >= 0 THEN list_price_billed END
        WHEN own_product IS NOT NULL AND own_price_billed >= 0 THEN own_price_billed
    END AS ListUnitPrice,
    -- PricingCategory: Committed for use of a commitment, Dynamic for spot, else Standard; none for tax, credits and
    --   adjustments.
    CASE
        WHEN category IN ('Tax', 'Credit', 'Adjustment') THEN NULL
        WHEN committed AND category = 'Usage' THEN 'Committed'
        WHEN model = 'spot' THEN 'Dynamic'
        ELSE 'Standard'
    END AS PricingCategory,
    -- PricingCurrency: the currency of the price list.
    upper(coalesce(nullif(pricing_currency, ''), billing_currency)) AS PricingCurrency,
    -- PricingCurrencyContractedUnitPrice: the negotiated price as written.
    CASE WHEN category IN ('Usage', 'Purchase') AND own_price >= 0 THEN own_price END
        AS PricingCurrencyContractedUnitPrice,
    -- PricingCurrencyEffectiveCost: EffectiveCost in the pricing currency.
    CASE
        WHEN effective = 0 THEN 0
        WHEN cost_in_pricing_currency IS NOT NULL OR rate = 1 THEN cost_in_pricing
        ELSE CAST(round(effective::DOUBLE / rate::DOUBLE, 12) AS DECIMAL(38, 18))
    END AS PricingCurrencyEffectiveCost,
    -- PricingCurrencyListUnitPrice: the pay-as-you-go price as written.
    CASE WHEN category IN ('Usage', 'Purchase') AND list_price >= 0 THEN list_price END
        AS PricingCurrencyListUnitPrice,
    -- PricingQuantity: how many times the price applies, that is, blocks of units. Null where price times quantity is
    --   not the cost in either reading.
    pricing_quantity AS PricingQuantity,
    -- PricingUnit: the unit with its block size.
    CASE
        WHEN pricing_quantity IS NULL THEN NULL WHEN block_size = 1 THEN unit ELSE block_size || ' ' || unit
    END AS PricingUnit,
    -- ProviderName: who made it available to buy.
    'Microsoft' AS ProviderName,
    -- PublisherName: who made it; Microsoft where nobody else is named.
    coalesce(nullif(publisher_name, ''), 'Microsoft') AS PublisherName,
    -- RegionId: the location as a region id (azure_regions), whichever way it is written.
    region AS RegionId,
    -- RegionName: the region's name.
    region_name AS RegionName,
    -- ResourceId: the resource in lower case, since its spelling changes from row to row; the commitment on charges of
    --   the commitment itself.
    charged_resource AS ResourceId,
    -- ResourceName: the resource's name, else the last part of its id, which may end in a slash.
    CASE WHEN charged_resource IS NOT NULL
        THEN coalesce(
            nullif(resource_name, ''),
            nullif(split_part(charged_resource, '/', -1), ''),
            nullif(split_part(charged_resource, '/', -2), '')
        )
    END AS ResourceName,
    -- ResourceType: the type in the resource's id.
    CASE
        WHEN charged_resource IS NULL THEN NULL
        WHEN nullif(resource, '') IS NULL THEN CASE WHEN is_plan THEN 'Savings Plan' ELSE 'Reservation' END
        ELSE coalesce(nullif(kind, ''), nullif(consumed_service, ''), 'Resource')
    END AS ResourceType,
    -- ServiceCategory: by ConsumedService and the resource's type (azure_services); Other where they are not listed.
    final_category AS ServiceCategory,
    -- ServiceName: from the same table; else the meter category, else the consumed service, else the product of a
    --   marketplace; what has none of them is Azure's own.
    service AS ServiceName,
    -- ServiceSubcategory: from the same table.
    final_part AS ServiceSubcategory,
    -- SkuId: the product id of a Microsoft Customer Agreement, else the meter id; products of the marketplace have no
    --   meter, but a part number.
    CASE WHEN type <> 'tax' THEN coalesce(nullif(product_id, ''), nullif(meter_id, ''), nullif(part_number, '')) END
        AS SkuId,
    -- SkuMeter: the meter's name; what is sold without a meter has its own. Null without a SKU.
    CASE
        WHEN type <> 'tax' AND (product_id <> '' OR meter_id <> '' OR part_number <> '')
            THEN coalesce(nullif(meter_name, ''), nullif(product_name, ''))
    END AS SkuMeter,
    -- SkuPriceDetails: `additional_info` with keys that begin with x_, as FOCUS asks of a provider's own.
    CASE WHEN type <> 'tax' THEN price_details END AS SkuPriceDetails,
    -- SkuPriceId: product, SKU and meter type, as far as the file has them; else the SKU id.
    CASE WHEN type <> 'tax' THEN coalesce(
        CASE WHEN product_id IS NOT NULL THEN concat_ws('_', product_id, sku_id, meter_type) END,
        nullif(meter_id, ''), nullif(part_number, '')
    ) END AS SkuPriceId,
    -- SubAccountId: the subscription; none where Azure writes zeros.
    nullif(coalesce(nullif(subscription_guid, ''), nullif(subscription_id, '')), '00000000-0000-0000-0000-000000000000')
        AS SubAccountId,
    -- SubAccountName: the subscription's name.
    nullif(subscription_name, '') AS SubAccountName,
    -- SubAccountType: what a sub account is in Azure.
    CASE
        WHEN coalesce(nullif(subscription_guid, ''), nullif(subscription_id, ''), '00000000-0000-0000-0000-000000000000')
            <> '00000000-0000-0000-0000-000000000000' THEN 'Subscription'
    END AS SubAccountType,
    -- Tags: the resource's tags as a JSON object, braces added where Azure leaves them out.
    CASE WHEN tags::VARCHAR <> '{}' THEN tags END AS Tags,
    -- x_SourceFile: the file that the row was read from.
    source_file AS x_SourceFile,
    -- x_SourcePart: the file it comes from, actual or amortized.
    part AS x_SourcePart,
    -- x_Generated: no row is made up here.
    false AS x_Generated,
    -- x_LineItemType: Azure's charge type.
    charge_type AS x_LineItemType,
    -- x_PricingModel: Azure's pricing model.
    pricing_model AS x_PricingModel,
    -- x_EffectiveCostBasis: amortized, or billed where no amortised file was delivered.
    CASE WHEN (SELECT has_amortized FROM bill) THEN 'amortized' ELSE 'billed' END AS x_EffectiveCostBasis,
    -- x_BilledCostBasis: unknown for commitment usage where no actual file was delivered; else billed.
    CASE WHEN committed AND NOT (SELECT has_actual FROM bill) THEN 'unknown' ELSE 'billed' END AS x_BilledCostBasis,
    -- x_ListCostBasis: what ListCost is: list, contracted or cost.
    CASE
        WHEN category NOT IN ('Usage', 'Purchase') THEN 'cost'
        WHEN coalesce(list_cost_given, list_product) IS NOT NULL THEN 'list'
        WHEN own_product IS NOT NULL THEN 'contracted'
        ELSE 'cost'
    END AS x_ListCostBasis,
    -- x_PricingBlockSize: units that a price is for.
    block_size::DECIMAL(38, 18) AS x_PricingBlockSize,
    -- x_PricingUnitDescription: the unit of measure as written.
    unit_of_measure AS x_PricingUnitDescription,
    -- x_BillingExchangeRate: billing currency per unit of the pricing currency.
    exchange_rate_pricing_to_billing AS x_BillingExchangeRate,
    -- x_AccountName: enrolment account.
    account_name AS x_AccountName,
    -- x_InvoiceSectionName: invoice section, or department.
    invoice_section_name AS x_InvoiceSectionName,
    -- x_CostCenter: cost centre.
    cost_center AS x_CostCenter,
    -- x_CostAllocationRuleName: the rule that moved the cost here.
    cost_allocation_rule_name AS x_CostAllocationRuleName,
    -- x_ResourceGroupName: resource group in lower case; Azure's words for none are left out.
    CASE WHEN lower(resource_group) NOT IN ('', 'null', 'others', 'not applicable') THEN lower(resource_group) END
        AS x_ResourceGroupName,
    -- x_SkuMeterId: meter id.
    meter_id AS x_SkuMeterId,
    -- x_SkuMeterCategory: meter category.
    meter_category AS x_SkuMeterCategory,
    -- x_SkuMeterSubcategory: meter subcategory.
    meter_sub_category AS x_SkuMeterSubcategory,
    -- x_SkuServiceFamily: service family.
    service_family AS x_SkuServiceFamily,
    -- x_SkuPartNumber: part number.
    part_number AS x_SkuPartNumber,
    -- x_SkuOfferId: offer.
    offer_id AS x_SkuOfferId,
    -- x_SkuOrderId: order of a purchase.
    product_order_id AS x_SkuOrderId,
    -- x_SkuOrderName: name of the order.
    product_order_name AS x_SkuOrderName,
    -- x_SkuTerm: term of a commitment.
    term AS x_SkuTerm,
    -- x_PublisherCategory: Azure, Microsoft or Marketplace.
    publisher_type AS x_PublisherCategory
FROM located;
