-- What an import of this delivery must show, from `lines` alone: one row per kind of line item.
--
-- BilledCost adds up to UnblendedCost: a covered line and its negation cancel, so leaving them out of BilledCost changes no
-- sum; and in a bill with net columns the discount rows that are left out are what the other rows' net costs are lower.
-- EffectiveCost follows the purchase-or-use rule: what a commitment cost counts where it was used, or as an Unused row,
-- never where it was paid. In a bill with net columns every cost is net of the negotiated discount.
SELECT
    line_type,
    count(*) AS rows,
    sum(cost)::DECIMAL(38, 0) AS unblended,
    -- Negations leave no FOCUS row, nor do split cost rows, which repeat their instance's cost, nor the discount rows of a
    -- bill with net columns. Unused parts add rows.
    count(*) FILTER (
        line_type <> 'SavingsPlanNegation' AND special IS DISTINCT FROM 'pod'
        AND NOT (line_type = 'EdpDiscount' AND getvariable('net_columns'))
    )
        + count(*) FILTER (line_type = 'RIFee' AND ri_unused_upfront + ri_unused_recurring > 0)
        + count(*) FILTER (line_type = 'SavingsPlanRecurringFee' AND sp_total > sp_used AND NOT future) AS focus_rows,
    coalesce(sum(
        CASE
            WHEN line_type = 'DiscountedUsage' THEN ri_upfront + ri_recurring
            WHEN line_type = 'RIFee' THEN ri_unused_upfront + ri_unused_recurring
            WHEN line_type = 'SavingsPlanCoveredUsage' THEN sp_effective
            -- Hours of an open month that have not happened yet are not unused yet.
            WHEN line_type = 'SavingsPlanRecurringFee' THEN CASE WHEN future THEN 0 ELSE greatest(0, sp_total - sp_used) END
            ELSE 0
        END * CASE WHEN getvariable('net_columns') THEN 100 - getvariable('discount_percent') ELSE 100 END // 100
        + CASE
            WHEN line_type IN ('DiscountedUsage', 'RIFee') OR line_type LIKE 'SavingsPlan%' THEN 0
            -- Upfront payments, returned plans, and discounts on a commitment's fee.
            WHEN line_type IN ('Fee', 'Refund', 'EdpDiscount') AND commitment IS NOT NULL THEN 0
            WHEN NOT getvariable('net_columns') THEN cost
            WHEN line_type = 'EdpDiscount' THEN 0
            ELSE cost - discount
        END
    ), 0)::DECIMAL(38, 0) AS effective
FROM lines
GROUP BY line_type
ORDER BY line_type
