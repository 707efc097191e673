"""`finops focus explain` and the mapping tables of the docs: both read the providers' SQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from finops_core import registry
from finops_core.cli import run
from finops_core.focus.columns import DUCKDB_TYPES
from finops_core.focus.mapping import mapping_markdown

SQL = """SELECT
    -- BilledCost: what Acme charges | per `row`,
    --   to the last digit.
    CAST(source.cost AS DECIMAL(38, 18)) AS BilledCost,
    -- x_Spice: how hot it is.
    upper(service) AS x_Spice,
    cost AS EffectiveCost
FROM source
"""


@pytest.fixture
def documented(acme: Any) -> Any:
    (Path(acme.folder) / "acme.sql").write_text(SQL)
    return acme


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(["focus", "explain", *arguments, "--provider", "acme", "-o", "json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rows"]
    return rows


def test_a_rule_with_its_sql_and_sources(documented: Any, capsys: pytest.CaptureFixture[str]) -> None:
    [row] = explained(capsys, "billedcost")
    assert row == {
        "provider": "acme",
        "dataset": "bill",
        "column": "BilledCost",
        "rule": "what Acme charges | per `row`, to the last digit.",
        "sources": "cost",
        "sql": "CAST(source.cost AS DECIMAL(38, 18))",
        "uses": "",
    }
    assert explained(capsys, "x_Spice")[0]["sources"] == "service"
    assert explained(capsys, "Tags")[0]["rule"] is None


def test_values_in_between_are_shown(acme: Any, capsys: pytest.CaptureFixture[str]) -> None:
    within = "    -- net: after discounts.\n    cost - 1 AS net\n"
    outer = "    -- BilledCost: what is left.\n    round(net, 2) AS BilledCost\n"
    sql = f"WITH bill AS (SELECT\n{within}FROM source)\nSELECT\n{outer}FROM bill\n"
    (Path(acme.folder) / "acme.sql").write_text(sql)
    [row] = explained(capsys, "BilledCost")
    assert (row["sources"], row["sql"], row["uses"]) == ("cost", "round(net, 2)", "net = cost - 1")
    assert run(["focus", "explain", "BilledCost", "--provider", "acme"]) == 0
    assert "    net: after discounts.\n      cost - 1\n" in capsys.readouterr().out


def test_for_people_it_is_a_text(documented: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["focus", "explain", "BilledCost", "--provider", "acme"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("BilledCost (Decimal, Mandatory, never null): ")
    assert "acme bill\n  what Acme charges | per `row`, to the last digit.\n  from: cost\n" in said
    assert run(["focus", "explain", "Tags", "--provider", "acme"]) == 0
    assert "null: the bill does not say" in capsys.readouterr().out


def test_every_installed_provider_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["focus", "explain", "EffectiveCost", "-o", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["provider"] for row in rows} == set(registry.names())
    assert all(row["rule"] and row["sql"] for row in rows)
    assert "line_item_unblended_cost" in next(row["sources"] for row in rows if row["dataset"] == "cur-v1")


def test_a_misspelled_column_gets_the_nearest(documented: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["focus", "explain", "BiledCost"]) == 2
    assert "did you mean BilledCost" in capsys.readouterr().err
    assert run(["focus", "explain", "BilledCost", "--provider", "acmee"]) == 2
    assert "did you mean 'acme'" in capsys.readouterr().err


def test_a_mapping_table_has_every_column_once(documented: Any) -> None:
    lines = mapping_markdown(registry.load("acme")).splitlines()
    assert lines[0] == "### Acme bill (`bill`)"
    names = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert names == [*DUCKDB_TYPES, "x_Spice"]
    assert "| `BilledCost` | what Acme charges \\| per `row`, to the last digit. | `cost` |" in lines
    assert "| `Tags` | null |  |" in lines


@pytest.mark.parametrize("name", registry.names())
def test_every_installed_provider_has_its_tables(name: str) -> None:
    text = mapping_markdown(registry.load(name))
    assert text.count("### ") >= 1
    assert all(line.count(" | ") >= 2 for line in text.splitlines() if line.startswith("|"))
