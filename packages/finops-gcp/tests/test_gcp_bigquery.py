"""Bills straight from BigQuery, against stand-ins on this machine, which were not compared with the service."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from finops_core import Delivery, Period, Window
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError
from finops_gcp.provider import Gcp

_spec = importlib.util.spec_from_file_location("bigquery_standin", Path(__file__).parent / "bigquery_standin.py")
assert _spec
assert _spec.loader
standin = sys.modules["bigquery_standin"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(standin)

DETAILED = "gcp_billing_export_resource_v1_010101_F0FFF0_61C528"
STANDARD = "gcp_billing_export_v1_010101_F0FFF0_61C528"


@dataclass
class Cloud:
    """A billing project of the stand-in, and the provider that reads it."""

    desk: Any
    service: Any
    rest: Any
    read: Any

    def export(self, name: str, *rows: dict[str, Any], **facts: Any) -> None:
        path = self.desk.write_rows(self.desk.folder / "table.parquet", rows)
        table = pq.read_table(path)
        days = [dt.datetime.fromisoformat(item["export_time"][:10]).replace(tzinfo=dt.UTC) for item in rows]
        ingested = pa.array(days, pa.timestamp("us", tz="UTC"))
        self.service.tables["acme", "billing", name] = standin.ExportTable(
            table.append_column("_PARTITIONTIME", ingested), **facts
        )

    def provider(self, **settings: Any) -> Gcp:
        given = {
            "project_id": "acme",
            "dataset_id": "billing",
            "anonymous": True,
            "endpoint_url": self.rest.url,
            "read_endpoint": self.read.url,
        }
        return Gcp(**{**given, **settings})

    def deliveries(self, window: Window | None = None, **settings: Any) -> list[Delivery]:
        return list(self.provider(**settings).discover(window or Window()))

    def costs(self, delivery: Delivery, **settings: Any) -> list[Decimal]:
        bill = self.desk.read_delivery(self.provider(**settings), delivery, self.desk.folder)
        found: list[Decimal] = [item[0] for item in bill.query("SELECT BilledCost FROM focus ORDER BY 1")]
        return found


@pytest.fixture
def cloud(desk: Any) -> Iterator[Cloud]:
    service = standin.Service({})
    rest, read = standin.RestStandIn(service), standin.ReadStandIn(service)
    try:
        yield Cloud(desk, service, rest, read)
    finally:
        rest.stop()
        read.stop()


def _two_months(cloud: Cloud, **facts: Any) -> None:
    row = cloud.desk.row
    cloud.export(
        DETAILED,
        row(cost=1.0, credits=[cloud.desk.credit(-0.25, "DISCOUNT")]),
        row(cost=2.0, export_time="2025-02-03 04:05:06.789012 UTC"),
        row(cost=4.0, invoice={"month": "202502"}, export_time="2025-02-04 00:00:00 UTC"),
        **facts,
    )


def test_each_invoice_month_is_a_delivery_with_its_signal_as_version(cloud: Cloud) -> None:
    _two_months(cloud)
    january, february = cloud.deliveries()
    assert (january.period, february.period) == (Period(2025, 1), Period(2025, 2))
    assert (january.export, january.dataset, january.rows) == (DETAILED, "detailed", 2)
    assert january.version == "2025-02-03T04:05:06.789012Z, 2 rows"
    assert january.bytes is None
    assert january.notes == ("the query bills 5,000,000 bytes",)


@pytest.mark.parametrize("use_storage_api", [True, False])
def test_a_month_is_read_whole_and_exact(cloud: Cloud, use_storage_api: bool) -> None:
    _two_months(cloud)
    january, february = cloud.deliveries()
    assert cloud.costs(january, use_storage_api=use_storage_api) == [Decimal("0.75"), 2]
    assert cloud.costs(february, use_storage_api=use_storage_api) == [4]
    assert len(cloud.service.read_sessions) == (2 if use_storage_api else 0)


@pytest.mark.parametrize("use_storage_api", [True, False])
def test_many_rows_come_in_many_pages(cloud: Cloud, use_storage_api: bool) -> None:
    cloud.export(DETAILED, *(cloud.desk.row(cost=float(number)) for number in range(2500)))
    (delivery,) = cloud.deliveries()
    assert sum(cloud.costs(delivery, use_storage_api=use_storage_api)) == sum(range(2500))


def test_both_ways_read_the_same_rows(cloud: Cloud) -> None:
    price = {"list_price": Decimal("0.031600001"), "tier_start_amount": None}
    labels = [{"key": "größe", "value": None}]
    cloud.export(DETAILED, cloud.desk.row(cost=1e-9, price=price, labels=labels), cloud.desk.row(project=None))
    (delivery,) = cloud.deliveries()
    tables = []
    for number, use in enumerate((True, False)):
        folder = cloud.desk.folder / f"staged{number}"
        folder.mkdir()
        staging = type("Staging", (), {"folder": folder, "progress": staticmethod(lambda _: None)})
        (local,) = cloud.provider(use_storage_api=use).fetch(delivery, staging)
        tables.append(pq.read_table(local.path))
    assert tables[0].to_pylist() == tables[1].to_pylist()


def test_who_may_not_open_read_sessions_pages_over_rest(cloud: Cloud) -> None:
    _two_months(cloud)
    cloud.service.refuse_read = "bigquery.readsessions.create denied"
    assert cloud.costs(cloud.deliveries()[1]) == [4]


def test_rows_that_arrive_while_a_month_is_read_wait_for_the_next_import(cloud: Cloud) -> None:
    _two_months(cloud)
    january = cloud.deliveries()[0]
    row = cloud.desk.row
    late = row(cost=100.0, export_time="2025-02-05 00:00:00 UTC")
    cloud.export(DETAILED, row(cost=1.0), row(cost=2.0, export_time="2025-02-03 04:05:06.789012 UTC"), late)
    assert cloud.costs(january) == [1, 2]
    assert cloud.deliveries()[0].version == "2025-02-05T00:00:00.000000Z, 3 rows"


def test_rows_that_vanished_fail_the_month(cloud: Cloud) -> None:
    _two_months(cloud)
    january = cloud.deliveries()[0]
    cloud.export(DETAILED, cloud.desk.row(cost=1.0))
    with pytest.raises(DeliveryError, match="1 rows were read instead of 2"):
        cloud.costs(january)


def test_an_unchanged_month_keeps_its_version(cloud: Cloud) -> None:
    _two_months(cloud)
    assert [item.version for item in cloud.deliveries()] == [item.version for item in cloud.deliveries()]


def test_partitions_of_ingestion_are_skipped_those_of_use_are_not(cloud: Cloud) -> None:
    window = Window(Period(2025, 2), Period(2025, 2))
    _two_months(cloud)
    assert [str(item.period) for item in cloud.deliveries(window)] == ["2025-02"]
    assert "_PARTITIONTIME >= TIMESTAMP '2025-01-31 00:00:00 UTC'" in cloud.service.queries[0][0]
    cloud.service.queries.clear()
    _two_months(cloud, partition_field="usage_start_time")
    assert [str(item.period) for item in cloud.deliveries(window)] == ["2025-02"]
    assert all("WHERE TRUE" in sql for sql, _, _ in cloud.service.queries)
    cloud.service.queries.clear()
    _two_months(cloud, view=True)
    cloud.deliveries(window)
    assert all("WHERE TRUE" in sql for sql, _, _ in cloud.service.queries)


def test_bytes_are_asked_for_by_dry_runs_only(cloud: Cloud) -> None:
    _two_months(cloud)
    cloud.deliveries()
    assert [dry for _, _, dry in cloud.service.queries] == [False, True, True]


def test_a_query_over_the_cap_is_refused_before_it_runs(cloud: Cloud) -> None:
    _two_months(cloud)
    january = cloud.deliveries()[0]
    with pytest.raises(ConfigError, match="maximum_bytes_billed") as caught:
        cloud.costs(january, maximum_bytes_billed=4_999_999)
    assert "list-manifests" in caught.value.hint
    with pytest.raises(ConfigError):
        cloud.deliveries(maximum_bytes_billed=1)


def test_of_standard_and_detailed_the_detailed_one_is_read(cloud: Cloud) -> None:
    """Both together would count every cost twice."""
    cloud.export(STANDARD, cloud.desk.row(cost=1.0))
    cloud.export(DETAILED, cloud.desk.row(cost=1.0))
    assert [item.export for item in cloud.deliveries()] == [DETAILED]
    assert [item.export for item in cloud.deliveries(export_type="standard")] == [STANDARD]


def test_several_billing_accounts_in_one_dataset_are_named(cloud: Cloud) -> None:
    other = DETAILED.replace("010101", "020202")
    for name in (DETAILED, other):
        cloud.export(name, cloud.desk.row())
    with pytest.raises(ConfigError, match="several billing accounts") as caught:
        cloud.deliveries()
    assert other in str(caught.value)
    assert [item.export for item in cloud.deliveries(table_id=other)] == [other]


def test_a_dataset_without_an_export_says_what_is_there(cloud: Cloud) -> None:
    cloud.export("cloud_pricing_export", cloud.desk.row())
    with pytest.raises(DataMissing, match="cloud_pricing_export"):
        cloud.deliveries()


def test_a_missing_dataset_or_table_is_data_missing(cloud: Cloud) -> None:
    with pytest.raises(DataMissing, match="Dataset acme:billing"):
        cloud.deliveries()
    with pytest.raises(DataMissing, match="Table acme:billing.nope"):
        cloud.deliveries(table_id="nope")


def test_a_refusal_is_an_access_error_a_quota_is_not(cloud: Cloud) -> None:
    _two_months(cloud)
    cloud.service.refuse.append(standin.Refusal(403, "accessDenied", "Access Denied: Project acme"))
    with pytest.raises(AccessError, match="Access Denied") as caught:
        cloud.deliveries()
    assert "bigquery.jobs.create" in caught.value.hint
    cloud.service.refuse.append(standin.Refusal(403, "quotaExceeded", "Quota exceeded"))
    with pytest.raises(DeliveryError, match="quota"):
        cloud.deliveries()


def test_an_answer_503_is_asked_again(cloud: Cloud) -> None:
    _two_months(cloud)
    cloud.service.refuse.append(standin.Refusal(503, "backendError", "try again"))
    assert len(cloud.deliveries()) == 2


def test_without_credentials_the_error_says_how_to_log_in(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(AccessError, match="no Google Cloud credentials") as caught:
        cloud.deliveries(anonymous=False)
    assert "gcloud auth" in caught.value.hint


def test_a_credentials_file_that_is_none_is_a_configuration_error(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there"):
        cloud.deliveries(anonymous=False, credentials_file=tmp_path / "nope.json")
    (tmp_path / "odd.json").write_text('{"type": "nonsense"}')
    with pytest.raises(ConfigError, match="no credentials"):
        cloud.deliveries(anonymous=False, credentials_file=tmp_path / "odd.json")


def test_an_export_of_focus_is_read_by_its_own_columns(cloud: Cloud) -> None:
    moment = dt.datetime(2025, 1, 15, tzinfo=dt.UTC)
    table = pa.Table.from_pylist(
        [
            {
                "BilledCost": Decimal("1.500000000"),
                "EffectiveCost": Decimal("1.500000000"),
                "BillingCurrency": "USD",
                "BillingPeriodStart": dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
                "ChargePeriodStart": moment,
                "ChargePeriodEnd": moment + dt.timedelta(hours=1),
                "ChargeCategory": "Usage",
                "x_ExportTime": moment,
            }
        ]
    )
    cloud.service.tables["acme", "billing", "gcp_billing_export_focus_1"] = standin.ExportTable(
        table, partitioned=False
    )
    (delivery,) = cloud.deliveries()
    assert (delivery.dataset, delivery.version) == ("focus", "2025-01-15T00:00:00.000000Z, 1 rows")
    assert cloud.costs(delivery) == [Decimal("1.5")]


def test_a_view_without_a_time_of_export_is_told_by_its_sum(cloud: Cloud) -> None:
    table = pa.Table.from_pylist(
        [{"BilledCost": Decimal("1.500000000"), "BillingPeriodStart": dt.datetime(2025, 1, 1, tzinfo=dt.UTC)}]
    )
    cloud.service.tables["acme", "billing", "my_view"] = standin.ExportTable(table, view=True)
    (delivery,) = cloud.deliveries(table_id="my_view")
    assert delivery.version == "sum 1.500000000, 1 rows"


def test_project_and_dataset_are_asked_for_together() -> None:
    with pytest.raises(ConfigError, match="dataset_id must be set, or bucket"):
        Gcp(project_id="acme").discover(Window())
    with pytest.raises(ConfigError, match="both set"):
        Gcp(project_id="acme", dataset_id="d", bucket="b").discover(Window())
