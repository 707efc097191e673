"""Full disks, too little memory, interrupts: said plainly, and nothing changed."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finops_core.errors import DestinationError, DiskFull
from finops_core.load import Package, Table, Target, load, read_rows
from finops_core.load.failures import explained
from finops_core.stage import staging_folder

Bill = Callable[..., Package]
WIDE = {"a": "VARCHAR", "b": "VARCHAR"}


def much(rows: int) -> Package:
    select = f"SELECT md5(range::VARCHAR) AS a, md5('x' || range) AS b FROM range({rows})"
    return Package("acme_billing", "p", (Table("t", WIDE, select, "true"),), lambda sql: None)


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 16 MB, as on a disk that is nearly full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 20, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_the_old_rows(target: Target) -> None:
    load(target, much(10))
    with pytest.raises(DiskFull) as caught:
        load(target, much(2_000_000))
    assert caught.value.exit_code == 1
    assert target.shown in caught.value.where
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM t") == [(10,)]
    load(target, much(20))
    assert read_rows(target, "acme_billing", "SELECT count(*) FROM t") == [(20,)]


@pytest.mark.skipif(not Path("/dev/shm").is_dir() or os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        target = Target.parse("duckdb", disk / "data", memory_limit="100MB")
        load(target, much(10))
        for rows in (900_000, 3_000_000):
            with pytest.raises(DiskFull):
                load(target, much(rows))
            assert read_rows(target, "acme_billing", "SELECT count(*) FROM t") == [(10,)]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_no_room_for_dlts_own_files_is_a_full_disk(target: Target) -> None:
    for code in (errno.ENOSPC, errno.EDQUOT):
        assert isinstance(explained(OSError(code, os.strerror(code)), target), DiskFull)
    assert explained(FileNotFoundError(errno.ENOENT, "gone"), target) is None


def test_too_little_memory_says_so(target: Target) -> None:
    import duckdb

    told = explained(duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"), target)
    assert type(told) is DestinationError
    assert "2GB" in told.what
    spilled = "Out of Memory Error: failed to offload data block\nset by the 'max_temp_directory_size' setting."
    assert isinstance(explained(duckdb.OutOfMemoryException(spilled), target), DiskFull)


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from finops_core.load import Package, Table, Target, load
slow = "SELECT count(*) AS n FROM range(10000000000) t(i) WHERE md5(i::VARCHAR) = 'x'"
def check(sql):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    sql.query(slow)
tables = (Table("t", {"n": "BIGINT"}, "SELECT 1::BIGINT AS n", "true"),)
try:
    load(Target.parse("duckdb", Path(sys.argv[1])), Package("acme_billing", "p", tables, check))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_in_a_long_statement_is_an_interrupt(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "interrupted\n", done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["finops.duckdb"]


def test_ctrl_c_inside_dlt_is_an_interrupt(target: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    from finops_core.load.records_duckdb import Client

    def interrupted(*args: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Client, "complete_load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(target, bill("v1", 1))


def test_what_dlt_refuses_is_a_destination_error(target: Target, bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlt.common.destination.exceptions import DestinationTerminalException
    from finops_core.load.records_duckdb import Client

    def refuse(*args: object) -> None:
        raise DestinationTerminalException("not today")

    monkeypatch.setattr(Client, "complete_load", refuse)
    with pytest.raises(DestinationError, match="not today"):
        load(target, bill("v1", 1))


@pytest.mark.parametrize("text", ["duckdb", "file/below/x.duckdb"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    target = Target.parse(text, tmp_path / ("file/below" if text == "duckdb" else "data"))
    with pytest.raises(DestinationError, match="cannot be written to") as caught:
        load(target, much(1))
    assert caught.value.where.endswith("file/below")
    assert "project.data_dir" in caught.value.hint


def test_a_staging_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="cannot be written to"), staging_folder(tmp_path / "file"):
        pass


def test_what_is_no_database_is_not_put_down_to_the_bill(target: Target) -> None:
    target.path.parent.mkdir(parents=True, exist_ok=True)
    target.path.write_bytes(b"no database" * 10_000)
    with pytest.raises(DestinationError, match="not a valid DuckDB database") as caught:
        load(target, much(1))
    assert caught.value.hint
