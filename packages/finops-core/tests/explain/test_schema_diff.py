"""`finops schema diff`: what came, went or changed type between two months of a bill."""

from __future__ import annotations

import json
from typing import Any

import pytest
from finops_core.cli import run


@pytest.fixture
def loaded(acme: Any) -> Any:
    bills = acme.workdir / "bills"
    bills.mkdir()
    (bills / "2024-01.csv").write_text("service,cost,currency,day,Team,gone\nCompute,1,USD,2024-01-01,a,b\n")
    (bills / "2024-02.csv").write_text("cost,service,currency,day,Team,Came in\n1,Compute,USD,2024-02-01,a,b\n")
    assert run(["acme", "import-billing", "--bucket", bills.as_uri(), "-q"]) == 0
    return acme


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, ...]]:
    capsys.readouterr()
    assert run(["schema", "diff", *arguments, "-o", "json"]) == 0
    keys = ("change", "source_name", "column_name", "before", "after")
    return [tuple(row[key] for key in keys) for row in json.loads(capsys.readouterr().out)["rows"]]


def test_columns_that_came_and_went(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    came, went = rows(capsys, "2024-01", "2024-02")
    assert came == ("came", "Came in", "came in", None, "VARCHAR")
    assert went == ("went", "gone", "gone", "VARCHAR", None)
    back = rows(capsys, "2024-02", "2024-01", "--provider", "acme", "--dataset-name", "acme_billing")
    assert [(row[0], row[1]) for row in back] == [("came", "gone"), ("went", "Came in")]
    assert rows(capsys, "2024-01", "2024-01") == []


def test_a_column_of_another_type(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import duckdb

    with duckdb.connect(str(loaded.workdir / "data" / "finops.duckdb")) as connection:
        connection.execute(
            "UPDATE acme_billing.column_names SET column_type = 'BIGINT' "
            "WHERE source_name = 'Team' AND billing_period = '2024-02'"
        )
    changed = [row for row in rows(capsys, "2024-01", "2024-02") if row[0] == "changed"]
    assert changed == [("changed", "Team", "team", "VARCHAR", "BIGINT")]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("2024-01", "2024-03"), 5),
        (("2024-01", "2024-02", "--dataset-name", "other"), 5),
        (("2024-01", "2024-02", "--provider", "nobody"), 2),
        (("2024-01", "February"), 2),
    ],
)
def test_what_cannot_be_compared_is_refused(
    loaded: Any, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    assert run(["schema", "diff", *arguments]) == code
    if code == 5:
        assert "2024-01, 2024-02" in capsys.readouterr().err
