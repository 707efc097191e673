"""What an import costs beside plain DuckDB, for any cloud and format, in the same run.

    uv run python bench/import_clouds.py gcp --format detailed-parquet --rows 500000 --rounds 3

Generates one month, then takes turns, each in a process of its own:

    copy     CREATE TABLE AS SELECT * FROM the same files, as DuckDB guesses them; nothing checked (Parquet and CSV)
    raw      finops, raw rows only (--no-focus)
    full     finops, as users run it: raw rows, FOCUS, rollup, checks, ledger

and prints seconds by the clock and of CPU, peak memory, and ratios; `full` over `raw` is what FOCUS, rollup and checks
add. On a busy machine only CPU means anything, and is not steady either: quote medians of pairs, and only as ratios.
`bench/import_csv.py` goes further for AWS: it gives plain DuckDB the very types that finops gives the columns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from import_csv import measured_in_turns, rows_of, sampled, show

COPY = """
import sys, json, duckdb
database, reader, files, memory = sys.argv[1:]
connection = duckdb.connect(database, config={"memory_limit": memory, "preserve_insertion_order": False})
connection.execute(f"CREATE TABLE bill AS SELECT * FROM {reader}({json.loads(files)}, union_by_name=true)")
"""

RATIOS = (("raw", "copy"), ("full", "copy"), ("full", "raw"))

READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".gz": "read_csv"}


def commands(provider: str, bill: dict[str, str], memory: str) -> dict[str, list[str]]:
    """What takes turns. JSON and Avro have no `copy`: DuckDB would not read the same columns."""
    from finops_core.registry import load

    finops = [sys.executable, "-m", "finops_core", provider, load(provider).import_command]
    finops += [f"--{name.replace('_', '-')}={value}" for name, value in bill.items()]
    turns = {"raw": [*finops, "--no-focus"], "full": finops}
    root = Path(unquote(urlsplit(next(value for value in bill.values() if value.startswith("file:"))).path))
    files = [path for path in (root / bill.get("prefix", "")).rglob("*") if path.suffix in READERS]
    if not files or any(".json" in path.name for path in files if path.suffix == ".gz"):
        return turns
    suffix = max(files, key=lambda path: path.stat().st_size).suffix
    listed = json.dumps([str(path) for path in files if path.suffix == suffix])
    return {"copy": [sys.executable, "-c", COPY, "copy.duckdb", READERS[suffix], listed, memory], **turns}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("provider", choices=("aws", "azure", "gcp"))
    parser.add_argument("--format", default="", help="A format of `finops sample`; the provider's first if unset.")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-limit", default="2GB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as name:
        folder = Path(name)
        truth = sampled(folder, given.provider, given.format, given.rows)
        turns = commands(given.provider, truth["settings"], given.memory_limit)
        results = measured_in_turns(turns, given.rounds, given.memory_limit, folder)
        print(f"{given.provider} {truth['format']}, {rows_of(truth):,} rows, memory limit {given.memory_limit}")
        show(results, [pair for pair in RATIOS if pair[1] in results])


if __name__ == "__main__":
    main()
