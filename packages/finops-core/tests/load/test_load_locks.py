"""A DuckDB file that another process holds is a normal event."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from finops_core.errors import DestinationError, DestinationLocked
from finops_core.load import Package, Target, connect_readonly, load, read_rows

Bill = Callable[..., Package]
HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def hold(target: Target, bill: Bill) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    load(target, bill("v1", 5))
    holders: list[subprocess.Popen[str]] = []

    def start(kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, target.location, kind]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()
        for stream in (holder.stdin, holder.stdout):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_a_load_names_the_process_that_holds_the_file(
    target: Target, bill: Bill, hold: Callable[..., object], kind: str
) -> None:
    holder = hold(kind)
    told: list[str] = []
    with pytest.raises(DestinationLocked) as caught:
        load(dataclasses.replace(target, lock_wait=0.3), bill("v2", 3), told.append)
    assert f"process {holder.pid} " in caught.value.what  # type: ignore[attr-defined]
    assert caught.value.where == target.shown
    assert len(told) == 1
    assert str(holder.pid) in told[0]  # type: ignore[attr-defined]


def test_a_reader_waits_for_a_writer_and_not_for_readers(target: Target, hold: Callable[..., object]) -> None:
    impatient = dataclasses.replace(target, lock_wait=0.0)
    hold("reader")
    assert read_rows(impatient, "acme_billing", "SELECT count(*) FROM billing_2024_01") == [(5,)]


def test_a_reader_is_told_who_writes(target: Target, hold: Callable[..., object]) -> None:
    holder = hold("writer")
    with (
        pytest.raises(DestinationLocked, match=str(holder.pid)),  # type: ignore[attr-defined]
        connect_readonly(dataclasses.replace(target, lock_wait=0.2)),
    ):
        pass


def test_a_load_goes_on_when_the_holder_lets_go(target: Target, bill: Bill, hold: Callable[..., object]) -> None:
    holder = hold("writer")

    def let_go(message: str) -> None:
        holder.stdin.close()  # type: ignore[attr-defined]

    load(target, bill("v2", 3), let_go)
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM billing_2024_01") == [(3,)]


def test_a_reader_of_this_very_process_is_waited_for(target: Target, bill: Bill) -> None:
    load(target, bill("v1", 5))
    with connect_readonly(target), pytest.raises(DestinationLocked):
        load(dataclasses.replace(target, lock_wait=0.2), bill("v2", 3))
    load(target, bill("v2", 3))


LOAD_ONE = """
import importlib.util, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
spec = importlib.util.spec_from_file_location("shapes", sys.argv[1]); shapes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shapes)
from finops_core.load import Target, load
target = Target.parse("duckdb", Path(sys.argv[2]), lock_wait=60)
for version in ("v1", "v2"):
    load(target, shapes.bill(version, int(sys.argv[3]), f"2024-0{sys.argv[3]}"))
"""


def test_four_processes_load_four_periods_at_once(target: Target) -> None:
    shapes = str(Path(__file__).with_name("conftest.py"))
    command = [sys.executable, "-c", LOAD_ONE, shapes, str(target.data_dir)]
    workers = [subprocess.Popen([*command, str(month)]) for month in range(1, 5)]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0, 0]
    counts = 'SELECT "x_BillingPeriod", count(*) FROM focus_cost_and_usage GROUP BY 1 ORDER BY 1'
    assert read_rows(target, "acme_billing", counts) == [(f"2024-0{month}", month) for month in range(1, 5)]
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM cost_rollup") == [(8,)]
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM _dlt_loads WHERE status = 0") == [(8,)]


def test_threads_of_one_process_take_turns(target: Target, bill: Bill) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda month: load(target, bill("v1", month, f"2024-0{month}")), range(1, 5)))
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM focus_cost_and_usage") == [(10,)]


def test_what_is_not_a_database_is_not_overwritten(target: Target, bill: Bill) -> None:
    target.data_dir.mkdir(parents=True)
    target.path.write_text("my precious notes" * 500)
    with pytest.raises(DestinationError, match="not a valid DuckDB database"):
        load(target, bill("v1", 1))
    with pytest.raises(DestinationError), connect_readonly(target):
        pass
    assert target.path.read_text().startswith("my precious notes")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, bill: Bill) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(DestinationError):
        load(Target.parse("duckdb", tmp_path / "locked" / "data"), bill("v1", 1))
