"""The bill: which fields its lines have, of which type, and the SQL that turns it into FOCUS."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from finops_core import Column, Dataset, Found

MONEY = "DECIMAL(38,18)"

KNOWN = {
    "id": "VARCHAR",
    "project": "VARCHAR",
    "service": "VARCHAR",
    "usage_start": "TIMESTAMP",
    "usage_end": "TIMESTAMP",
    "hours": MONEY,
    "amount": MONEY,
    "currency": "VARCHAR",
}
"""The fields of a line. The API's answers have no others, see arrow.text_batch."""


def columns(found: Sequence[Found]) -> list[Column]:
    return [Column(field.name, KNOWN.get(field.name, "VARCHAR"), field.name) for field in found]


BILL = Dataset(
    name="bill",
    title="Paged Cloud bill",
    columns=columns,
    known=KNOWN,
    required=tuple(KNOWN),
    cost="amount",
    currency="currency",
    focus=files("finops_paged") / "focus.sql",
)
