"""Quantities with more decimals than a DECIMAL(38,18) has: as wide as the values of a period need, or not at all.

Costs are never widened: one that does not fit fails its period. `billing`, the view over all periods, has quantities
with 18 decimals where periods differ; the period's own table has every digit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from finops_core.sql import identifier
from finops_core.stage.exact import decimals
from finops_core.stage.faults import explained
from finops_core.stage.reading import Reading, readings

if TYPE_CHECKING:
    import duckdb

    from finops_core.stage import Staged

USUAL = 18
"""Decimals of every amount, unless measured otherwise."""

MOST = 37
"""Decimals of the finest DECIMAL here, of its 38 digits: DuckDB does not read `1e-38` as a DECIMAL(38,38)."""

_DECIMAL = re.compile(r"DECIMAL\(38,(\d+)\)")


def widened(
    connection: duckdb.DuckDBPyConnection, staged: Staged, history: Mapping[str, str], column: str
) -> Staged | None:
    """The delivery with each quantity in the type that its values need, all of them measured.

    `column` is the source name of the one that did not fit. None where it is no quantity, or where its type is already
    the best there is. Raises DeliveryError for files that cannot be read.
    """
    quantities = staged.dataset.quantities
    sources = [item for part in staged.parts.values() for item in part.sources]
    if not any(item.source == column and item.name in quantities for item in sources):
        return None
    with explained(staged.delivery, staged):
        types = _measured(connection, staged, history)
        parts = readings(connection, staged.delivery, staged.dataset, staged.files, history, types)
    same = all(parts[part].columns == before.columns for part, before in staged.parts.items())
    return None if same else replace(staged, parts=parts)


def rounded(reading: Reading, known: Mapping[str, str]) -> dict[str, str]:
    """The columns that FOCUS SQL and checks see with fewer decimals than the raw table has: name -> known type."""
    return {name: known[name] for name, kind in reading.columns.items() if name in known and _scale(kind) > USUAL}


def told(staged: Staged) -> list[str]:
    """What a run says about columns with more decimals than usual."""
    notes = []
    for part in staged.parts.values():
        finer = [item.source for item in part.sources if _scale(part.columns[item.name]) > USUAL]
        if finer:
            notes.append(f"more than {USUAL} decimals, which FOCUS rounds: {', '.join(finer)}")
    return notes


def _measured(connection: duckdb.DuckDBPyConnection, staged: Staged, history: Mapping[str, str]) -> dict[str, str]:
    """Quantity -> the DECIMAL that has all decimals of its values in all files, read as text."""
    texts = dict.fromkeys(staged.dataset.quantities, "VARCHAR")
    scales = dict.fromkeys(staged.dataset.quantities, USUAL)
    for part in readings(connection, staged.delivery, staged.dataset, staged.files, history, texts).values():
        names = [name for name in texts if part.columns.get(name) == "VARCHAR"]
        if not names:
            continue
        most = ", ".join(f"coalesce(max({decimals(identifier(name))}), 0)" for name in names)
        [found] = connection.execute(f"SELECT {most} FROM ({part.select})").fetchall()
        scales.update((name, max(scales[name], scale)) for name, scale in zip(names, found, strict=True))
    return {name: f"DECIMAL(38,{scale})" for name, scale in scales.items() if scale <= MOST}


def _scale(kind: str) -> int:
    match = _DECIMAL.fullmatch(kind)
    return int(match[1]) if match else 0
