"""Loading into a PostgreSQL server: the same rows as in DuckDB, and all or nothing."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import (
    AccessError,
    BalanceError,
    DataMissing,
    DestinationError,
    DestinationLocked,
)
from finops_core.load import Package, Sql, Table, Target, View, connect_readonly, load, read_rows

Bill = Callable[..., Package]
DATASET = "acme_billing"
COMMITTED = """
    SELECT l.version, l.row_count FROM import_ledger l JOIN _dlt_loads d ON d.load_id = l._dlt_load_id AND d.status = 0
    WHERE l.period = '2024-01' ORDER BY 1"""


def rows(target: Target, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return read_rows(target, DATASET, sql, *parameters)


def one(name: str, columns: dict[str, str], select: str, replaces: str | None, pipeline: str = "p") -> Package:
    return Package(DATASET, pipeline, (Table(name, columns, select, replaces),), lambda sql: None)


def names(target: Target, table: str) -> list[str]:
    asked = """SELECT column_name FROM information_schema.columns
        WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position"""
    return [name for (name,) in rows(target, asked, DATASET, table)]


def test_periods_are_loaded_and_replaced(server_target: Target, bill: Bill) -> None:
    for package in (bill("v1", 5), bill("v1", 4, "2024-02"), bill("v2", 3)):
        loaded = load(server_target, package)
    assert dict(loaded.rows) == {
        "billing_2024_01": 3, "focus_cost_and_usage": 3, "cost_rollup": 1, "import_ledger": 1
    }  # fmt: skip
    focus = 'SELECT "x_BillingPeriod", count(*), sum("BilledCost") FROM focus_cost_and_usage GROUP BY 1 ORDER BY 1'
    assert rows(server_target, focus) == [
        ("2024-01", 3, Decimal("0.3")), ("2024-02", 4, Decimal("0.4"))
    ]  # fmt: skip
    assert rows(server_target, COMMITTED) == [("v1", 5), ("v2", 3)]
    assert rows(server_target, "SELECT version, period, cost FROM cost_rollup ORDER BY 1, 2") == [
        ("v1", "2024-01", Decimal("0.5")), ("v1", "2024-02", Decimal("0.4")), ("v2", "2024-01", Decimal("0.3"))
    ]  # fmt: skip
    assert rows(server_target, "SELECT count(*) FROM billing") == [(7,)]
    assert rows(server_target, "SELECT count(*) FROM _dlt_version") == [(2,)]
    assert list(server_target.data_dir.iterdir()) == []


def test_no_rows_empty_the_period(server_target: Target, bill: Bill) -> None:
    load(server_target, bill("v1", 5))
    load(server_target, bill("v2", 0))
    for table in ("billing_2024_01", "focus_cost_and_usage", "billing"):
        assert rows(server_target, f"SELECT count(*) FROM {table}") == [(0,)]


HARD = [
    "", "\\N", "\\.", "a\n\\.\nb", "NULL", '"', "a,b", "tab\there", "cr\rlf\r\n", "ünï©ode 𝄞",
    "'", "\\", "{}", " lead and trail ",
]  # fmt: skip


def test_every_value_arrives_as_it_is(server_target: Target, tmp_path: Path) -> None:
    columns = {
        "t": "VARCHAR", "c": "DECIMAL(38,18)", "at": "TIMESTAMP", "d": "DATE", "b": "BOOLEAN", "n": "BIGINT",
        "f": "DOUBLE", "j": "JSON", "x_" + "lång" * 20: "VARCHAR", "Mixed Case": "VARCHAR",
    }  # fmt: skip
    texts = ", ".join("('" + text.replace("'", "''") + "')" for text in HARD)
    select = f"""SELECT t, CAST('-12345678901234567890.123456789012345678' AS DECIMAL(38,18)) AS c,
        TIMESTAMP '2024-03-31 02:30:00.000001' AS "at", DATE '0099-02-28' AS d, false AS b,
        CAST(-9223372036854775808 AS BIGINT) AS n, CAST(0.1 AS DOUBLE) + 0.2 AS f,
        json_object('k', t) AS j, t AS "x_{"lång" * 20}", t AS "Mixed Case" FROM (VALUES {texts}, (NULL)) v(t)"""
    local = Target.parse("duckdb", tmp_path / "local")
    for target in (local, server_target):
        load(target, one("t", columns, select, "true"))
    asked = 'SELECT t, c, "at", d, b, n, f, "Mixed Case" FROM t ORDER BY t NULLS LAST'
    assert sorted(rows(server_target, asked), key=repr) == sorted(rows(local, asked), key=repr)
    texts_there = [text for (text,) in rows(server_target, "SELECT j->>'k' FROM t WHERE t IS NOT NULL")]
    assert sorted(texts_there) == sorted(HARD)
    long = names(server_target, "t")[8]
    assert len(long.encode()) <= 63
    assert rows(server_target, f'SELECT count(*) FROM t WHERE "{long}" IS NOT DISTINCT FROM t') == [(len(HARD) + 1,)]


def test_a_table_replaced_whole_has_exactly_the_new_columns(server_target: Target) -> None:
    def package(columns: dict[str, str], select: str) -> Package:
        table = Table("billing_2024_01", columns, select, "true")
        views = [View("everything", "billing", ((DATASET, "billing_2024_01"),))]
        return Package(DATASET, "p", (table,), lambda sql: None, lambda sql: views)

    load(
        server_target,
        package({"a": "VARCHAR", "gone": "BIGINT", "k": "VARCHAR"}, "SELECT 'x' a, 1::BIGINT gone, '1' k"),
    )
    load(server_target, package({"k": "DECIMAL(38,18)", "a": "VARCHAR"}, "SELECT 'y' a, 1::DECIMAL(38,18) k"))
    assert set(names(server_target, "billing_2024_01")) == {"a", "k"}
    assert rows(server_target, "SELECT a, k FROM everything.billing") == [("y", Decimal(1))]


def test_a_view_of_somebody_else_is_not_dropped(server_target: Target) -> None:
    import psycopg2

    load(server_target, one("t", {"a": "VARCHAR", "b": "VARCHAR"}, "SELECT '1' a, '2' b", "true"))
    with psycopg2.connect(server_target.location) as theirs, theirs.cursor() as cursor:
        cursor.execute(f"CREATE VIEW public.theirs AS SELECT b FROM {DATASET}.t")
    theirs.close()
    with pytest.raises(DestinationError, match="other objects depend on it"):
        load(server_target, one("t", {"a": "VARCHAR"}, "SELECT '3' a", "true"))
    assert rows(server_target, "SELECT * FROM public.theirs") == [("2",)]
    load(server_target, one("t", {"a": "VARCHAR", "b": "VARCHAR"}, "SELECT '5' a, '6' b", "true"))
    assert rows(server_target, "SELECT * FROM public.theirs") == [("6",)]


def test_a_table_can_be_dropped_when_the_view_on_it_is_made_again(server_target: Target, bill: Bill) -> None:
    load(server_target, bill("v1", 5))
    load(server_target, bill("v1", 4, "2024-02"))
    package = bill("v2", 3, "2024-02")
    views = [View(DATASET, "billing", ((DATASET, "billing_2024_02"),))]
    closing = [f"DROP TABLE IF EXISTS {DATASET}.billing_2024_01", *views]
    load(server_target, dataclasses.replace(package, after=lambda sql: closing))
    assert rows(server_target, "SELECT count(*) FROM billing") == [(3,)]


def test_views_match_columns_by_name(server_target: Target) -> None:
    first = one("first", {"a": "VARCHAR", "n": "BIGINT"}, "SELECT 'x' a, 1::BIGINT n", "true")
    second = one("second", {"n": "VARCHAR", "d": "DATE"}, "SELECT 'many' n, DATE '2024-01-01' d", "true", "q")
    view = View(DATASET, "all_rows", ((DATASET, "first"), (DATASET, "second")))
    load(server_target, first)
    load(server_target, dataclasses.replace(second, after=lambda sql: [view]))
    assert rows(server_target, "SELECT a, n, CAST(d AS varchar) FROM all_rows ORDER BY a") == [
        ("x", "1", None), (None, "many", "2024-01-01")
    ]  # fmt: skip


def test_new_columns_of_a_shared_table(server_target: Target) -> None:
    load(server_target, one("t", {"p": "VARCHAR", "a": "BIGINT"}, "SELECT '1' p, 1::BIGINT a", "p = '1'"))
    load(server_target, one("t", {"c": "JSON", "p": "VARCHAR"}, "SELECT '{}'::JSON c, '2' p", "p = '2'", "q"))
    assert rows(server_target, "SELECT p, a, c FROM t ORDER BY p") == [("1", 1, None), ("2", None, "{}")]


def test_a_type_that_would_round_is_refused(server_target: Target) -> None:
    load(
        server_target,
        one("t", {"p": "VARCHAR", "v": "DECIMAL(10,2)"}, "SELECT '1' p, 1.12::DECIMAL(10,2) v", "p = '1'"),
    )
    wider = one(
        "t", {"p": "VARCHAR", "v": "DECIMAL(38,10)"}, "SELECT '1' p, 1.1234567891::DECIMAL(38,10) v", "p = '1'", "q"
    )
    with pytest.raises(DestinationError, match=r"DECIMAL\(10,2\).*DECIMAL\(38,10\)"):
        load(server_target, wider)
    assert rows(server_target, "SELECT * FROM t") == [("1", Decimal("1.12"))]


def test_failures_leave_everything_old(server_target: Target, bill: Bill) -> None:
    def unbalanced(sql: Sql) -> None:
        assert sql.query("SELECT count(*) FROM billing_2024_01") == [(3,)]
        raise BalanceError("totals differ")

    with pytest.raises(BalanceError):
        load(server_target, bill("v1", 3, check=unbalanced))
    with pytest.raises(DataMissing):
        rows(server_target, "SELECT * FROM import_ledger")
    load(server_target, bill("v1", 5))
    package = bill("v2", 3)
    nul = Table("t", {"v": "VARCHAR"}, "SELECT 'a' || chr(0) AS v", None)
    for broken in (
        dataclasses.replace(package, check=unbalanced),
        dataclasses.replace(package, after=lambda sql: ["DELETE FROM cost_rollup", "SELECT 1/0"]),
        dataclasses.replace(package, tables=(*package.tables, nul)),
    ):
        with pytest.raises((BalanceError, DestinationError)):
            load(server_target, broken)
        assert rows(server_target, COMMITTED) == [("v1", 5)]
        assert rows(server_target, "SELECT count(*) FROM billing") == [(5,)]
        assert rows(server_target, "SELECT version FROM cost_rollup") == [("v1",)]
        assert list(server_target.data_dir.iterdir()) == []


def test_readers_see_the_old_rows_until_the_commit(server_target: Target, bill: Bill) -> None:
    load(server_target, bill("v1", 5))
    package, seen = bill("v2", 3), []

    def look(sql: Sql) -> list[str | View]:
        seen.extend(rows(server_target, "SELECT count(*) FROM billing_2024_01"))
        return []

    load(server_target, dataclasses.replace(package, after=look))
    assert seen == [(5,)]
    assert rows(server_target, "SELECT count(*) FROM billing_2024_01") == [(3,)]


def test_loads_take_turns(server_target: Target, bill: Bill) -> None:
    import psycopg2
    from finops_core.load.server import TURN

    holder = psycopg2.connect(server_target.location)
    with holder.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({TURN})")
    told: list[str] = []
    with pytest.raises(DestinationLocked, match=str(holder.info.backend_pid)) as caught:
        load(dataclasses.replace(server_target, lock_wait=0.3), bill("v1", 1), told.append)
    assert "unused" not in caught.value.where
    assert len(told) == 1
    threading.Timer(0.5, holder.rollback).start()
    load(server_target, bill("v1", 1))
    holder.close()


LOAD_ONE = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("shapes", sys.argv[1]); shapes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shapes)
from finops_core.load import Target, load
target = Target.parse(sys.argv[2], Path(sys.argv[3]), lock_wait=60)
load(target, shapes.bill("v1", int(sys.argv[4]), f"2024-0{sys.argv[4]}"))
"""


