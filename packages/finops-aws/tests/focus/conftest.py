"""Small bills, written by hand line by line, and their FOCUS rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from finops_aws.datasets import DATASETS
from finops_core import Dataset
from finops_core.focus.conversion import Lineage, focus_select, strip
from finops_core.focus.invariants import CheckResult, run_checks

Line = dict[str, Any]

HOUR = dt.timedelta(hours=1)
JANUARY = dt.datetime(2024, 1, 1)
FEBRUARY = dt.datetime(2024, 2, 1)
PLAN = "arn:aws:savingsplans::000111222333:savingsplan/plan-1"
RESERVATION = "arn:aws:ec2:us-east-1:000111222333:reserved-instances/ri-1"


class Bill:
    """A bill of one dataset in a database of its own, converted when `rows` is first asked for."""

    def __init__(self, dataset: Dataset, lines: list[Line]) -> None:
        self.dataset = dataset
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        lineage = dict.fromkeys(("billing_period", "source_export", "source_version", "source_file"), "VARCHAR")
        self.columns = {**dataset.known, **lineage}
        shape = ", ".join(f'"{name}" {kind}' for name, kind in self.columns.items())
        self.connection.execute(f"CREATE TABLE source ({shape})")
        for name, path in dataset.lookups.items():
            self.connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{path}', header=true, all_varchar=true)")
        for line in lines:
            values = {**line, "billing_period": "2024-01", "source_file": "acme-1.csv.gz"}
            names = ", ".join(f'"{name}"' for name in values)
            self.connection.execute(
                f"INSERT INTO source ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values())
            )
        self._convert()

    def _convert(self) -> None:
        assert self.dataset.focus is not None
        sql = strip(self.dataset.focus.read_text(encoding="utf-8"))
        found = {name: kind for name, kind, *_ in self.connection.execute(f"DESCRIBE {sql}").fetchall()}
        conversion = focus_select(sql, found, Lineage("2024-01", "aws", "acme", "v1"))
        self.connection.execute(f"CREATE TABLE focus AS {conversion.select}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """FOCUS rows by start, type and whether they were generated."""
        cursor = self.connection.execute(
            "SELECT * FROM focus ORDER BY ChargePeriodStart, x_LineItemType, x_Generated, BilledCost, ChargeDescription"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @property
    def row(self) -> dict[str, Any]:
        (row,) = self.rows
        return row

    def total(self, column: str) -> Decimal:
        return sum((row[column] for row in self.rows), Decimal(0))

    def check(self) -> dict[str, CheckResult]:
        assert self.dataset.checks is not None
        return {result.id: result for result in run_checks(self, self.dataset.checks.read_text(encoding="utf-8"))}

    def broken(self, severity: str = "") -> set[str]:
        """The ids of the checks that do not hold."""
        return {key for key, result in self.check().items() if not result.ok and severity in ("", result.severity)}


def usage(type: str = "Usage", cost: str | None = "1", **columns: Any) -> Line:
    """One hour of an instance in a bill of January 2024, as the raw columns of CUR v1."""
    line: Line = {
        "bill_payer_account_id": "000111222333",
        "bill_billing_entity": "AWS",
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_bill_type": "Anniversary",
        "bill_invoice_id": "1234567",
        "bill_billing_period_start_date": JANUARY,
        "bill_billing_period_end_date": FEBRUARY,
        "line_item_usage_account_id": "012345678901",
        "line_item_line_item_type": type,
        "line_item_usage_start_date": JANUARY,
        "line_item_usage_end_date": JANUARY + HOUR,
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_type": "BoxUsage:m5.large",
        "line_item_operation": "RunInstances",
        "line_item_currency_code": "USD",
        "line_item_usage_amount": "1",
        "line_item_unblended_cost": cost,
        "line_item_line_item_description": f"a row of type {type}",
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "pricing_unit": "Hrs",
        "pricing_currency": "USD",
        "pricing_rate_code": "SKU.JRTCKXETXF.6YS6EN2CT7",
        "product_sku": "G95FST5FTYV3JSRX",
        "product_location": "US East (N. Virginia)",
        "product_region_code": "us-east-1",
        "product_product_family": "Compute Instance",
        "product_product_name": "Amazon Elastic Compute Cloud",
        "product_instance_type": "m5.large",
    }
    return {**line, **columns}


def whole_month(type: str, cost: str | None, **columns: Any) -> Line:
    """A row that covers the month, as fees, taxes and credits do."""
    priceless = dict.fromkeys(("pricing_unit", "pricing_rate_code", "line_item_usage_amount", "product_sku"))
    return usage(type, cost, **{**priceless, "line_item_usage_end_date": FEBRUARY, **columns})


def covered(hour: int = 0, cost: str = "0.10", effective: str = "0.07", **columns: Any) -> list[Line]:
    """An hour under a Savings Plan, and its negation."""
    when = {
        "savings_plan_savings_plan_a_r_n": PLAN,
        "line_item_usage_start_date": JANUARY + hour * HOUR,
        "line_item_usage_end_date": JANUARY + (hour + 1) * HOUR,
        **columns,
    }
    return [
        usage(
            "SavingsPlanCoveredUsage",
            cost,
            savings_plan_savings_plan_effective_cost=effective,
            pricing_public_on_demand_cost=cost,
            **when,
        ),
        usage("SavingsPlanNegation", f"-{cost}", **when),
    ]


def plan_fee(hour: int, total: str = "0.10", used: str = "0.07", cost: str = "0.10", **columns: Any) -> Line:
    """The commitment of a Savings Plan for an hour."""
    return usage(
        "SavingsPlanRecurringFee",
        cost,
        line_item_product_code="ComputeSavingsPlans",
        line_item_usage_type="ComputeSP:1yrNoUpfront",
        savings_plan_savings_plan_a_r_n=PLAN,
        savings_plan_total_commitment_to_date=total,
        savings_plan_used_commitment=used,
        line_item_usage_start_date=JANUARY + hour * HOUR,
        line_item_usage_end_date=JANUARY + (hour + 1) * HOUR,
        **columns,
    )


def reservation_month() -> list[Line]:
    """A partial-upfront reservation bought this month: 744 hours, one of them used here for brevity.

    Upfront 120.00, of which 10.00 fall on this month; recurring 20.00. Used 6.00 + 14.00, unused 4.00 + 6.00.
    """
    arn = {"reservation_reservation_a_r_n": RESERVATION}
    return [
        whole_month("Fee", "120.00", bill_bill_type="Purchase", **arn),
        whole_month(
            "RIFee",
            "20.00",
            reservation_amortized_upfront_fee_for_billing_period="10.00",
            reservation_unused_amortized_upfront_fee_for_billing_period="4.00",
            reservation_unused_recurring_fee="6.00",
            reservation_unused_quantity="300",
            reservation_unused_normalized_unit_quantity="1200",
            line_item_usage_amount="744",
            line_item_normalized_usage_amount="2976",
            **arn,
        ),
        usage(
            "DiscountedUsage",
            "0",
            reservation_amortized_upfront_cost_for_usage="6.00",
            reservation_recurring_fee_for_usage="14.00",
            reservation_effective_cost="20.00",
            pricing_public_on_demand_cost="42.00",
            line_item_usage_amount="444",
            line_item_normalized_usage_amount="1776",
            **arn,
        ),
    ]


def as_cur_v2(line: Mapping[str, Any]) -> Line:
    """The same line as CUR 2.0 has it: what has no column of its own there stands in the product map."""
    import json

    known = next(dataset for dataset in DATASETS if dataset.name == "cur-v2").known
    moved = {name: value for name, value in line.items() if name not in known}
    attributes = {name.removeprefix("product_"): value for name, value in moved.items() if value is not None}
    kept = {name: value for name, value in line.items() if name in known}
    return {"product": json.dumps(attributes), **kept}


@pytest.fixture(params=["cur-v1", "cur-v2"])
def bill(request: pytest.FixtureRequest) -> Iterator[Callable[..., Bill]]:
    """Makes bills of both CUR formats from lines written as CUR v1."""
    dataset = next(dataset for dataset in DATASETS if dataset.name == request.param)
    made: list[Bill] = []

    def make(*lines: Line) -> Bill:
        made.append(Bill(dataset, [as_cur_v2(line) for line in lines] if dataset.name == "cur-v2" else list(lines)))
        return made[-1]

    yield make
    for each in made:
        each.connection.close()


class Lines:
    """The makers of lines, as a fixture's value: test modules cannot import from conftest."""

    usage = staticmethod(usage)
    whole_month = staticmethod(whole_month)
    covered = staticmethod(covered)
    plan_fee = staticmethod(plan_fee)
    reservation_month = staticmethod(reservation_month)
    HOUR, JANUARY, FEBRUARY, PLAN, RESERVATION = HOUR, JANUARY, FEBRUARY, PLAN, RESERVATION


@pytest.fixture(scope="session")
def line() -> type[Lines]:
    return Lines


@pytest.fixture(scope="session")
def bill_of() -> Callable[[str, list[Line]], Bill]:
    """A bill of a named dataset from its own raw columns."""
    return lambda name, lines: Bill(next(dataset for dataset in DATASETS if dataset.name == name), lines)
