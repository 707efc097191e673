"""Flat trees: files whose names tell no month, or a day of ingestion, hold rows of several invoice months.

Such files are read once to learn which months they hold (in a bucket: fetched once for that), and each month's
delivery reads the files that hold it, keeping its rows only. A folder per invoice month spares this.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core import Dataset, Delivery, LocalFile, Period, Window
from finops_core.errors import DeliveryError, UsageError

from finops_gcp.files import Tree, fetched, format_of, source, version
from finops_gcp.layout import Place
from finops_gcp.shards import newest_run

if TYPE_CHECKING:
    import duckdb

MONTH_COLUMNS: Mapping[str, str] = {
    "invoice_month": "nullif(left(replace(invoice_month, '-', ''), 6), '')",
    "BillingPeriodStart": "strftime(BillingPeriodStart, '%Y%m')",
    "usage_start_time": "strftime(usage_start_time, '%Y%m')",
    "ChargePeriodStart": "strftime(ChargePeriodStart, '%Y%m')",
}
"""Raw column -> SQL for the month in it, the most telling first. Hand-made files lack the invoice month or leave it
empty: then the month of use has to do."""


@dataclass(frozen=True)
class Held:
    """What one file holds: rows per month (`202501`), and its columns that tell a month."""

    place: Place
    rows: Mapping[str, int]
    columns: frozenset[str]


def discover_by_content(tree: Tree, dataset: str, window: Window) -> list[Delivery]:
    """One delivery per invoice month that the files hold. Raises DeliveryError for a file that is no bill."""
    from finops_gcp.provider import Gcp

    shards = newest_run(tree.places)
    if shards.doubt:
        raise DeliveryError(shards.doubt, where=tree.store.url)
    held = list(_look(tree, Gcp.dataset(dataset), shards.current))
    months: dict[Period, list[Held]] = defaultdict(list)
    for item in held:
        for month in item.rows:
            months[_period(month, item.place)].append(item)
    return [
        _delivery(tree, dataset, period, months[period], shards.notes) for period in sorted(months) if period in window
    ]


def _delivery(tree: Tree, dataset: str, period: Period, held: Iterable[Held], notes: tuple[str, ...]) -> Delivery:
    held = list(held)
    month = period.slug.replace("_", "")
    files = tuple(source(item.place) for item in held)
    return Delivery(
        provider="gcp",
        export=tree.export,
        period=period,
        version=version(files, month),
        dataset=dataset,
        format=format_of(item.place for item in held),
        files=files,
        modified=max(item.place.file.modified for item in held),
        rows=sum(item.rows[month] for item in held),
        manifest=f"{tree.store.url}/{tree.root}",
        where=f"{month_sql(frozenset().union(*(item.columns for item in held)))} = '{month}'",
        notes=notes,
    )


def month_sql(columns: Iterable[str]) -> str:
    """SQL over raw columns for a row's invoice month as `202501`."""
    columns = set(columns)
    return f"coalesce({', '.join(sql for name, sql in MONTH_COLUMNS.items() if name in columns)}, '')"


def _look(tree: Tree, dataset: Dataset, places: Iterable[Place]) -> Iterator[Held]:
    import duckdb

    by_key = {item.file.key: item for item in places}
    with tempfile.TemporaryDirectory(prefix="finops-gcp-") as folder, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = [source(item) for item in by_key.values()]
        for local in fetched(tree.store, files, Path(folder), lambda _: None):
            yield _months(connection, dataset, by_key[local.source.key], local, Path(folder))
            if local.path.is_relative_to(folder):
                local.path.unlink()


def _months(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, item: Place, local: LocalFile, folder: Path
) -> Held:
    """Rows per month of one file, read by the very SELECT that an import reads it with."""
    from finops_core.stage import all_arrived, explained, look

    probe = Delivery("gcp", "probe", Period(1970, 1), "", dataset.name, format_of([item]), (local.source,))
    with explained(probe):
        rows = look(connection, probe, dataset, local, folder)
        columns = frozenset(rows.columns) & MONTH_COLUMNS.keys()
        if not columns:
            return Held(item, {}, columns)
        found = connection.execute(f"SELECT {month_sql(columns)}, count(*) FROM ({rows.select}) GROUP BY 1").fetchall()
    all_arrived(rows.files[0], dataset, sum(count for _, count in found))
    return Held(item, dict(found), columns)


def _period(month: str, item: Place) -> Period:
    try:
        return Period.parse(f"{month[:4]}-{month[4:]}")
    except UsageError:
        raise DeliveryError(f"a row has {month!r} for its invoice month", where=item.file.key) from None
