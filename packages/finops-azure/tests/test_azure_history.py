"""Histories as they grow over the years: every layout, agreement and version, from the files to FOCUS."""

from __future__ import annotations

import csv
import json
import os
import uuid
from decimal import Decimal as D
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from finops_azure.provider import Azure
from finops_core import SampleRequest

GUID = "7b7f2d43-0a51-4d0c-8a4e-0b6d1a1b2c3d"
HEADER = "Date,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Quantity,UnitOfMeasure"
RANGE = "billing/acme/20240101-20240131"


def csv_of(*costs: str) -> str:
    return "\r\n".join([HEADER, *(f"01/05/2024,{cost},USD,Usage,OnDemand,1,1 Hour" for cost in costs)]) + "\r\n"


def classic(exports: Any) -> None:
    """One file per run, month to date; no manifest tells which is newest, so the blobs' own times must."""
    for number, costs in enumerate((["1"], ["1", "2"])):
        exports.put(f"{RANGE}/acme_{number}.csv", csv_of(*costs))
        os.utime(exports.root / f"{RANGE}/acme_{number}.csv", (1_704_500_000 + number,) * 2)


def classic_partitioned(exports: Any) -> None:
    for time, costs in (("202401041442", ["1"]), ("202401051442", ["1", "2"])):
        folder = f"{RANGE}/{time}/{GUID}"
        blobs = []
        for number, cost in enumerate(costs, 1):
            data = csv_of(cost)
            exports.put(f"{folder}/{number:06d}.csv", data)
            name = f"{folder}/{number:06d}.csv"
            blobs.append({"blobName": name, "byteCount": len(data), "dataRowCount": 1, "headerRowCount": 1})
        manifest = {"manifestVersion": "2021-01-01", "dataFormat": "Csv", "blobCount": len(blobs), "blobs": blobs}
        exports.put(f"{folder}/_manifest.json", json.dumps(manifest | {"dataRowCount": len(blobs)}))


def every_run_kept(exports: Any) -> None:
    lines = csv_of("1", "2").split("\r\n")[1:-1]
    exports.run(number=4, lines=lines[:1], keep_runs=True)
    exports.run(number=5, lines=lines, keep_runs=True)


def overwritten(exports: Any) -> None:
    lines = csv_of("1", "2").split("\r\n")[1:-1]
    for key in [blob["blobName"] for blob in exports.run(number=4, lines=lines[:1])["blobs"]]:
        exports.remove(key)
    exports.remove(next(key for key in exports.blobs if key.endswith("manifest.json")))
    exports.run(number=5, lines=lines, compressed=True)


@pytest.mark.parametrize(
    ("layout", "strategy"),
    [(classic, "single"), (classic_partitioned, "separate"), (every_run_kept, "separate"), (overwritten, "single")],
)
def test_every_layout_brings_the_newest_run_alone(layout: Any, strategy: str, exports: Any, warehouse: Any) -> None:
    layout(exports)
    report = warehouse.load(exports.provider(), table_strategy=strategy)
    assert not report.failed and report.totals == {"USD": D(3)}
    assert warehouse.query("SELECT count(*), sum(BilledCost) FROM focus.cost_and_usage") == [(2, D(3))]
    assert not warehouse.load(exports.provider(), table_strategy=strategy).loaded, "the same run is not new"


AGREEMENTS = {
    "EA": (
        "Date,CostInBillingCurrency,BillingCurrencyCode,ResourceGroup,PayGPrice,benefitId,Tags",
        "{us},{c},EUR,rg,1,,",
    ),
    "EA 2021": ("CostInBillingCurrency,AccountName,Date,BillingCurrencyCode,ResourceGroup", "{c},a,{us},EUR,rg"),
    "older EA": ("Date,Cost,BillingCurrency,Product,InvoiceSection,ResourceGroup", "{iso},{c},EUR,P,S,rg"),
    "MCA": ("invoiceId,date,costInBillingCurrency,billingCurrency,resourceGroupName", "G1,{us},{c},EUR,rg"),
    "CSP": ("PartnerName,date,costInBillingCurrency,billingCurrency,resourceGroupName", "P,{iso}T00:00:00Z,{c},EUR,rg"),
    "PAYG": ("SubscriptionGuid,UsageDateTime,UsageQuantity,PreTaxCost,Currency,ResourceGroup", "g,{iso},2,{c},EUR,rg"),
    "group": ("SubscriptionGuid,ResourceGroup,MarketPrice,BillingCurrencyCode,Cost,Date", "g,rg,5,EUR,{c},{us}"),
    "lower": ("date,costinbillingcurrency,billingcurrencycode,resourcegroup", "{us},{c},EUR,rg"),
    "German": ("Datum,Kosten in Abrechnungswährung,Abrechnungswährung,Ressourcengruppe", "{de},{c},EUR,rg"),
}
"""Header and row as an agreement writes them; dates are the fifth of the month."""


