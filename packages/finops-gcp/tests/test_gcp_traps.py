"""The traps of Google's billing export, each with a bill that springs it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core.errors import ConfigError, DeliveryError, ValueDoesNotFit

FORMATS = ("parquet", "json.gz", "csv", "avro")


def _paid(bill: Any) -> Decimal:
    paid: Decimal = bill.one("SELECT sum(BilledCost) FROM focus")
    return paid


@pytest.mark.parametrize("ending", FORMATS)
def test_unnesting_credits_never_multiplies_cost(desk: Any, ending: str) -> None:
    credits = [desk.credit(-0.25, "SUSTAINED_USAGE_DISCOUNT"), desk.credit(-0.125, "DISCOUNT")]
    desk.write(f"2025-01/a.{ending}", desk.row(cost=1.0, credits=credits), desk.row(cost=2.0))
    bill = desk.read()
    assert bill.one("SELECT count(*) FROM source") == 2
    assert bill.one("SELECT sum(cost) FROM source") == 3
    assert _paid(bill) == Decimal("2.625")
    assert bill.broken == []


def test_credits_are_part_of_what_is_paid(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(cost=10.0, credits=[desk.credit(-4.5, "COMMITTED_USAGE_DISCOUNT")]))
    assert _paid(desk.read()) == Decimal("5.5")


def test_a_csv_without_credits_is_refused(desk: Any) -> None:
    (desk.bucket / "2025-01").mkdir()
    (desk.bucket / "2025-01/a.csv").write_text(
        "usage_start_time,cost,currency,invoice.month\n2025-01-01,1,USD,202501\n"
    )
    with pytest.raises(DeliveryError, match="without the column credits"):
        desk.read()


@pytest.mark.parametrize("ending", FORMATS)
def test_exact_duplicate_rows_are_legal_and_stay(desk: Any, ending: str) -> None:
    desk.write(f"2025-01/a.{ending}", desk.row(cost=1.5), desk.row(cost=1.5))
    desk.write(f"2025-01/b.{ending}", desk.row(cost=1.5))
    bill = desk.read()
    assert bill.one("SELECT count(*) FROM focus") == 3
    assert _paid(bill) == Decimal("4.5")


@pytest.mark.parametrize("ending", FORMATS)
def test_late_rows_belong_to_their_invoice_month(desk: Any, ending: str) -> None:
    """Filtering by date of use would miss them, by day of ingestion would mix the months."""
    late = desk.row(usage_start_time="2024-12-31 23:00:00 UTC", usage_end_time="2025-01-01 00:00:00 UTC", cost=2.0)
    early = desk.row(invoice={"month": "202412"}, cost=5.0)
    desk.write(f"dt=2025-01-02/a.{ending}", late, early, desk.row(cost=1.0))
    desk.write(f"dt=2025-01-20/a.{ending}", desk.row(cost=4.0))
    january, december = desk.read("2025-01"), desk.read("2024-12")
    assert (_paid(january), _paid(december)) == (7, 5)
    assert january.delivery.rows == 3
    assert january.one("SELECT min(ChargePeriodStart) FROM focus") == dt.datetime(2024, 12, 31, 23)
    assert january.query("SELECT DISTINCT BillingPeriodStart, BillingPeriodEnd FROM focus") == [
        (dt.datetime(2025, 1, 1), dt.datetime(2025, 2, 1))
    ]


def test_stale_shards_of_a_longer_export_are_left_out_and_named(desk: Any) -> None:
    then, now = dt.datetime(2025, 2, 1, tzinfo=dt.UTC), dt.datetime(2025, 2, 2, tzinfo=dt.UTC)
    desk.write("2025-01/part-000000000000.parquet", desk.row(cost=1.0), written=now)
    desk.write("2025-01/part-000000000001.parquet", desk.row(cost=100.0), written=then)
    bill = desk.read()
    assert _paid(bill) == 1
    assert bill.delivery.notes == (
        "left out as shards of an earlier, longer export: 2025-01/part-000000000001.parquet",
    )


def test_numbers_that_are_text_in_json_are_numbers(desk: Any) -> None:
    price = {"list_price": "0.031600000", "tier_start_amount": "0"}
    desk.write("2025-01/a.json", {**desk.row(price=price), "cost": "0.0316", "cost_at_list": "0.0316"})
    bill = desk.read()
    assert bill.query("SELECT cost, price_list_price FROM source") == [(Decimal("0.0316"), Decimal("0.0316"))]
    assert bill.one("SELECT ListUnitPrice FROM focus") == Decimal("0.0316")


def test_json_fields_that_differ_only_by_case_are_refused_by_name(desk: Any) -> None:
    """BigQuery's own columns never do."""
    desk.write("2025-01/a.json", {**desk.row(), "Novelty": 1}, {**desk.row(), "novelty": 2})
    with pytest.raises(DeliveryError, match="'Novelty' and 'novelty'") as caught:
        desk.read()
    assert caught.value.where == "2025-01/a.json"


