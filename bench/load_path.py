"""What a load costs beside DuckDB's own CREATE TABLE AS SELECT from the same file with the same types.

    python bench/load_path.py [--rows 1000000] [--columns 120] [--rounds 3] [--memory-limit 2GB]

Each variant of a round runs in a process of its own, one after the other; the figures are the process's wall time, CPU
time (imports included) and peak memory, and the size of its database. Compare ratios within a round, not seconds
between machines. Variants:

    ctas          CREATE TABLE AS SELECT ... FROM read_csv(...): what no loader can beat
    ctas+focus    the same, a second table of 60 expressions from the first, and a rollup
    load          finops_core.load: the raw table and a ledger row, dlt's records, one transaction
    load+focus    raw, FOCUS-like table, rollup and ledger row
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VARIANTS = ("ctas", "load", "ctas+focus", "load+focus")


def shape(columns: int) -> dict[str, str]:
    """A bill's mix of types: about a third money, some times, the rest text."""
    kinds = {f"amount_{n}": "DECIMAL(38,18)" for n in range(columns * 3 // 10)}
    kinds |= {f"at_{n}": "TIMESTAMP" for n in range(4)}
    return kinds | {f"text_{n}": "VARCHAR" for n in range(columns - len(kinds))}


def generate(path: Path, rows: int, columns: int) -> None:
    import duckdb

    def value(name: str, kind: str) -> str:
        number = int(name.split("_")[1]) + 1
        if kind == "DECIMAL(38,18)":
            return f"printf('%d.%010d', hash(i * {number}) % 100, hash(i + {number}) % 10000000000)"
        if kind == "TIMESTAMP":
            moment = f"TIMESTAMP '2024-01-01' + INTERVAL (hash(i + {number}) % 2678400) SECOND"
            return f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ')"
        distinct = (3, 20, 500, 100_000)[number % 4]
        return f"CASE WHEN hash(i * {number}) % 10 < 3 THEN '' ELSE 'value-' || hash(i + {number}) % {distinct} END"

    values = ", ".join(f"{value(name, kind)} AS {name}" for name, kind in shape(columns).items())
    duckdb.execute(f"COPY (SELECT {values} FROM range({rows}) t(i)) TO '{path}' (FORMAT csv, COMPRESSION gzip)")


def reading(path: str, columns: int) -> str:
    """The SELECT that both variants use: every value read as text and cast."""
    kinds = shape(columns)
    text = ", ".join(f"'{name}': 'VARCHAR'" for name in kinds)
    values = ", ".join(
        f"CAST({name} AS {kind}) AS {name}" if kind != "VARCHAR" else name for name, kind in kinds.items()
    )
    return (
        f"SELECT {values} FROM read_csv('{path}', columns={{{text}}}, auto_detect=false, header=true, delim=',', "
        "quote='\"', escape='\"', nullstr='')"
    )


def focus(columns: int) -> tuple[dict[str, str], str]:
    names = list(shape(columns))
    amounts, texts = [n for n in names if n.startswith("amount")], [n for n in names if n.startswith("text")]
    made = {f"Cost{n}": ("DECIMAL(38,18)", f"coalesce({name}, 0)") for n, name in enumerate(amounts[:10])}
    made |= {
        f"Text{n}": ("VARCHAR", f"CASE WHEN {name} = 'value-1' THEN 'one' ELSE coalesce({name}, 'none') END")
        for n, name in enumerate(texts[:49])
    }
    made["Day"] = ("DATE", "CAST(at_0 AS DATE)")
    select = ", ".join(f'{expression} AS "{name}"' for name, (_, expression) in made.items())
    return {name: kind for name, (kind, _) in made.items()}, f"SELECT {select} FROM bill.raw"


ROLLUP = {"Day": "DATE", "Text1": "VARCHAR", "Cost0": "DECIMAL(38,18)"}
ROLLED = 'SELECT "Day", "Text1", sum("Cost0") AS "Cost0" FROM bill.focus GROUP BY ALL'


def run_ctas(database: Path, path: str, columns: int, limit: str, *, further: bool) -> None:
    import duckdb

    config = {"memory_limit": limit, "preserve_insertion_order": False}
    with duckdb.connect(str(database), config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA bill")
        connection.execute(f"CREATE TABLE bill.raw AS {reading(path, columns)}")
        if further:
            connection.execute(f"CREATE TABLE bill.focus AS {focus(columns)[1]}")
            connection.execute(f"CREATE TABLE bill.rollup AS {ROLLED}")


def run_load(database: Path, path: str, columns: int, limit: str, *, further: bool) -> None:
    from finops_core.load import Package, Sql, Table, Target, load

    def ledger(sql: Sql) -> str:
        [(rows, cost)] = sql.query("SELECT count(*), sum(amount_0) FROM bill.raw")
        return f"SELECT CAST({rows} AS BIGINT) AS n, CAST({cost} AS DECIMAL(38,18)) AS cost"

    tables = [Table("raw", shape(columns), reading(path, columns), "true")]
    if further:
        kinds, select = focus(columns)
        tables += [
            Table("focus", kinds, select, "\"Day\" >= DATE '2024-01-01'"),
            Table("rollup", ROLLUP, ROLLED, "true"),
        ]
    tables.append(Table("import_ledger", {"n": "BIGINT", "cost": "DECIMAL(38,18)"}, ledger, None))
    target = Target.parse(str(database), database.parent, memory_limit=limit)
    load(target, Package("bill", "bench", tuple(tables), lambda sql: None))


def measured(variant: str, path: Path, columns: int, limit: str) -> dict[str, float]:
    """Run one variant in a fresh process; its own figures of itself, and its database's size and sum."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        database = Path(folder, "db.duckdb")
        began = time.monotonic()
        command = [sys.executable, __file__, "--variant", variant, "--file", str(path), "--database", str(database)]
        done = subprocess.run(
            [*command, "--columns", str(columns), "--memory-limit", limit], check=True, capture_output=True, text=True
        )
        figures: dict[str, float] = {"wall": time.monotonic() - began, **json.loads(done.stdout)}
        figures["file"] = database.stat().st_size / 1e6
        with duckdb.connect(str(database), read_only=True) as connection:
            [row] = connection.execute("SELECT count(*), sum(amount_0), count(text_1) FROM bill.raw").fetchall()
        return {**figures, "result": row}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--columns", type=int, default=120)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory-limit", default="2GB")
    for hidden in ("--variant", "--file", "--database"):
        options.add_argument(hidden, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.variant:
        kind, _, further = given.variant.partition("+")
        run = run_ctas if kind == "ctas" else run_load
        run(Path(given.database), given.file, given.columns, given.memory_limit, further=bool(further))
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss / 1024}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bill.csv.gz")
        generate(path, given.rows, given.columns)
        print(
            f"{given.rows:,} rows x {given.columns} columns, {path.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores"
        )
        rounds = [
            {variant: measured(variant, path, given.columns, given.memory_limit) for variant in VARIANTS}
            for _ in range(given.rounds)
        ]
    results = {json.dumps(figures["result"], default=str) for round_ in rounds for figures in round_.values()}
    assert len(results) == 1, f"the variants differ: {results}"
    print(f"{'':12}{'wall s':>9}{'CPU s':>9}{'RSS MB':>9}{'file MB':>9}{'wall x':>9}{'CPU x':>9}")
    for variant in VARIANTS:
        base = "ctas+focus" if variant.endswith("+focus") else "ctas"
        best = [min(round_[variant][key] for round_ in rounds) for key in ("wall", "cpu", "rss", "file")]
        ratios = [
            statistics.median(round_[variant][key] / round_[base][key] for round_ in rounds) for key in ("wall", "cpu")
        ]
        print(
            f"{variant:12}" + "".join(f"{value:9.1f}" for value in best) + "".join(f"{value:9.2f}" for value in ratios)
        )
    print("wall, CPU, RSS, file: best of the rounds; x: median of the ratios to the plain SQL of the same round")


if __name__ == "__main__":
    main()
