"""Every known trap of Azure's exports, each with a bill that falls into it, through the whole pipeline."""

from __future__ import annotations

import datetime as dt
import json
import os
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_core.errors import ConfigError, DeliveryError

HEADER = "Date,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,Quantity,UnitOfMeasure"
RAW = "SELECT sum(cost_in_billing_currency) FROM azure_billing.billing"


def line(cost: str = "1.5", day: str = "01/05/2024", charge: str = "Usage", model: str = "OnDemand") -> str:
    return f"{day},{cost},USD,{charge},{model},1,1 Hour"


def manifest_of(manifest: dict[str, Any]) -> str:
    return manifest["blobs"][0]["blobName"].rpartition("/")[0] + "/manifest.json"


def test_trap_01_every_month_to_date_run_holds_the_whole_month(exports: Any, warehouse: Any) -> None:
    for number in range(1, 6):
        exports.run(number=number, lines=[line(str(number))], keep_runs=True)
    warehouse.load(exports.provider())
    assert warehouse.query(RAW) == [(D(5),)]


def test_trap_02_copies_reset_times_and_folders_lie(exports: Any, warehouse: Any) -> None:
    newest = exports.run(number=1, lines=[line("7")], keep_runs=True, submitted="2024-01-20T00:00:00Z")
    exports.run(number=9, lines=[line("3")], keep_runs=True, submitted="2024-01-02T00:00:00Z")
    os.utime(exports.root / manifest_of(newest), (0, 0))
    warehouse.load(exports.provider())
    assert warehouse.query(RAW) == [(D(7),)]


