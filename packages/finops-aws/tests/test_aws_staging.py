"""AWS's sample bills, discovered, fetched and read by core: the rows and the cost that the generator knows."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest
from finops_aws.provider import Aws
from finops_core import Period, SampleRequest, Window
from finops_core.assemble import scratch
from finops_core.stage import StagingFolder, fetch, stage

MARCH = Period(2024, 3)


def imported(provider: Aws, folder: Path) -> dict[str, tuple[int, Decimal]]:
    """Billing period -> rows and cost, as the SELECT of the stage yields them."""
    totals = {}
    for delivery in provider.discover(Window()):
        place = folder / delivery.period.slug
        place.mkdir(parents=True)
        with scratch(place) as connection:
            staged = stage(fetch(provider, delivery, StagingFolder(place, lambda _: None)), connection)
            query = f"SELECT count(*), sum({staged.dataset.cost}) FROM ({staged.main.select})"
            totals[str(delivery.period)] = connection.execute(query).fetchall()[0]
    return totals


def truth(folder: Path, form: str) -> dict[str, tuple[int, Decimal]]:
    periods = json.loads((folder / "truth.json").read_text())["periods"]
    if form.startswith("focus"):
        periods = {month: facts["focus"] for month, facts in periods.items()}
    cost = "BilledCost" if form.startswith("focus") else "UnblendedCost"
    return {month: (facts["rows"], Decimal(facts[cost]["USD"])) for month, facts in periods.items()}


@pytest.mark.parametrize("form", Aws.sample_formats)
def test_a_tree_of_each_format_is_read_exactly(tmp_path, form):
    settings = Aws.sample(SampleRequest(tmp_path, form, months=2, rows=800, last=MARCH, redeliver=MARCH))
    assert imported(Aws(**settings), tmp_path / "staging") == truth(tmp_path, form)


@pytest.mark.parametrize("form", ["cur-v1-csv", "cur-v2-parquet"])
def test_the_same_through_s3(tmp_path, s3, s3_url, form):
    settings = Aws.sample(SampleRequest(tmp_path, form, months=1, rows=800, last=MARCH))
    root = tmp_path / "acme-billing"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            s3.put_object(Bucket="acme-billing", Key=path.relative_to(root).as_posix(), Body=path.read_bytes())
    provider = dataclasses.replace(Aws(**settings), bucket="acme-billing", endpoint_url=s3_url)
    assert imported(provider, tmp_path / "staging") == truth(tmp_path, form)


def test_tags_keep_their_original_keys(tmp_path):
    settings = Aws.sample(SampleRequest(tmp_path, "cur-v1-csv", months=1, rows=800, last=MARCH))
    provider = Aws(**settings)
    (delivery,) = provider.discover(Window())
    with scratch(tmp_path) as connection:
        staged = stage(fetch(provider, delivery, StagingFolder(tmp_path, lambda _: None)), connection)
        query = f"SELECT DISTINCT unnest(json_keys(resource_tags)) FROM ({staged.main.select})"
        keys = {row[0] for row in connection.execute(query).fetchall()}
    assert {"user:Owner", "user:owner", "user:cost-center", "user:Kostenstelle-Ü", "aws:createdBy"} <= keys
