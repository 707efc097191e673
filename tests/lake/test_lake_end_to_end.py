"""Real bills into a data lake, in a folder and on an S3 server on loopback: what stands there is what DuckDB gets.

On S3 where the package for it (`finops-core[s3]`) is installed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest
from finops_core.cli import run
from finops_core.load import Target, connect_readonly, read_rows

Rows = list[tuple[Any, ...]]
DATASET = "aws_billing"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class Project:
    """A user's folder, and where the bills go."""

    folder: Path
    destination: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        return Target.parse(self.destination, self.folder / "data")

    @property
    def settings(self) -> Mapping[str, str]:
        return {"HOME": str(self.folder), "PROJECT_DESTINATION": self.destination, **self.environment}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "finops_core", *arguments]
        env = {name: value for name, value in {**os.environ, "NO_COLOR": "1", **self.settings}.items() if value}
        return subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finops(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """The same in this process, since most of a short run is the import of its packages."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            for name, value in self.settings.items():
                patch.setenv(name, value)
            found = run(list(arguments))
        assert found == code, err.getvalue()
        return subprocess.CompletedProcess(arguments, found, out.getvalue(), err.getvalue())

    def rows(self, table: str, columns: str = "*") -> Rows:
        return sorted(read_rows(self.target, DATASET, f"SELECT {columns} FROM {table}"), key=repr)

    def sums(self) -> dict[str, tuple[int, Decimal]]:
        """Period -> rows and cost of the raw rows."""
        asked = "SELECT billing_period, count(*), sum(line_item_unblended_cost) FROM billing GROUP BY 1"
        return {period: (rows, cost) for period, rows, cost in read_rows(self.target, DATASET, asked)}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, (tmp_path / "lake").as_uri())


@dataclass(frozen=True)
class Bills:
    """A generated tree: the flags that import it, and the truth about it: period -> rows and cost."""

    folder: Path
    flags: tuple[str, ...]

    @property
    def truth(self) -> dict[str, tuple[int, Decimal]]:
        periods = json.loads((self.folder / "truth.json").read_text())["periods"]
        return {
            period: (of["rows"], sum(map(Decimal, of["UnblendedCost"].values()), Decimal(0)))
            for period, of in periods.items()
        }


def generated(folder: Path, redeliver: Period | None = None) -> Bills:
    settings = Aws.sample(SampleRequest(folder, "cur-v2-csv", months=2, rows=1500, seed=3, redeliver=redeliver))
    return Bills(folder, tuple(f"--{name.replace('_', '-')}={value}" for name, value in settings.items()))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Bills:
    return generated(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Bills:
    """The same bills with February delivered once more, restated."""
    return generated(tmp_path_factory.mktemp("after"), Period(2024, 2))


TABLES = {
    "billing": "*",
    "focus_cost_and_usage": "*",
    "cost_rollup": "*",
    "column_names": "*",
    "import_ledger": "* EXCLUDE (_dlt_load_id, loaded_at)",
    "focus.cost_and_usage": '"BilledCost", "x_BillingPeriod"',
}


def same(lake: Project, other: Project) -> None:
    """Every row of every table, to the last digit, and every column's type."""
    for table, columns in TABLES.items():
        assert lake.rows(table, columns) == other.rows(table, columns), table
    with connect_readonly(lake.target) as there, connect_readonly(other.target) as here:
        for table in ("billing", "focus_cost_and_usage", "cost_rollup", "column_names", "import_ledger"):
            assert there.columns(DATASET, table) == here.columns(DATASET, table), table


@pytest.mark.parametrize("strategy", ["separate", "single"])
def test_a_lake_gets_what_duckdb_gets(
    project: Project, tmp_path: Path, before: Bills, after: Bills, strategy: str
) -> None:
    beside = Project(tmp_path, str(tmp_path / "beside.duckdb"))
    for place in (project, beside):
        place.finops("aws", "import-cur", *before.flags, f"--table-strategy={strategy}")
    assert project.sums() == before.truth
    same(project, beside)
    files = standing(tmp_path / "lake")
    again = project.finops("aws", "import-cur", *before.flags, f"--table-strategy={strategy}")
    assert "nothing to do" in again.stderr
    assert standing(tmp_path / "lake") == files
    for place in (project, beside):
        done = place.finops("aws", "import-cur", *after.flags, f"--table-strategy={strategy}")
        assert "loaded 1 period" in done.stderr
    assert project.sums() == after.truth
    same(project, beside)
    gone = files.keys() - standing(tmp_path / "lake").keys()
    assert gone
    assert all("billing_period=2024-02" in path.parts for path in gone), "another month's files were touched"


def standing(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_every_command_reads_a_lake(project: Project, tmp_path: Path, before: Bills) -> None:
    expected = {period: rows for period, (rows, _) in before.truth.items()}
    assert json.loads(project.finops("status", "-o", "json").stdout)["rows"] == []
    assert actions(project, before) == dict.fromkeys(expected, "load")
    project.finops("aws", "import-cur", *before.flags)
    assert actions(project, before) == dict.fromkeys(expected, "skip")
    status = json.loads(project.finops("status", "-o", "json").stdout)
    assert {row["billing_period"]: row["rows"] for row in status["rows"]} == expected
    project.finops("verify", "--no-files", "--fail-on", "mismatch")
    out = tmp_path / "focus.parquet"
    project.finops("export", "focus", "--out", str(out))
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*), sum(BilledCost) FROM '{out}'").fetchall()
    assert found == read_rows(project.target, "focus", 'SELECT count(*), sum("BilledCost") FROM cost_and_usage')
    assert project.target.shown in project.finops("doctor").stdout


def actions(project: Project, bills: Bills) -> dict[str, str]:
    listed = json.loads(project.finops("aws", "list-manifests", *bills.flags, "-o", "json").stdout)
    return {row["billing_period"]: row["action"] for row in listed["rows"]}


def test_without_focus_the_sums_of_earlier_deliveries_stay(
    project: Project, tmp_path: Path, before: Bills, after: Bills
) -> None:
    february = ("--start-date=2024-02", "--end-date=2024-02")
    project.finops("aws", "import-cur", *before.flags, *february)
    rollup = project.rows("cost_rollup")
    project.finops("aws", "import-cur", *after.flags, *february, "--no-focus")
    assert project.rows("cost_rollup") == rollup
    assert not any("focus_cost_and_usage" in path.parts for path in (tmp_path / "lake").rglob("*.parquet"))


def test_other_engines_read_the_folders(project: Project, tmp_path: Path, before: Bills, after: Bills) -> None:
    """With the SQL of the documentation, whether or not there are files that do not count."""
    for bills in (before, after):
        left = list((tmp_path / "lake").rglob("*billing_period=2024-02/*"))
        kept = [(path, path.read_bytes()) for path in left]
        project.finops("aws", "import-cur", *bills.flags)
    ours = 'SELECT {} "BilledCost") FROM focus_cost_and_usage GROUP BY ALL ORDER BY 1'
    by_month, counting = (sql.replace("s3://acme-lake/finops", "lake") for sql in documented("howto/lake.md"))
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        found = sorted(connection.execute(by_month).fetchall())
        assert found == read_rows(project.target, DATASET, ours.format('"x_BillingPeriod", sum('))
        for path, content in kept:
            path.write_bytes(content)
        found = connection.execute(counting).fetchall()
        assert found == read_rows(project.target, DATASET, ours.format("sum("))
        assert found != connection.execute(counting.partition("WHERE")[0]).fetchall()


def documented(page: str) -> list[str]:
    """The SQL of a page of the documentation."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    return [block.partition("```")[0] for block in text.split("```sql\n")[1:]]


@pytest.mark.slow
def test_killed_at_random_moments_then_run_again(project: Project, tmp_path: Path, before: Bills) -> None:
    moment = random.Random(5)
    project.finops("aws", "import-cur", *before.flags)
    for _ in range(2):
        run = project.start("aws", "import-cur", *before.flags, "--force")
        time.sleep(moment.uniform(1.5, 6.0))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        assert project.sums() == before.truth
    project.finops("aws", "import-cur", *before.flags, "--force")
    assert project.sums() == before.truth
    loads = {path.name.rpartition(".")[0].rpartition(".")[0] for path in (tmp_path / "lake").rglob("*.parquet")}
    assert len(loads) == len(before.truth), "files of killed loads are left"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Project]:
    """An S3 server of its own, with an empty bucket for the lake."""
    if importlib.util.find_spec("s3fs") is None:
        pytest.skip("s3fs is not installed")
    import logging

    import boto3
    import fsspec
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="lake")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield Project(tmp_path, "s3://lake/some/where", environment)
    server.stop()


def test_a_lake_on_s3(s3: Project, tmp_path: Path, before: Bills, after: Bills) -> None:
    import boto3

    beside = Project(tmp_path, str(tmp_path / "beside.duckdb"))
    s3.finops("aws", "import-cur", *before.flags)
    assert s3.sums() == before.truth
    assert "nothing to do" in s3.finops("aws", "import-cur", *before.flags).stderr
    assert "loaded 1 period" in s3.finops("aws", "import-cur", *after.flags).stderr
    assert s3.sums() == after.truth
    for bills in (before, after):
        beside.finops("aws", "import-cur", *bills.flags)
    same(s3, beside)
    found = boto3.client("s3").list_objects_v2(Bucket="lake", Prefix=f"some/where/{DATASET}/focus_cost_and_usage/")
    assert len(found["Contents"]) == len(after.truth)
    s3.finops("verify", "--no-files", "--fail-on", "mismatch")


@pytest.mark.parametrize(
    ("destination", "environment", "code", "said"),
    [
        ("s3://no-such-bucket/x", {}, 1, "does not exist"),
        ("s3://lake/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "connect"),
        ("s3://lake/x", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, 4, "no credentials"),
    ],
)
def test_what_s3_refuses_is_said_plainly(
    s3: Project, tmp_path: Path, destination: str, environment: dict[str, str], code: int, said: str
) -> None:
    alone = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}
    other = Project(tmp_path, destination, {**s3.environment, **alone, **environment})
    process = other.start("status")  # in a process of its own, since fsspec keeps connections
    told = process.communicate(timeout=300)[1]
    assert process.returncode == code
    assert said in told
    assert "Traceback" not in told
