-- Usage of the sample world -> Azure charges, one row each, with what both files say of them.
--
-- Reads the tables usage, azure_skus, azure_accounts, azure_tags, azure_commitments and azure_places, and the variables
-- own_permille (negotiated price per thousand of the list price) and rate (billing currency per pricing currency).
-- Prices have four decimals and quantities six, so that price times quantity is the cost exactly. Widths are above 18:
-- DuckDB multiplies narrower decimals in 64 bits, which overflow.
CREATE OR REPLACE TABLE charges AS
WITH priced AS (
    SELECT
        usage.*,
        skus.* EXCLUDE (kind, low, high, price),
        CASE WHEN spend = 0 THEN 0 ELSE skus.price END::DECIMAL(12, 4) AS list_price,
        CASE
            WHEN spend = 0 THEN (luck % 5000)::DECIMAL(20, 6) / 100
            ELSE (spend::HUGEINT * 10000 // (skus.price * 10000)::BIGINT)::DECIMAL(24, 0) * 0.000001::DECIMAL(7, 6)
        END::DECIMAL(20, 6) AS quantity
    FROM usage
    JOIN azure_skus AS skus ON skus.kind = usage.kind AND pick >= low AND pick < high
),

covered AS (
    SELECT
        priced.*,
        commitments.* EXCLUDE (kind, low, high),
        commitments.name IS NULL AND plannable AND luck >= 900000 AS is_spot,
        CASE
            WHEN commitments.name IS NOT NULL THEN list_price * (1000 - discount)::DECIMAL(4, 0) * 0.001::DECIMAL(4, 3)
            WHEN plannable AND luck >= 900000 THEN list_price * 0.300::DECIMAL(4, 3)
            ELSE list_price * getvariable('own_permille')::DECIMAL(4, 0) * 0.001::DECIMAL(4, 3)
        END::DECIMAL(20, 7) AS price
    FROM priced
    LEFT JOIN azure_commitments AS commitments
        ON commitments.kind = priced.kind AND plannable AND luck >= commitments.low AND luck < commitments.high
)

SELECT
    n,
    true AS in_actual,
    true AS in_amortized,
    starts::DATE AS date,
    'Usage' AS charge_type,
    'UsageBased' AS frequency,
    CASE WHEN covered.name IS NOT NULL THEN pricing_model WHEN is_spot THEN 'Spot' ELSE 'OnDemand' END AS pricing_model,
    covered.name AS commitment,
    benefit_id, benefit_name, reservation_id, reservation_name, term,
    covered.account, covered.application, covered.kind,
    accounts.subscription_id, accounts.subscription_name, accounts.cost_center,
    -- Azure writes the same resource in several ways.
    CASE WHEN n % 3 = 0 THEN lower(accounts.resource_group) ELSE accounts.resource_group END AS resource_group,
    '/subscriptions/' || accounts.subscription_id
        || CASE WHEN n % 2 = 0 THEN '/resourceGroups/' ELSE '/resourcegroups/' END
        || CASE WHEN n % 3 = 0 THEN lower(accounts.resource_group) ELSE accounts.resource_group END
        || '/providers/' || CASE WHEN n % 5 = 0 THEN lower(consumed_service) ELSE consumed_service END || '/'
        || CASE WHEN contains(resource_type, '/')
            THEN split_part(resource_type, '/', 1) || '/srv-' || tags.application_name
                || '/' || split_part(resource_type, '/', 2)
            ELSE resource_type END
        || '/' || replace(covered.resource_name, '{app}', tags.application_name) || '-' || covered.resource
        AS resource_id,
    replace(covered.resource_name, '{app}', tags.application_name) || '-' || covered.resource AS resource_name,
    places.location AS resource_location,
    places.normalized AS resource_location_normalized,
    places.meter_region,
    CASE WHEN n % 7 = 0 THEN lower(consumed_service) ELSE consumed_service END AS consumed_service,
    meter_id, meter_category, meter_sub_category, meter_name, part_number, product_id, product_name, service_family,
    unit_of_measure, quantity,
    CASE WHEN covered.kind = 'marketplace' OR covered.name IS NOT NULL AND pricing_model = 'Reservation' THEN NULL
        ELSE list_price END::DECIMAL(20, 7) AS payg_price,
    CASE WHEN covered.kind = 'marketplace' THEN NULL
        ELSE list_price * getvariable('own_permille')::DECIMAL(4, 0) * 0.001::DECIMAL(4, 3) END::DECIMAL(20, 7)
        AS unit_price,
    CASE WHEN covered.name IS NOT NULL THEN 0 ELSE price END::DECIMAL(20, 7) AS actual_price,
    price AS amortized_price,
    CASE WHEN covered.name IS NOT NULL THEN 0 ELSE (price * quantity)::DECIMAL(30, 13) END::DECIMAL(30, 13)
        AS actual_amount,
    (price * quantity)::DECIMAL(30, 13) AS amortized_amount,
    publisher_type, publisher_name,
    CASE
        WHEN instance IS NULL THEN NULL
        -- Now and then it is not JSON.
        WHEN n % 997 = 5 THEN '{"UsageType":"ComputeHR","ServiceType":'
        ELSE '{"UsageType":"ComputeHR","ImageType":"Canonical","ServiceType":"' || instance
            || '","VMName":null,"VCPUs":' || (2 + luck % 3 * 2)
            || CASE WHEN benefit_id IS NULL THEN '' ELSE ',"ReservationOrderId":"' || reservation_id || '"' END || '}'
    END AS additional_info,
    tags.tags,
    NULL::VARCHAR AS product_order_id,
    NULL::VARCHAR AS product_order_name,
    NULL::VARCHAR AS previous_invoice_id
FROM covered
JOIN azure_accounts AS accounts ON accounts.account = covered.account
JOIN azure_tags AS tags ON tags.account = covered.account AND tags.application = covered.application
JOIN azure_places AS places ON places.place = (covered.account * 7 + n) % 4 + 4 * (covered.account % 3)
ORDER BY n;
