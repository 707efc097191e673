"""What a load consists of: values and two small protocols."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = "true"
"""`Table.replaces` for a table that is replaced whole, columns included."""


class Sql(Protocol):
    """An open connection to the destination."""

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run one statement, `?` standing for each parameter, and return its rows."""

    def run(self, sql: str) -> None:
        """Run statements that return nothing."""


class Writing(Sql, Protocol):
    """A connection through which the rows of tables are written."""

    def write(self, table: str, sql: str) -> int:
        """Run the statement that writes the table's rows; returns their number."""


Watch = Callable[[str, float], None]
"""Told from time to time how far the rows of a table are: the table's name, percent."""


class Connection(Sql, Protocol):
    """A connection that was opened for reading."""

    missing: tuple[type[Exception], ...]
    """What the database raises for a dataset or table that is not there."""

    def enter(self, dataset: str) -> None:
        """From here on bare table names are looked up in this dataset, if it is there."""

    def columns(self, schema: str, relation: str) -> dict[str, str]:
        """Column -> DuckDB's name of its type, in order, of a table or view. Without it: empty, or `missing`."""

    def batches(self, sql: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of one query as Arrow batches of this schema, about `rows` at once, never all of them."""


@dataclass(frozen=True)
class Table:
    """One table of the destination and the rows that it gets.

    columns    name -> DuckDB type, in order: VARCHAR, DECIMAL(p,s), TIMESTAMP (naive UTC), DATE, BOOLEAN, BIGINT,
               DOUBLE, JSON.
    select     a SELECT in DuckDB's dialect that yields exactly these columns, or a function that returns one when the
               table's turn comes: it may query what was loaded before it. `getvariable('finops_load_id')` is dlt's
               load id, and bare table names are those of the package's dataset.
    replaces   "true": the whole table, its columns included; a condition: those rows; None: nothing, rows are added.
               Rows that are replaced are gone when the SELECT runs (a function is asked before).
    before     statements run just before, for example CREATE OR REPLACE TEMP VIEW source AS ...
    ahead      the rows are written under `incoming(name)` and committed before the transaction begins, and take their
               place in it. DuckDB reads rows that its own transaction has written from memory: a bill that is read
               again, for FOCUS and the checks, would have to fit there. For such a table `select` is text.
    varying    columns whose type may follow their values: in a DuckDB table that keeps other rows they get, where the
               types differ, one that holds all of them. The type of every other column is fixed.
    """

    name: str
    columns: Mapping[str, str]
    select: str | Callable[[Sql], str]
    replaces: str | None
    before: tuple[str, ...] = ()
    ahead: bool = False
    varying: frozenset[str] = frozenset()


def incoming(name: str) -> str:
    """Where the rows of a table that is written ahead stand until the transaction puts them in their place."""
    return f"_incoming_{name}"


@dataclass(frozen=True)
class View:
    """A view of all rows of `tables` (schema, name), matched by column name; what a table lacks is NULL there. A column
    whose type differs has the type that holds every value: more decimals, else text."""

    schema: str
    name: str
    tables: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Package:
    """Tables that become new together.

    dataset    schema of the destination, for example `aws_billing`.
    pipeline   dlt's pipeline name, one per (export, period): [a-z0-9_]+.
    check      is called when all tables are written; whatever it raises rolls everything back.
    after      views, and further statements of the same transaction, asked for after the check. Statements must be
               such that every destination understands them. Not asked for by a lake, where all that an earlier load
               of the period wrote is replaced.
    partition  folder of the period's files in a lake: `billing_period=2024-01`; of its own name by default.
    history    tables in which rows of earlier loads of the period stay, but for those that a table replaces; also
               when the package does not have such a table. Only a lake has to be told.
    """

    dataset: str
    pipeline: str
    tables: tuple[Table, ...]
    check: Callable[[Sql], None]
    after: Callable[[Sql], Sequence[str | View]] | None = None
    partition: str = ""
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [table.name.lower() for table in self.tables]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"tables that are loaded twice: {', '.join(sorted(twice))}")
        if not re.fullmatch("[a-z0-9_]+", self.pipeline):
            raise ValueError(f"{self.pipeline!r} is not a pipeline name")


@dataclass(frozen=True)
class Loaded:
    """dlt's load id, which `_dlt_loads` holds with status 0, and the rows written per table."""

    load_id: str
    rows: Mapping[str, int] = field(default_factory=dict)
