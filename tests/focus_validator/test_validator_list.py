"""The comparison with the official validator's failures: it names what is new and what is gone, and reads no failure
as a success."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("run_validator", Path(__file__).with_name("run_validator.py"))
assert _spec
assert _spec.loader
validator = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(validator)

REPORT = """
Total: 578 | Pass: 366 | Fail: 2 | Skipped: 210
\N{CROSS MARK} BilledCost-C-001-M: FAIL  (violations=12, msg=BilledCost MUST NOT be NULL., 3.6ms)
\N{CROSS MARK} CostAndUsage-D-000-M: FAIL  (violations=1, msg=AND failed)
"""


def test_a_report_is_read() -> None:
    assert validator.figures(REPORT) == (578, 366, 2, 210)
    assert validator.failures(REPORT) == {"BilledCost-C-001-M": 12, "CostAndUsage-D-000-M": 1}


@pytest.mark.parametrize("report", ["", "Traceback: no such file", REPORT.replace("Fail: 2", "Fail: 3")])
def test_a_report_that_is_not_whole_is_no_success(report: str) -> None:
    with pytest.raises(ValueError, match="totals|named"):
        validator.failures(report)


def test_new_failures_and_those_that_are_gone_are_named() -> None:
    listed = validator.expected(
        [
            {"provider": "*", "rule": "CostAndUsage-D-000-M", "reason": "sums up"},
            {"provider": "aws", "rule": "Gone-C-001-M", "reason": "was wrong once"},
            {"provider": "gcp", "rule": "BilledCost-C-001-M", "reason": "another provider's"},
        ],
        "aws",
    )
    assert [text.split()[0] for text in validator.differences(validator.failures(REPORT), listed)] == [
        "BilledCost-C-001-M",
        "Gone-C-001-M",
    ]


def test_every_expected_failure_has_its_reason() -> None:
    with validator.EXPECTED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    assert all(row["reason"] for row in rows)
    assert len({(row["provider"], row["rule"]) for row in rows}) == len(rows)
