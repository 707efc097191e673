"""SIGKILL at any instant: the old period or the new one stands, and a plain second run repairs the rest."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import DataMissing
from finops_core.load import Package, Target, load, read_rows
from finops_core.load import embedded as on_duckdb

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")

Bill = Callable[..., Package]
NEW = [("v1", 5, Decimal("0.5")), ("v2", 3, Decimal("0.3"))]
COMMITTED = """
    SELECT l.version, l.row_count,
           (SELECT sum(r.cost) FROM cost_rollup r WHERE r.version = l.version AND r.period = l.period)
    FROM import_ledger l JOIN _dlt_loads d ON d.load_id = l._dlt_load_id AND d.status = 0
    WHERE l.period = '2024-01' ORDER BY 1"""


def state(target: Target) -> str:
    """ "none", "old" or "new"; fails when tables disagree."""
    try:
        ledger = read_rows(target, "acme_billing", COMMITTED)
    except DataMissing:
        ledger = []
    if not ledger:
        with pytest.raises(DataMissing):
            read_rows(target, "acme_billing", "SELECT * FROM billing_2024_01")
        return "none"
    version = ledger[-1][0]
    raw = read_rows(target, "acme_billing", "SELECT DISTINCT id[:2], count(*) OVER () FROM billing_2024_01")
    focus = "SELECT count(*) FROM focus_cost_and_usage WHERE \"x_BillingPeriod\" = '2024-01'"
    assert raw[0][0] == version
    assert read_rows(target, "acme_billing", focus) == [(ledger[-1][1],)]
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM cost_rollup WHERE period = '2024-01'") == [
        (len(ledger),)
    ]
    return {"v1": "old", "v2": "new"}[version]


def killed_child(target: Target, package: Package, at: int) -> bool:
    """Load in a child that is killed before its statement `at`; False when it had no so many."""
    child = os.fork()
    if child == 0:
        try:
            kill_before(at)
            load(target, package)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def kill_before(at: int) -> None:
    """Count every statement of ours and of dlt's, and die before the given one."""
    from finops_core.load.records_duckdb import Statements

    count = iter(range(10**9))

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if next(count) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return run

    Statements.execute_query = counted(Statements.execute_query)  # type: ignore[method-assign]
    on_duckdb.DuckDbSql.query = counted(on_duckdb.DuckDbSql.query)  # type: ignore[method-assign]


@pytest.mark.slow
@pytest.mark.parametrize("before", ["none", "old"])
def test_killed_before_each_statement(target: Target, bill: Bill, tmp_path: Path, before: str) -> None:
    import finops_core.load.records_duckdb  # noqa: F401 (once here instead of in every child)

    load(target, bill("v1", 4, "2024-02"))
    if before == "old":
        load(target, bill("v1", 5))
    start = tmp_path / "start.duckdb"
    shutil.copy(target.path, start)
    seen, statement = [], 0
    while True:
        shutil.copy(start, target.path)
        target.path.with_name("finops.duckdb.wal").unlink(missing_ok=True)
        killed = killed_child(target, bill("v2", 3), statement)
        seen.append(state(target))
        if not killed:
            break
        statement += 1 if before == "old" else 4
        if before == "none":
            continue  # the repair is the same, and seen to work below
        load(target, bill("v2", 3))
        assert state(target) == "new"
        assert read_rows(target, "acme_billing", COMMITTED) == NEW
        assert read_rows(target, "acme_billing", "SELECT count(*) FROM billing_2024_02") == [(4,)]
        assert [path.name for path in target.data_dir.iterdir()] == ["finops.duckdb"]
    assert statement > 20, "the sweep saw too few statements to mean anything"
    assert seen == [before] * (len(seen) - 1) + ["new"]


BIG = 150_000
LOAD_BIG = """
import sys
from pathlib import Path
from finops_core.load import Package, Table, Target, load
target = Target.parse("duckdb", Path(sys.argv[1]), lock_wait=10)
version, rows = sys.argv[2], int(sys.argv[3])
columns = {"version": "VARCHAR", **{f"c{n}": "VARCHAR" for n in range(20)}}
select = f"SELECT '{version}' AS version, " + ", ".join(f"hash(range + {n})::VARCHAR c{n}" for n in range(20))
count = "SELECT '{}' AS version, count(*)::BIGINT AS n FROM bill".format(version)
print("ready", flush=True)
load(target, Package("acme_billing", "acme_main", (
    Table("bill", columns, f"{select} FROM range({rows})", "true"),
    Table("counts", {"version": "VARCHAR", "n": "BIGINT"}, count, f"version = '{version}'"),
), lambda sql: None))
print("done", flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_while_many_rows_are_written(tmp_path: Path) -> None:
    import subprocess

    def start(version: str, rows: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", LOAD_BIG, str(tmp_path), version, str(rows)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    target = Target.parse("duckdb", tmp_path, lock_wait=10)
    began = time.monotonic()
    assert start("v0", BIG).wait() == 0
    lasts, chance = time.monotonic() - began, random.Random(7)
    standing = ("v0", BIG)
    for round_ in range(1, 6):
        process = start(f"v{round_}", BIG - round_)
        time.sleep(chance.uniform(0.5, 1.05) * lasts)
        process.kill()
        process.communicate()
        [found] = read_rows(target, "acme_billing", "SELECT version, count(*) FROM bill GROUP BY 1")
        assert found in (standing, (f"v{round_}", BIG - round_))
        assert (found,) == tuple(
            read_rows(target, "acme_billing", "SELECT * FROM counts ORDER BY version DESC LIMIT 1")
        )
        standing = found
    assert start("v7", 10).wait() == 0
    assert read_rows(target, "acme_billing", "SELECT version, count(*) FROM bill GROUP BY 1") == [("v7", 10)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["finops.duckdb"]
