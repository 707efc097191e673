-- The rows of `lines` under the names and in the nesting of Google's export: the view `export`. FLOAT64 fields are
-- DOUBLE, NUMERIC fields DECIMAL(38, 9), times are TIMESTAMP in UTC.
CREATE OR REPLACE MACRO in_ticks(ticks) AS CAST(CAST(ticks AS BIGINT) * CAST('0.000000001' AS DECIMAL(10, 9)) AS DECIMAL(38, 9));

CREATE OR REPLACE VIEW export AS
WITH told AS (
    SELECT
        lines.*,
        accounts.name AS account_name, accounts.team, accounts.environment,
        applications.name AS application_name, applications.owner, applications.cost_center, applications.tagged,
        CASE WHEN lines.in_euro THEN '02AC7E-5EB0DE-A7C1F3' ELSE '01AC7E-3B9D2F-61C528' END AS billing_account,
        'acme-' || accounts.name AS project_id,
        CASE
            WHEN collection IS NOT NULL
                THEN coalesce(application_name, 'shared') || '-' || collection || '-' || resource
        END AS resource_name,
        CASE WHEN zonal = 1 THEN region || '-' || chr(97 + resource % 3) END AS zone,
        ends + to_hours(CASE WHEN luck % 100 = 0 THEN 48 + luck % 96 ELSE 1 + luck % 29 END) AS exported
    FROM lines
    LEFT JOIN world_accounts AS accounts ON accounts.account = lines.account
    LEFT JOIN world_applications AS applications ON applications.application = lines.application
)
SELECT
    billing_account AS billing_account_id,
    {'id': service_id, 'description': service} AS service,
    {'id': sku_id, 'description': sku} AS sku,
    starts AS usage_start_time,
    ends AS usage_end_time,
    CASE
        WHEN account IS NOT NULL
            THEN {
                'id': project_id,
                'number': (100000000000 + account * 7919)::VARCHAR,
                -- One project was deleted: its name is gone.
                'name': CASE WHEN account <> 9 THEN account_name END,
                'labels': [{'key': 'team', 'value': team}, {'key': 'environment', 'value': environment}],
                'ancestry_numbers': '/8000000000' || account % 3 || '/900000000001/',
                'ancestors': [
                    {'resource_name': 'projects/' || (100000000000 + account * 7919), 'display_name': account_name},
                    {'resource_name': 'organizations/900000000001', 'display_name': 'acme-retail.example'}
                ]
            }
    END AS project,
    CASE
        WHEN tagged
            THEN list_concat(
                [
                    {'key': 'app', 'value': application_name},
                    {'key': 'environment', 'value': environment},
                    {'key': 'owner', 'value': replace(owner, '.', '_')},
                    {'key': 'cost-center', 'value': lower(cost_center)}
                ],
                -- A key that stands twice, a value beyond ASCII, a key without a value.
                CASE
                    WHEN luck % 50 = 0 THEN [{'key': 'environment', 'value': 'legacy'}, {'key': 'größe', 'value': 'groß, "XL"'}]
                    WHEN luck % 50 = 1 THEN [{'key': 'temporary', 'value': NULL}]
                    WHEN kind = 'kubernetes'
                        THEN [{'key': 'goog-k8s-cluster-name', 'value': 'prod-1'}, {'key': 'k8s-namespace', 'value': team}]
                    ELSE []
                END
            )
        ELSE []
    END AS labels,
    CASE
        WHEN collection = 'instances' AND kind = 'compute'
            THEN [
                {'key': 'compute.googleapis.com/machine_spec', 'value': 'e2-standard-4'},
                {'key': 'compute.googleapis.com/cores', 'value': '4'},
                {'key': 'compute.googleapis.com/memory', 'value': '16384'}
            ]
        ELSE []
    END AS system_labels,
    CASE
        WHEN region IS NOT NULL
            THEN {
                'location': coalesce(zone, region),
                'country': CASE WHEN region LIKE 'us%' THEN 'US' WHEN region LIKE 'europe-west1%' THEN 'BE' END,
                'region': CASE WHEN region NOT IN ('us', 'global') THEN region END,
                'zone': zone
            }
    END AS location,
    CASE
        WHEN resource_name IS NOT NULL
            THEN {
                'name': resource_name,
                'global_name': CASE
                    WHEN service = 'Compute Engine'
                        THEN '//compute.googleapis.com/projects/' || project_id || '/zones/' || zone || '/' || collection
                            || '/' || resource_name
                END
            }
    END AS resource,
    CASE
        WHEN tagged AND environment = 'prod'
            THEN [
                {'key': 'data-class', 'value': 'internal', 'inherited': true, 'namespace': 'acme-retail.example'},
                {'key': 'environment', 'value': 'production', 'inherited': true, 'namespace': 'acme-retail.example'}
            ]
        ELSE []
    END AS tags,
    CASE
        WHEN pricing_unit IS NOT NULL
            THEN {
                'effective_price': in_ticks(price * CASE WHEN section IN (4, 5) THEN 1000 ELSE 970 END),
                'tier_start_amount': 0::DECIMAL(38, 9),
                'unit': pricing_unit,
                'pricing_unit_quantity': 1::DECIMAL(38, 9),
                'list_price': in_ticks(price * 1000),
                'effective_price_default': in_ticks(price * CASE WHEN section IN (4, 5) THEN 1000 ELSE 970 END),
                'list_price_consumption_model': in_ticks(price * 1000)
            }
    END AS price,
    {'instance_id': subscription} AS subscription,
    CASE WHEN kind = 'marketplace' THEN 'THIRD_PARTY_AGENCY' ELSE 'GOOGLE' END AS transaction_type,
    CASE WHEN kind = 'marketplace' THEN 'Northwind Analytics GmbH' ELSE 'Google Cloud EMEA Limited' END AS seller_name,
    exported AS export_time,
    in_ticks(cost)::DOUBLE AS cost,
    CASE WHEN in_euro THEN 'EUR' ELSE 'USD' END AS currency,
    CASE WHEN in_euro THEN 0.92::DOUBLE ELSE 1::DOUBLE END AS currency_conversion_rate,
    CASE
        WHEN pricing_unit IS NOT NULL
            THEN {
                'amount': (quantity::HUGEINT * base_units)::DOUBLE / 100000,
                'unit': usage_unit,
                'amount_in_pricing_units': (quantity::DECIMAL(38, 0))::DOUBLE / 100000,
                'pricing_unit': pricing_unit
            }
    END AS usage,
    list_transform(
        credits,
        lambda item: {
            'name': item.name, 'amount': in_ticks(item.amount)::DOUBLE, 'full_name': item.full_name, 'id': item.id,
            'type': item.type
        }
    ) AS credits,
    {
        'month': strftime(getvariable('period_start')::DATE, '%Y%m'),
        'publisher_type': CASE WHEN kind = 'marketplace' THEN 'PARTNER' ELSE 'GOOGLE' END
    } AS invoice,
    cost_type,
    CASE
        WHEN adjustment_mode IS NOT NULL
            THEN {
                'id': 'adj-' || md5(coalesce(n, 0) || adjustment_mode),
                'description': CASE adjustment_mode WHEN 'MANUAL_ADJUSTMENT' THEN 'Goodwill' ELSE 'Price correction' END,
                'mode': adjustment_mode,
                'type': CASE adjustment_mode WHEN 'MANUAL_ADJUSTMENT' THEN 'GOODWILL' ELSE 'PRICE_CORRECTION' END
            }
    END AS adjustment_info,
    CASE WHEN list_cost <> 0 OR cost_type = 'regular' THEN in_ticks(list_cost)::DOUBLE END AS cost_at_list,
    in_ticks(default_cost) AS cost_at_effective_price_default,
    in_ticks(list_cost) AS cost_at_list_consumption_model,
    {
        'id': CASE WHEN model IS NOT NULL THEN 'D97B-0795-975B' ELSE '7754-699E-0EBF' END,
        'description': coalesce(model, 'Default')
    } AS consumption_model
FROM told
-- Equal rows aside, one order: the same request writes the same files.
ORDER BY section, starts, n, part, sku_id, account, told.cost, in_euro