def test_one_history_over_every_agreement_has_one_set_of_columns(exports: Any, warehouse: Any) -> None:
    for month, (header, row) in enumerate(AGREEMENTS.values(), 1):
        days = {"us": f"{month:02d}/05/2024", "iso": f"2024-{month:02d}-05", "de": f"05.{month:02d}.2024"}
        exports.run(month=f"2024-{month:02d}", header=header, lines=[row.format(c=f"{month}.000001", **days)])
    report = warehouse.load(exports.provider())
    assert not report.failed and report.totals == {"EUR": D("45.000009")}
    found = warehouse.query(
        "SELECT month(ChargePeriodStart), day(ChargePeriodStart), BilledCost, x_ResourceGroupName "
        "FROM focus.cost_and_usage ORDER BY 1"
    )
    assert found == [(month, 5, D(f"{month}.000001"), "rg") for month in range(1, len(AGREEMENTS) + 1)]
    assert warehouse.query("SELECT DISTINCT resource_group FROM azure_billing.billing") == [("rg",)]


def _versions() -> dict[str, list[str]]:
    """FOCUS version as Azure names it -> the columns of its export."""
    text = files("finops_azure").joinpath("data/focus_columns.csv").read_text("utf-8")
    columns: dict[str, list[str]] = {}
    for row in csv.DictReader(text.splitlines()):
        for version in row["versions"].split("|"):
            columns.setdefault(version, []).append(row["name"])
    return columns


def test_one_history_over_every_version_of_focus(exports: Any, warehouse: Any) -> None:
    versions = _versions()
    assert set(versions) == {"1.0-preview(v1)", "1.0", "1.0r2", "1.2-preview", "1.2"}
    for month, (version, columns) in enumerate(sorted(versions.items()), 1):
        # Without seconds up to 1.0, with them from 1.0r2 on.
        zone = ":00Z" if version in ("1.0-preview(v1)", "1.0") else ":00:00Z"
        start = f"2024-{month:02d}-05T00{zone}"
        values = {"BilledCost": f"{month}", "EffectiveCost": f"{month}", "ListCost": f"{month}"}
        values |= {"BillingCurrency": "EUR", "ChargePeriodStart": start, "ChargeCategory": "Usage"}
        manifest = exports.run(
            month=f"2024-{month:02d}", kind="focus", header=",".join(columns),
            lines=[",".join(values.get(name, "") for name in columns)],
        )  # fmt: skip
        manifest["exportConfig"]["dataVersion"] = version
        folder = manifest["blobs"][0]["blobName"].rpartition("/")[0]
        exports.put(f"{folder}/manifest.json", json.dumps(manifest))
    report = warehouse.load(exports.provider())
    assert not report.failed and report.totals == {"EUR": D(15)}
    found = warehouse.query("SELECT month(ChargePeriodStart), BilledCost FROM focus.cost_and_usage ORDER BY 1")
    assert found == [(month, D(month)) for month in range(1, 6)]


@pytest.mark.parametrize(("format", "strategy"), [("ea-csv", "single"), ("mca-csv", "separate")])
def test_a_whole_bill_from_blob_storage(
    format: str, strategy: str, azurite: Any, tmp_path: Path, warehouse: Any
) -> None:
    settings = Azure.sample(SampleRequest(tmp_path, format, rows=300, months=1))
    truth = json.loads((tmp_path / "truth.json").read_text())["periods"]
    root, container = tmp_path / "acme-exports", f"c{uuid.uuid4().hex[:12]}"
    blobs = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    azurite.upload(container, blobs)
    provider = azurite.provider(container, prefix=settings["prefix"], export_name=settings["export_name"])
    report = warehouse.load(provider, table_strategy=strategy)
    assert not report.failed and not report.notes
    for month, facts in truth.items():
        ((rows, billed, effective),) = warehouse.query(
            f"SELECT count(*), sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage "
            f"WHERE x_BillingPeriod = '{month}'"
        )
        wanted = facts["focus"]
        assert rows == wanted["rows"]
        assert [billed, effective] == [D(*wanted[name].values()) for name in ("BilledCost", "EffectiveCost")]
    assert not warehouse.load(provider, table_strategy=strategy).loaded
