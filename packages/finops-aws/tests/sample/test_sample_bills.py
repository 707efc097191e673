"""What the generated bills say: the truth, the identities of AWS line items, the same rows in every format."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from finops_aws.sample.shapes import FORMATS, shape_of
from finops_core.sample import make_world

CUR = tuple(name for name in FORMATS if name.startswith("cur"))
MAIN = ("cur-v1-csv", "cur-v1-parquet", "cur-v2-csv", "cur-v2-parquet")
PERIODS = ("2024-01", "2024-02", "2024-03")

Bill = Callable[[str, str], duckdb.DuckDBPyConnection]


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize("name", CUR)
@pytest.mark.parametrize("period", PERIODS)
def test_truth_is_what_plain_duckdb_reads(name: str, period: str, tree: Callable[..., Any], bill: Bill) -> None:
    truth = tree(name).truth["periods"][period]
    found = rows(bill(name, period), TOTALS)
    per_type = {kind: {"rows": count, "UnblendedCost": {"USD": f"{cost:f}"}} for kind, count, cost in found}
    assert per_type == truth["LineItemType"]
    assert sum(count for _, count, _ in found) == truth["rows"]
    assert (
        str(sum(cost for _, _, cost in found)) == truth["UnblendedCost"]["USD"] == truth["focus"]["BilledCost"]["USD"]
    )


TOTALS = """
    SELECT line_item_line_item_type, count(*), sum(line_item_unblended_cost)::DECIMAL(38, 10)
    FROM bill WHERE line_item_currency_code = 'USD' GROUP BY 1
"""


@pytest.mark.parametrize("name", MAIN[1:])
@pytest.mark.parametrize("period", PERIODS)
def test_every_format_holds_the_same_rows(name: str, period: str, tree: Callable[..., Any], common: Any) -> None:
    connection = duckdb.connect()
    tree("cur-v1-csv").load(connection, "expected", period, common)
    tree(name).load(connection, "found", period, common)
    for first, second in (("expected", "found"), ("found", "expected")):
        assert rows(connection, f"FROM {first} EXCEPT ALL FROM {second} LIMIT 3") == []


@pytest.mark.parametrize("period", PERIODS)
def test_covered_usage_and_negations_cancel_per_plan_hour_and_account(period: str, bill: Bill) -> None:
    residuals = rows(
        bill("cur-v1-csv", period),
        """
        SELECT savings_plan_savings_plan_a_r_n, line_item_usage_start_date, line_item_usage_account_id,
            sum(line_item_unblended_cost), count(*)
        FROM bill WHERE line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation') GROUP BY 1, 2, 3
        """,
    )
    assert residuals and all(residual[3] == 0 and residual[4] % 2 == 0 for residual in residuals)


@pytest.mark.parametrize("period", PERIODS)
def test_used_commitment_is_what_covered_usage_cost(period: str, bill: Bill) -> None:
    plans = rows(
        bill("cur-v1-csv", period),
        """
        SELECT savings_plan_savings_plan_a_r_n, sum(savings_plan_used_commitment),
            sum(savings_plan_savings_plan_effective_cost),
            min(savings_plan_total_commitment_to_date - savings_plan_used_commitment)
        FROM bill WHERE savings_plan_savings_plan_a_r_n IS NOT NULL GROUP BY 1
        """,
    )
    assert len(plans) == 2
    assert all(used == effective > 0 and least >= 0 for _, used, effective, least in plans)


@pytest.mark.parametrize("period", PERIODS)
def test_reservations_amortise_to_what_they_cost(period: str, bill: Bill) -> None:
    connection = bill("cur-v1-csv", period)
    reservations = rows(
        connection,
        """
        SELECT reservation_reservation_a_r_n,
            sum(reservation_effective_cost),
            sum(reservation_unused_amortized_upfront_fee_for_billing_period + reservation_unused_recurring_fee),
            sum(reservation_amortized_upfront_fee_for_billing_period),
            sum(line_item_unblended_cost) FILTER (line_item_line_item_type = 'RIFee')
        FROM bill WHERE line_item_line_item_type IN ('DiscountedUsage', 'RIFee') GROUP BY 1
        """,
    )
    assert len(reservations) == 2
    for _, used, unused, upfront, recurring in reservations:
        assert used + unused == upfront + recurring and used > 0 and unused >= 0
    assert rows(connection, UNEVEN_RESERVATION_ROWS) == [(0,)]


UNEVEN_RESERVATION_ROWS = """
    SELECT count(*) FROM bill WHERE line_item_line_item_type = 'DiscountedUsage' AND (
        reservation_effective_cost <> reservation_amortized_upfront_cost_for_usage + reservation_recurring_fee_for_usage
        OR line_item_unblended_cost <> 0)
