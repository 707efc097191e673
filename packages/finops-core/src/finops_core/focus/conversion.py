"""From a provider's SELECT to the SELECT that fills the FOCUS table, and from a column back to its rule.

The form of a provider's SQL file
---------------------------------
One SELECT (it may begin with WITH) in DuckDB's dialect, no templating. It reads from `source`, `source_<part>` and
the lookups, so that it can be pasted into a DuckDB shell that has such tables. Its columns are FOCUS 1.2 columns by
their names, and further ones whose names begin with `x_`; what it leaves out is NULL. Every value that a reader may
want explained is preceded by its rule, in this form:

        -- BilledCost: what the invoice charges for this row; 0 where a Savings Plan
        --   pays for it.
        CASE WHEN ... THEN 0 ELSE unblended END AS BilledCost,

that is: a line `-- Name: text`, continued by comment lines that are indented further, then the expression, whose
last line ends in `AS Name` and perhaps a comma. `Name` is an output column or a value of a WITH query that other
expressions use. A name in backticks in the text counts as used, for what goes through a join. `explain` reads this
form, and the documentation's mapping tables are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_core.errors import ProviderBroken
from finops_core.focus.columns import DUCKDB_TYPES, columns
from finops_core.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

    from finops_core.dataset import Dataset
    from finops_core.delivery import Delivery

LINEAGE_COLUMNS = ("x_BillingPeriod", "x_Provider", "x_SourceExport", "x_SourceVersion")
"""Text columns after the FOCUS ones, the same for every provider: which delivery a row came from."""

_KEPT = {"VARCHAR", "JSON", "TIMESTAMP", "DATE", "BOOLEAN", "BIGINT", "DECIMAL(38,18)"}
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}

_RULE = re.compile(r"^\s*-- (?P<name>[A-Za-z_][A-Za-z0-9_]*): (?P<text>\S.*)$")
_MORE = re.compile(r"^\s*--  +(?P<text>\S.*)$")
_NAMED = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*)`")
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?\s*\(?")


@dataclass(frozen=True)
class Lineage:
    """Which delivery the rows come from; `period` is written `2024-01`."""

    period: str
    provider: str
    export: str
    version: str


@dataclass(frozen=True)
class Conversion:
    """The SELECT that yields the FOCUS rows of one delivery, and its columns: name -> DuckDB type, in order."""

    select: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """A value of a WITH query that a rule uses, with its own rule and SQL."""

    name: str
    text: str
    sql: str


@dataclass(frozen=True)
class Rule:
    """Why a column has its value: the rule in words, the SQL that carries it out, the columns of `source` it uses, and
    the values in between."""

    text: str
    sql: str
    sources: tuple[str, ...]
    steps: tuple[Step, ...] = ()


def convert(connection: duckdb.DuckDBPyConnection, delivery: Delivery, dataset: Dataset) -> Conversion:
    """The conversion of a delivery. `connection` has `source` and the lookups, with or without rows.

    Raises ProviderBroken when the provider's SQL does not run or yields what FOCUS has no place for.
    """
    import duckdb

    if dataset.focus is None:
        raise ProviderBroken(f"dataset {dataset.name} has no FOCUS SQL", where=delivery.provider)
    sql = strip(dataset.focus.read_text(encoding="utf-8"))
    try:
        found = connection.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.Error as error:
        raise ProviderBroken(
            f"the FOCUS SQL of dataset {dataset.name} does not run: {error}", where=str(dataset.focus)
        ) from error
    lineage = Lineage(str(delivery.period), delivery.provider, delivery.export, delivery.version)
    return focus_select(sql, {name: kind for name, kind, *_ in found}, lineage)


def focus_select(dataset_sql: str, found_columns: Mapping[str, str], lineage: Lineage) -> Conversion:
    """Wrap a provider's SELECT: FOCUS 1.2 columns in the specification's order and types, lineage, then its x_ columns.

    `found_columns` is what DESCRIBE says of the provider's SELECT. Empty text becomes NULL: FOCUS has no blanks as
    null. Raises ProviderBroken for a column that is neither FOCUS 1.2 nor x_, and for money that is not DECIMAL.
    """
    found = {name.lower(): (name, kind.upper()) for name, kind in found_columns.items()}
    shapes: dict[str, str] = dict(DUCKDB_TYPES)
    items = [_focus_item(name, kind, found.pop(name.lower(), None)) for name, kind in DUCKDB_TYPES.items()]
    values = (lineage.period, lineage.provider, lineage.export, lineage.version)
    for name, value in zip(LINEAGE_COLUMNS, values, strict=True):
        shapes[name] = "VARCHAR"
        items.append(f"CAST({literal(value)} AS VARCHAR) AS {identifier(name)}")
    for name, kind in found.values():
        if not name.startswith("x_") or name in LINEAGE_COLUMNS:
            raise ProviderBroken(
                f"the FOCUS SQL yields {name}, which is no column of FOCUS 1.2",
                hint="columns of a provider's own begin with x_; lineage columns are added by finops-core",
            )
        shapes[name] = _own_type(kind)
        items.append(f"{_value(name, kind, shapes[name])} AS {identifier(name)}")
    listed = ",\n    ".join(items)
    return Conversion(f"SELECT\n    {listed}\nFROM (\n{strip(dataset_sql)}\n) AS converted", shapes)


def _focus_item(name: str, kind: str, found: tuple[str, str] | None) -> str:
    if found is None:
        return f"CAST(NULL AS {kind}) AS {identifier(name)}"
    own_name, own_kind = found
    if name.endswith("Cost") and not (own_kind.startswith("DECIMAL") or own_kind in {"BIGINT", "INTEGER", '"NULL"'}):
        raise ProviderBroken(
            f"the FOCUS SQL yields {name} as {own_kind}", hint="money is DECIMAL, never floating point"
        )
    return f"{_value(own_name, own_kind, kind)} AS {identifier(name)}"


def _value(name: str, kind: str, wanted: str) -> str:
    value = f"nullif({identifier(name)}, '')" if kind == "VARCHAR" else identifier(name)
    if kind == wanted:
        return value
    if kind.startswith(("MAP", "STRUCT")) or kind.endswith("[]"):
        value = f"to_json({value})"
    return f"CAST({value} AS {wanted})"


def _own_type(kind: str) -> str:
    """The type of an x_ column. Few types, so that the datasets of one provider agree in the shared table."""
    if kind in _KEPT:
        return kind
    if kind.startswith("DECIMAL") or kind in {"DOUBLE", "FLOAT"}:
        return "DECIMAL(38,18)"
    if kind in _INTEGERS:
        return "BIGINT"
    if kind.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    return "JSON" if kind.startswith(("MAP", "STRUCT")) or kind.endswith("[]") else "VARCHAR"


def strip(sql: str) -> str:
    """The statement alone: without the comment at the top of the file and the semicolon at its end."""
    lines = sql.strip().splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        lines.pop(0)
    return "\n".join(lines).strip().removesuffix(";").rstrip()


def explain(sql_text: str, known: Collection[str] = ()) -> dict[str, Rule]:
    """The rule of every documented output column of a provider's SQL file, in the file's order.

    A source is a column of `source`: one of the `known` ones, in any case, or by the look of its name. Values of WITH
    queries that have a rule of their own are followed down to theirs.
    """
    columns_of_source = {name.lower(): name for name in known}
    items = {name: (text, sql) for name, text, sql in _documented(sql_text)}
    wanted = {*DUCKDB_TYPES, *(name for name in items if name.startswith("x_"))}
    rules = {}
    for name in items:
        if name in wanted:
            seen: dict[str, None] = {}
            sources = tuple(dict.fromkeys(_sources(name, items, columns_of_source, seen)))
            steps = tuple(Step(step, *items[step]) for step in seen if step in items and step != name)
            rules[name] = Rule(*items[name], sources, steps)
    return rules


def undocumented(sql_text: str) -> list[str]:
    """FOCUS 1.2 columns for which the file gives no rule."""
    documented = {name for name, _, _ in _documented(sql_text)}
    return [column.name for column in columns() if column.name not in documented]


def _documented(sql_text: str) -> Iterator[tuple[str, str, str]]:
    """(name, rule, SQL) for each rule comment that an expression of that name follows."""
    lines = sql_text.splitlines()
    for start, line in enumerate(lines):
        if (match := _RULE.match(line)) is None:
            continue
        name, words, at = match["name"], [match["text"].strip()], start + 1
        while at < len(lines) and (more := _MORE.match(lines[at])):
            words.append(more["text"].strip())
            at += 1
        end = re.compile(rf'(?:\bAS\s+|^\s*|\.)"?{re.escape(name)}"?\s*,?\s*$')
        body: list[str] = []
        while at < len(lines) and not _RULE.match(lines[at]):
            body.append(lines[at])
            if end.search(lines[at]):
                sql = re.sub(rf'\s*(?:\bAS\s+"?{re.escape(name)}"?)?\s*,?\s*$', "", "\n".join(body))
                yield name, " ".join(words), _dedent(sql)
                break
            at += 1


def _dedent(sql: str) -> str:
    import textwrap

    return textwrap.dedent(sql).strip()


def _sources(
    name: str, items: Mapping[str, tuple[str, str]], known: Mapping[str, str], seen: dict[str, None]
) -> Iterator[str]:
    """Raw columns below `name`: what is written `source.NAME`, `known` names that no rule explains, and where nothing
    is known lower-case names with an underscore, which SQL's own words have not. `seen` gets what was looked at."""
    seen[name] = None
    text, sql = items[name]
    for token in (*_TOKEN.findall(sql), *_NAMED.findall(text)):
        word = token.strip().strip('"').rsplit(".", 1)[-1]
        if token.startswith("source."):
            yield word
        elif token.startswith("'") or word.endswith("("):
            continue
        elif word.lower() in known and (word == name or word not in items):
            yield known[word.lower()]
        elif word in seen:
            continue
        elif word in items:
            yield from _sources(word, items, known, seen)
        elif not known and "_" in word and word == word.lower():
            seen[word] = None
            yield word
