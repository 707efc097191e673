"""The rules of providers' FOCUS SQL, gathered: behind one column for `finops focus explain`, as tables for the docs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_core.errors import UsageError
from finops_core.focus.columns import DUCKDB_TYPES
from finops_core.focus.conversion import Rule, explain

if TYPE_CHECKING:
    from finops_core.dataset import Dataset
    from finops_core.provider import Provider


@dataclass(frozen=True)
class Explained:
    """The rule of one column in one dataset of one provider; `rule` is None where the dataset leaves it NULL."""

    provider: str
    dataset: str
    column: str
    rule: Rule | None


def rules(dataset: Dataset) -> dict[str, Rule]:
    """Output column -> its rule, in the order of the dataset's SQL file; empty for a dataset without FOCUS."""
    return explain(dataset.focus.read_text(encoding="utf-8"), dataset.known) if dataset.focus else {}


def explained(providers: Iterable[type[Provider]], column: str) -> list[Explained]:
    """What each dataset of the providers says of a column, in any case. Raises UsageError with the nearest names."""
    known = [(provider.name, dataset.name, rules(dataset)) for provider in providers for dataset in provider.datasets]
    names = dict.fromkeys([*DUCKDB_TYPES, *(name for _, _, found in known for name in found)])
    wanted = next((name for name in names if name.lower() == column.lower()), None)
    if wanted is None:
        folded = {name.lower(): name for name in names}
        close = [folded[name] for name in difflib.get_close_matches(column.lower(), folded, n=3)]
        hint = f"did you mean {' or '.join(close)}?" if close else "columns of FOCUS 1.2, and x_ columns of providers"
        raise UsageError(f"no FOCUS row has a column {column!r}", hint=hint)
    own = wanted.startswith("x_")
    return [
        Explained(provider, dataset, wanted, found.get(wanted))
        for provider, dataset, found in known
        if found and (wanted in found or not own)
    ]


def mapping_markdown(provider: type[Provider]) -> str:
    """The mapping tables of a provider: one per dataset, a line per FOCUS column with its rule and source columns.

    Datasets with the very same rules share a table.
    """
    tables: dict[str, list[str]] = {}
    for dataset in provider.datasets:
        found = rules(dataset)
        if found:
            tables.setdefault(_table(found), []).append(f"{dataset.title} (`{dataset.name}`)")
    return "\n".join(f"### {' and '.join(titles)}\n\n{table}" for table, titles in tables.items())


def _table(found: dict[str, Rule]) -> str:
    lines = ["| FOCUS column | rule | from |", "| --- | --- | --- |"]
    own = [name for name in found if name not in DUCKDB_TYPES]
    for name in [*DUCKDB_TYPES, *own]:
        rule = found.get(name)
        text = _cell(rule.text) if rule else "null"
        sources = ", ".join(f"`{source}`" for source in rule.sources) if rule else ""
        lines.append(f"| `{name}` | {text} | {sources} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")