def test_processes_load_periods_at_once(server_target: Target) -> None:
    shapes = str(Path(__file__).with_name("conftest.py"))
    command = [sys.executable, "-c", LOAD_ONE, shapes, server_target.location, str(server_target.data_dir)]
    workers = [subprocess.Popen([*command, str(month)]) for month in range(1, 4)]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    assert rows(server_target, "SELECT count(*) FROM billing") == [(6,)]
    assert rows(server_target, "SELECT count(*) FROM _dlt_loads") == [(3,)]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")
def test_killed_before_each_statement(server_target: Target, bill: Bill) -> None:
    import finops_core.load.records_postgres  # noqa: F401 (once here instead of in every child)

    load(server_target, bill("v000", 5))
    statement, killed = 0, True
    while killed:
        version = f"v{statement + 1:03}"
        child = os.fork()
        if child == 0:
            try:
                die_before(statement)
                load(server_target, bill(version, 3))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status)
        assert killed or os.WEXITSTATUS(status) == 0
        newest = rows(server_target, COMMITTED)[-1]
        assert newest == (("v000", 5) if killed else (version, 3))
        assert rows(server_target, "SELECT DISTINCT split_part(id, '-', 1), count(*) OVER () FROM billing_2024_01") == [
            newest
        ]
        assert rows(server_target, "SELECT count(*) FROM focus_cost_and_usage") == [(newest[1],)]
        statement += 1
    assert statement > 25
    assert rows(server_target, "SELECT version FROM cost_rollup ORDER BY 1") == [("v000",), (version,)]


