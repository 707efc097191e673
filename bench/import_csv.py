"""How long `finops aws import-cur` takes beside plain DuckDB, on the same files in the same run.

    uv run python bench/import_csv.py --rows 1000000 --rounds 3

Generates one month of CUR v1 csv.gz (120 columns and more), then takes turns, each in a process of its own:

    ctas     CREATE TABLE AS SELECT * FROM read_csv([...]) with the types that finops gives the columns; nothing checked
    raw      finops, raw rows only (--no-focus)
    full     finops, as users run it: raw rows, FOCUS, rollup, checks, ledger

and prints wall seconds, CPU seconds, peak memory and the ratios to ctas, pair by pair. Absolute times mean nothing on
a shared machine: quote the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CTAS = """
import sys, json, duckdb
database, files, types, memory = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
connection = duckdb.connect(database, config={"memory_limit": memory, "preserve_insertion_order": False})
connection.execute("SET TimeZone = 'UTC'")
columns = ", ".join(f"'c{i}': '{kind}'" for i, kind in enumerate(types))
connection.execute(f"CREATE TABLE bill AS SELECT * FROM read_csv({files}, columns={{{columns}}}, header=true, "
                   "auto_detect=false, delim=',', quote='\\"', escape='\\"', nullstr='')")
print(connection.execute("SELECT count(*) FROM bill").fetchall()[0][0])
"""


@dataclass
class Figures:
    wall: float
    cpu: float
    memory_mb: float


def measured(command: list[str], folder: Path) -> Figures:
    """Run one command to its end and read the operating system's account of it."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(output.decode())
    return Figures(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def commands(bill: dict[str, str], memory: str) -> dict[str, list[str]]:
    finops = [sys.executable, "-m", "finops_core", "aws", "import-cur"]
    finops += [f"--{name.replace('_', '-')}={value}" for name, value in bill.items()]
    root = Path(bill["bucket"].removeprefix("file://"))
    manifest = next(root.glob(f"{bill['prefix']}/{bill['export_name']}/*/*-Manifest.json"))
    files = [str(root / key) for key in json.loads(manifest.read_text())["reportKeys"]]
    ctas = [sys.executable, "-c", CTAS, "ctas.duckdb", json.dumps(files), json.dumps(types_of(files[0])), memory]
    return {"ctas": ctas, "raw": [*finops, "--no-focus"], "full": finops}


def types_of(path: str) -> list[str]:
    """The types that finops gives the columns of a CUR v1 file, in the file's order."""
    from finops_aws.datasets import CUR_V1
    from finops_core import Found
    from finops_core.stage.content import csv_header

    header = csv_header(Path(path), "gzip", ",", path)
    found = [Found(name, "VARCHAR", f"c{i}") for i, name in enumerate(header)]
    types = {column.source: column.type for column in CUR_V1.columns(found) if column.expression is None}
    return [types[name] for name in header]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-limit", default="2GB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as name:
        folder = Path(name)
        truth = sampled(folder, "aws", "cur-v1-csv", given.rows)
        turns = commands(truth["settings"], given.memory_limit)
        results = measured_in_turns(turns, given.rounds, given.memory_limit, folder)
        print(f"{rows_of(truth):,} rows, memory limit {given.memory_limit}")
        show(results)


def sampled(folder: Path, provider: str, form: str, rows: int) -> dict[str, Any]:
    """Generate one month of bills in `folder`/bill; returns what the generator knows of it. `form` "": the first."""
    sample = ["sample", provider, "--out", "bill", "--months", "1", "--rows", str(rows)]
    sample += ["--format", form] if form else []
    # In a process of its own: a child's peak memory begins with what its parent had when it was forked.
    subprocess.run([sys.executable, "-m", "finops_core", "-q", *sample], cwd=folder, check=True, capture_output=True)
    truth: dict[str, Any] = json.loads((folder / "bill" / "truth.json").read_text())
    return truth


def rows_of(truth: dict[str, Any]) -> int:
    return sum(period["rows"] for period in truth["periods"].values())


def measured_in_turns(
    turns: dict[str, list[str]], rounds: int, memory_limit: str, folder: Path
) -> dict[str, list[Figures]]:
    """Run each command once per round, each time in an empty folder of its own."""
    results: dict[str, list[Figures]] = {kind: [] for kind in turns}
    for turn in range(rounds):
        for kind, command in turns.items():
            work = folder / f"{kind}{turn}"
            work.mkdir()
            (work / "config.toml").write_text(f'[project]\nmemory_limit = "{memory_limit}"\n')
            results[kind].append(measured(command, work))
    return results


def show(results: dict[str, list[Figures]]) -> None:
    base = results["ctas"]
    print(f"{'':6}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'x wall':>9}{'x CPU':>9}")
    for kind, runs in results.items():
        wall, cpu, memory = (
            statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory_mb")
        )
        times = [
            statistics.median(getattr(r, n) / getattr(b, n) for r, b in zip(runs, base, strict=True))
            for n in ("wall", "cpu")
        ]
        print(f"{kind:6}{wall:9.1f}{cpu:9.1f}{memory:9.0f}{times[0]:9.2f}{times[1]:9.2f}")


if __name__ == "__main__":
    main()
