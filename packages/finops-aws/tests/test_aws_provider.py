"""The provider as core sees it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from finops_aws import finops_provider
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest, Secret, Window

HEAVY = ["boto3", "botocore", "awscrt", "dlt", "duckdb", "pyarrow", "rich", "typer", "moto"]


def test_the_hook_returns_the_provider():
    assert finops_provider() is Aws
    assert (Aws.name, Aws.title, Aws.import_command) == ("aws", "Amazon Web Services", "import-cur")


def test_importing_and_describing_it_imports_nothing_heavy():
    code = (
        "import sys; from finops_aws.provider import Aws; Aws(bucket='x'); [d.known for d in Aws.datasets]; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_setting_has_a_help_text_and_only_the_bucket_is_needed():
    fields = dataclasses.fields(Aws)
    assert all(field.metadata["help"].endswith(".") for field in fields)
    assert [field.name for field in fields if field.default is dataclasses.MISSING] == ["bucket"]


def test_secrets_do_not_show():
    assert "hidden" not in repr(Aws(bucket="x", external_id=Secret("hidden")))


def test_every_dataset_brings_its_sql():
    for dataset in Aws.datasets:
        resources = [dataset.focus, dataset.checks, *dataset.lookups.values()]
        assert all(resource is not None and resource.is_file() for resource in resources), dataset.name


def test_the_sample_formats_are_those_that_can_be_written():
    from finops_aws.sample import FORMATS

    assert Aws.sample_formats == FORMATS


@pytest.mark.parametrize("form", ["cur-v1-csv", "cur-v1-parquet", "cur-v2-csv", "cur-v2-parquet"])
def test_sample_bills_are_found_among_their_neighbours(tmp_path, staging, form):
    last = Period(2024, 3)
    settings = Aws.sample(SampleRequest(tmp_path, form, months=2, rows=600, last=last, redeliver=last))
    provider = Aws(**settings)
    found = provider.discover(Window())
    assert [delivery.period for delivery in found] == [Period(2024, 2), last]
    assert {delivery.dataset for delivery in found} == {form[:6]}
    assert {delivery.format for delivery in found} == {form[7:]}
    for delivery in found:
        assert not delivery.problem and delivery.bytes
        assert len(list(provider.fetch(delivery, staging))) == len(delivery.files) > 0
