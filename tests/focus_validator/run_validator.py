"""Run the official FOCUS validator over exported bills, and compare its failures with the list of expected ones.

    python run_validator.py FOLDER      FOLDER holds PROVIDER.parquet, in FOCUS 1.2

Runs in the validator's own environment, so it imports nothing but the standard library and the validator. Exits with 1
when a rule fails that is not in expected.csv, and when one in it fails no more: the list is to stay true.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

EXPECTED = Path(__file__).with_name("expected.csv")

_TOTAL = re.compile(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)")
_FAILURE = re.compile(r"^\N{CROSS MARK} (\S+): FAIL\s+\(violations=(\d+)", re.MULTILINE)


def figures(report: str) -> tuple[int, int, int, int]:
    """Total, passed, failed and skipped rules. Raises ValueError for a report without them: nothing was validated."""
    match = _TOTAL.search(report)
    if match is None:
        raise ValueError("the validator's report has no totals:\n" + report[-2000:])
    total, passed, failed, skipped = map(int, match.groups())
    return total, passed, failed, skipped


def failures(report: str) -> dict[str, int]:
    """Rule -> violations. Raises ValueError when the report speaks of more failures than it names."""
    found = {rule: int(count) for rule, count in _FAILURE.findall(report)}
    if len(found) != figures(report)[2]:
        raise ValueError(f"{len(found)} failures are named of {figures(report)[2]}")
    return found


def expected(rows: Iterable[Mapping[str, str]], provider: str) -> dict[str, str]:
    """Rule -> why it is expected to fail for a provider; `*` stands for every provider."""
    return {row["rule"]: row["reason"] for row in rows if row["provider"] in ("*", provider)}


def differences(found: Mapping[str, int], listed: Mapping[str, str]) -> list[str]:
    """What is not as expected, one sentence each."""
    new = [
        f"{rule} fails ({found[rule]} violations) and is not expected to"
        for rule in sorted(found.keys() - listed.keys())
    ]
    gone = [
        f"{rule} is expected to fail and does not: take it off the list"
        for rule in sorted(listed.keys() - found.keys())
    ]
    return new + gone


def validate(data: Path, folder: Path) -> str:
    """The validator's report. It finds its files only from a folder in which its package lies."""
    found = importlib.util.find_spec("focus_validator")
    assert found is not None
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    if not (folder / "focus_validator").exists():
        (folder / "focus_validator").symlink_to(package)
    command = [str(Path(sys.executable).with_name("focus-validator")), "--data-file", str(data.resolve())]
    command += ["--validate-version", "1.2", "--block-download", "--focus-dataset", "CostAndUsage"]
    command += ["--applicability-criteria", "ALL", "--show-violations"]
    # It exits with 0 whatever it finds; the report tells.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def main(folder: Path) -> int:
    with EXPECTED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    wrong = 0
    for data in sorted(folder.glob("*.parquet")):
        report = validate(data, folder)
        total, passed, failed, skipped = figures(report)
        print(f"{data.stem}: {total} rules, {passed} passed, {failed} failed, {skipped} skipped")
        for difference in differences(failures(report), expected(rows, data.stem)):
            print(f"  {difference}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
