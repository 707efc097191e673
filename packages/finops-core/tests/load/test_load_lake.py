"""Loading into a data lake on this machine: the same rows as in DuckDB, a period whole or not at all."""

from __future__ import annotations

import dataclasses
import errno
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import BalanceError, ConfigError, DataMissing, DestinationError, DiskFull
from finops_core.load import Package, Sql, Table, Target, connect_readonly, load, read_rows
from finops_core.load.lake import Store, moment, opened_store, snapshot

Bill = Callable[..., Package]
DATASET = "acme_billing"
COMMITTED = """
    SELECT l.version, l.row_count FROM import_ledger l JOIN _dlt_loads d ON d.load_id = l._dlt_load_id AND d.status = 0
    WHERE l.period = '2024-01' ORDER BY 1"""


@pytest.fixture
def lake(tmp_path: Path) -> Target:
    return Target.parse((tmp_path / "a lake").as_uri(), tmp_path / "data", lock_wait=10.0)


def rows(target: Target, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return read_rows(target, DATASET, sql, *parameters)


def one(name: str, columns: dict[str, str], select: str, replaces: str | None, month: str = "2024-01") -> Package:
    pipeline = f"p_{month.replace('-', '_')}"
    return Package(DATASET, pipeline, (Table(name, columns, select, replaces),), lambda sql: None)


def files(target: Target) -> list[Path]:
    return sorted(opened_root(target).rglob("*.parquet"))


def opened_root(target: Target) -> Path:
    return Path(opened_store(target).root)


def everything(target: Target) -> Mapping[str, list[tuple[Any, ...]]]:
    """The rows of every table and view, but for load ids."""
    tables = {
        "billing": "*", "billing_2024_01": "*", "focus_cost_and_usage": "*", "cost_rollup": "*",
        "import_ledger": "* EXCLUDE (_dlt_load_id)",
    }  # fmt: skip
    found = {name: sorted(rows(target, f"SELECT {columns} FROM {name}"), key=repr) for name, columns in tables.items()}
    return {**found, "committed": rows(target, COMMITTED)}


def test_the_same_stands_there_as_in_duckdb(target: Target, lake: Target, bill: Bill) -> None:
    for package in (bill("v1", 5), bill("v1", 4, "2024-02"), bill("v2", 3), bill("v2", 2, "2024-02")):
        assert load(lake, package).rows == load(target, package).rows
        assert lake.in_duckdb
    assert everything(lake) == everything(target)
    with connect_readonly(lake) as there, connect_readonly(target) as here:
        for table in ("billing_2024_01", "billing", "focus_cost_and_usage", "import_ledger"):
            assert there.columns(DATASET, table) == here.columns(DATASET, table)
    assert list(lake.data_dir.iterdir()) == [target.path]


def test_the_folders_are_those_that_other_engines_expect(lake: Target, bill: Bill) -> None:
    loaded = load(lake, bill("v1", 5))
    for path in files(lake):
        dataset, table, partition, name = path.relative_to(opened_root(lake)).parts
        assert (dataset, partition) == (DATASET, "billing_period=2024-01")
        assert name.startswith(f"{loaded.load_id}.")
        assert table in loaded.rows
    [record] = (opened_root(lake) / DATASET / "_dlt_loads").iterdir()
    assert json.loads(record.read_text())["load_id"] == loaded.load_id
    assert json.loads(record.read_text())["status"] == 0


def test_no_rows_empty_the_period(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    load(lake, bill("v2", 0))
    for table in ("billing_2024_01", "focus_cost_and_usage", "billing"):
        assert rows(lake, f"SELECT count(*) FROM {table}") == [(0,)]
    assert "cost" in read_columns(lake, "billing_2024_01")


def read_columns(target: Target, table: str) -> dict[str, str]:
    with connect_readonly(target) as sql:
        return sql.columns(DATASET, table)


HARD = ["", "NULL", '"', "a,b", "tab\there", "cr\rlf\r\n", "ünï©ode 𝄞", "'", "\\", "{}", " lead and trail "]


def test_every_value_arrives_as_it_is(target: Target, lake: Target) -> None:
    columns = {
        "t": "VARCHAR", "c": "DECIMAL(38,18)", "at": "TIMESTAMP", "d": "DATE", "b": "BOOLEAN", "n": "BIGINT",
        "f": "DOUBLE", "j": "JSON", "x_" + "lång" * 20: "VARCHAR", "Mixed/Case :x": "VARCHAR",
    }  # fmt: skip
    texts = ", ".join("('" + text.replace("'", "''") + "')" for text in HARD)
    select = f"""SELECT t, CAST('-12345678901234567890.123456789012345678' AS DECIMAL(38,18)) AS c,
        TIMESTAMP '2024-03-31 02:30:00.000001' AS "at", DATE '0099-02-28' AS d, false AS b,
        CAST(-9223372036854775808 AS BIGINT) AS n, CAST(0.1 AS DOUBLE) + 0.2 AS f,
        json_object('k', t) AS j, t AS "x_{"lång" * 20}", t AS "Mixed/Case :x" FROM (VALUES {texts}, (NULL)) v(t)"""
    for place in (target, lake):
        load(place, one("t", columns, select, "true"))
    assert sorted(rows(lake, "SELECT * FROM t"), key=repr) == sorted(rows(target, "SELECT * FROM t"), key=repr)
    assert read_columns(lake, "t") == columns


def test_many_rows_make_several_files(lake: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    from finops_core.load import write_lake

    monkeypatch.setattr(write_lake, "FILE_SIZE", "200KB")
    select = "SELECT hash(range)::VARCHAR AS a, 0.1::DECIMAL(38,18) AS c FROM range(300000)"
    load(lake, one("t", {"a": "VARCHAR", "c": "DECIMAL(38,18)"}, select, "true"))
    assert len(files(lake)) > 1
    assert rows(lake, "SELECT count(*), count(DISTINCT a), sum(c) FROM t") == [(300_000, 300_000, Decimal(30_000))]


def test_a_table_replaced_whole_has_exactly_the_new_columns(lake: Target) -> None:
    load(lake, one("billing_2024_01", {"a": "VARCHAR", "gone": "BIGINT"}, "SELECT 'x' a, 1::BIGINT gone", "true"))
    load(lake, one("billing_2024_01", {"k": "DECIMAL(38,18)"}, "SELECT 1::DECIMAL(38,18) k", "true"))
    assert read_columns(lake, "billing") == {"k": "DECIMAL(38,18)"}


def test_columns_of_a_shared_table_come_and_go(lake: Target) -> None:
    load(lake, one("t", {"p": "VARCHAR", "a": "BIGINT"}, "SELECT '1' p, 1::BIGINT a", "p = '1'"))
    load(lake, one("t", {"c": "JSON", "p": "VARCHAR"}, "SELECT '{}'::JSON c, '2' p", "p = '2'", "2024-02"))
    assert rows(lake, "SELECT p, a, c FROM t ORDER BY p") == [("1", 1, None), ("2", None, "{}")]


def test_a_type_that_would_round_is_refused(lake: Target) -> None:
    load(lake, one("t", {"v": "DECIMAL(10,2)"}, "SELECT 1.12::DECIMAL(10,2) v", "false"))
    load(lake, one("t", {"w": "BIGINT"}, "SELECT 1::BIGINT w", "false", "2024-02"))
    wider = one("t", {"v": "DECIMAL(38,10)"}, "SELECT 1.1234567891::DECIMAL(38,10) v", "false", "2024-03")
    with pytest.raises(DestinationError, match=r"DECIMAL\(10,2\).*DECIMAL\(38,10\)"):
        load(lake, wider)
    assert rows(lake, "SELECT v FROM t WHERE v IS NOT NULL") == [(Decimal("1.12"),)]


def test_what_an_earlier_load_had_more_of_is_gone_but_for_the_history(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    whole = bill("v2", 3)
    load(lake, dataclasses.replace(whole, tables=(whole.tables[0], whole.tables[3])))
    assert rows(lake, COMMITTED) == [("v1", 5), ("v2", 3)]
    assert rows(lake, "SELECT version, cost FROM cost_rollup") == [("v1", Decimal("0.5"))]
    with pytest.raises(DataMissing):
        rows(lake, "SELECT * FROM focus_cost_and_usage")


def test_rows_are_only_added_to_a_table_with_a_history(lake: Target, bill: Bill) -> None:
    with pytest.raises(ValueError, match="import_ledger"):
        load(lake, dataclasses.replace(bill("v1", 1), history=()))


def test_nothing_is_there_before_the_first_load(lake: Target) -> None:
    with pytest.raises(DataMissing):
        rows(lake, "SELECT 1")
    assert not opened_root(lake).exists()


def test_failures_leave_everything_old(lake: Target, bill: Bill) -> None:
    def unbalanced(sql: Sql) -> None:
        assert sql.query("SELECT count(*) FROM billing_2024_01") == [(3,)]
        raise BalanceError("totals differ")

    with pytest.raises(BalanceError):
        load(lake, bill("v1", 3, check=unbalanced))
    assert files(lake) == []
    load(lake, bill("v1", 5))
    before = files(lake)
    with pytest.raises(BalanceError):
        load(lake, bill("v2", 3, check=unbalanced))
    assert files(lake) == before
    assert rows(lake, COMMITTED) == [("v1", 5)]
    assert list(lake.data_dir.iterdir()) == []


def test_a_file_that_did_not_arrive_whole_is_noticed(lake: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileSystem

    load(lake, bill("v1", 5))
    original = LocalFileSystem.put_file

    def short(self: Any, source: str, place: str, *args: Any, **kwargs: Any) -> None:
        original(self, source, place, *args, **kwargs)
        if "focus_cost" in place:
            os.truncate(place, 100)

    monkeypatch.setattr(LocalFileSystem, "put_file", short)
    with pytest.raises(DestinationError, match="not those that were written"):
        load(lake, bill("v2", 3))
    assert rows(lake, COMMITTED) == [("v1", 5)]
    assert rows(lake, "SELECT count(*) FROM billing") == [(5,)]
    monkeypatch.undo()
    load(lake, bill("v2", 3))
    assert len(files(lake)) == 4, "what the failed load left is gone too"


def test_no_room_left(lake: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(LocalFileSystem, "put_file", full)
    with pytest.raises(DiskFull):
        load(lake, bill("v1", 5))


def test_old_files_that_cannot_be_removed_do_not_fail_the_load(
    lake: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def refused(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    load(lake, bill("v1", 5))
    told: list[str] = []
    monkeypatch.setattr(LocalFileSystem, "rm", refused)
    load(lake, bill("v2", 3), told.append)
    assert "not yours" in told[0]
    assert rows(lake, "SELECT count(*) FROM billing") == [(3,)]
    monkeypatch.undo()
    load(lake, bill("v1", 1, "2024-02"))
    assert len(files(lake)) == 8, "the next load removes them, also of another month"


def as_if_loaded(target: Target, seconds: int) -> None:
    """Give the newest load a twin whose id is that much later."""
    lake = snapshot(opened_store(target), target)
    newest = max(lake.loads[DATASET], key=moment)
    later = str(moment(newest) + seconds)
    for path in opened_root(target).rglob(f"*{newest}*"):
        shutil.copy(path, path.with_name(path.name.replace(newest, later)))


def test_the_latest_load_counts_whoever_ends_first(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    as_if_loaded(lake, seconds=3600)
    with pytest.raises(DestinationError, match="later load") as caught:
        load(lake, bill("v2", 3))
    assert "clock" in caught.value.hint
    assert rows(lake, "SELECT count(*) FROM billing") == [(5,)]
    assert len(rows(lake, "SELECT * FROM _dlt_loads")) == 2


def test_files_of_a_load_that_runs_are_left_alone(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    running = files(lake)[0]
    unrecorded = running.with_name("9999999999.5.abc.parquet")
    shutil.copy(running, unrecorded)
    foreign = running.with_name("notes.parquet")
    shutil.copy(running, foreign)
    load(lake, bill("v2", 3))
    assert unrecorded.exists()
    assert foreign.exists()
    assert not running.exists()
    assert rows(lake, "SELECT count(*) FROM billing") == [(3,)]
    assert rows(lake, COMMITTED) == [("v1", 5), ("v2", 3)]


def test_a_reader_that_meets_a_load_sees_the_old_month_or_the_new_one(
    lake: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, bill("v1", 5))
    meanwhile: Iterator[Callable[[], Any]] = iter([lambda: None, lambda: load(lake, bill("v2", 3))])
    original = Store.sizes

    def sizes(self: Store, folder: str) -> dict[str, int]:
        found = original(self, folder)
        monkeypatch.setattr(Store, "sizes", original)
        next(meanwhile, lambda: None)()
        monkeypatch.setattr(Store, "sizes", sizes)
        return found

    next(meanwhile)
    monkeypatch.setattr(Store, "sizes", sizes)
    assert rows(lake, "SELECT count(*), min(id[:2]), max(id[:2]) FROM billing") == [(3, "v2", "v2")]


def test_a_month_replaced_while_it_is_read_is_an_error_and_no_wrong_sum(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    with pytest.raises(DestinationError) as caught, connect_readonly(lake) as sql:
        load(lake, bill("v2", 3))
        sql.query(f"SELECT count(*) FROM {DATASET}.billing")
    assert "run the command again" in caught.value.hint


def test_a_question_opens_only_the_files_that_it_needs(lake: Target, bill: Bill) -> None:
    load(lake, bill("v1", 5))
    for path in files(lake):
        if "import_ledger" not in path.parts:
            path.write_bytes(b"no Parquet")
    assert rows(lake, COMMITTED) == [("v1", 5)]
    tables = f"SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{DATASET}' ORDER BY 1"
    with connect_readonly(lake) as sql:
        assert sql.query(tables) == [
            (name, "BASE TABLE")
            for name in ("_dlt_loads", "billing_2024_01", "cost_rollup", "focus_cost_and_usage", "import_ledger")
        ]
    columns = "SELECT column_name FROM information_schema.columns WHERE {} ORDER BY ordinal_position"
    assert rows(lake, columns.format("table_name = ?"), "import_ledger") == [
        ("_dlt_load_id",), ("version",), ("period",), ("row_count",)
    ]  # fmt: skip
    for asked in (columns.format("true"), columns.format("table_name = 'billing'"), "SELECT * FROM billing"):
        with pytest.raises(DestinationError, match="too small to be a Parquet file"):
            rows(lake, asked)
    with pytest.raises(DestinationError, match="too small to be a Parquet file"):
        rows(lake, "SELECT * FROM billing")


def test_reading_reaches_the_lake_and_nothing_else(lake: Target, bill: Bill, tmp_path: Path) -> None:
    import duckdb

    load(lake, bill("v1", 1))
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for reaching in (f"SELECT * FROM read_csv('{tmp_path}/secret.csv')", "SET enable_external_access = true"):
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)), connect_readonly(lake) as sql:
            sql.query(reaching)


LOAD_ONE = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("shapes", sys.argv[1]); shapes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shapes)
from finops_core.load import Target, load
load(Target.parse(sys.argv[2], Path(sys.argv[3])), shapes.bill("v1", int(sys.argv[4]), f"2024-0{sys.argv[4]}"))
"""


def test_processes_load_periods_at_once(lake: Target) -> None:
    shapes = str(Path(__file__).with_name("conftest.py"))
    command = [sys.executable, "-c", LOAD_ONE, shapes, lake.location, str(lake.data_dir)]
    workers = [subprocess.Popen([*command, str(month)]) for month in range(1, 4)]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    assert rows(lake, "SELECT count(*) FROM billing") == [(6,)]
    assert rows(lake, "SELECT count(*) FROM _dlt_loads") == [(3,)]


SEALED = """
import socket, sys
from pathlib import Path
def refuse(*args, **kwargs):
    raise SystemExit(f"a socket was used: {args}")
socket.socket.connect = socket.getaddrinfo = socket.gethostbyname = refuse
from finops_core.load import Package, Table, Target, load
table = Table("t", {"n": "BIGINT"}, "SELECT 1::BIGINT AS n", "true")
loaded = load(Target.parse("filesystem", Path(sys.argv[1])), Package("acme_billing", "p", (table,), lambda sql: None))
import time; time.sleep(0.3)  # telemetry would be sent from a thread
print(loaded.rows["t"])
"""


def test_neither_network_nor_home_nor_dlts_own_configuration(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    (home / ".dlt").mkdir(parents=True)
    (home / ".dlt" / "config.toml").write_text("not toml [")
    hostile = {
        "HOME": str(home), "LOAD__WORKERS": "no number", "RUNTIME__DLTHUB_TELEMETRY": "true",
        "DESTINATION__FILESYSTEM__LAYOUT": "{table_name}/theirs.{file_id}.{ext}",
        "DESTINATION__FILESYSTEM__BUCKET_URL": str(tmp_path / "theirs"), "DATASET_NAME_LAYOUT": "their_%s",
        "DESTINATION__FILESYSTEM__CREDENTIALS": "{}",
    }  # fmt: skip
    command = [sys.executable, "-c", SEALED, str(data)]
    environment = {**os.environ, **hostile}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)
    assert {path.name for path in tmp_path.iterdir()} == {"home", "data"}
    assert {path.name for path in (data / "lake" / "acme_billing").iterdir()} == {
        "init",
        "_dlt_loads",
        "_dlt_version",
        "t",
    }


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")
def test_killed_before_each_step(lake: Target, bill: Bill) -> None:
    import finops_core.load.records_lake  # noqa: F401 (once here instead of in every child)

    load(lake, bill("v000", 5))
    step, killed, seen = 0, True, set()
    while killed:
        version = f"v{step + 1:03}"
        child = os.fork()
        if child == 0:
            try:
                die_before(step)
                load(lake, bill(version, 3))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status)
        assert killed or os.WEXITSTATUS(status) == 0
        newest = rows(lake, COMMITTED)[-1]
        assert newest in (("v000", 5), (version, 3))
        seen.add((killed, newest[0] == version))
        assert rows(lake, "SELECT split_part(id, '-', 1), count(*) FROM billing_2024_01 GROUP BY 1") == [newest]
        assert rows(lake, "SELECT count(*) FROM focus_cost_and_usage") == [(newest[1],)]
        assert [each for (each,) in rows(lake, "SELECT version FROM cost_rollup ORDER BY 1")] == sorted(
            {"v000", newest[0]}
        )
        if newest[0] == version and killed:
            load(lake, bill("v000", 5))  # back to the start
            assert rows(lake, "SELECT DISTINCT version FROM import_ledger ORDER BY 1") == [("v000",), (version,)]
            shutil.rmtree(opened_root(lake))
            load(lake, bill("v000", 5))
        step += 1
    assert step > 25
    assert seen == {(True, False), (True, True), (False, True)}
    assert len(files(lake)) == 4
    assert not list(lake.data_dir.iterdir())


def die_before(at: int) -> None:
    """Count every statement and every change of the lake, and die before the given one, or in the middle of a file."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
    from finops_core.load.embedded import DuckDbSql
    from fsspec.implementations.local import LocalFileSystem

    count = iter(range(10**9))

    def dies() -> None:
        if next(count) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            dies()
            return original(*args, **kwargs)

        return run

    def in_halves(self: Any, source: str, place: str, *args: Any, **kwargs: Any) -> None:
        dies()
        content = Path(source).read_bytes()
        with Path(place).open("wb") as stream:
            stream.write(content[: len(content) // 2])
            stream.flush()
            dies()
            stream.write(content[len(content) // 2 :])

    DuckDbSql.query = counted(DuckDbSql.query)  # type: ignore[method-assign]
    FilesystemClient._write_to_json_file = counted(FilesystemClient._write_to_json_file)
    FilesystemClient.create_dataset = counted(FilesystemClient.create_dataset)
    LocalFileSystem.put_file = in_halves
    LocalFileSystem.rm_file = counted(LocalFileSystem.rm_file)
    LocalFileSystem.rm = counted(LocalFileSystem.rm)
    Store.sizes = counted(Store.sizes)  # type: ignore[method-assign]


@pytest.mark.skipif(importlib.util.find_spec("s3fs") is not None, reason="its package is installed")
def test_storage_whose_package_is_missing(tmp_path: Path, bill: Bill) -> None:
    target = Target.parse("s3://bucket/folder", tmp_path / "data")
    with pytest.raises(ConfigError) as caught:
        load(target, bill("v1", 1))
    assert caught.value.hint == "pip install 'finops-core[s3]'"
