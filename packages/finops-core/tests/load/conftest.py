from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from finops_core.load import Package, Sql, Table, Target

RAW = {"id": "VARCHAR", "cost": "DECIMAL(38,18)", "at": "TIMESTAMP", "tags": "JSON", "billing_period": "VARCHAR"}
FOCUS = {"BilledCost": "DECIMAL(38,18)", "x_BillingPeriod": "VARCHAR"}
ROLLUP = {"version": "VARCHAR", "period": "VARCHAR", "cost": "DECIMAL(38,18)"}
LEDGER = {"_dlt_load_id": "VARCHAR", "version": "VARCHAR", "period": "VARCHAR", "row_count": "BIGINT"}


def bill(
    version: str,
    rows: int,
    period: str = "2024-01",
    *,
    dataset: str = "acme_billing",
    check: Callable[[Sql], None] = lambda sql: None,
) -> Package:
    """A package of the shape that an import makes: raw rows, FOCUS, rollup and ledger. Every cost is 0.1."""
    slug = period.replace("-", "_")
    raw, scope = f"billing_{slug}", f"period = '{period}' AND version = '{version}'"
    select = f"""
        SELECT '{version}-' || i AS id, CAST('0.1' AS DECIMAL(38,18)) AS cost, TIMESTAMP '2024-01-01 00:00:00' AS "at",
               CAST('{{"Team":"a"}}' AS JSON) AS tags, '{period}' AS billing_period
        FROM range({rows}) t(i)"""

    def ledger(sql: Sql) -> str:
        [(count,)] = sql.query(f"SELECT count(*) FROM {raw}")
        return (
            "SELECT CAST(getvariable('finops_load_id') AS VARCHAR) AS _dlt_load_id, "
            f"'{version}' AS version, '{period}' AS period, CAST({count} AS BIGINT) AS row_count"
        )

    return Package(
        dataset=dataset,
        pipeline=f"acme_main_{slug}",
        tables=(
            Table(raw, RAW, select, "true"),
            Table(
                "focus_cost_and_usage",
                FOCUS,
                'SELECT cost AS "BilledCost", billing_period AS "x_BillingPeriod" FROM source',
                f"\"x_BillingPeriod\" = '{period}'",
                before=(f"CREATE OR REPLACE TEMP VIEW source AS SELECT * FROM {raw}",),
            ),
            Table(
                "cost_rollup",
                ROLLUP,
                f"SELECT '{version}' AS version, '{period}' AS period, coalesce(sum(\"BilledCost\"), 0) AS cost "
                f"FROM focus_cost_and_usage WHERE \"x_BillingPeriod\" = '{period}'",
                scope,
            ),
            Table("import_ledger", LEDGER, ledger, None),
        ),
        check=check,
        after=lambda sql: [f"CREATE OR REPLACE VIEW billing AS SELECT * FROM {raw}"],
    )


@pytest.fixture(name="bill")
def bill_of() -> Callable[..., Package]:
    return bill


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target.parse("duckdb", tmp_path / "data", lock_wait=10.0)