def test_trap_03_overwriting_deletes_while_one_reads(
    exports: Any, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = exports.run(number=1, lines=[line("1")])
    provider = exports.provider()
    original = type(provider).fetch

    def fetch(self: Any, delivery: Any, staging: Any) -> Any:
        if manifest_of(old) in exports.blobs:
            for key in [manifest_of(old), *(blob["blobName"] for blob in old["blobs"])]:
                exports.remove(key)
            exports.run(number=2, lines=[line("2")])
        return original(self, delivery, staging)

    monkeypatch.setattr(type(provider), "fetch", fetch)
    report = warehouse.load(provider)
    assert not report.failed and warehouse.query(RAW) == [(D(2),)]


def test_trap_04_the_first_days_of_a_month_bring_the_last_month_again(exports: Any, warehouse: Any) -> None:
    exports.run(number=1, lines=[line("1")])
    warehouse.load(exports.provider())
    exports.run("acme", "2024-02", lines=[line("9", "02/01/2024")])
    exports.run(number=2, lines=[line("5")], submitted="2024-02-02T04:00:00Z")
    report = warehouse.load(exports.provider())
    assert len(report.loaded) == 2 and warehouse.query(RAW) == [(D(14),)]


def test_trap_05_a_byte_order_mark_is_no_part_of_a_name(exports: Any, warehouse: Any) -> None:
    exports.run()
    assert exports.blobs[exports.only().files[0].key].startswith(b"\xef\xbb\xbf")
    warehouse.load(exports.provider())
    assert "date" in {row[0] for row in warehouse.query("DESCRIBE azure_billing.billing")}


def test_trap_06_dates_are_american(exports: Any, warehouse: Any) -> None:
    exports.run(lines=[line(day="01/02/2024"), line(day="01/12/2024"), line(day="1/31/2024")])
    warehouse.load(exports.provider())
    days = [row[0] for row in warehouse.query("SELECT date FROM azure_billing.billing ORDER BY 1")]
    assert days == [dt.date(2024, 1, 2), dt.date(2024, 1, 12), dt.date(2024, 1, 31)]


def test_trap_07_tags_without_braces(exports: Any, warehouse: Any) -> None:
    tags = '"""env"": ""prod"",""note"": ""a, \\""b\\"": c"""'
    exports.run(header=HEADER + ",Tags", lines=[f"{line()},{tags}"])
    warehouse.load(exports.provider())
    ((found,),) = warehouse.query("SELECT Tags FROM focus.cost_and_usage")
    assert json.loads(found) == {"env": "prod", "note": 'a, "b": c'}


def test_trap_08_an_agreement_is_migrated_mid_history(exports: Any, warehouse: Any) -> None:
    exports.run(lines=[line("1")])
    modern = "date,costInBillingCurrency,billingCurrency,chargeType,pricingModel,quantity,unitOfMeasure"
    exports.run(month="2024-02", header=modern, lines=[line("2", "2024-02-01")])
    report = warehouse.load(exports.provider())
    assert not report.failed and warehouse.query(RAW) == [(D(3),)]


def test_trap_09_actual_and_amortised_are_never_added(exports: Any, warehouse: Any) -> None:
    exports.run("a", lines=[line("10")])
    exports.run("b", kind="amortized", lines=[line("10")])
    report = warehouse.load(exports.provider())
    assert report.totals == {"USD": D(10)} and warehouse.query(RAW) == [(D(10),)]
    assert warehouse.query("SELECT count(*), sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage") == [
        (1, D(10), D(10))
    ]


def test_trap_10_prices_may_be_empty(exports: Any, warehouse: Any) -> None:
    exports.run(header=HEADER + ",PayGPrice,UnitPrice,EffectivePrice", lines=[line("3") + ",,,3"])
    warehouse.load(exports.provider())
    assert warehouse.query("SELECT ListCost, ContractedCost, ListUnitPrice FROM focus.cost_and_usage") == [
        (D(3), D(3), D(3))
    ]


def test_trap_11_empty_runs_empty_the_month(exports: Any, warehouse: Any) -> None:
    exports.run(number=1)
    warehouse.load(exports.provider())
    exports.run(number=2, lines=[])
    assert not warehouse.load(exports.provider()).failed
    assert warehouse.query(RAW) == [(None,)]
    exports.run(number=3)
    warehouse.load(exports.provider())
    exports.run(number=4, blobs=None, blobCount=0, dataRowCount=0)
    report = warehouse.load(exports.provider())
    assert not report.failed and report.files == 0
    assert warehouse.query("SELECT count(*) FROM focus.cost_and_usage") == [(0,)]


def test_trap_12_two_exports_share_a_directory(exports: Any, warehouse: Any) -> None:
    shared = "billing/shared/20240101-20240131"
    exports.run("ours", root=shared, lines=[line("4")])
    exports.run("theirs", root=shared, scope="/subscriptions/other", number=2, lines=[line("400")])
    with pytest.raises(ConfigError):
        exports.discover()
    warehouse.load(exports.provider(export_name="ours"))
    assert warehouse.query(RAW) == [(D(4),)]


def test_trap_13_columns_of_partners_across_tenants(exports: Any, warehouse: Any) -> None:
    exports.run(
        header=HEADER + ",PartnerTenantId,CustomerName,PartnerEarnedCreditRate,PartnerName",
        lines=[line() + ",t,Customer,0.15,Reseller"],
    )
    warehouse.load(exports.provider())
    assert warehouse.query("SELECT customer_name, partner_earned_credit_rate FROM azure_billing.billing") == [
        ("Customer", D("0.15"))
    ]
    assert warehouse.query("SELECT InvoiceIssuerName FROM focus.cost_and_usage") == [("Reseller",)]


def test_trap_14_billing_and_pricing_currency_differ(exports: Any, warehouse: Any) -> None:
    header = "date,costInBillingCurrency,billingCurrency,chargeType,pricingModel,quantity,unitOfMeasure"
    header += ",pricingCurrency,costInPricingCurrency,exchangeRatePricingToBilling,billingAccountId,billingProfileId"
    rows = [
        "01/05/2024,0.92,EUR,Usage,OnDemand,1,1 Hour,USD,1,0.92,a:b,p",
        "01/05/2024,5,USD,Usage,OnDemand,1,1 Hour,USD,5,1,a:b,p",
    ]
    exports.run(header=header, lines=rows)
    report = warehouse.load(exports.provider())
    assert report.totals == {"EUR": D("0.92"), "USD": D(5)}
    found = warehouse.query(
        "SELECT BillingCurrency, PricingCurrency, EffectiveCost, PricingCurrencyEffectiveCost "
        "FROM focus.cost_and_usage ORDER BY 1"
    )
    assert found == [("EUR", "USD", D("0.92"), D(1)), ("USD", "USD", D(5), D(5))]


def test_trap_15_rows_dated_outside_the_billing_period_belong_to_it(exports: Any, warehouse: Any) -> None:
    exports.run(lines=[line("-1", "12/30/2023", "Refund"), line("4", "02/01/2024", "Purchase")])
    warehouse.load(exports.provider())
    assert warehouse.query(
        "SELECT x_BillingPeriod, BillingPeriodStart, ChargeClass FROM focus.cost_and_usage ORDER BY BilledCost"
    ) == [("2024-01", dt.datetime(2024, 1, 1), "Correction"), ("2024-01", dt.datetime(2024, 1, 1), None)]


def test_trap_16_quantities_count_blocks_or_units(exports: Any, warehouse: Any) -> None:
    rows = [
        "01/05/2024,0.00004,USD,Usage,OnDemand,0.0004,10K,0.1",
        "01/05/2024,0.00024,USD,Usage,OnDemand,24,100 Hours,0.001",
    ]
    exports.run(header=HEADER + ",EffectivePrice", lines=rows)
    warehouse.load(exports.provider())
    assert warehouse.query("SELECT PricingQuantity, ConsumedQuantity FROM focus.cost_and_usage ORDER BY 1") == [
        (D("0.0004"), D(4)),
        (D("0.24"), D(24)),
    ]


def test_trap_17_rounding_has_no_subscription_and_may_stand_in_one_file(exports: Any, warehouse: Any) -> None:
    nothing = ",00000000-0000-0000-0000-000000000000"
    header = HEADER + ",SubscriptionId"
    exports.run("a", header=header, lines=[line("10") + ",s", line("-0.01", charge="RoundingAdjustment") + nothing])
    exports.run("b", kind="amortized", header=header, lines=[line("10") + ",s"])
    assert not warehouse.load(exports.provider()).failed
    assert warehouse.query(
        "SELECT ChargeCategory, SubAccountId, BilledCost FROM focus.cost_and_usage ORDER BY BilledCost"
    ) == [("Adjustment", None, D("-0.01")), ("Usage", "s", D(10))]


def test_trap_18_refunds_have_negative_quantities(exports: Any, warehouse: Any) -> None:
    row = "01/05/2024,-20,USD,Refund,OnDemand,-2,1 Hour,10,10,10"
    exports.run(header=HEADER + ",EffectivePrice,UnitPrice,PayGPrice", lines=[row])
    assert not warehouse.load(exports.provider()).failed
    assert warehouse.query("SELECT PricingQuantity, BilledCost, ListCost, ListUnitPrice FROM focus.cost_and_usage") == [
        (D(-2), D(-20), D(-20), D(10))
    ]


def test_trap_19_old_manifests_tell_no_type(exports: Any, warehouse: Any) -> None:
    manifest = exports.run("acme-amortized", lines=[line("6")])
    old = {"manifestVersion": "2021-01-01", "blobs": manifest["blobs"], "dataRowCount": 1}
    exports.put(manifest_of(manifest), json.dumps(old))
    assert {file.part for file in exports.only().files} == {"amortized"}
    assert {file.part for file in exports.only(dataset_type="actual").files} == {""}


def test_trap_20_rows_of_days_to_come_are_kept(exports: Any, warehouse: Any) -> None:
    exports.run(lines=[line("1", "01/31/2024", model="SavingsPlan")])
    assert not warehouse.load(exports.provider()).failed
    assert warehouse.query("SELECT ChargePeriodStart FROM focus.cost_and_usage") == [(dt.datetime(2024, 1, 31),)]


def test_trap_21_a_savings_plan_has_a_benefit_and_no_reservation(exports: Any, warehouse: Any) -> None:
    header = HEADER + ",benefitId,ReservationId"
    rows = [line("0", model="SavingsPlan") + ",/sp/A,", line("0", model="Reservation") + ",,R1"]
    exports.run(header=header, lines=rows)
    warehouse.load(exports.provider())
    assert warehouse.query(
        "SELECT CommitmentDiscountId, CommitmentDiscountType FROM focus.cost_and_usage ORDER BY 1"
    ) == [("/sp/a", "Savings Plan"), ("r1", "Reservation")]


def test_trap_22_seven_digits_of_a_second_and_no_zone(exports: Any) -> None:
    info = {"startDate": "2024-01-01T00:00:00", "endDate": "2024-01-31T00:00:00+00:00", "runId": "x"}
    exports.run(runInfo=info | {"submittedTime": "2024-01-21T21:04:06.5234447Z"})
    assert exports.only().modified == dt.datetime(2024, 1, 21, 21, 4, 6, 523444, dt.UTC)


def test_trap_23_a_parquet_part_without_rows(exports: Any, warehouse: Any, tmp_path: Path) -> None:
    manifest = exports.run()
    folder = manifest_of(manifest).rpartition("/")[0]
    with duckdb.connect() as connection:
        for number, rows in enumerate((2, 0)):
            path = tmp_path / f"{number}.parquet"
            connection.execute(
                "COPY (SELECT DATE '2024-01-05' AS date, 1.5::DECIMAL(38, 18) AS costInBillingCurrency, "
                f"'USD' AS billingCurrency FROM range({rows})) TO '{path}'"
            )
            exports.put(f"{folder}/part_{number}_0001.snappy.parquet", path.read_bytes())
    manifest["blobs"] = [
        {"blobName": f"{folder}/part_{number}_0001.snappy.parquet", "dataRowCount": rows}
        for number, rows in enumerate((2, 0))
    ]
    manifest["dataRowCount"] = 2
    exports.put(f"{folder}/manifest.json", json.dumps(manifest))
    assert exports.only().format == "parquet"
    assert not warehouse.load(exports.provider()).failed
    assert warehouse.query(RAW) == [(D(3),)]


def test_rows_that_the_manifest_does_not_count_fail_the_month(exports: Any, warehouse: Any) -> None:
    manifest = exports.run(lines=[line(), line()])
    manifest["blobs"][0]["dataRowCount"], manifest["dataRowCount"] = 5, 6
    exports.put(manifest_of(manifest), json.dumps(manifest))
    ((_, error),) = warehouse.load(exports.provider()).failed
    assert isinstance(error, DeliveryError) and "rows" in str(error)


@pytest.mark.parametrize("cost", ["0.1234567890123456789", "abc"])
def test_an_amount_that_cannot_be_kept_names_file_and_column(cost: str, exports: Any, warehouse: Any) -> None:
    exports.run(lines=[line(), line(cost)])
    ((_, error),) = warehouse.load(exports.provider()).failed
    assert "CostInBillingCurrency" in error.what and cost in error.what and "part_1_0001.csv" in error.where


def test_pay_as_you_go_usage_is_a_bill_of_its_own(exports: Any, warehouse: Any) -> None:
    header = "SubscriptionGuid,UsageDateTime,UsageQuantity,ResourceRate,PreTaxCost,Currency,UnitOfMeasure,MeterCategory"
    exports.run(kind="usage", header=header, lines=["g,2024-01-05,2,0.5,1,EUR,1 Hour,Storage"])
    report = warehouse.load(exports.provider())
    assert not report.failed and report.totals == {"EUR": D(1)} and exports.only().dataset == "usage"
    found = warehouse.query("SELECT BillingAccountType, PricingQuantity, EffectiveCost FROM focus.cost_and_usage")
    assert found == [("Subscription", D(2), D(1))]


def test_columns_that_differ_only_by_case_are_both_kept(exports: Any, warehouse: Any) -> None:
    exports.run(header=HEADER + ",Owner,owner,OWNER ID", lines=[line() + ",a,b,c"])
    assert not warehouse.load(exports.provider()).failed
    names = [row[0] for row in warehouse.query("DESCRIBE azure_billing.billing")]
    kept = [name for name in names if name.startswith("owner")]
    assert len(kept) == 3
    assert set(warehouse.query(f"SELECT {', '.join(kept)} FROM azure_billing.billing")[0]) == {"a", "b", "c"}