@pytest.mark.parametrize("ending", FORMATS)
def test_labels_that_differ_only_by_case_are_two(desk: Any, ending: str) -> None:
    labels = [{"key": "Env", "value": "prod"}, {"key": "env", "value": "test"}]
    desk.write(f"2025-01/a.{ending}", desk.row(labels=labels))
    assert json.loads(desk.read().one("SELECT Tags FROM focus")) == {"Env": "prod", "env": "test"}


def test_fields_of_one_struct_that_differ_only_by_case_are_kept(desk: Any) -> None:
    desk.write("2025-01/a.json", {**desk.row(), "service": {"id": "s", "ID": "t", "description": "d"}})
    assert desk.read().query("SELECT service_id, service_other FROM raw") == [("s", '{"ID":"t"}')]


@pytest.mark.parametrize("text", ["2025-01-15 10:00:00 UTC", "2025-01-15 10:00:00.000000 UTC", "2025-01-15T10:00:00Z"])
def test_times_with_utc_behind_them_are_read(desk: Any, text: str) -> None:
    desk.write("2025-01/a.json", desk.row(usage_start_time=text))
    assert desk.read().one("SELECT ChargePeriodStart FROM focus") == dt.datetime(2025, 1, 15, 10)


def test_a_session_zone_does_not_move_days(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(usage_start_time="2025-01-31 23:30:00 UTC"))
    bill = desk.read()
    bill.connection.execute("SET TimeZone = 'Europe/Berlin'")
    assert bill.query("SELECT typeof(usage_start_time), CAST(usage_start_time AS DATE) FROM source") == [
        ("TIMESTAMP", dt.date(2025, 1, 31))
    ]


@pytest.mark.parametrize("ending", FORMATS)
def test_duplicate_and_null_label_keys_do_not_raise(desk: Any, ending: str) -> None:
    """Precedence: label of the resource, then tag, then label of the project; the first of equal keys."""
    labels = [{"key": "env", "value": "prod"}, {"key": "env", "value": "old"}, {"key": None, "value": "x"}]
    tags = [{"key": "env", "value": "tagged"}, {"key": "team", "value": 'größe "q"'}, {"key": "none", "value": None}]
    project = {"labels": [{"key": "team", "value": "p"}, {"key": "cc", "value": "1"}]}
    desk.write(f"2025-01/a.{ending}", desk.row(labels=labels, tags=tags, project=project))
    bill = desk.read()
    assert json.loads(bill.one("SELECT Tags FROM focus")) == {
        "env": "prod",
        "team": 'größe "q"',
        "none": True,
        "cc": "1",
    }
    assert len(json.loads(bill.one("SELECT labels FROM source"))) == 3


