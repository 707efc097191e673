"""Every known trap of AWS's bills, each with a bill that falls into it, through the whole pipeline.

The traps are numbered as a list of them is usually told. Shown elsewhere, besides here:

    1, 2, 4, 6, 24   packages/finops-aws/tests/test_aws_discovery.py, in a directory and in S3
    3                packages/finops-aws/tests/test_aws_fetch.py, every moment at which a delivery may be replaced
    11, 13, 14       packages/finops-aws/tests/focus/test_cur_line_item_types.py, each type of line
    15               packages/finops-aws/tests/focus/test_cur_net_and_gross.py
    18               packages/finops-core/tests/stage/test_reading.py, every compression under every name
    25               packages/finops-aws/tests/test_aws_fetch.py, another endpoint; the currency is here
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from decimal import Decimal as D
from typing import Any

import pytest
from finops_aws.provider import Aws
from finops_core.errors import DeliveryError
from finops_core.ledger import loaded_periods

COST = "SELECT sum(line_item_unblended_cost) FROM aws_billing.billing"
FOCUS = "SELECT sum(BilledCost) FROM focus.cost_and_usage"


def test_trap_01_every_assembly_holds_the_whole_month(bills: Any) -> None:
    for number in range(1, 6):
        bills.v1([bills.line(cost=str(number))], assembly=f"a{number}")
    bills.loaded()
    assert bills.query(COST) == bills.query(FOCUS) == [(D(5),)]


def test_trap_02_not_every_parquet_file_is_data(bills: Any) -> None:
    data = "p/cur/cur/year=2024/month=1"
    bills.v1(
        bills.parquet_bytes([bills.snake(bills.line())]), folder=data, ending="snappy.parquet", compression="Parquet"
    )
    status = bills.parquet_bytes([{"status": "READY"}])
    bills.put("p/cur/cur/cost_and_usage_data_status/cost_and_usage_data_status.parquet", status)
    bills.put(f"{data}/cur-9.snappy.parquet", bills.parquet_bytes([bills.snake(bills.line(cost="9"))]))
    bills.loaded()
    assert bills.query(COST) == [(D("1.5"),)]


def test_trap_03_the_manifest_is_replaced_while_it_is_read(bills: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bills.v2([bills.line(cost="1")], execution="e1")
    original, seen = Aws.fetch, []

    def fetch(self: Aws, delivery: Any, staging: Any) -> Any:
        if not seen:
            bills.v2([bills.line(cost="2"), bills.line(cost="3")], execution="e2")
        seen.append(delivery.version)
        return original(self, delivery, staging)

    monkeypatch.setattr(Aws, "fetch", fetch)
    bills.loaded()
    assert seen == ["e1", "e2"]
    assert bills.query(COST) == [(D(5),)]


@pytest.mark.parametrize("kind", ["report", "export"])
def test_trap_04_the_manifest_names_the_bucket_of_the_original(bills: Any, kind: str) -> None:
    if kind == "report":
        bills.v1([bills.line()], bucket="the-origin")
    else:
        names = ["s3://the-origin/p/exp/data/BILLING_PERIOD=2024-01/exp-00001.csv.gz"]
        bills.v2([bills.line()], dataFiles=names)
    bills.loaded()
    assert bills.query(COST) == [(D("1.5"),)]


def test_trap_05_a_line_id_is_no_key(bills: Any) -> None:
    bills.v1([bills.line(id="x"), bills.line(id="x")], [bills.line(id="x", cost="4")])
    bills.v1([bills.line("2024-02", id="x")], month="2024-02")
    bills.loaded()
    assert bills.query("SELECT count(*), sum(line_item_unblended_cost) FROM aws_billing.billing") == [(4, D("8.5"))]
    bills.v1([bills.line(id="y", cost="4")], assembly="a2")
    bills.loaded()
    assert bills.query(COST) == [(D("5.5"),)]


def test_trap_06_a_month_is_named_by_its_first_day(bills: Any) -> None:
    bills.v1([bills.line("2024-02")], month="2024-02")
    old = bills.v1([bills.line()])
    period = bills.root / "p/cur/20240101-20240201"
    period.rename(period.with_name("20240101-20240131"))
    keys = [key.replace("20240101-20240201", "20240101-20240131") for key in old["reportKeys"]]
    bills.put("p/cur/20240101-20240131/cur-Manifest.json", json.dumps(old | {"reportKeys": keys}))
    report = bills.loaded()
    assert [str(step.delivery.period) for step in report.loaded] == ["2024-01", "2024-02"]


def test_trap_07_columns_come_and_go(bills: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bills.v1([bills.line(id="1", more={"product/oldAttribute": "o"})])
    bills.v1([bills.line("2024-02", id="2")], month="2024-02", assembly="a1")
    bills.loaded()
    bills.v1([bills.line("2024-02", id="2", more={"product/brandNew": "n"})], month="2024-02", assembly="a2")
    bills.loaded()
    assert bills.query(
        "SELECT product_old_attribute, product_brand_new FROM aws_billing.billing ORDER BY identity_line_item_id"
    ) == [("o", None), (None, "n")]
    told = [note for entry in loaded_periods(bills.target) for note in entry.notes if "column" in note]
    assert any("product/brandNew" in note for note in told), "the run's summary and the ledger mention it"
    assert any("product/oldAttribute" in note for note in told)


def test_trap_08_tags_that_differ_by_case_and_files_in_another_order(bills: Any) -> None:
    one, two = {"resourceTags/user:Env": "A", "resourceTags/user:env": "b"}, {"resourceTags/user:env": "d"}
    two |= {"resourceTags/user:Env": "C"}
    bills.v1([bills.line(id="1", more=one)], [{**two, **bills.line(id="2")}])
    bills.loaded()
    assert bills.values("resourceTags/user:Env") == ["A", "C"]
    assert bills.values("resourceTags/user:env") == ["b", "d"]
    tags = [json.loads(value) for value in bills.values("resourceTags/*")]
    assert tags == [{"user:Env": "A", "user:env": "b"}, {"user:Env": "C", "user:env": "d"}]
    focus = [json.loads(row[0]) for row in bills.query("SELECT Tags FROM focus.cost_and_usage")]
    assert sorted(sorted(tags.values()) for tags in focus) == [["A", "b"], ["C", "d"]], "neither hides the other"


def test_trap_09_text_that_looks_like_a_number_stays_text(bills: Any) -> None:
    more = {
        "bill/InvoiceId": "0012345",
        "reservation/UnitsPerReservation": "1.0",
        "lineItem/ProductCode": "00000000000000000000000012",
    }
    bills.v1([bills.line(more=more)])
    bills.loaded()
    for source, text in {**more, "lineItem/UsageAccountId": "001122334455"}.items():
        assert bills.values(source) == [text]
    [found] = bills.query("SELECT SubAccountId, BillingAccountId, InvoiceId FROM focus.cost_and_usage")
    assert found == ("001122334455", "000011112222", "0012345")


def test_trap_10_rates_may_be_empty_or_of_several_tiers(bills: Any) -> None:
    rates = ["", "0.0230000000,0.0220000000", "0.1"]
    bills.v1([bills.line(id=str(i), more={"lineItem/UnblendedRate": rate}) for i, rate in enumerate(rates)])
    bills.loaded()
    assert bills.values("lineItem/UnblendedRate") == [None, *rates[1:]]
    assert bills.query(FOCUS) == [(D("4.5"),)]


@pytest.mark.parametrize("kind", ["RIFee", "Tax", "Credit", "Fee", "SavingsPlanRecurringFee"])
def test_trap_11_charges_of_a_month_cover_the_month(bills: Any, kind: str) -> None:
    month = {"lineItem/UsageStartDate": "2024-01-01T00:00:00Z", "lineItem/UsageEndDate": "2024-02-01T00:00:00Z"}
    month |= {"reservation/UnusedRecurringFee": "0", "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "0"}
    bills.v1([bills.line(kind=kind, cost="-2" if kind == "Credit" else "2", more=month)])
    bills.load(options={"allow_unbalanced": True})
    rows = bills.query("SELECT DISTINCT ChargePeriodStart, ChargePeriodEnd FROM focus.cost_and_usage")
    assert rows == [(dt.datetime(2024, 1, 1), dt.datetime(2024, 2, 1))]
    assert bills.query("SELECT abs(sum(BilledCost)) FROM focus.cost_and_usage") == [(D(2),)]


def test_trap_12_the_month_is_the_bills_and_not_the_usages(bills: Any) -> None:
    old = {"lineItem/UsageStartDate": "2023-11-30T23:00:00Z", "lineItem/UsageEndDate": "2023-12-01T00:00:00Z"}
    bills.v1([bills.line(kind="Refund", cost="-3", more=old)])
    bills.loaded()
    [found] = bills.query("SELECT x_BillingPeriod, BillingPeriodStart, ChargePeriodStart FROM focus.cost_and_usage")
    assert found == ("2024-01", dt.datetime(2024, 1, 1), dt.datetime(2023, 11, 30, 23))


def test_trap_13_rows_of_days_to_come_are_kept(bills: Any) -> None:
    day = {"lineItem/UsageStartDate": "2099-01-31T00:00:00Z", "lineItem/UsageEndDate": "2099-01-31T01:00:00Z"}
    bills.v1([bills.line("2099-01", more=day)], month="2099-01")
    bills.loaded()
    assert bills.query("SELECT ChargePeriodStart, BilledCost FROM focus.cost_and_usage") == [
        (dt.datetime(2099, 1, 31), D("1.5"))
    ]


def test_trap_14_split_costs_repeat_their_parents(bills: Any) -> None:
    split = {
        "lineItem/Operation": "EKSPod-EC2",
        "lineItem/UnblendedCost": "0",
        "splitLineItem/ParentResourceId": "i-1",
        "splitLineItem/SplitCost": "1",
        "splitLineItem/UnusedCost": "0.5",
        "splitLineItem/SplitUsage": "1",
    }
    parent = {"lineItem/ResourceId": "i-1"}
    bills.v1([bills.line(id="1", more=parent), bills.line(id="2", more=split)])
    bills.loaded()
    assert bills.query("SELECT sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage") == [(D("1.5"), D("1.5"))]
    assert bills.values("splitLineItem/SplitCost") == [None, D(1)]


def test_trap_15_discounts_are_taken_off_once(bills: Any) -> None:
    usage = bills.line(id="1", cost="10", more={"lineItem/NetUnblendedCost": "9"})
    discount = bills.line(id="2", kind="EdpDiscount", cost="-1", more={"lineItem/NetUnblendedCost": "0"})
    bills.v1([usage, discount])
    bills.loaded()
    assert bills.query("SELECT sum(BilledCost), sum(EffectiveCost) FROM focus.cost_and_usage") == [(D(9), D(9))]


def test_trap_16_rows_that_cost_nothing_are_rows(bills: Any) -> None:
    bills.v1([bills.line(cost=cost) for cost in ("0", "0.0000000000", "0E-10", "", "2")])
    bills.loaded()
    assert bills.query("SELECT count(*), sum(line_item_unblended_cost) FROM aws_billing.billing") == [(5, D(2))]
    assert bills.query("SELECT count(*) FROM focus.cost_and_usage") == [(5,)]


@pytest.mark.parametrize("empty", ["header", "no keys", "null", "no bytes", "an empty gzip", "parquet"])
def test_trap_17_a_month_without_rows_is_empty_and_empties_what_stood(bills: Any, empty: str) -> None:
    bills.v1([bills.line()])
    bills.loaded()
    header = bills.csv_text([], list(bills.line())).encode()
    contents = {"header": gzip.compress(header), "no bytes": b"", "an empty gzip": gzip.compress(b"")}
    if empty == "parquet":
        bills.v1(_no_rows(bills), assembly="a2", ending="snappy.parquet", compression="Parquet")
    elif empty in contents:
        bills.v1(contents[empty], assembly="a2")
    else:
        bills.v1(assembly="a2", reportKeys=[] if empty == "no keys" else None)
    report = bills.loaded()
    assert len(report.loaded) == 1
    assert bills.query(COST) == bills.query(FOCUS) == [(None,)]
    [entry] = loaded_periods(bills.target)
    assert (entry.version, entry.rows, entry.final) == ("a2", 0, False)


def _no_rows(bills: Any) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    whole = pq.read_table(io.BytesIO(bills.parquet_bytes([bills.snake(bills.line())])))
    pq.write_table(whole.slice(0, 0), out)
    return out.getvalue()


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zip", "csv"])
@pytest.mark.parametrize("kind", ["zip", "gzip", "plain"])
def test_trap_18_names_lie_about_the_compression(bills: Any, kind: str, ending: str) -> None:
    text = bills.csv_text([bills.line()]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cur-1.csv", text)
    bills.v1({"zip": out.getvalue(), "gzip": gzip.compress(text), "plain": text}[kind], ending=ending)
    bills.loaded()
    assert bills.query(COST) == [(D("1.5"),)]


def test_trap_19_seven_hundred_columns(bills: Any) -> None:
    tags = {f"resourceTags/user:Tag {number}": str(number) for number in range(500)}
    product = {f"product/attribute{number}": str(number) for number in range(200)}
    bills.v1([bills.line(id=str(row), more=tags | product) for row in range(3)])
    bills.loaded()
    assert bills.values("resourceTags/user:Tag 499") == ["499"] * 3
    assert len(json.loads(bills.values("resourceTags/*")[0])) == 500


def test_trap_20_empty_text_is_null_in_csv_and_in_parquet(bills: Any) -> None:
    bills.v1([bills.line(more={"lineItem/Operation": "", "lineItem/BlendedCost": ""})])
    february = bills.snake(bills.line("2024-02", more={"lineItem/Operation": ""}))
    bills.v1(bills.parquet_bytes([february]), month="2024-02", ending="snappy.parquet", compression="Parquet")
    bills.loaded()
    assert bills.values("lineItem/Operation") == [None, None]
    assert bills.values("lineItem/BlendedCost") == [None, None]


TAGS = (
    "user:Cost Center",
    "user:cost-center",
    "user:cost_center",
    "user:a/b:c",
    "user:🦆",
    "user:コスト",
    "user:Größe",
)
TAGS += ("user:Gr_e", "user:" + "k" * 128, "user:" + "k" * 127 + "l", "user:billing_period", "aws:createdBy", 'user:"')


def test_trap_21_any_tag_key_and_two_that_want_one_name(bills: Any) -> None:
    values = {f"resourceTags/{key}": f"value of {key}" for key in TAGS}
    bills.v1([bills.line(id="1", more=values)])
    bills.v1([bills.line("2024-02", id="2", more=dict(reversed(values.items())))], month="2024-02")
    bills.loaded()
    for source, value in values.items():
        assert bills.values(source) == [value, value]
    assert [json.loads(text) for text in bills.values("resourceTags/*")] == [{k: f"value of {k}" for k in TAGS}] * 2
    names = bills.query(
        "SELECT DISTINCT lower(column_name) FROM aws_billing.column_names WHERE source_name LIKE 'resourceTags/_ser%'"
    )
    assert len(names) == len([key for key in TAGS if key.startswith("user:")])
    assert max(len(name.encode()) for (name,) in names) <= 63


def test_trap_22_a_members_report_has_the_organisations_payer(bills: Any) -> None:
    bills.v1([bills.line(more={"bill/PayerAccountId": "999900001111"})], account="001122334455")
    bills.loaded()
    assert bills.query("SELECT BillingAccountId, SubAccountId FROM focus.cost_and_usage") == [
        ("999900001111", "001122334455")
    ]


def test_trap_23_a_history_that_changes_from_csv_to_parquet(bills: Any) -> None:
    more = {"reservation/ReservationARN": "arn:1", "product/max IOPS/volume": "9"}
    bills.v1([bills.line(id="1", more=more)])
    rows = [bills.snake(bills.line("2024-02", id="2", cost="0.1", more=more))]
    bills.v1(bills.parquet_bytes(rows), month="2024-02", ending="snappy.parquet", compression="Parquet")
    bills.loaded()
    found = bills.query(
        "SELECT line_item_unblended_cost, reservation_reservation_a_r_n, line_item_usage_start_date "
        "FROM aws_billing.billing ORDER BY identity_line_item_id"
    )
    assert found == [
        (D("1.5"), "arn:1", dt.datetime(2024, 1, 5)),
        (D("0.1"), "arn:1", dt.datetime(2024, 2, 5)),
    ]


def test_trap_24_a_report_created_anew_under_its_name(bills: Any) -> None:
    bills.v1([bills.line(cost="1")], reportId="old")
    bills.loaded()
    bills.v1([bills.line(cost="2")], assembly="a2", reportId="new")
    bills.v1([bills.line("2024-02", cost="4")], month="2024-02", reportId="new")
    bills.loaded()
    assert bills.query(COST) == [(D(6),)]


def test_trap_25_currencies_are_never_added(bills: Any) -> None:
    yuan = {"lineItem/CurrencyCode": "CNY"}
    bills.v1([bills.line(cost="7", more=yuan), bills.line(cost="3")])
    report = bills.loaded()
    assert report.totals == {"CNY": D(7), "USD": D(3)}
    assert bills.query("SELECT BillingCurrency, BilledCost FROM focus.cost_and_usage ORDER BY 1") == [
        ("CNY", D(7)),
        ("USD", D(3)),
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_two_columns_of_one_name_are_both_kept(bills: Any, form: str) -> None:
    """No spreadsheet would do it, but the SQL of a data export may."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    line = bills.snake(bills.line())
    names = [*line, "line_item_unblended_cost", "note", "note"]
    values = [*line.values(), "9", "one", "two"]
    if form == "csv":
        bills.export(gzip.compress(f"{','.join(names)}\n{','.join(values)}\n".encode()))
    else:
        out = io.BytesIO()
        pq.write_table(pa.table([pa.array([value]) for value in values], names=names), out)
        bills.export(out.getvalue(), ending="snappy.parquet")
    bills.loaded()
    assert bills.query(COST) == [(D("1.5"),)]
    assert bills.values("line_item_unblended_cost (2)") == [D(9)]
    assert (bills.values("note"), bills.values("note (2)")) == (["one"], ["two"])


