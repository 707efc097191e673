"""The billing export where Google writes it: a BigQuery table -> one Delivery per invoice month.

The table only grows, and `export_time` with it. One cheap query over two columns tells for each invoice month when rows
last came and how many there are: that is the month's version, and only months whose version moved are read again. A
month is read up to the `export_time` of its version, so that rows that arrive meanwhile wait for the next import.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finops_core import Delivery, LocalFile, Period, SourceFile, Staging, Window
from finops_core.errors import ConfigError, DataMissing, DeliveryError, DeliveryReplaced

from finops_gcp.arrow import readable
from finops_gcp.google import Access, explained
from finops_gcp.peek import dataset_named

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import Client, QueryJobConfig, SchemaField, Table

STAGED_BYTES = 64 << 20
"""Arrow bytes that are gathered before a row group is written: small groups make large, slow files."""

PARALLEL_DRY_RUNS = 8

INGESTION_LAG = dt.timedelta(days=1)
"""A month's first rows are ingested in that month; a day for the invoice calendar, which is in US Pacific time."""

EXPORTS = {
    "detailed": ("gcp_billing_export_resource_v1_", "reseller_billing_detailed_export_v1"),
    "standard": ("gcp_billing_export_v1_",),
    "focus": ("gcp_billing_export_focus_",),
}
"""How Google names the tables, the preferred first: the detailed export holds all that the standard one does."""


@dataclass(frozen=True)
class Source:
    """The settings that say which table is read and how."""

    access: Access
    project: str
    dataset: str
    table: str
    export_type: str
    maximum_bytes_billed: int | None
    use_storage_api: bool


@dataclass(frozen=True)
class BillingTable:
    """One export table, as far as its queries depend on it. `month`, `exported`: SQL for the invoice month (`202501`)
    and the time of export; `ingested`: the column that its partitions go by, when rows come into it as time goes on."""

    name: str
    dataset: str
    month: str
    exported: str
    ingested: str

    def signals(self, since: dt.datetime | None) -> str:
        """Per invoice month: `month`, `newest` export time, `row_count`; the `total` where there is no export time."""
        newest = f"MAX({self.exported})" if self.exported else "CAST(NULL AS TIMESTAMP)"
        total = "''" if self.exported else "CAST(SUM(BilledCost) AS STRING)"
        return (
            f"SELECT {self.month} AS month, {newest} AS newest, COUNT(*) AS row_count, {total} AS total\n"
            f"FROM `{self.name}`\nWHERE {self._since(since)}\nGROUP BY month"
        )

    def rows(self, since: dt.datetime | None) -> str:
        """The rows of @month up to @newest."""
        known = f" AND ({self.exported} <= @newest OR {self.exported} IS NULL)" if self.exported else ""
        return f"SELECT * FROM `{self.name}`\nWHERE {self._since(since)} AND {self.month} = @month{known}"

    def _since(self, since: dt.datetime | None) -> str:
        """Rows still in the streaming buffer have no partition yet."""
        if since is None or not self.ingested:
            return "TRUE"
        return f"({self.ingested} >= TIMESTAMP '{since:%Y-%m-%d} 00:00:00 UTC' OR {self.ingested} IS NULL)"


def discover(source: Source, window: Window) -> list[Delivery]:
    """One delivery per invoice month in the window. Raises AccessError, DataMissing, ConfigError (several tables)."""
    client = source.access.bigquery()
    with explained(f"{source.project}.{source.dataset}"):
        table = describe(client, source)
        since = _since(window.start)
        rows = list(client.query(table.signals(since), job_config=_config(source)).result())
        found = [_delivery(table, period, row) for row in rows if (period := _period(row["month"], table)) in window]
        return _with_bytes(client, table, sorted(found, key=lambda delivery: delivery.period))