@pytest.mark.parametrize("ending", FORMATS)
def test_rows_without_a_project_stay(desk: Any, ending: str) -> None:
    desk.write(f"2025-01/a.{ending}", desk.row(project=None, cost=3.0))
    bill = desk.read()
    assert bill.query("SELECT SubAccountId, SubAccountType, BilledCost FROM focus") == [(None, None, 3)]


def test_a_deleted_project_keeps_its_number(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(project={"id": None, "name": None}))
    assert desk.read().one("SELECT SubAccountId FROM focus") == "123456789012"


def test_tax_rounding_and_adjustments_need_no_place_and_no_sku(desk: Any) -> None:
    bare = {"location": None, "resource": None, "project": None, "usage": None, "usage_start_time": None}
    desk.write(
        "2025-01/a.parquet",
        desk.row(**bare, usage_end_time=None, cost_type="tax", cost=1.9, cost_at_list=None),
        desk.row(**bare, usage_end_time=None, cost_type="rounding_error", cost=0.000001, cost_at_list=None),
        desk.row(**bare, cost_type="adjustment", cost=-3.0, cost_at_list=None, sku={"id": None, "description": None}),
    )
    bill = desk.read()
    found = bill.query(
        "SELECT ChargeCategory, SkuId, RegionId, ChargePeriodStart, PricingCategory FROM focus ORDER BY 1"
    )
    assert [item[0] for item in found] == ["Adjustment", "Adjustment", "Tax"]
    assert found[2] == ("Tax", None, None, dt.datetime(2025, 1, 1), None)
    assert bill.broken == []


@pytest.mark.parametrize("ending", FORMATS)
def test_micro_amounts_and_long_floats_keep_eighteen_decimals(desk: Any, ending: str) -> None:
    costs = [1e-9, 1.2345678901234567e-06, 0.30000000000000004, 123456.789012345]
    desk.write(f"2025-01/a.{ending}", *(desk.row(cost=cost) for cost in costs))
    found = [item[0] for item in desk.read().query("SELECT cost FROM source ORDER BY cost")]
    assert found == [
        Decimal("0.000000001"),
        Decimal("0.000001234567890123"),
        Decimal("0.30000000000000004"),
        Decimal("123456.789012345"),
    ]


@pytest.mark.parametrize("ending", FORMATS)
def test_byte_seconds_of_petabytes_fit(desk: Any, ending: str) -> None:
    usage = {
        "amount": 8.6e20,
        "unit": "byte-seconds",
        "amount_in_pricing_units": 310.5,
        "pricing_unit": "gibibyte month",
    }
    desk.write(f"2025-01/a.{ending}", desk.row(usage=usage))
    bill = desk.read()
    assert bill.one("SELECT usage_amount FROM source") == Decimal("8.6e20")
    assert bill.query("SELECT ConsumedQuantity, ConsumedUnit FROM focus") == [(Decimal("310.5"), "GiB-Months")]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("12345678901234567890.123456789", (Decimal("12345678901234567890.123456789"), "Byte-Seconds")),
        ("99999999999999999998", (Decimal("99999999999999999998"), "Byte-Seconds")),
        ("-100000000000000000000", (Decimal("310.5"), "GiB-Months")),
        ("12345678901234567890123456789", (Decimal("310.5"), "GiB-Months")),
    ],
)
def test_consumed_quantity_keeps_every_digit_or_is_told_in_pricing_units(
    desk: Any, amount: str, expected: tuple[Decimal, str]
) -> None:
    """DECIMAL(38,18) holds 20 digits before the point; the raw rows hold 29."""
    units = {"unit": "byte-seconds", "amount_in_pricing_units": "310.5", "pricing_unit": "gibibyte month"}
    desk.write("2025-01/a.json", {**desk.row(), "usage": {"amount": amount, **units}})
    bill = desk.read()
    assert bill.one("SELECT usage_amount FROM source") == Decimal(amount)
    assert bill.query("SELECT ConsumedQuantity, ConsumedUnit FROM focus") == [expected]