# Manifests, order and time


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": [{"category": "lineItem", "name": "UnblendedCost"}]},
        {"additionalArtifactKeys": [{"artifactType": "RedshiftCommands", "name": "x.sql"}]},
        {"additionalArtifactKeys": ["x.sql"]},
        {"additionalArtifactKeys": None},
        {"columns": None},
        {"billingPeriod": {"start": "20240101T000000.000Z", "end": "20240131T000000.000Z"}},
        {"compression": None, "contentType": None},
        {"reportKeys": ["/p/cur/20240101-20240201/a1/cur-1.csv.gz"]},
    ],
)
def test_manifests_as_they_come(bills: Any, changes: dict[str, Any]) -> None:
    bills.v1([bills.line()], **changes)
    bills.loaded()
    assert bills.query(COST) == [(D("1.5"),)]


def test_the_list_of_manifests_says_what_is_odd_once(bills: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from finops_core.cli import run

    for month in ("2024-01", "2024-02"):
        manifest = bills.v1([bills.line(month)], [bills.line(month)], month=month)
        (bills.root / manifest["reportKeys"][1]).unlink()
        (bills.root / manifest["reportKeys"][0]).parents[1].joinpath("cur-Manifest.json").unlink()
    assert run(["aws", "list-manifests", "--bucket", bills.root.as_uri(), "-o", "json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "2024-01: 1 of 2 files are not there; also in 2024-02" in notes
    assert "2024-02: p/cur/20240201-20240301/ has no manifest of its own: took the newest version's copy" in notes


def test_a_closed_month_that_is_restated_is_noticed_by_the_next_run(bills: Any) -> None:
    for month in ("2023-11", "2023-12", "2024-01"):
        bills.v1([bills.line(month)], month=month)
    bills.loaded()
    bills.v1([bills.line("2023-11", cost="-1"), bills.line("2023-11")], month="2023-11", assembly="a2")
    report = bills.loaded()
    assert [str(step.delivery.period) for step in report.loaded] == ["2023-11"]
    assert bills.query(COST) == [(D("3.5"),)]


def test_an_invoice_id_on_every_charge_makes_a_month_final(bills: Any) -> None:
    final = {"bill/InvoiceId": "1234"}
    bills.v1([bills.line(more=final), bills.line(cost="0")])
    bills.v1([bills.line("2024-02", more=final), bills.line("2024-02")], month="2024-02")
    bills.loaded()
    assert {str(entry.period): entry.final for entry in loaded_periods(bills.target)} == {
        "2024-01": True,
        "2024-02": False,
    }


def test_several_payers_in_one_configuration_and_status(
    bills: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from finops_core.cli import run

    bills.v1([bills.line(cost="1", more={"bill/InvoiceId": "5"})], root="one/cur")
    bills.v2([bills.line(cost="2")], root="two/exp")
    monkeypatch.chdir(bills.root.parent)
    (bills.root.parent / "config.toml").write_text(
        f'[aws]\nbucket = "{bills.root.as_uri()}"\n[aws.exports.payer-one]\nprefix = "one"\n'
        '[aws.exports.payer_two]\nprefix = "two"\n'
    )
    assert run(["aws", "import-cur"]) == 0
    assert bills.query("SELECT sum(line_item_unblended_cost) FROM aws_billing_payer_one.billing") == [(D(1),)]
    assert bills.query("SELECT sum(line_item_unblended_cost) FROM aws_billing_payer_two.billing") == [(D(2),)]
    assert bills.query(FOCUS) == [(D(3),)]
    capsys.readouterr()
    assert run(["status", "-o", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["export"]: row["state"] for row in rows} == {"cur": "final", "exp": "estimated"}


# Names, and text that would like to be SQL

HOSTILE = "x'); DROP SCHEMA aws_billing CASCADE; --"


@pytest.mark.parametrize(
    "name", ["it's", 'a"b', "a.b", "two words", "select", "コスト", "größe", "a;b", "-x", "x" * 100, HOSTILE, "%s{}$1"]
)
def test_any_export_name(bills: Any, name: str) -> None:
    bills.v1([bills.line()], root=f"p/{name}")
    bills.loaded()
    assert bills.query("SELECT DISTINCT source_export FROM aws_billing.billing") == [(name,)]
    bills.v1([bills.line(cost="2")], root=f"p/{name}", assembly="a2")
    bills.loaded()
    assert bills.query(COST) == bills.query(FOCUS) == [(D(2),)]


def test_nothing_from_a_bill_is_executed(bills: Any) -> None:
    quoted = '"; DROP SCHEMA aws_billing CASCADE; --'
    more = {
        f"resourceTags/user:{HOSTILE}": HOSTILE,
        f"product/{quoted}": quoted,
        "lineItem/LineItemDescription": HOSTILE,
    }
    more |= {"lineItem/CurrencyCode": HOSTILE, "bill/PayerAccountId": quoted, f"resourceTags/user:{quoted}\\": "'\\"}
    lines = [bills.line(more=more)]
    root, version = f"p/{HOSTILE}", f"a1{HOSTILE}".replace("/", "")
    bills.v1(lines, lines, root=root, assembly=version, reportId=quoted, account=HOSTILE)
    bills.v1([bills.line("2024-02")], month="2024-02", root=root, assembly=f"{version}2")
    bills.loaded(options={"allow_unbalanced": True})
    assert bills.values(f"resourceTags/user:{HOSTILE}")[:2] == [HOSTILE] * 2
    assert bills.query("SELECT DISTINCT source_version FROM aws_billing.billing_2024_01") == [(version,)]
    bills.v1(lines, root=root, assembly=f"{version}3")
    bills.loaded(options={"allow_unbalanced": True})
    assert bills.query("SELECT count(*) FROM aws_billing.billing") == [(2,)]
    assert bills.query("SELECT count(*) FROM focus.cost_and_usage") == [(2,)]


# FOCUS exports


@pytest.mark.parametrize("partition", ["BILLING_PERIOD", "billing_period"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_focus_exports_of_both_versions(bills: Any, version: str, form: str, partition: str) -> None:
    import pyarrow as pa

    own = {"x_UsageType": "BoxUsage", "x_CostCategories": "{}"} if version == "1.0" else {"InvoiceId": "77"}
    line: dict[str, Any] = {**bills.focus_line, **own, "x_Discounts": '{"edp":0.5}'}
    if form == "csv":
        content = gzip.compress(bills.csv_text([line]).encode())
    else:
        texts = pa.map_(pa.string(), pa.string())
        maps = {"Tags": texts, "x_Discounts": pa.map_(pa.string(), pa.float64()), "x_CostCategories": texts}
        line |= {name: list(json.loads(line[name]).items()) for name in maps if name in line}
        content = bills.parquet_bytes([line], maps)
    table = f"FOCUS_{version.replace('.', '_')}_AWS"
    bills.export(
        content,
        partition=partition,
        ending="csv.gz" if form == "csv" else "snappy.parquet",
        columns=[{"name": name, "type": "string"} for name in line],
        queryStatement=f"SELECT * FROM {table}",
    )
    bills.loaded()
    [entry] = loaded_periods(bills.target)
    assert entry.dataset == f"focus-{version}"
    [found] = bills.query(
        "SELECT BilledCost, SubAccountId, Tags, ChargePeriodStart, ServiceName FROM focus.cost_and_usage"
    )
    assert found[:2] == (D("1.5"), "001122334455")
    assert json.loads(found[2]) == {"user_Name": "web"}
    assert found[3:] == (dt.datetime(2024, 1, 5), "Amazon EC2")


def test_a_file_that_vanished_keeps_what_stood(bills: Any) -> None:
    bills.v1([bills.line()])
    bills.loaded()
    manifest = bills.v1([bills.line(cost="2")], [bills.line(cost="3")], assembly="a2")
    (bills.root / manifest["reportKeys"][1]).unlink()
    ((_, error),) = bills.load().failed
    assert isinstance(error, DeliveryError)
    assert "cur-2.csv.gz" in str(error)
    assert bills.query(COST) == [(D("1.5"),)]
