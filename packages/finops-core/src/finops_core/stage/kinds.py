"""Which type each column gets when files, months and values differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from finops_core.dataset import Dataset
from finops_core.delivery import Column


def may_vary(dataset: Dataset, name: str) -> bool:
    """Whether a column's type may follow its values: a quantity's, and that of a column which the dataset does not
    know. No SQL relies on them, and a bill must not fail for a number that nobody has asked for."""
    return name in dataset.quantities or name not in dataset.known


def unite(files: Iterable[Sequence[Column]], wider: Mapping[str, str]) -> tuple[dict[str, str], tuple[Column, ...]]:
    """The columns of all files in order of first appearance, and their types; one whose type differs is text.

    `wider`: column name -> the type that it shall have instead of its own, where that holds its values.
    """
    types: dict[str, str] = {}
    sources: dict[str, Column] = {}
    for columns in files:
        for column in columns:
            wanted = wider.get(column.name, column.type)
            kind = wanted if _holds(wanted, column.type) else column.type
            if types.setdefault(column.name, kind) != kind:
                types[column.name] = "VARCHAR"
            sources.setdefault(column.name, column)
    return types, tuple(sources.values())


def _holds(wanted: str, own: str) -> bool:
    """Whether a column of one type may be read as another: any DECIMAL for a DECIMAL, text for all but JSON."""
    if wanted == "VARCHAR":
        return own != "JSON"
    return wanted.startswith("DECIMAL") and own.startswith("DECIMAL")