def test_a_focus_export_of_petabytes_is_told_in_pricing_units(desk: Any) -> None:
    row = {
        "BilledCost": "1.5", "EffectiveCost": "1.5", "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "BillingPeriodStart": "2025-01-01 00:00:00 UTC", "ChargePeriodStart": "2025-01-15 00:00:00 UTC",
        "ConsumedQuantity": "860000000000000000000", "ConsumedUnit": "byte-seconds", "PricingQuantity": "310.5",
        "PricingUnit": "gibibyte month",
    }  # fmt: skip
    desk.write("2025-01/a.json", row)
    bill = desk.read()
    assert bill.one("SELECT ConsumedQuantity FROM source") == Decimal("8.6e20")
    assert bill.query("SELECT ConsumedQuantity, ConsumedUnit FROM focus") == [(Decimal("310.5"), "GiB-Months")]


def test_two_exports_below_one_folder_are_refused_by_name(desk: Any) -> None:
    desk.write("one/2025-01/a.parquet", desk.row())
    desk.write("two/2025-01/a.parquet", desk.row())
    with pytest.raises(ConfigError, match=r"several exports lie here: one/, two/"):
        desk.deliveries()
    assert [item.export for item in desk.deliveries(prefix="two")] == ["two"]


def test_standard_and_detailed_export_in_one_folder_are_refused(desk: Any) -> None:
    """They hold the same cost."""
    desk.write("2025-01/gcp_billing_export_v1_010101_F0FFF0_61C528-000000000000.parquet", desk.row())
    desk.write("2025-01/gcp_billing_export_resource_v1_010101_F0FFF0_61C528-000000000000.parquet", desk.row())
    with pytest.raises(ConfigError, match="standard and the detailed"):
        desk.deliveries()


def test_columns_that_come_with_time_make_folders_of_mixed_schema(desk: Any) -> None:
    """Structs gain fields, and columns come: shards of one month may differ."""
    old = desk.write("2025-01/a.parquet", desk.row(cost=1.0))
    table = pq.read_table(old)
    pq.write_table(table.drop_columns(["price", "consumption_model"]), old)
    new = pq.read_table(desk.write("2025-01/b.parquet", desk.row(cost=2.0, price={"list_price": Decimal("2.0")})))
    price = pa.array([{"list_price": Decimal("2.000000000"), "brand_new": {"deep": 1.5, "list": ["x"]}}])
    at = new.schema.get_field_index("price")
    pq.write_table(
        new.set_column(at, "price", price).append_column("novelty", pa.array(["n"])), desk.bucket / "2025-01/b.parquet"
    )
    bill = desk.read()
    assert bill.query(
        "SELECT cost, price_list_price, price_brand_new_deep, price_brand_new_list, novelty FROM raw ORDER BY 1"
    ) == [(1, None, None, None, None), (2, 2, Decimal("1.5"), '["x"]', "n")]
    assert bill.broken == []