"""


@pytest.mark.parametrize("period", PERIODS)
def test_effective_cost_of_the_truth_follows_from_the_columns_of_the_bill(
    period: str, tree: Callable[..., Any], bill: Bill
) -> None:
    """The usual amortised cost, taken from the written columns, not from the integers the truth was counted from."""
    found = rows(bill("cur-v2-parquet", period), AMORTISED)[0]
    truth = tree("cur-v2-parquet").truth["periods"][period]["focus"]
    assert (str(found[0]), found[1]) == (truth["EffectiveCost"]["USD"], truth["rows"])


AMORTISED = """
    WITH last_usage AS (
        SELECT max(line_item_usage_start_date) AS moment FROM bill
        WHERE line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
    ),
    costed AS (
        SELECT line_item_line_item_type AS type,
            CASE
                WHEN type = 'DiscountedUsage' THEN reservation_effective_cost
                WHEN type = 'SavingsPlanCoveredUsage' THEN savings_plan_savings_plan_effective_cost
                WHEN type = 'RIFee' THEN
                    reservation_unused_amortized_upfront_fee_for_billing_period + reservation_unused_recurring_fee
                WHEN type = 'SavingsPlanRecurringFee' AND line_item_usage_start_date <= moment
                    THEN savings_plan_total_commitment_to_date - savings_plan_used_commitment
                WHEN type IN ('SavingsPlanNegation', 'SavingsPlanUpfrontFee', 'SavingsPlanRecurringFee') THEN 0
                WHEN type = 'Fee' AND reservation_reservation_a_r_n IS NOT NULL THEN 0
                WHEN type = 'Refund' AND line_item_product_code LIKE '%SavingsPlans' THEN 0
                ELSE line_item_unblended_cost
            END AS effective,
            CASE
                WHEN type = 'SavingsPlanNegation' OR coalesce(line_item_operation, '') = 'EKSPod-EC2' THEN 0
                WHEN type IN ('RIFee', 'SavingsPlanRecurringFee') AND effective > 0 THEN 2
                ELSE 1
            END AS focus_rows
        FROM bill, last_usage
    )
    SELECT sum(effective)::DECIMAL(38, 10), sum(focus_rows)::BIGINT FROM costed
