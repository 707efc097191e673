"""How long `finops aws import-cur` takes beside plain DuckDB, on the same files in the same run.

    uv run python bench/import_csv.py --rows 1000000 --rounds 3

Generates one month of CUR v1 csv.gz (120 columns and more), then takes turns, each in a process of its own:

    ctas     CREATE TABLE AS SELECT * FROM read_csv([...]) with the types that finops gives the columns; nothing checked
    sql      ctas, then FOCUS rows and their rollup by the same SELECTs as in finops; nothing checked
    raw      finops, raw rows only (--no-focus)
    full     finops, as users run it: raw rows, FOCUS, rollup, checks, ledger

and prints wall seconds, CPU seconds, peak memory and the ratios, round by round: raw to ctas, full to sql, and what
FOCUS, the rollup and the checks add to raw. Absolute times mean nothing on
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plain


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


def commands(bill: dict[str, str], memory: str, folder: Path) -> dict[str, list[str]]:
    finops = [sys.executable, "-m", "finops_core", "aws", "import-cur"]
    finops += [f"--{name.replace('_', '-')}={value}" for name, value in bill.items()]
    turns = {}
    for kind, statements in (("ctas", plain.raw(bill)), ("sql", plain.all_three(bill))):
        script = folder / f"{kind}.json"
        script.write_text(json.dumps(statements))
        turns[kind] = [sys.executable, "-c", plain.RUN, f"{kind}.duckdb", str(script), memory]
    return {**turns, "raw": [*finops, "--no-focus"], "full": finops}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-limit", default="2GB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as name:
        folder = Path(name)
        truth = sampled(folder, "aws", "cur-v1-csv", given.rows)
        turns = commands(truth["settings"], given.memory_limit, folder)
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


RATIOS = (("raw", "ctas"), ("full", "sql"), ("full", "raw"), ("full", "ctas"))


def show(results: dict[str, list[Figures]], ratios: Sequence[tuple[str, str]] = RATIOS) -> None:
    """Medians, and medians of the ratios of runs of one round."""
    print(f"{'':12}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    for kind, runs in results.items():
        wall, cpu, memory = (
            statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory_mb")
        )
        print(f"{kind:12}{wall:9.1f}{cpu:9.1f}{memory:9.0f}")
    for above, below in ratios:
        pairs = list(zip(results[above], results[below], strict=True))
        wall, cpu = (statistics.median(getattr(a, n) / getattr(b, n) for a, b in pairs) for n in ("wall", "cpu"))
        print(f"{above + '/' + below:12}{wall:8.2f}x{cpu:8.2f}x")


if __name__ == "__main__":
    main()
