-- What must hold between a bill and its FOCUS rows. Each check yields a row for every violation.

-- check: A1 money The bill's total is billed
--   Acme Cloud invoices the sum of all lines.
SELECT coalesce(bill.currency, rows.currency) AS subject, bill.cost AS expected, rows.cost AS actual
FROM (SELECT currency, sum(cost) AS cost FROM source GROUP BY currency) AS bill
FULL JOIN (SELECT BillingCurrency AS currency, sum(BilledCost) AS cost FROM focus GROUP BY ALL) AS rows
    ON bill.currency IS NOT DISTINCT FROM rows.currency
WHERE bill.cost IS DISTINCT FROM rows.cost

-- check: A2 money No line is lost or doubled
SELECT 'lines', bill.lines, rows.lines
FROM (SELECT count(*) AS lines FROM source) AS bill, (SELECT count(*) AS lines FROM focus) AS rows
WHERE bill.lines <> rows.lines
