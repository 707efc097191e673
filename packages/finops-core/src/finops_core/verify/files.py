"""The files of a period, fetched again: are they those that were loaded, and do they hold what the ledger says?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from finops_core import schema
from finops_core.account import NO_CURRENCY
from finops_core.delivery import Delivery
from finops_core.errors import DataMissing, DeliveryError
from finops_core.ledger import LedgerEntry, measure_of
from finops_core.load import Target
from finops_core.periods import Window
from finops_core.provider import Provider
from finops_core.sql import identifier, literal, qualified
from finops_core.stage import Staged, StagingFolder, fetch, stage, staging_folder
from finops_core.verify import independent
from finops_core.verify.conversion import converted_from_files
from finops_core.verify.findings import Compared, Finding, Tally, about, compare
from finops_core.verify.multisets import JSON_MEANING, Rows, difference
from finops_core.verify.relations import Standing, shape_of
from finops_core.verify.standing import raw_parts, where_of

if TYPE_CHECKING:
    import duckdb


def from_files(target: Target, entry: LedgerEntry, provider: Provider, standing: Standing) -> Iterator[Finding]:
    """Read the period's files twice, without and with DuckDB. `standing` is what the destination has.

    Raises AccessError when the provider refuses.
    """
    try:
        found = [item for item in provider.discover(Window(entry.period, entry.period)) if item.export == entry.export]
    except DataMissing as error:
        yield about(entry, "files", "changed", f"nothing is delivered any more: {error}")
        return
    delivery = next((item for item in found if item.version == entry.version and not item.problem), None)
    if delivery is None:
        versions = ", ".join(item.version for item in found)
        now = f"version {versions} is delivered now, {entry.version} is loaded" if found else "it is delivered no more"
        yield about(entry, "files", "changed", now)
        return
    try:
        yield from _read(target, entry, provider, delivery, standing)
    except DeliveryError as error:
        yield about(entry, "files", "mismatch", str(error))


def _read(
    target: Target, entry: LedgerEntry, provider: Provider, delivery: Delivery, standing: Standing
) -> Iterator[Finding]:
    from finops_core.assemble import scratch
    from finops_core.stage.faults import explained

    known = schema.known_columns(target, entry.dataset_name, entry.export)
    history, types = schema.names_so_far(known), schema.types_so_far(known, entry.period)
    with staging_folder(target.data_dir) as folder, scratch(folder) as connection:
        connection.execute(JSON_MEANING)
        fetched = fetch(provider, delivery, StagingFolder(folder, lambda count: None))
        staged = stage(fetched, connection, history, types)
        differing = altered(entry, staged)
        for part, reading in staged.parts.items():
            if part and not reading.files:
                continue
            rows = entry.rows if part == entry.part else None
            measures = [measure_of(part)]
            if delivery.where:
                detail = differing or "the files hold other periods too: read with DuckDB only"
                yield about(entry, "files", "mismatch" if differing else "not checked", detail, part)
            else:
                tallies = independent.tallies(staged.dataset, reading.files, part)
                yield from compare(entry, Compared("files", measures, rows, part), tallies, differing)
            with explained(delivery, staged):
                tallies = _staged(connection, staged, part)
            yield from compare(entry, Compared("staged", measures, rows, part), tallies)
            with explained(delivery, staged):
                yield from _values(entry, connection, staged, part, standing)
        if not entry.raw_tables and entry.focus_rows is not None:
            with explained(delivery, staged):
                yield converted_from_files(connection, staged, entry, standing)


def _staged(connection: duckdb.DuckDBPyConnection, staged: Staged, part: str) -> dict[str, Tally]:
    dataset = staged.dataset
    reading = staged.parts[part]
    code = identifier(dataset.currency) if dataset.currency in reading.columns else "NULL"
    cost = f"sum({identifier(dataset.cost)})" if dataset.cost in reading.columns else "0"
    rows = connection.execute(
        f"SELECT coalesce({code}, {literal(NO_CURRENCY)}), count(*), coalesce({cost}, 0) "
        f"FROM ({reading.select}) GROUP BY 1"
    ).fetchall()
    return {code: Tally(count, {measure_of(part): total}) for code, count, total in rows}


def _values(
    entry: LedgerEntry, connection: duckdb.DuckDBPyConnection, staged: Staged, part: str, standing: Standing
) -> Iterator[Finding]:
    """Whether every value of the raw rows is the files': sums agree also where two faults cancel out."""
    from finops_core.load.embedded import DuckDbSql

    table = raw_parts(entry, staged.dataset).get(part)
    if table is None:
        return
    columns = staged.parts[part].columns
    with standing.opened() as sql:
        shape = shape_of(sql, entry.dataset_name, table)
        if not shape:
            return  # that there is no such table is found where it is summed
        if lacking := [name for name in columns if name not in shape]:
            yield about(entry, "values", "mismatch", f"{table} lacks {', '.join(lacking)}, which the files have", part)
            return
        rows = f"SELECT * FROM {qualified(entry.dataset_name, table)} WHERE {where_of(entry).rows_of_period()}"
        read = Rows(DuckDbSql(connection), staged.parts[part].select)
        kinds = {name: shape[name] for name in columns}
        differing = difference(Rows(sql, rows), read, kinds, written=standing.written)
    if differing:
        yield about(entry, "values", "mismatch", f"{table} is not what the files say: {differing}", part)
    else:
        yield about(entry, "values", "ok", f"{len(kinds)} columns", part)


def altered(entry: LedgerEntry, staged: Staged) -> str:
    """How the files differ from those that the ledger recorded; "" when they are the same, byte for byte.

    A file without a promised size is made by us from what an API answers: it need not be the same twice.
    """
    recorded = {source["key"]: source for source in entry.sources}
    now = {file.local.source.key: file.local for file in staged.files}
    told = [f"{key} was loaded and is not delivered" for key in sorted(recorded.keys() - now.keys())]
    told += [f"{key} is delivered and was not loaded" for key in sorted(now.keys() - recorded.keys())]
    for key in sorted(recorded.keys() & now.keys()):
        if now[key].source.size is None:
            continue
        with now[key].as_stored.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != recorded[key]["sha256"]:
            told.append(f"{key} is not the file that was loaded: its SHA-256 differs")
    return "; ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