def test_fields_that_nobody_knows_survive_in_json(desk: Any) -> None:
    desk.write(
        "2025-01/a.json", {**desk.row(), "service": {"id": "s", "description": "d", "tier": 9}, "novelty": {"a": 1}}
    )
    bill = desk.read()
    assert bill.query("SELECT service_id, service_other, novelty FROM raw") == [("s", '{"tier":9}', '{"a":1}')]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_missing_invoice_month_falls_back_to_the_folder(desk: Any, ending: str) -> None:
    desk.write(f"2025-01/a.{ending}", desk.row(invoice=None))
    bill = desk.read()
    assert bill.one("SELECT BillingPeriodStart FROM focus") == dt.datetime(2025, 1, 1)
    assert bill.broken == ["G9"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_missing_invoice_month_in_a_flat_tree_falls_back_to_the_month_of_use(desk: Any, ending: str) -> None:
    desk.write(f"bills.{ending}", desk.row(invoice=None, cost=1.0), desk.row(invoice={"month": "202502"}, cost=2.0))
    assert [(str(item.period), item.rows) for item in desk.deliveries()] == [("2025-01", 1), ("2025-02", 1)]
    assert _paid(desk.read("2025-01")) == 1


def test_currencies_are_never_added(desk: Any) -> None:
    euro = desk.row(currency="EUR", currency_conversion_rate=0.92, cost=0.92, billing_account_id="0202-EU")
    desk.write("2025-01/a.parquet", desk.row(cost=1.0), euro)
    bill = desk.read()
    assert bill.query(
        "SELECT BillingCurrency, PricingCurrency, BilledCost, PricingCurrencyEffectiveCost FROM focus ORDER BY 1"
    ) == [("EUR", "USD", Decimal("0.92"), 1), ("USD", "USD", 1, 1)]
    assert bill.broken == []


def test_the_invoice_service_is_an_adjustment(desk: Any) -> None:
    desk.write(
        "2025-01/a.parquet",
        desk.row(
            service={"id": "A", "description": "Invoice"},
            sku={"id": "B", "description": "Contract billing adjustment"},
            cost_type="adjustment",
            usage=None,
            cost=-12.5,
        ),
    )
    bill = desk.read()
    assert bill.query("SELECT ChargeCategory, ServiceName, ServiceCategory, ChargeClass, BilledCost FROM focus") == [
        ("Adjustment", "Invoice", "Other", None, Decimal("-12.5"))
    ]
    assert bill.broken == []


def test_commitment_fees_without_a_project_are_offset_by_their_credit(desk: Any) -> None:
    fee = desk.row(
        sku={"id": "8E44", "description": "Commitment - dollar based v1: GCE for 1 year"},
        project=None,
        resource=None,
        subscription={"instance_id": "sub-1"},
        cost=10.0,
        credits=[desk.credit(-8.0, "FEE_UTILIZATION_OFFSET")],
    )
    desk.write("2025-01/a.parquet", fee)
    bill = desk.read()
    assert bill.query(
        "SELECT ChargeCategory, CommitmentDiscountStatus, CommitmentDiscountId, BilledCost, EffectiveCost FROM focus"
    ) == [("Usage", "Unused", "sub-1", 2, 2)]
    assert bill.broken == []


def test_resource_names_may_be_missing_or_begin_with_slashes(desk: Any) -> None:
    desk.write(
        "2025-01/a.parquet",
        desk.row(),
        desk.row(resource={"name": "bucket-1", "global_name": None}),
        desk.row(resource=None),
    )
    bill = desk.read()
    assert bill.query("SELECT ResourceId, ResourceName, ResourceType FROM focus ORDER BY 1 NULLS LAST") == [
        ("//compute.googleapis.com/projects/p/zones/z/instances/1", "vm-1", "instances"),
        ("bucket-1", "bucket-1", "Compute Engine"),
        (None, None, None),
    ]
    assert bill.broken == []


def test_a_file_of_an_empty_month_has_a_header_only(desk: Any) -> None:
    desk.write("2025-01/a.csv")
    desk.write("2025-02/a.parquet")
    (desk.bucket / "2025-03").mkdir()
    (desk.bucket / "2025-03/a.json").write_bytes(b"")
    for month in ("2025-01", "2025-02", "2025-03"):
        bill = desk.read(month)
        assert bill.one("SELECT count(*) FROM focus") == 0
        assert bill.broken == []


def test_free_tier_is_a_full_discount_on_the_row(desk: Any) -> None:
    desk.write("2025-01/a.parquet", desk.row(cost=0.7, credits=[desk.credit(-0.7, "FREE_TIER")], cost_at_list=0.7))
    bill = desk.read()
    assert bill.query("SELECT ChargeCategory, BilledCost, EffectiveCost, ListCost, ContractedCost FROM focus") == [
        ("Usage", 0, 0, Decimal("0.7"), Decimal("0.7"))
    ]


def test_negative_balancing_rows_of_gke_have_no_negative_price(desk: Any) -> None:
    usage = {"amount": -10.0, "unit": "seconds", "amount_in_pricing_units": -0.1, "pricing_unit": "hour"}
    labels = [{"key": "k8s-namespace", "value": "kube:unallocated"}]
    desk.write("2025-01/a.parquet", desk.row(cost=-0.5, cost_at_list=-0.5, usage=usage, labels=labels))
    desk.write("2025-01/b.parquet", desk.row(cost=-0.5, cost_at_list=-0.5))
    bill = desk.read()
    assert bill.query("SELECT ListUnitPrice, PricingQuantity, BilledCost FROM focus ORDER BY 2") == [
        (5, Decimal("-0.1"), Decimal("-0.5")),
        (None, 1, Decimal("-0.5")),
    ]
    assert "R2" not in bill.broken


def test_credits_dumped_by_python_are_read(desk: Any) -> None:
    """Single quotes, None and True are how Python shows a list of dicts."""
    path = desk.write("2025-01/a.csv", desk.row(cost=2.0, credits=[desk.credit(-0.5, "DISCOUNT")]))
    text = path.read_text().replace('""', "'").replace("'id': 'A credit'", "'id': None")
    path.write_text(text)
    assert "None" in text
    bill = desk.read()
    assert _paid(bill) == Decimal("1.5")
    assert bill.broken == []


def test_credits_that_nobody_can_read_fail_the_month(desk: Any) -> None:
    path = desk.write("2025-01/a.csv", desk.row(credits=[desk.credit(-0.5, "DISCOUNT")]))
    path.write_text(path.read_text().replace("]", ""))
    with pytest.raises(ValueDoesNotFit, match="credits holds") as caught:
        desk.read()
    assert caught.value.where == "2025-01/a.csv, row 1, column credits"


def test_credits_that_are_no_list_are_a_broken_money_check(desk: Any) -> None:
    desk.write("2025-01/a.json", {**desk.row(), "credits": {"amount": -1}})
    bill = desk.read()
    assert "G0" in bill.broken


def test_underscored_headers_are_the_same_columns(desk: Any) -> None:
    path = desk.write("2025-01/a.csv", desk.row(cost=1.25))
    head, _, rest = path.read_text().partition("\n")
    path.write_text(head.replace(".", "_").replace("invoice_month", "invoice") + "\n" + rest)
    bill = desk.read()
    assert bill.query("SELECT service_id, usage_amount, invoice_month, cost FROM source") == [
        ("6F81-5844-456A", 3600, "202501", Decimal("1.25"))
    ]
    assert bill.broken == []


def test_lists_without_their_annotation_are_lists(desk: Any) -> None:
    """Writers that leave out Parquet's LIST annotation make STRUCT(list STRUCT(element …)[])."""
    path: Path = desk.write("2025-01/a.parquet", desk.row())
    table = pq.read_table(path)
    kind = pa.struct(
        [("list", pa.list_(pa.struct([("element", pa.struct([("amount", pa.float64()), ("type", pa.string())]))])))]
    )
    bare = pa.array([{"list": [{"element": {"amount": -0.25, "type": "DISCOUNT"}}]}], kind)
    pq.write_table(table.set_column(table.schema.get_field_index("credits"), "credits", bare), path)
    bill = desk.read()
    assert _paid(bill) == Decimal("0.75")
    assert bill.broken == []


def test_columns_of_ones_own_may_have_any_name(desk: Any) -> None:
    """Also one that the conversion uses for a value of its own."""
    path = desk.write("2025-01/a.csv", desk.row(cost=2.0))
    head, row, *_ = path.read_text().splitlines()
    path.write_text(f"{head},rate,status,weight,is_fee\n{row},7,late,2,no\n")
    bill = desk.read()
    assert _paid(bill) == 2
    assert bill.query("SELECT rate, status, weight, is_fee FROM raw") == [("7", "late", "2", "no")]
    assert bill.broken == []
