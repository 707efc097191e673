"""What finops_core.load relies on in dlt beyond its documentation; each test fails when dlt changes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import DestinationError
from finops_core.load import Package, Target, load, read_rows

Bill = Callable[..., Package]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that dlt runs."""
    from finops_core.load.records_duckdb import Statements

    seen: list[str] = []
    original = Statements.execute_query

    @contextmanager
    def noted(self: Any, query: str, *args: Any, **kwargs: Any) -> Iterator[Any]:
        seen.append(" ".join(query.split()))
        with original(self, query, *args, **kwargs) as cursor:
            yield cursor

    monkeypatch.setattr(Statements, "execute_query", noted)
    return seen


def test_dlt_loads_no_rows_and_touches_no_other_table(target: Target, bill: Bill, statements: list[str]) -> None:
    load(target, bill("v1", 5))
    statements.clear()
    load(target, bill("v2", 3))
    verbs = {statement.split()[0] for statement in statements}
    assert verbs == {"SELECT", "INSERT"}, statements
    written = [statement for statement in statements if statement.startswith("INSERT")]
    assert len(written) == 1
    assert "_dlt_loads" in written[0]


def test_dlt_creates_exactly_the_tables_of_the_package_and_its_two_own(target: Target, bill: Bill) -> None:
    load(target, bill("v1", 5))
    tables = "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1"
    assert [name for (name,) in read_rows(target, "acme_billing", tables)] == [
        "_dlt_loads", "_dlt_version", "billing_2024_01", "cost_rollup", "focus_cost_and_usage", "import_ledger"
    ]  # fmt: skip


def test_dlts_client_asks_its_sql_client_for_connection_and_transactions(
    target: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finops_core.load.records import InOurTransaction

    asked: list[str] = []
    for name in ("open_connection", "close_connection", "begin_transaction"):
        original = getattr(InOurTransaction, name)

        def noted(self: Any, *, name: str = name, original: Any = original) -> Any:
            asked.append(name)
            return original(self)

        monkeypatch.setattr(InOurTransaction, name, noted)
    load(target, bill("v1", 1))
    assert set(asked) == {"open_connection", "close_connection", "begin_transaction"}


def test_a_commit_by_dlt_itself_would_be_noticed(target: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    from finops_core.load.records_duckdb import Client

    monkeypatch.setattr(Client, "complete_load", lambda self, load_id: self.sql_client.commit_transaction())
    with pytest.raises(DestinationError, match="commit"):
        load(target, bill("v1", 1))


def test_complete_load_writes_the_record_with_status_0(target: Target, bill: Bill) -> None:
    loaded = load(target, bill("v1", 1))
    record = """SELECT load_id, l.schema_name, status, v.version FROM _dlt_loads l
        JOIN _dlt_version v ON version_hash = schema_version_hash"""
    assert read_rows(target, "acme_billing", record) == [(loaded.load_id, "acme_main_2024_01", 0, 2)]


def test_an_error_inside_dlt_is_followed_to_its_cause(target: Target, bill: Bill) -> None:
    import duckdb

    load(target, bill("v1", 1))
    with duckdb.connect(target.location) as connection:
        connection.execute("DROP TABLE acme_billing.import_ledger")
        connection.execute("CREATE VIEW acme_billing.import_ledger AS SELECT 1 AS version")
    with pytest.raises(duckdb.CatalogException, match="Can only modify view"):
        load(target, bill("v2", 1))


SEALED = """
import socket, sys
from pathlib import Path
def refuse(*args, **kwargs):
    raise SystemExit(f"a socket was used: {args}")
socket.socket.connect = socket.getaddrinfo = socket.gethostbyname = refuse
from finops_core.load import Package, Table, Target, load
table = Table("t", {"n": "BIGINT"}, "SELECT 1::BIGINT AS n", "true")
loaded = load(Target.parse("duckdb", Path(sys.argv[1])), Package("acme_billing", "p", (table,), lambda sql: None))
import time; time.sleep(0.3)  # telemetry would be sent from a thread
print(loaded.rows["t"])
"""


@pytest.mark.parametrize("config", ["not toml [", '[load]\nworkers = "many"\n[runtime]\ndlthub_telemetry = true\n'])
def test_neither_network_nor_home_nor_dlts_own_configuration(tmp_path: Path, config: str) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    for folder in (home / ".dlt", tmp_path / ".dlt"):
        folder.mkdir(parents=True)
        for name in ("config.toml", "secrets.toml"):
            (folder / name).write_text(config)
    before = sorted(tmp_path.rglob("*"))
    hostile = {
        "HOME": str(home), "LOAD__WORKERS": "no number",
        "RUNTIME__DLTHUB_TELEMETRY": "true", "RUNTIME__LOG_LEVEL": "DEBUG",
        "RESTORE_FROM_DESTINATION": "true", "DATASET_NAME_LAYOUT": "their_%s", "PIPELINES_DIR": str(home / "theirs"),
        "SCHEMA__NAMING": "snake_case", "DESTINATION__NAMING_CONVENTION": "snake_case",
    }  # fmt: skip
    command = [sys.executable, "-c", SEALED, str(data)]
    environment = {**os.environ, **hostile}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)
    assert sorted(set(tmp_path.rglob("*")) - set(before)) == [data, data / "finops.duckdb"]


def test_a_program_that_uses_dlt_itself_keeps_its_own_context(target: Target, bill: Bill) -> None:
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    theirs = Container()[PluggableRunContext]
    load(target, bill("v1", 1))
    assert Container()[PluggableRunContext] is theirs