"""


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("focus")])
@pytest.mark.parametrize("period", PERIODS)
def test_focus_exports_hold_the_truth(name: str, period: str, tree: Callable[..., Any]) -> None:
    connection, truth = duckdb.connect(), tree(name).truth["periods"][period]
    billed, effective = (f"sum({column}::VARCHAR::DECIMAL(38, 10))" for column in ("BilledCost", "EffectiveCost"))
    [(count, billed, effective)] = rows(
        connection, f"SELECT count(*), {billed}, {effective} FROM {tree(name).relation(period)}"
    )
    assert (count, str(billed), str(effective)) == (
        truth["rows"],
        truth["cost"]["USD"],
        truth["focus"]["EffectiveCost"]["USD"],
    )
    assert truth["focus"] == tree("cur-v1-csv").truth["periods"][period]["focus"]


@pytest.mark.parametrize("name", ["cur-v1-csv-net", "cur-v2-parquet-net"])
@pytest.mark.parametrize("period", PERIODS)
def test_net_costs_are_the_truth_without_the_discount_rows(
    name: str, period: str, tree: Callable[..., Any], net_bill: Bill
) -> None:
    connection, truth = net_bill(name, period), tree(name).truth["periods"][period]
    [(net, unblended, discounts, on_rows)] = rows(
        connection,
        """
        SELECT sum(line_item_net_unblended_cost) FILTER (line_item_line_item_type <> 'EdpDiscount'),
            sum(line_item_unblended_cost),
            sum(line_item_unblended_cost) FILTER (line_item_line_item_type = 'EdpDiscount'),
            sum(line_item_net_unblended_cost - line_item_unblended_cost)
                FILTER (line_item_line_item_type <> 'EdpDiscount')
        FROM bill
        """,
    )
    assert net == unblended == Decimal(truth["focus"]["BilledCost"]["USD"])
    assert discounts == on_rows < 0
    [(effective,)] = rows(connection, NET_AMORTISED)
    assert effective == Decimal(truth["focus"]["EffectiveCost"]["USD"])


NET_AMORTISED = """
    WITH last_usage AS (
        SELECT max(line_item_usage_start_date) AS moment FROM bill
        WHERE line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
    )
    SELECT sum(CASE
        WHEN line_item_line_item_type = 'DiscountedUsage' THEN reservation_net_effective_cost
        WHEN line_item_line_item_type = 'SavingsPlanCoveredUsage' THEN savings_plan_net_savings_plan_effective_cost
        WHEN line_item_line_item_type = 'RIFee' THEN
            reservation_net_unused_amortized_upfront_fee_for_billing_period + reservation_net_unused_recurring_fee
        WHEN line_item_line_item_type = 'SavingsPlanRecurringFee' AND line_item_usage_start_date <= moment THEN
            (savings_plan_total_commitment_to_date - savings_plan_used_commitment) * (
                (savings_plan_net_amortized_upfront_commitment_for_billing_period
                    + savings_plan_net_recurring_commitment_for_billing_period)::DOUBLE
                / (savings_plan_amortized_upfront_commitment_for_billing_period
                    + savings_plan_recurring_commitment_for_billing_period)::DOUBLE
            )::DECIMAL(4, 2)
        WHEN line_item_line_item_type LIKE 'SavingsPlan%' OR line_item_line_item_type = 'EdpDiscount' THEN 0
        WHEN line_item_line_item_type = 'Fee' AND reservation_reservation_a_r_n IS NOT NULL THEN 0
        WHEN line_item_line_item_type = 'Refund' AND line_item_product_code LIKE '%SavingsPlans' THEN 0
        ELSE line_item_net_unblended_cost
    END)::DECIMAL(38, 10) FROM bill, last_usage
