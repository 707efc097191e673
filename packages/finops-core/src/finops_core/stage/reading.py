"""Build the one SELECT that reads a delivery's files: columns by name, types pinned, nothing guessed.

inspected files (what they really are, which columns) -> groups of files alike -> one SELECT, UNION ALL
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from finops_core.dataset import Dataset
from finops_core.delivery import Column, Delivery
from finops_core.errors import DeliveryError
from finops_core.names import assign, named
from finops_core.sql import identifier, literal
from finops_core.stage.exact import exactly
from finops_core.stage.inspection import Inspected
from finops_core.stage.kinds import may_vary, unite

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Reading:
    """How the rows of one part are read: a SELECT, its columns in order, and where each name comes from."""

    select: str
    columns: Mapping[str, str]
    sources: tuple[Column, ...] = ()
    files: tuple[Inspected, ...] = field(default=(), repr=False)


def readings(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    files: Sequence[Inspected],
    history: Mapping[str, str],
    types: Mapping[str, str] | None = None,
) -> dict[str, Reading]:
    """How each part is read. `types`: column name -> the type that a column which `may_vary` shall have instead."""
    wider = {name: kind for name, kind in (types or {}).items() if may_vary(dataset, name)}
    return {
        part: reading(
            connection, delivery, dataset, [file for file in files if file.local.source.part == part], history, wider
        )
        for part in ("", *dataset.parts)
    }


def reading(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    dataset: Dataset,
    files: Sequence[Inspected],
    history: Mapping[str, str],
    wider: Mapping[str, str] | None = None,
) -> Reading:
    """The SELECT over all files of one part. Raises DeliveryError when a required column is missing from a file.

    `wider`: the types of columns that shall not have their usual one.
    """
    full = [file for file in files if file.kind != "empty"]
    rules = {file.found: dataset.columns(file.found) for file in full}
    names = assign((column for columns in rules.values() for column in columns), history, dataset.known)
    groups = []
    for found, kind in dict.fromkeys((file.found, file.kind) for file in full):
        alike = [file for file in full if (file.found, file.kind) == (found, kind)]
        _require(dataset, rules[found], alike[0])
        groups.append(_Group(dataset, alike, tuple(named(rules[found], names))))
    types, sources = unite((group.columns for group in groups), wider or {})
    if not groups:
        # What every such bill has: queries that read the raw rows then also work on a month that has none yet.
        always = dict.fromkeys((*dataset.required, dataset.cost, dataset.currency))
        types = {name: dataset.known[name] for name in always if name in dataset.known}
    selects = [group.select(connection, delivery, types) for group in groups]
    columns = {**types, **LINEAGE}
    select = "\nUNION ALL\n".join(selects) or _nothing(columns)
    return Reading(
        select=f"SELECT * FROM (\n{select}\n) WHERE {delivery.where}" if delivery.where and selects else select,
        columns=columns,
        sources=sources,
        files=tuple(files),
    )


LINEAGE = {
    "billing_period": "VARCHAR",
    "source_export": "VARCHAR",
    "source_version": "VARCHAR",
    "source_file": "VARCHAR",
}
"""What every raw row says about where it came from."""


@dataclass(frozen=True)
class _Group:
    """Files with the very same columns: read by one scan."""

    dataset: Dataset
    files: Sequence[Inspected]
    columns: tuple[Column, ...]

    def select(self, connection: duckdb.DuckDBPyConnection, delivery: Delivery, types: Mapping[str, str]) -> str:
        inner = self._inner()
        mine = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {inner}").fetchall()}
        by_name = {column.name: column for column in self.columns}
        out = [
            f"{exactly(identifier(name), mine[name], kind, by_name[name].source)} AS {identifier(name)}"
            if name in by_name
            else f"CAST(NULL AS {kind}) AS {identifier(name)}"
            for name, kind in types.items()
        ]
        lineage = [str(delivery.period), delivery.export, delivery.version]
        out += [f"{literal(text)} AS {name}" for name, text in zip(LINEAGE, lineage, strict=False)]
        return f"SELECT {', '.join(out)}, source_file FROM ({inner})"

    def _inner(self) -> str:
        wanted = [f"{column.expression or self._ref(column)} AS {identifier(column.name)}" for column in self.columns]
        return f"SELECT {', '.join(wanted)}, {self._key()} AS source_file FROM {self._scan()}"

    def _ref(self, column: Column) -> str:
        return next(found.ref for found in self.files[0].found if found.name == column.source)

    def _key(self) -> str:
        """SQL for the file's key: its path without the folder that all paths of the group share."""
        if len(self.files) == 1:
            return literal(self.files[0].local.source.key)
        keys = ", ".join(f"{literal(str(file.path))}: {literal(file.local.source.key)}" for file in self.files)
        return f"MAP {{{keys}}}[filename]"

    def _scan(self) -> str:
        first = self.files[0]
        paths = "[" + ", ".join(literal(str(file.path)) for file in self.files) + "]"
        refs = ", ".join(found.ref for found in first.found)
        if first.kind == "parquet":
            # `filename` is the last column; binary columns are text in every export.
            options = "filename=true, binary_as_string=true, hive_partitioning=false"
            return f"read_parquet({paths}, {options}) AS t({refs}, filename)"
        if first.found[0].type == "JSON":
            # By name, and parsed once: taking each field out of the whole row costs gigabytes.
            fields = ", ".join(f"{literal(found.name)}: 'JSON'" for found in first.found)
            names = ", ".join(f"{identifier(found.name)} AS {found.ref}" for found in first.found)
            options = f"format='newline_delimited', hive_partitioning=false, compression={literal(first.kind)}"
            scan = f"read_json({paths}, columns={{{fields}}}, filename='read_from', {options})"
            return f"(SELECT {names}, read_from AS filename FROM {scan})"
        columns = ", ".join(f"{literal(found.ref)}: 'VARCHAR'" for found in first.found)
        return (
            f"read_csv({paths}, columns={{{columns}}}, header=true, auto_detect=false, filename=true, "
            "hive_partitioning=false, "
            f"delim={literal(self.dataset.csv.delimiter)}, quote='\"', escape='\"', nullstr='', strict_mode=true, "
            f"null_padding=false, compression={literal(first.kind)})"
        )


def _require(dataset: Dataset, columns: Iterable[Column], file: Inspected) -> None:
    have = {column.name for column in columns}
    if missing := [name for name in dataset.required if name not in have]:
        raise DeliveryError(
            f"a file is no {dataset.title}: it lacks {', '.join(missing)}",
            where=file.local.source.key,
            hint="was the export made with other columns, or is another file's format configured?",
        )


def _nothing(columns: Mapping[str, str]) -> str:
    return (
        "SELECT "
        + ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
        + " WHERE false"
    )
