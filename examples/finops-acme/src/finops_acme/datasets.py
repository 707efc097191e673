"""The bill: which columns it has, of which type, and the SQL that turns it into FOCUS."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from finops_core import Column, Dataset, Found

MONEY = "DECIMAL(38,18)"

KNOWN = {
    "line": "VARCHAR",
    "kind": "VARCHAR",
    "account": "VARCHAR",
    "service": "VARCHAR",
    "sku": "VARCHAR",
    "region": "VARCHAR",
    "resource": "VARCHAR",
    "usage_start": "TIMESTAMP",
    "usage_end": "TIMESTAMP",
    "quantity": MONEY,
    "unit": "VARCHAR",
    "price": MONEY,
    "cost": MONEY,
    "currency": "VARCHAR",
    "tags": "JSON",
}
"""The columns that Acme Cloud documents. Others are loaded as text: no column is lost."""


def columns(found: Sequence[Found]) -> list[Column]:
    """The columns of a file as columns of the raw table."""
    named = [(file.name.strip().lower().replace(" ", "_") or "unnamed", file.name) for file in found]
    return [Column(name, KNOWN.get(name, "VARCHAR"), source) for name, source in named]


BILL = Dataset(
    name="bill",
    title="Acme Cloud bill",
    columns=columns,
    known=KNOWN,
    required=("line", "kind", "cost", "currency", "usage_start", "usage_end"),
    cost="cost",
    currency="currency",
    focus=files("finops_acme") / "focus.sql",
    checks=files("finops_acme") / "checks.sql",
)
