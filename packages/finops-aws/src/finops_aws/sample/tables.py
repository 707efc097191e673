"""The catalog, the accounts and the commitments as DuckDB tables, from which the bill's lines are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finops_core.sample import World

from finops_aws.sample.catalog import all_skus
from finops_aws.sample.commitments import commitment_rows
from finops_aws.sample.company import REGIONS, account_id

if TYPE_CHECKING:
    import duckdb


def create_catalog(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Make the tables skus, sku_slots, aws_accounts and commitments."""
    skus = all_skus()
    _create(connection, "skus", [{key: value for key, value in sku.items() if key != "weight"} for sku in skus])
    _create(connection, "sku_slots", _slots(skus))
    _create(connection, "aws_accounts", [_account(world, account.number) for account in world.accounts])
    _create(connection, "commitments", commitment_rows(world, skus))


def _slots(skus: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A thousand slots per kind and region, to each SKU as many as its weight."""
    slots: list[dict[str, Any]] = []
    next_slot: dict[tuple[str, int], int] = {}
    for sku in skus:
        key = (sku["kind"], sku["sku"] % len(REGIONS))
        start = next_slot.get(key, 0)
        next_slot[key] = start + sku["weight"]
        slots += [
            {"kind": key[0], "region_number": key[1], "slot": slot, "sku": sku["sku"]}
            for slot in range(start, next_slot[key])
        ]
    return slots


def _account(world: World, number: int) -> dict[str, Any]:
    home = (number + len(REGIONS) - 1) % len(REGIONS)
    return {"account": number, "account_id": account_id(world, number), "home_region": home}


def _create(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    connection.register("incoming", pa.Table.from_pylist(rows))
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")  # noqa: S608
    connection.unregister("incoming")
