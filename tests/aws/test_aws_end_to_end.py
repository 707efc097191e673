"""`finops aws import-cur` as a user runs it, on generated bills, from a directory and from an S3 server on loopback.

Whatever the format, what stands in DuckDB afterwards is the generator's truth, to the last digit.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest

FORMATS = ("cur-v1-csv", "cur-v1-parquet", "cur-v2-csv", "cur-v2-parquet")


@dataclass
class Bill:
    """A generated tree: the flags that import it, and the truth about it."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def truth(self) -> dict[str, Any]:
        return json.loads((self.folder / "truth.json").read_text())["periods"]

    def flags(self, **changes: str) -> list[str]:
        return [f"--{name.replace('_', '-')}={value}" for name, value in {**self.settings, **changes}.items()]


def generated(folder: Path, form: str, redeliver: Period | None = None) -> Bill:
    request = SampleRequest(folder, form, months=3, rows=6000, seed=3, redeliver=redeliver)
    return Bill(folder, Aws.sample(request))


@pytest.fixture(scope="module", params=FORMATS)
def bill(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bill:
    return generated(tmp_path_factory.mktemp(request.param), request.param)


@dataclass
class Project:
    folder: Path
    environment: Mapping[str, str]

    def finops(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.start(*arguments)
        out, err = done.communicate(timeout=300)
        assert done.returncode == code, err
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "finops_core", *arguments]
        env = {**os.environ, "HOME": str(self.folder), "NO_COLOR": "1", **self.environment}
        return subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "data" / "finops.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def sums(self) -> dict[str, dict[str, Any]]:
        """What is loaded, in the form of truth.json."""
        raw = self.query(
            "SELECT billing_period, line_item_currency_code, count(*), sum(line_item_unblended_cost) "
            "FROM aws_billing.billing GROUP BY ALL"
        )
        focus = self.query(
            "SELECT x_BillingPeriod, BillingCurrency, count(*), sum(BilledCost), sum(EffectiveCost) "
            "FROM focus.cost_and_usage GROUP BY ALL"
        )
        found: dict[str, dict[str, Any]] = {}
        for period, currency, rows, cost in raw:
            found.setdefault(period, {}).update({"rows": rows, "cost": {currency: cost}})
        for period, currency, rows, billed, effective in focus:
            found[period]["focus"] = (rows, {currency: billed}, {currency: effective})
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, {})


def exact(amounts: Mapping[str, str]) -> dict[str, Decimal]:
    return {currency: Decimal(amount) for currency, amount in amounts.items()}


def expected(truth: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        period: {
            "rows": of["rows"],
            "cost": exact(of["UnblendedCost"]),
            "focus": (of["focus"]["rows"], exact(of["focus"]["BilledCost"]), exact(of["focus"]["EffectiveCost"])),
        }
        for period, of in truth.items()
    }


@pytest.mark.parametrize("strategy", ["separate", "single"])
def test_every_format_loads_the_truth_from_a_directory(bill: Bill, project: Project, strategy: str) -> None:
    first = project.finops("aws", "import-cur", *bill.flags(table_strategy=strategy))
    assert first.stdout == ""
    assert project.sums() == expected(bill.truth)
    second = project.finops("aws", "import-cur", *bill.flags(table_strategy=strategy))
    assert "loaded 0 periods" in second.stderr or "nothing to do" in second.stderr.lower()
    listed = json.loads(
        project.finops("aws", "list-manifests", *bill.flags(table_strategy=strategy), "-o", "json").stdout
    )
    assert {row["billing_period"]: row["action"] for row in listed["rows"]} == dict.fromkeys(bill.truth, "skip")
    status = json.loads(project.finops("status", "-o", "json").stdout)
    assert {row["billing_period"]: row["rows"] for row in status["rows"]} == {
        p: t["rows"] for p, t in bill.truth.items()
    }


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def test_every_format_loads_the_truth_from_s3(bill: Bill, tmp_path: Path, s3: str) -> None:
    bucket = f"bills-{random.randrange(10**9)}"
    client = boto3.client(
        "s3", endpoint_url=s3, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=bucket)
    root = Path(bill.settings["bucket"].removeprefix("file://"))
    for path in root.rglob("*"):
        if path.is_file():
            client.put_object(Bucket=bucket, Key=path.relative_to(root).as_posix(), Body=path.read_bytes())
    project = Project(tmp_path, {**KEYS, "AWS_BUCKET": bucket, "AWS_ENDPOINT_URL": s3})
    flags = [flag for flag in bill.flags() if not flag.startswith("--bucket")]
    project.finops("aws", "import-cur", *flags)
    assert project.sums() == expected(bill.truth)


def test_the_four_formats_hold_the_same_bill(tmp_path_factory: pytest.TempPathFactory) -> None:
    truths = [generated(tmp_path_factory.mktemp("same"), form).truth for form in FORMATS]
    assert all(truth == truths[0] for truth in truths)


def test_a_redelivered_month_replaces_exactly_that_month(project: Project, tmp_path: Path) -> None:
    before = generated(tmp_path / "before", "cur-v1-csv")
    after = generated(tmp_path / "after", "cur-v1-csv", Period(2024, 2))
    project.finops("aws", "import-cur", *before.flags())
    tables = project.query("SELECT * FROM aws_billing.billing_2024_01 ORDER BY ALL")
    report = project.finops("aws", "import-cur", *after.flags())
    assert project.sums() == expected(after.truth)
    assert after.truth["2024-02"] != before.truth["2024-02"]
    assert "loaded 1 period" in report.stderr
    assert project.query("SELECT * FROM aws_billing.billing_2024_01 ORDER BY ALL") == tables


@pytest.mark.slow
def test_killed_at_ten_random_moments_then_run_again(project: Project, tmp_path: Path) -> None:
    bill = generated(tmp_path / "bill", "cur-v1-csv")
    moment, truth = random.Random(11), expected(bill.truth)
    for _ in range(10):
        run = project.start("aws", "import-cur", *bill.flags())
        time.sleep(moment.uniform(0.3, 5.0))
        run.send_signal(signal.SIGKILL)
        run.communicate()
        if (project.folder / "data" / "finops.duckdb").exists():
            try:
                found = project.sums()
            except duckdb.CatalogException:
                continue  # nothing has been committed yet
            assert found == {period: truth[period] for period in found}
        if moment.random() < 0.3:
            shutil.rmtree(project.folder / "data", ignore_errors=True)
    project.finops("aws", "import-cur", *bill.flags())
    assert project.sums() == truth


def test_one_damaged_file_fails_its_month_alone(project: Project, tmp_path: Path) -> None:
    bill = generated(tmp_path / "bill", "cur-v1-csv")
    project.finops("aws", "import-cur", *bill.flags(end_date="2024-01"))
    after = generated(tmp_path / "after", "cur-v1-csv", Period(2024, 1))
    root = Path(after.settings["bucket"].removeprefix("file://"))
    newest = json.loads(next(root.glob("exports/acme-cur/20240101-*/acme-cur-Manifest.json")).read_text())
    victim = root / newest["reportKeys"][-1].lstrip("/")
    victim.write_bytes(victim.read_bytes()[:-100])
    failed = project.finops("aws", "import-cur", *after.flags(), code=1)
    assert victim.name in failed.stderr
    assert "FIN020" in failed.stderr
    truth = expected(after.truth)
    assert project.sums() == {**truth, "2024-01": expected(bill.truth)["2024-01"]}
