-- What must hold between an Azure FOCUS export and the FOCUS rows made of it: costs and rows are taken over as they are.

-- check: F1 money Billed cost is the export's
WITH bill AS (
    SELECT upper(BillingCurrency) AS currency, sum(BilledCost) AS cost FROM source GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(BilledCost) AS cost FROM focus GROUP BY ALL
)
SELECT currency AS subject, coalesce(bill.cost, 0) AS expected, coalesce(rows_out.cost, 0) AS actual
FROM bill FULL JOIN rows_out USING (currency)
WHERE coalesce(bill.cost, 0) <> coalesce(rows_out.cost, 0);

-- check: F2 money Effective cost is the export's
WITH bill AS (
    SELECT upper(BillingCurrency) AS currency, sum(EffectiveCost) AS cost FROM source GROUP BY ALL
),
rows_out AS (
    SELECT BillingCurrency AS currency, sum(EffectiveCost) AS cost FROM focus GROUP BY ALL
)
SELECT currency AS subject, coalesce(bill.cost, 0) AS expected, coalesce(rows_out.cost, 0) AS actual
FROM bill FULL JOIN rows_out USING (currency)
WHERE coalesce(bill.cost, 0) <> coalesce(rows_out.cost, 0);

-- check: F3 money No row is lost or doubled
SELECT 'rows' AS subject, expected, actual
FROM (SELECT (SELECT count(*) FROM source) AS expected, (SELECT count(*) FROM focus) AS actual)
WHERE expected <> actual;

-- check: F4 quality Every service is known
SELECT ServiceName AS subject, 0 AS expected, count(*) AS actual
FROM focus
WHERE ServiceCategory = 'Other' AND ChargeCategory IN ('Usage', 'Purchase')
    AND ServiceName NOT IN (SELECT ServiceName FROM azure_services)
GROUP BY ServiceName;
