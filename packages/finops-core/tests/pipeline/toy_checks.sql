-- check: T1 money The bill's total is billed
SELECT s.currency AS subject, s.cost AS expected, f.cost AS actual
FROM (SELECT currency, sum(cost) AS cost FROM source GROUP BY 1) s
FULL JOIN (SELECT BillingCurrency, sum(BilledCost) AS cost FROM focus GROUP BY 1) f ON s.currency = f.BillingCurrency
WHERE s.cost IS DISTINCT FROM f.cost
