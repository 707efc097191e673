"""What Azure sells to the sample world, as DuckDB tables: SKUs, subscriptions, places, tags and commitments."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from finops_core.sample import Account, Application, Commitment, World, draw

if TYPE_CHECKING:
    import duckdb

LAST_PICK = 1_000_000

PLACES = (
    # location, normalised, meter region: Azure writes one place in several ways, on purpose here.
    ("westeurope", "westeurope", "EU West"),
    ("EU West", "westeurope", "EU West"),
    ("WestEurope", "westeurope", "EU West"),
    ("West Europe", "westeurope", "EU West"),
    ("EastUS", "eastus", "US East"),
    ("US East", "eastus", "US East"),
    ("eastus", "eastus", "US East"),
    ("East US", "eastus", "US East"),
    ("germanywestcentral", "germanywestcentral", "DE West Central"),
    ("Germany West Central", "germanywestcentral", "DE West Central"),
    ("", "", ""),
    ("Unassigned", "", ""),
)

MODELS = {"units": "Reservation", "spend": "SavingsPlan"}


def guid(*parts: object) -> str:
    """A GUID that depends on the parts only."""
    return str(uuid.UUID(int=(draw(*parts, "high") << 64) | draw(*parts, "low"), version=4))


def create_catalog(connection: duckdb.DuckDBPyConnection, world: World, braces: bool) -> None:
    """Make the tables that charges.sql joins. Tags have no braces in Enterprise Agreements."""
    _create(connection, "azure_skus", list(_skus()))
    _create(connection, "azure_accounts", [subscription(world, account) for account in world.accounts])
    _create(connection, "azure_places", [_place(number) for number in range(len(PLACES))])
    tags = [_tags(account, application, braces) for account in world.accounts for application in world.applications]
    _create(connection, "azure_tags", tags)
    _create(connection, "azure_commitments", list(commitments(world)))


def subscription(world: World, account: Account) -> dict[str, Any]:
    return {
        "account": account.number,
        "subscription_id": guid(world.seed, "subscription", account.number),
        "subscription_name": account.name,
        "cost_center": f"CC-{1000 + account.number}",
        "resource_group": f"RG-{account.name}".replace("prod", "Prod"),
    }


def commitments(world: World) -> Iterable[dict[str, Any]]:
    """One row each, with the range of `luck` that it covers among its kind."""
    lows: dict[str, int] = {}
    for item in world.commitments:
        low = lows.get(item.kind, 0)
        lows[item.kind] = low + item.share * 1000
        yield {"kind": item.kind, "low": low, "high": lows[item.kind], **_identity(world, item)}


def _identity(world: World, item: Commitment) -> dict[str, Any]:
    order, reservation = guid(world.seed, "order", item.name), guid(world.seed, "commitment", item.name)
    if item.basis == "units":
        benefit = f"/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}"
    else:
        benefit = f"/providers/Microsoft.BillingBenefits/savingsPlanOrders/{order}/savingsPlans/{reservation}"
    return {
        "name": item.name,
        "discount": item.discount,
        "pricing_model": MODELS[item.basis],
        "benefit_id": benefit,
        "benefit_name": item.name,
        "reservation_id": reservation,
        "reservation_name": item.name,
        "term": "12",
    }


def _skus() -> Iterable[dict[str, Any]]:
    with files(__package__).joinpath("skus.csv").open("r", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for kind in dict.fromkeys(row["kind"] for row in rows):
        alike = [row for row in rows if row["kind"] == kind]
        whole, low = sum(int(row["weight"]) for row in alike), 0
        for row in alike:
            high = low + LAST_PICK * int(row["weight"]) // whole
            yield _sku(row, low, LAST_PICK if row is alike[-1] else high)
            low = high


def _sku(row: Mapping[str, str], low: int, high: int) -> dict[str, Any]:
    third_party = row["kind"] == "marketplace"
    bare = third_party and not row["meter_name"]
    part = draw("azure-part", row["product_name"])
    return {
        "kind": row["kind"],
        "low": low,
        "high": high,
        "price": row["price"],
        "consumed_service": row["consumed_service"],
        "resource_type": row["resource_type"],
        "resource_name": row["resource"],
        "instance": row["instance"] or None,
        "plannable": row["plannable"] == "yes",
        "meter_id": None if bare else guid("azure-meter", row["product_name"]),
        "meter_category": row["meter_category"] or None,
        "meter_sub_category": row["meter_sub_category"] or None,
        "meter_name": row["meter_name"] or None,
        "unit_of_measure": row["unit_of_measure"],
        "product_name": row["product_name"],
        "product_id": f"DZH318Z0B{part % 10**4:04d}",
        "part_number": f"{'ABC'[part % 3]}AA-{part % 90000 + 10000}",
        "service_family": row["service_family"],
        "publisher_type": "Marketplace" if third_party else "Azure",
        "publisher_name": "Contoso Search" if bare else "Databricks" if third_party else "Microsoft",
    }


def _place(number: int) -> dict[str, Any]:
    location, normalized, region = (text or None for text in PLACES[number])
    return {"place": number, "location": location, "normalized": normalized, "meter_region": region}


def _tags(account: Account, application: Application, braces: bool) -> dict[str, Any]:
    """All that makes tags hard: keys that differ by case, a leading space, quotes, colons, commas, umlauts."""
    tags = {
        "env": account.environment,
        "team": account.team,
        "Owner": application.owner,
        "owner": application.owner.upper(),
        " org": "Acme",
        "Kostenstelle-Ü": application.cost_center,
        'note:"1"': f'{application.name}: web, "shop", süß',
    }
    text = json.dumps(tags, ensure_ascii=False, separators=(",", ": ")) if application.tagged else ""
    return {
        "account": account.number,
        "application": application.number,
        "application_name": application.name,
        "tags": (text if braces else text[1:-1]) or None,
    }


def _create(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    types = {"account": "INTEGER", "application": "INTEGER", "place": "INTEGER", "low": "INTEGER", "high": "INTEGER"}
    types |= {"discount": "INTEGER", "plannable": "BOOLEAN", "price": "DECIMAL(12, 4)"}
    columns = ", ".join(f'"{name}" {types.get(name, "VARCHAR")}' for name in rows[0])
    connection.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
    marks = f"({', '.join('?' for _ in rows[0])})"
    connection.execute(
        f"INSERT INTO {table} VALUES {', '.join(marks for _ in rows)}",
        [value for row in rows for value in row.values()],
    )
