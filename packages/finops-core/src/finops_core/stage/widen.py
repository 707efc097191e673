"""Types that follow the values, where a type that is declared does not hold them all.

A quantity gets as many decimals as the values of the period need. So does a column that the dataset does not know;
where no DECIMAL holds its values, or they are no times, it is text. Costs are never widened: one that does not fit
fails its period.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from finops_core.sql import identifier
from finops_core.stage.exact import decimals, holds
from finops_core.stage.faults import explained
from finops_core.stage.kinds import may_vary
from finops_core.stage.reading import Reading, readings

if TYPE_CHECKING:
    import duckdb

    from finops_core.stage import Staged

USUAL = 18
"""Decimals of every amount, unless measured otherwise."""

MOST = 37
"""Decimals of the finest DECIMAL here, of its 38 digits: DuckDB does not read `1e-38` as a DECIMAL(38,38)."""

_DECIMAL = re.compile(r"DECIMAL\(38,(\d+)\)")

T = TypeVar("T")


def widened(
    connection: duckdb.DuckDBPyConnection, staged: Staged, history: Mapping[str, str], column: str
) -> Staged | None:
    """The delivery with each column that may vary in the type that its values need, all of them measured.

    `column` is the source name of the one that did not fit. None where its type is fixed, or the best there is already.
    Raises DeliveryError for files that cannot be read.
    """
    sources = [item for part in staged.parts.values() for item in part.sources]
    if not any(item.source == column and may_vary(staged.dataset, item.name) for item in sources):
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
    """What a run says about columns that have another type than usual."""
    notes = []
    for part in staged.parts.values():
        finer = [item.source for item in part.sources if _scale(part.columns[item.name]) > USUAL]
        if finer:
            notes.append(f"more than {USUAL} decimals, which FOCUS rounds: {', '.join(finer)}")
        text = [item.source for item in part.sources if item.type != "VARCHAR" == part.columns[item.name]]
        if text:
            notes.append(f"kept as text, since not every value is of the column's type: {', '.join(text)}")
    return notes


def _measured(connection: duckdb.DuckDBPyConnection, staged: Staged, history: Mapping[str, str]) -> dict[str, str]:
    """Column that may vary -> the type that holds its values in all files, which are read as text for that."""
    dataset = staged.dataset
    sources = [item for part in staged.parts.values() for item in part.sources]
    types = {item.name: item.type for item in sources if item.type != "VARCHAR" and may_vary(dataset, item.name)}
    as_text = dict.fromkeys(types, "VARCHAR")
    parts = readings(connection, staged.delivery, dataset, staged.files, history, as_text).values()
    scales = {name: USUAL for name, kind in types.items() if kind.startswith("DECIMAL")}
    for part in parts:
        for name, most in _of_each(connection, part, scales, lambda ref, _: f"max({decimals(ref)})").items():
            scales[name] = max(scales[name], most or 0)
    types |= {name: f"DECIMAL(38,{min(scale, MOST)})" for name, scale in scales.items()}
    unknown = {name: kind for name, kind in types.items() if name not in dataset.known}
    for part in parts:
        odd = _of_each(connection, part, unknown, lambda ref, kind: f"count({ref}) FILTER (NOT {holds(ref, kind)})")
        types |= {name: "VARCHAR" for name, count in odd.items() if count}
    return types


def _of_each(
    connection: duckdb.DuckDBPyConnection,
    part: Reading,
    columns: Mapping[str, T],
    measure: Callable[[str, T], str],
) -> dict[str, Any]:
    """What `measure`, an SQL aggregate over a column and what is wanted of it, yields for those that a part has."""
    here = {name: wanted for name, wanted in columns.items() if part.columns.get(name) == "VARCHAR"}
    if not here:
        return {}
    measures = ", ".join(measure(identifier(name), wanted) for name, wanted in here.items())
    [found] = connection.execute(f"SELECT {measures} FROM ({part.select})").fetchall()
    return dict(zip(here, found, strict=True))


def _scale(kind: str) -> int:
    match = _DECIMAL.fullmatch(kind)
    return int(match[1]) if match else 0
