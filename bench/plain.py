"""What plain DuckDB does with the files of one month of CUR v1: the statements that finops is measured against.

Nothing is checked: no checksum, no number that would be rounded, no count, no total, no transaction over the tables.
"""

from __future__ import annotations

import json
from pathlib import Path

RUN = """
import sys, json, duckdb
database, statements, memory = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[3]
connection = duckdb.connect(database, config={"memory_limit": memory, "preserve_insertion_order": False})
connection.execute("SET TimeZone = 'UTC'")
for statement in statements:
    connection.execute(statement)
print(connection.execute("SELECT count(*) FROM bill").fetchall()[0][0])
"""
"""A program: database, a file with the statements, memory limit."""


def raw(bill: dict[str, str]) -> list[str]:
    """The bill as one table: the columns of the files, in the types that finops gives them."""
    files, _, types = _files(bill)
    return [f"CREATE TABLE bill AS SELECT * FROM {_read(files, types)}"]


def all_three(bill: dict[str, str]) -> list[str]:
    """The bill with its tags as JSON, its FOCUS rows by the very SELECT that finops uses, and the rollup of those."""
    from finops_aws.datasets import CUR_V1
    from finops_core import Found
    from finops_core.focus.rollup import rollup_select
    from finops_core.sql import identifier
    from finops_core.stage.reading import LINEAGE

    files, names, types = _files(bill)
    refs = [f"c{i}" for i in range(len(names))]
    columns = CUR_V1.columns([Found(name, "VARCHAR", ref) for name, ref in zip(names, refs, strict=True)])
    ref_of = dict(zip(names, refs, strict=True))
    values = [f"{column.expression or ref_of[column.source]} AS {identifier(column.name)}" for column in columns]
    lineage = [f"'{name}' AS {name}" for name in LINEAGE]
    have = {column.name for column in columns}
    known = {name: kind for name, kind in CUR_V1.known.items() if name not in have}
    lacking = [f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in known.items()]
    return [
        f"CREATE TABLE bill AS SELECT {', '.join([*values, *lineage])} FROM {_read(files, types)}",
        f"CREATE TEMP VIEW source AS SELECT {', '.join(['*', *lacking])} FROM bill",
        *lookups(),
        f"CREATE TABLE focus AS {_focus_select(bill)}",
        f"CREATE TABLE cost_rollup AS {rollup_select()}",
    ]


def lookups() -> list[str]:
    """The tables of services, regions and units that the FOCUS SELECT reads."""
    from finops_aws.datasets import CUR_V1

    return [
        f"CREATE TEMP TABLE {name} AS SELECT * FROM read_csv('{path}', header=true, all_varchar=true)"
        for name, path in CUR_V1.lookups.items()
    ]


def _focus_select(bill: dict[str, str]) -> str:
    import duckdb
    from finops_aws.datasets import CUR_V1
    from finops_core.focus.conversion import convert
    from finops_core.periods import Window
    from finops_core.registry import load
    from finops_core.sql import identifier
    from finops_core.stage.reading import LINEAGE

    [delivery] = load("aws")(**bill).discover(Window())
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in {**CUR_V1.known, **LINEAGE}.items())
    with duckdb.connect() as connection:
        for statement in (f"CREATE TEMP TABLE source ({columns})", *lookups()):
            connection.execute(statement)
        return convert(connection, delivery, CUR_V1).select


def _files(bill: dict[str, str]) -> tuple[list[str], list[str], list[str]]:
    """The files of the month, the columns in their order, and the types that finops gives those."""
    from finops_aws.datasets import CUR_V1
    from finops_core import Found
    from finops_core.stage.content import csv_header

    root = Path(bill["bucket"].removeprefix("file://"))
    manifest = next(root.glob(f"{bill['prefix']}/{bill['export_name']}/*/*-Manifest.json"))
    files = [str(root / key) for key in json.loads(manifest.read_text())["reportKeys"]]
    header = csv_header(Path(files[0]), "gzip", ",", files[0])
    found = [Found(name, "VARCHAR", f"c{i}") for i, name in enumerate(header)]
    types = {column.source: column.type for column in CUR_V1.columns(found) if column.expression is None}
    return files, header, [types[name] for name in header]


def _read(files: list[str], types: list[str]) -> str:
    """Named by position: two tags may differ only by case, and DuckDB's columns do not."""
    columns = {f"c{i}": kind for i, kind in enumerate(types)}
    return (
        f"read_csv({files}, columns={columns}, header=true, auto_detect=false, delim=',', quote='\"', escape='\"', "
        "nullstr='')"
    )
