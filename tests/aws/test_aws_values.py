"""What the cells of AWS's bills may hold, through the whole pipeline: a value is kept as it is, or refused by name."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from decimal import Decimal as D
from typing import Any

import pytest
from finops_core.ledger import loaded_periods

COST = "SELECT sum(line_item_unblended_cost) FROM aws_billing.billing"


@pytest.mark.parametrize(
    "text", ["007", "1e5", "NULL", "NaN", "true", "2024-01-01", "\\N", " x ", "-0", "None", "a\r\nb"]
)
def test_tag_values_stay_as_written(bills: Any, text: str) -> None:
    bills.v1([bills.line(more={"resourceTags/user:Any": text})])
    bills.loaded()
    assert bills.values("resourceTags/user:Any") == [text]
    assert json.loads(bills.values("resourceTags/*")[0]) == {"user:Any": text}


def test_a_column_whose_type_changes_late_in_a_file_and_between_months(bills: Any) -> None:
    lines = [bills.line(id=f"{row:05d}", more={"product/memory": str(row)}) for row in range(30_000)]
    lines.append(bills.line(id="99998", more={"product/memory": "eight GiB"}))
    bills.v1(lines)
    import pyarrow as pa

    double = bills.snake(bills.line("2024-02", id="99999")) | {"product_memory": 2.5}
    content = bills.parquet_bytes([double], {"product_memory": pa.float64()})
    bills.v1(content, month="2024-02", ending="snappy.parquet", compression="Parquet")
    bills.loaded()
    column = bills.values("product/memory")
    assert (column[7], column[-2], column[-1]) == ("7", "eight GiB", "2.5")


def test_chunks_of_a_month_whose_columns_have_other_physical_types(bills: Any) -> None:
    """A column that is empty throughout a chunk may be written as anything; times in ms, ns or INT96."""
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = bills.snake(bills.line(id="1")) | {"line_item_blended_cost": "0.5", "line_item_brand_new": "a"}
    start = "line_item_usage_start_date"
    changes: list[dict[str, Any]] = [
        {"line_item_brand_new": pa.array(["a"])},
        {"line_item_blended_cost": pa.nulls(1), start: pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("ns"))},
        {"line_item_blended_cost": pa.array([decimal.Decimal("0.5")], pa.decimal128(38, 9)), "int96": True},
        {"line_item_blended_cost": pa.array([None], pa.int32()), "line_item_operation": pa.nulls(1)},
        {"line_item_brand_new": pa.array([7], pa.int64()), "bill_invoice_id": pa.array([b"077"], pa.binary())},
    ]
    files = []
    for change in changes:
        old_times = change.pop("int96", False)
        if old_times:
            change[start] = pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("ns"))
        columns = {name: change.get(name, pa.array([text])) for name, text in plain.items()}
        out = io.BytesIO()
        pq.write_table(pa.table(columns), out, use_deprecated_int96_timestamps=old_times)
        files.append(out.getvalue())
    bills.export(*files, ending="snappy.parquet")
    bills.loaded()
    order = "FROM aws_billing.billing ORDER BY source_file"
    found = bills.query(f"SELECT {start}, line_item_blended_cost, line_item_brand_new, bill_invoice_id {order}")
    assert {row[0] for row in found} == {dt.datetime(2024, 1, 5)}
    assert [row[1] for row in found] == [D("0.5"), None, D("0.5"), None, D("0.5")]
    assert [row[2] for row in found] == ["a", "a", "a", "a", "7"]
    assert found[-1][3] == "077"


HOUR, DAY, MONTH = "2024-01-05T01:00:00Z", "2024-01-06T00:00:00Z", "2024-02-01T00:00:00Z"


@pytest.mark.parametrize("kind", ["v1", "v2"])
@pytest.mark.parametrize("end", [HOUR, DAY, MONTH], ids=["hourly", "daily", "monthly"])
def test_reports_of_china_by_the_hour_the_day_and_the_month_without_resources(bills: Any, end: str, kind: str) -> None:
    start = "2024-01-01T00:00:00Z" if end == MONTH else "2024-01-05T00:00:00Z"
    seller = "北京光环新网科技股份有限公司"
    more = {
        "identity/TimeInterval": f"{start}/{end}",
        "lineItem/UsageStartDate": start,
        "lineItem/UsageEndDate": end,
        "lineItem/CurrencyCode": "CNY",
        "bill/InvoicingEntity": seller,
        "product/region": "cn-north-1",
        "pricing/currency": "CNY",
    }
    getattr(bills, kind)([bills.line(more=more)])
    bills.loaded()
    [found] = bills.query(
        "SELECT ChargePeriodStart, ChargePeriodEnd, BillingCurrency, BilledCost, InvoiceIssuerName, ResourceId "
        "FROM focus.cost_and_usage"
    )
    times = tuple(dt.datetime.fromisoformat(text).replace(tzinfo=None) for text in (start, end))
    assert found == (*times, "CNY", D("1.5"), seller, None)


@pytest.mark.parametrize("cost", ["0.1234567890123456789", "123456789012345678901", "1,5", "abc", "0x10"])
def test_a_cost_that_cannot_be_kept_names_file_row_and_column(bills: Any, cost: str) -> None:
    bills.v1([bills.line(cost="7")])
    bills.loaded()
    bills.v1([bills.line()], [bills.line(), bills.line(cost=cost)], assembly="a2")
    ((_, error),) = bills.load().failed
    assert error.code == "FIN021"
    assert cost in error.what
    assert error.where == "p/cur/20240101-20240201/a2/cur-2.csv.gz, row 2, column lineItem/UnblendedCost"
    assert bills.query(COST) == [(D(7),)]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_number_in_a_column_that_nobody_knows_never_stops_a_bill(
    bills: Any, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS adds columns, and its manifest calls them `double`. What they hold is kept exactly, else as it is written."""
    import pyarrow as pa
    from finops_core.cli import run

    name = "line_item_brand_new"
    columns = [{"name": "line_item_unblended_cost", "type": "double"}, {"name": name, "type": "double"}]
    if form == "csv":
        months = {"2024-01": ["9.313225746154785E-10", ""], "2024-02": ["12345678901234567890.1", "1E-300"]}
        for month, values in months.items():
            lines = [bills.line(month, id=str(number), more={name: value}) for number, value in enumerate(values)]
            bills.v2(lines, month=month, columns=columns)
    else:
        months = {"2024-01": ["0.1", "0.25"], "2024-02": ["nan", "1e+30"]}
        for month, values in months.items():
            rows = [bills.snake(bills.line(month, id=str(i))) | {name: float(v)} for i, v in enumerate(values)]
            bills.export(
                bills.parquet_bytes(rows, {name: pa.float64()}), month=month, ending="snappy.parquet", columns=columns
            )
    bills.loaded()
    january, february = (
        bills.query(f"SELECT {name} FROM aws_billing.billing_{month.replace('-', '_')} ORDER BY identity_line_item_id")
        for month in months
    )
    assert [row[0] for row in january] == [D(text) if text else None for text in months["2024-01"]]
    assert [row[0] for row in february] == months["2024-02"]
    assert any("kept as text" in note and name in note for note in loaded_periods(bills.target)[1].notes)
    monkeypatch.chdir(bills.root.parent)
    monkeypatch.setenv("AWS_BUCKET", bills.root.as_uri())
    assert run(["verify", "--fail-on", "mismatch"]) == 0