def die_before(at: int) -> None:
    """Count every statement of ours and of dlt's on the server, and die before the given one."""
    from finops_core.load import postgres as on_postgres
    from finops_core.load.records_postgres import Statements
    from finops_core.load.server import PostgresSql

    count = iter(range(10**9))

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if next(count) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return run

    Statements.execute_query = counted(Statements.execute_query)  # type: ignore[method-assign]
    PostgresSql.query = counted(PostgresSql.query)  # type: ignore[method-assign]
    on_postgres._copy_in = counted(on_postgres._copy_in)


def test_reading_cannot_write(server_target: Target, bill: Bill) -> None:
    load(server_target, bill("v1", 1))
    with pytest.raises(DestinationError, match="read-only"), connect_readonly(server_target) as sql:
        sql.run(f"DELETE FROM {DATASET}.billing_2024_01")


def test_parameters_are_bound(server_target: Target, bill: Bill) -> None:
    load(server_target, bill("v1", 3))
    assert rows(server_target, "SELECT id FROM billing_2024_01 WHERE id LIKE 'v1-%' AND id = ?", "v1-1") == [("v1-1",)]
    assert rows(server_target, "SELECT count(*) FROM billing_2024_01 WHERE id = ?", "' OR true --") == [(0,)]


def test_a_server_that_cannot_be_used(server_target: Target, bill: Bill) -> None:
    elsewhere = dataclasses.replace(server_target, location="postgresql://ann:s3cret@127.0.0.1:9/bills")
    with pytest.raises(DestinationError) as caught:
        load(elsewhere, bill("v1", 1))
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    assert "Connection refused" in caught.value.what
    nobody = dataclasses.replace(server_target, location=server_target.location.replace("postgres:unused", "nobody:x"))
    with pytest.raises(AccessError), connect_readonly(nobody):
        pass