def fetch(source: Source, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
    """The month's rows as one Parquet file. Raises DeliveryReplaced when there are not as many as were counted."""
    from google.api_core.exceptions import Forbidden

    client = source.access.bigquery()
    target = staging.folder / "rows.parquet"
    with explained(delivery.manifest):
        table = describe(client, source)
        job = client.query(table.rows(_since(delivery.period)), job_config=_config(source, delivery))
        try:
            count = _write(job.result(), source.access.reader() if source.use_storage_api else None, target, staging)
        except Forbidden:
            if not source.use_storage_api:
                raise
            # Who may not open read sessions may still page through the result, slowly.
            count = _write(job.result(), None, target, staging)
    if count != delivery.rows:
        raise DeliveryReplaced(
            f"{count:,} rows were read instead of {delivery.rows:,}", where=delivery.manifest, hint="import again"
        )
    yield LocalFile(delivery.files[0], target)


def describe(client: Client, source: Source) -> BillingTable:
    """Find the table and probe its columns and partitions. Raises DataMissing, ConfigError."""
    name = source.table or _only_table(client, source)
    table = client.get_table(f"{source.project}.{source.dataset}.{name}")
    fields = {field.name.lower(): field for field in table.schema}
    dataset = dataset_named(fields) if source.export_type == "auto" else source.export_type
    exported = next((fields[name].name for name in ("export_time", "x_exporttime") if name in fields), "")
    full_name = f"{table.project}.{table.dataset_id}.{table.table_id}"
    return BillingTable(full_name, dataset, _month(fields, full_name), exported, _ingested(table, exported))


def _only_table(client: Client, source: Source) -> str:
    """The one export in the dataset: of one account, and not standard beside detailed, which hold the same cost."""
    names = [item.table_id for item in client.list_tables(f"{source.project}.{source.dataset}")]
    kinds = EXPORTS if source.export_type == "auto" else {source.export_type: EXPORTS[source.export_type]}
    for prefixes in kinds.values():
        fitting = sorted(name for name in names if name.startswith(prefixes))
        if len(fitting) > 1:
            raise ConfigError(
                f"several billing accounts are exported here: {', '.join(fitting)}",
                where=f"{source.project}.{source.dataset}",
                hint="set table_id; for more, give each its own table [gcp.exports.NAME]",
            )
        if fitting:
            return str(fitting[0])
    raise DataMissing(
        f"there is no billing export among {', '.join(sorted(names)[:10]) or 'no tables at all'}",
        where=f"{source.project}.{source.dataset}",
        hint="set dataset_id to the dataset of the export, or table_id to a table or view of another name",
    )


def _month(fields: dict[str, SchemaField], name: str) -> str:
    """SQL for the invoice month. Rows without one count to their month of use."""
    if "billingperiodstart" in fields:
        return _formatted(fields["billingperiodstart"])
    if "usage_start_time" not in fields:
        raise DataMissing("this table is no billing export", where=name, hint="set table_id to the export's table")
    used = _formatted(fields["usage_start_time"])
    return f"COALESCE(invoice.month, {used})" if "invoice" in fields else used


def _formatted(field: SchemaField) -> str:
    kind = field.field_type if field.field_type in ("DATE", "DATETIME") else "TIMESTAMP"
    return f"FORMAT_{kind}('%Y%m', {field.name})"


def _ingested(table: Table, exported: str) -> str:
    """The partitioning column that may be used to skip partitions; "" for none.

    A table may also be partitioned by time of use: a correction is used long before its invoice month.
    """
    partitioning = table.time_partitioning
    if table.table_type != "TABLE" or partitioning is None:
        return ""
    if not partitioning.field:
        return "_PARTITIONTIME"
    return exported if partitioning.field == exported else ""


def _since(period: Period | None) -> dt.datetime | None:
    return None if period is None else dt.datetime.combine(period.start, dt.time(), dt.UTC) - INGESTION_LAG


def _period(month: str | None, table: BillingTable) -> Period:
    try:
        return Period(int((month or "")[:4]), int((month or "")[4:]))
    except ValueError:
        raise DeliveryError(f"rows have {month!r} for their invoice month", where=table.name) from None


def _delivery(table: BillingTable, period: Period, row: Any) -> Delivery:
    newest, rows, total = row["newest"], int(row["row_count"]), row["total"]
    stamp = f"{newest.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if newest else f"sum {total}"
    return Delivery(
        provider="gcp",
        export=table.name.rpartition(".")[2],
        period=period,
        version=f"{stamp}, {rows} rows",
        dataset=table.dataset,
        format="parquet",
        files=(SourceFile(f"{table.name}/{period.slug}"),),
        modified=newest,
        rows=rows,
        manifest=f"{table.name}, invoice month {period}",
    )


def _with_bytes(client: Client, table: BillingTable, deliveries: list[Delivery]) -> list[Delivery]:
    """Note how many bytes the query of each month will bill. A dry run costs nothing."""
    if not deliveries:
        return []

    def bytes_of(delivery: Delivery) -> int:
        job = client.query(table.rows(_since(delivery.period)), job_config=_config(None, delivery, dry_run=True))
        return int(job.total_bytes_processed or 0)

    if table.ingested:
        with ThreadPoolExecutor(PARALLEL_DRY_RUNS) as pool:
            sizes: Iterable[int] = list(pool.map(bytes_of, deliveries))
    else:  # Without partitions to skip, each month's query bills the whole table.
        sizes = [bytes_of(deliveries[0])] * len(deliveries)
    return [
        replace(delivery, notes=(f"the query bills {size:,} bytes",))
        for delivery, size in zip(deliveries, sizes, strict=True)
    ]


def _config(source: Source | None, delivery: Delivery | None = None, dry_run: bool = False) -> QueryJobConfig:
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    config = QueryJobConfig(use_legacy_sql=False, dry_run=dry_run)
    if source and source.maximum_bytes_billed is not None:
        config.maximum_bytes_billed = source.maximum_bytes_billed
    if delivery is not None:
        month = delivery.period.slug.replace("_", "")
        config.query_parameters = [
            ScalarQueryParameter("month", "STRING", month),
            ScalarQueryParameter("newest", "TIMESTAMP", delivery.modified),
        ]
    return config


def _write(result: Any, reader: Any, target: Path, staging: Staging) -> int:
    """A query's result as a Parquet file, batch by batch; how many rows it has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    batches = result.to_arrow_iterable(bqstorage_client=reader) if reader else _pages(result)
    count, writer, gathered = 0, None, []
    try:
        for batch in batches:
            gathered.append(pa.Table.from_batches([batch.cast(readable(batch.schema))]))
            count += batch.num_rows
            staging.progress(batch.nbytes)
            writer = writer or pq.ParquetWriter(target, gathered[0].schema, compression="zstd")
            if sum(table.nbytes for table in gathered) >= STAGED_BYTES:
                writer.write_table(pa.concat_tables(gathered))
                gathered = []
        if gathered and writer:
            writer.write_table(pa.concat_tables(gathered))
    finally:
        if writer:
            writer.close()
    if not writer:
        empty = result.to_arrow(create_bqstorage_client=False)
        pq.write_table(empty.cast(readable(empty.schema)), target)
    return count


def _pages(result: Any) -> Iterator[pa.RecordBatch]:
    """The result over REST."""
    return result.to_arrow_iterable(bqstorage_client=None)  # type: ignore[no-any-return]