@pytest.mark.parametrize("strategy", ["separate", "single"])
def test_usage_of_one_byte_in_gigabytes_is_kept_whole(bills: Any, strategy: str) -> None:
    options = {"table_strategy": strategy}
    amounts = ["9.3132257462E-10", "9.313225746154785E-10", "123456.5"]
    lines = [bills.line(id=str(i), more={"lineItem/UsageAmount": text}) for i, text in enumerate(amounts)]
    bills.v2(lines)
    bills.v2([bills.line("2024-02", id="9")], month="2024-02")
    bills.loaded(options=options)
    table = "billing_2024_01" if strategy == "separate" else "billing_data"
    found = bills.query(
        f"SELECT line_item_usage_amount FROM aws_billing.{table} WHERE billing_period = '2024-01' "
        "ORDER BY identity_line_item_id"
    )
    assert [row[0] for row in found] == [D(text) for text in amounts]
    rounded = bills.query("SELECT ConsumedQuantity FROM focus.cost_and_usage WHERE x_BillingPeriod = '2024-01'")
    assert D("9.31322575E-10") in {row[0] for row in rounded}
    view = bills.query("SELECT line_item_usage_amount FROM aws_billing.billing ORDER BY identity_line_item_id")
    assert [row[0] for row in view] == [*map(D, amounts), D(1)], "the view over both months has every digit too"
    january = loaded_periods(bills.target)[0]
    assert any("line_item_usage_amount" in note for note in january.notes)


def test_a_single_table_follows_the_values_of_later_months(bills: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decimals that the table has no room for, and a number that becomes text in a column that nobody knows."""
    from finops_core.cli import run

    options, name = {"table_strategy": "single"}, "line_item_brand_new"
    columns = [{"name": "line_item_unblended_cost", "type": "double"}, {"name": name, "type": "double"}]
    bills.v2([bills.line(more={name: "0.5"})], columns=columns)
    bills.loaded(options=options)
    changed = {"lineItem/UsageAmount": "1E-20", name: "NaN"}
    bills.v2([bills.line("2024-02", more=changed)], month="2024-02", columns=columns)
    bills.loaded(options=options)
    query = f"SELECT billing_period, line_item_usage_amount, {name} FROM aws_billing.billing_data ORDER BY 1"
    assert bills.query(query) == [("2024-01", D(1), "0.500000000000000000"), ("2024-02", D("1E-20"), "NaN")]
    bills.v2([bills.line(more={name: "7"}, cost="2")], columns=columns, execution="again")
    bills.loaded(options=options)
    assert bills.query(query)[0] == ("2024-01", D(1), "7")
    monkeypatch.chdir(bills.root.parent)
    monkeypatch.setenv("AWS_BUCKET", bills.root.as_uri())
    assert run(["verify", "--fail-on", "mismatch"]) == 0


def test_byte_order_mark_line_ends_and_breaks_in_values(bills: Any) -> None:
    text = bills.csv_text([bills.line(more={"resourceTags/user:Note": 'one\ntwo, "three"'})])
    bills.v1(gzip.compress(b"\xef\xbb\xbf" + text.replace("one\ntwo", "one two").replace("\n", "\r\n").encode()))
    bills.loaded()
    assert bills.values("resourceTags/user:Note") == ['one two, "three"']
    assert bills.values("identity/LineItemId") == ["id1"]
    bills.v1(gzip.compress(text.encode()), assembly="a2")
    bills.loaded()
    assert bills.values("resourceTags/user:Note") == ['one\ntwo, "three"']
