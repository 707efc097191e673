"""The charges of one month: usage, and what Azure bills beside it.

Every row says in which of the two files it stands, and with which amount in each. Amounts are in the pricing currency;
times `rate` they are in the billing currency, exactly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_core import Period
from finops_core.sample import World, create_usage

from finops_azure.sample.catalog import commitments, create_catalog, guid, subscription
from finops_azure.sample.shapes import Shape

if TYPE_CHECKING:
    import duckdb

UNUSED = Decimal("0.08")
"""Unused commitment per used commitment and day."""

CENTS = Decimal("0.01")
MICROS = Decimal("0.000001")

OWN_PERMILLE = {"ea": 900, "mca": 1000}
"""Negotiated price per thousand of the list price."""

TERM_MONTHS = 13
"""A one-year commitment paid at once costs a little more than twelve of its first months: later months use more."""


@dataclass(frozen=True)
class Month:
    """One delivery of one month. `rate` is the billing currency per unit of the pricing currency."""

    world: World
    shape: Shape
    period: Period
    delivery: int = 1

    @property
    def rate(self) -> Decimal:
        if self.shape.agreement == "ea":
            return Decimal(1)
        return Decimal("0.92") + Decimal(self.period.month % 7) / 1000

    @property
    def billing_currency(self) -> str:
        return self.world.currency if self.shape.agreement == "ea" else "EUR"

    @property
    def last_day(self) -> dt.date:
        return self.period.start + dt.timedelta(days=self.world.days(self.period) - 1)


def create_charges(connection: duckdb.DuckDBPyConnection, month: Month, rows: int) -> None:
    """Make the table `charges` (charges.sql says with which columns), ordered by its column n."""
    create_usage(connection, month.world, month.period, rows=rows, delivery=month.delivery)
    create_catalog(connection, month.world, braces=month.shape.agreement == "mca")
    connection.execute("SET VARIABLE own_permille = ?", [OWN_PERMILLE[month.shape.agreement]])
    connection.execute(files(__package__).joinpath("charges.sql").read_text("utf-8"))
    extras = [*_unused(connection, month), *_purchases(connection, month), *_others(connection, month)]
    first = connection.execute("SELECT coalesce(max(n), -1) + 1 FROM charges").fetchall()[0][0]
    for n, extra in enumerate(extras, first):
        names = ", ".join(["n", *extra])
        marks = ", ".join("?" for _ in range(len(extra) + 1))
        connection.execute(f"INSERT INTO charges BY NAME SELECT {_named(names, marks)}", [n, *extra.values()])


def _named(names: str, marks: str) -> str:
    return ", ".join(f"{mark} AS {name}" for name, mark in zip(names.split(", "), marks.split(", "), strict=True))


def _unused(connection: duckdb.DuckDBPyConnection, month: Month) -> Iterator[dict[str, Any]]:
    """What a commitment did not use on a day: in the amortised file only."""
    used = connection.execute(
        "SELECT commitment, date, sum(amortized_amount) FROM charges WHERE commitment IS NOT NULL "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    known = {item["name"]: item for item in commitments(month.world)}
    for name, day, amount in used:
        item = known[name]
        charge = "UnusedReservation" if item["pricing_model"] == "Reservation" else "UnusedSavingsPlan"
        yield (
            _charge(charge, "UsageBased", day, (amount * UNUSED).quantize(MICROS))
            | _benefit(item)
            | {
                "in_actual": False,
                "unit_of_measure": "1 Hour",
            }
        )


def _purchases(connection: duckdb.DuckDBPyConnection, month: Month) -> Iterator[dict[str, Any]]:
    """Commitments are paid in the actual file only: by the month exactly what the month amortises, or all at once."""
    carried = dict(
        connection.execute(
            "SELECT commitment, sum(amortized_amount) FROM charges WHERE commitment IS NOT NULL GROUP BY ALL"
        ).fetchall()
    )
    unused: dict[str, Decimal] = {}
    for row in _unused(connection, month):
        unused[row["commitment"]] = unused.get(row["commitment"], Decimal(0)) + row["amortized_amount"]
    known = {item["name"]: item for item in commitments(month.world)}
    for commitment in month.world.commitments:
        item = known[commitment.name]
        total = carried.get(commitment.name, Decimal(0)) + unused.get(commitment.name, Decimal(0))
        if commitment.payment == "none" and total:
            yield _purchase(item, "Recurring", month.last_day, total)
        elif commitment.payment != "none" and month.period == month.world.periods[0] and total:
            yield _purchase(item, "OneTime", month.period.start, (total * TERM_MONTHS).quantize(CENTS) + 1)
    if len(month.world.periods) > 1 and month.period == month.world.periods[1]:
        reservation = known[month.world.commitments[0].name]
        refund = _purchase(reservation, "OneTime", month.period.start, Decimal("-125.50"))
        yield refund | {"charge_type": "Refund", "previous_invoice_id": "G000000001", "quantity": Decimal(-1)}


def _purchase(item: dict[str, Any], frequency: str, day: dt.date, amount: Decimal) -> dict[str, Any]:
    price = abs(amount)
    return (
        _charge("Purchase", frequency, day, amount)
        | _benefit(item)
        | {
            "in_amortized": False,
            "actual_price": price,
            "unit_price": price,
            "unit_of_measure": "1",
            "product_name": f"{item['benefit_name']}, 1 year",
            "product_order_id": item["benefit_id"].split("/")[4],
            "product_order_name": item["benefit_name"],
        }
    )


def _benefit(item: dict[str, Any]) -> dict[str, Any]:
    reservation = item["pricing_model"] == "Reservation"
    names = ("benefit_id", "benefit_name", "reservation_id", "reservation_name", "term", "pricing_model")
    return {name: item[name] for name in names} | {
        "commitment": item["name"],
        "consumed_service": "Microsoft.Capacity" if reservation else "Microsoft.BillingBenefits",
        "meter_category": "Virtual Machines",
        "product_name": f"{item['benefit_name']} (not used)",
    }


def _others(connection: duckdb.DuckDBPyConnection, month: Month) -> Iterator[dict[str, Any]]:
    """Credits and refunds, two equal marketplace subscriptions, and what stands only in the actual file."""
    world, period = month.world, month.period
    for credit in world.credits:
        if credit.period != period or (credit.late and month.delivery == 1):
            continue
        # A refund of last month's usage is dated then: outside the billing period.
        day = period.start - dt.timedelta(days=2) if credit.refund else period.start
        kind = "Refund" if credit.refund else "Credit"
        amount = -(Decimal(credit.micros) * MICROS)
        yield (
            _charge(kind, "OneTime", day, amount)
            | _in(world, credit.account)
            | {
                "product_name": credit.description,
                "consumed_service": "Microsoft.Storage",
                "meter_category": "Storage",
            }
        )
    for _ in range(2):
        yield (
            _charge("Purchase", "Recurring", period.start, Decimal("49.00"))
            | _in(world, 1)
            | {
                "publisher_type": "Marketplace",
                "publisher_name": "Fabrikam",
                "product_name": "Fabrikam Monitoring - Team plan",
                "product_order_id": guid(world.seed, "fabrikam"),
                "consumed_service": "Microsoft.SaaS",
            }
        )
    only_actual = {"in_amortized": False}
    for cents in ("0.01", "0.01", "-0.01"):
        yield _charge("RoundingAdjustment", "OneTime", month.last_day, Decimal(cents)) | only_actual
    if month.shape.agreement == "mca":
        whole = connection.execute("SELECT sum(actual_amount) FROM charges").fetchall()[0][0] or Decimal(0)
        tax = (whole * world.tax_permille / 1000).quantize(CENTS)
        yield _charge("Tax", "OneTime", month.last_day, tax) | only_actual


def _charge(charge_type: str, frequency: str, day: dt.date, amount: Decimal) -> dict[str, Any]:
    return {
        "in_actual": True,
        "in_amortized": True,
        "date": day,
        "charge_type": charge_type,
        "frequency": frequency,
        "pricing_model": "OnDemand",
        "quantity": Decimal(1),
        "actual_price": amount,
        "amortized_price": amount,
        "actual_amount": amount,
        "amortized_amount": amount,
        "publisher_type": "Azure",
        "publisher_name": "Microsoft",
        "unit_of_measure": "1",
    }


def _in(world: World, account: int) -> dict[str, Any]:
    found = subscription(world, world.accounts[account])
    return {name: found[name] for name in ("subscription_id", "subscription_name", "cost_center")}