"""


def test_discounts_may_stand_in_rows_alone(tree: Callable[..., Any], bill: Bill) -> None:
    connection = bill("cur-v1-csv-discount-rows", "2024-01")
    found = rows(
        connection,
        "SELECT count(*), max(line_item_unblended_cost) FROM bill WHERE line_item_line_item_type = 'EdpDiscount'",
    )
    assert found[0][0] > 5 and found[0][1] < 0
    columns = rows(duckdb.connect(), f"DESCRIBE FROM {tree('cur-v1-csv-discount-rows').relation('2024-01')}")
    assert not [column for column, *_ in columns if "/Net" in column or column.startswith("discount/")]


def test_all_kinds_of_line_items_are_there(bill: Bill) -> None:
    kinds = {kind for period in PERIODS for (kind,) in rows(bill("cur-v2-csv", period), KINDS)}
    assert kinds == {
        "Usage",
        "DiscountedUsage",
        "RIFee",
        "Fee",
        "SavingsPlanCoveredUsage",
        "SavingsPlanNegation",
        "SavingsPlanRecurringFee",
        "SavingsPlanUpfrontFee",
        "Tax",
        "Credit",
        "Refund",
    }


KINDS = "SELECT DISTINCT line_item_line_item_type FROM bill"


def test_closed_months_have_invoices_and_the_open_month_has_none(bill: Bill) -> None:
    invoices = {
        period: rows(bill("cur-v1-parquet", period), "SELECT count(*) - count(bill_invoice_id), count(*) FROM bill")[0]
        for period in PERIODS
    }
    assert invoices["2024-01"][0] == invoices["2024-02"][0] == 0
    assert invoices["2024-03"][0] == invoices["2024-03"][1]


def test_the_open_month_pays_for_hours_to_come(bill: Bill) -> None:
    [(fees, usage)] = rows(
        bill("cur-v1-csv", "2024-03"),
        """
        SELECT max(line_item_usage_start_date) FILTER (line_item_line_item_type = 'SavingsPlanRecurringFee'),
            max(line_item_usage_start_date) FILTER (line_item_line_item_type = 'Usage') FROM bill
        """,
    )
    assert fees > usage


def test_bills_hold_the_oddities_of_real_ones(bill: Bill) -> None:
    connection = bill("cur-v1-csv", "2024-02")
    for sql in (
        "line_item_operation = 'EKSPod-EC2' AND line_item_unblended_cost = 0",
        "line_item_line_item_type = 'Refund' AND line_item_product_code = 'ComputeSavingsPlans'",
        "line_item_line_item_type = 'Refund' AND line_item_usage_start_date < bill_billing_period_start_date",
        "bill_billing_entity = 'AWS Marketplace' AND line_item_legal_entity = 'Observely, Inc.'",
        "bill_billing_entity = 'AWS Marketplace' AND length(line_item_product_code) = 25",
        "line_item_usage_type LIKE '%SpotUsage%' AND pricing_public_on_demand_cost > line_item_unblended_cost",
        "line_item_usage_account_id LIKE '000%' AND length(line_item_usage_account_id) = 12",
        "line_item_unblended_rate LIKE '%E-%'",
        "line_item_line_item_description LIKE '%, \"%\"%'",
        "line_item_line_item_type = 'Fee' AND line_item_product_code = 'AWSSupportBusiness'",
    ):
        assert rows(connection, f"SELECT count(*) > 0 FROM bill WHERE {sql}") == [(True,)], sql
    [(zero, untaxed)] = rows(
        connection,
        """
        SELECT avg((line_item_unblended_cost = 0)::INT),
            count(*) FILTER (line_item_line_item_type = 'Tax' AND line_item_unblended_cost <= 0)
        FROM bill
        """,
    )
    assert 0.25 < zero < 0.6 and untaxed == 0


def test_normalised_amounts_and_rates_fit(bill: Bill) -> None:
    [(units, rates, checked)] = rows(
        bill("cur-v1-csv", "2024-01"),
        """
        WITH usage AS (
            SELECT line_item_usage_amount AS amount, line_item_normalized_usage_amount AS normalised,
                line_item_normalization_factor::DECIMAL(6, 1) AS factor,
                line_item_unblended_rate::DOUBLE AS rate, line_item_unblended_cost::DOUBLE AS cost
            FROM bill WHERE line_item_line_item_type = 'Usage'
        )
        SELECT count(*) FILTER (normalised <> amount * factor),
            count(*) FILTER (abs(amount * rate - cost) > 1e-9),
            count(*)
        FROM usage
        """,
    )
    assert (units, rates) == (0, 0) and checked > 500


def test_costs_fit_a_double_exactly(bill: Bill) -> None:
    """At most 15 significant digits: a double and its shortest text then hold the same decimal."""
    [(wrong,)] = rows(
        bill("cur-v1-csv", "2024-01"),
        """
        SELECT count(*) FROM bill
        WHERE line_item_unblended_cost::DOUBLE::VARCHAR::DECIMAL(38, 10) <> line_item_unblended_cost
            OR length(trim(replace(ltrim(abs(line_item_unblended_cost)::VARCHAR, '0.'), '.', ''), '0')) > 15
        """,
    )
    assert wrong == 0


def test_the_redelivered_month_is_restated(tree: Callable[..., Any]) -> None:
    truth = tree("cur-v1-csv").truth
    assert list(truth["earlier"]) == ["2024-02"]
    first, second = truth["earlier"]["2024-02"], truth["periods"]["2024-02"]
    assert second["rows"] < first["rows"]
    assert second["LineItemType"]["Credit"]["rows"] == first["LineItemType"]["Credit"]["rows"] + 1
    assert Decimal(second["UnblendedCost"]["USD"]) != Decimal(first["UnblendedCost"]["USD"])


def test_truth_is_the_same_for_every_format(tree: Callable[..., Any]) -> None:
    truths = [tree(name).truth["periods"] for name in CUR if shape_of(name).discount == "none"]
    assert all(truth == truths[0] for truth in truths)


def test_the_spike_shows_in_the_bill(bill: Bill) -> None:
    spike = make_world().spike
    days = rows(
        bill("cur-v1-csv", f"{spike.day:%Y-%m}"),
        """
        SELECT line_item_usage_start_date::DATE, sum(line_item_unblended_cost) FROM bill
        WHERE line_item_line_item_type = 'Usage' GROUP BY 1 ORDER BY 2 DESC LIMIT 1
        """,
    )
    assert days[0][0] == spike.day
