"""The files of a period, fetched again: are they those that were loaded, and do they hold what the ledger says?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from finops_core import schema
from finops_core.account import NO_CURRENCY
from finops_core.delivery import Delivery
from finops_core.errors import DataMissing, DeliveryError
from finops_core.ledger import LedgerEntry
from finops_core.load import Target, connect_readonly
from finops_core.periods import Window
from finops_core.provider import Provider
from finops_core.sql import identifier, literal
from finops_core.stage import Staged, StagingFolder, stage, staging_folder
from finops_core.verify import independent
from finops_core.verify.findings import Compared, Finding, Tally, about, compare
from finops_core.verify.standing import measure_of, raw_parts, where_of

if TYPE_CHECKING:
    import duckdb


def from_files(target: Target, entry: LedgerEntry, provider: Provider) -> Iterator[Finding]:
    """Read the period's files twice, without and with DuckDB. Raises AccessError when the provider refuses."""
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
        yield from _read(target, entry, provider, delivery)
    except DeliveryError as error:
        yield about(entry, "files", "mismatch", str(error))


def _read(target: Target, entry: LedgerEntry, provider: Provider, delivery: Delivery) -> Iterator[Finding]:
    from finops_core.assemble import scratch
    from finops_core.stage.faults import explained

    known = schema.known_columns(target, entry.dataset_name, entry.export)
    history, types = schema.names_so_far(known), schema.types_so_far(known, entry.period)
    with staging_folder(target.data_dir) as folder, scratch(folder) as connection:
        staged = stage(provider, delivery, StagingFolder(folder, lambda count: None), connection, history, types)
        differing = altered(entry, staged)
        for part, reading in staged.parts.items():
            if part and not reading.files:
                continue
            rows = None if part else entry.rows
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
                yield from _values(target, entry, connection, staged, part)


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
    target: Target, entry: LedgerEntry, connection: duckdb.DuckDBPyConnection, staged: Staged, part: str
) -> Iterator[Finding]:
    """Whether every value of the raw rows is the files': sums agree also where two faults cancel out."""
    table = raw_parts(entry, staged.dataset).get(part)
    if table is None or target.kind != "duckdb":
        return
    with connect_readonly(target) as sql:
        sql.enter(entry.dataset_name)
        try:
            stands = {row[0]: row[1] for row in sql.query(f"DESCRIBE {identifier(table)}")}
        except sql.missing:
            return  # that there is no such table is found where it is summed
        kinds = {name: stands[name] for name in staged.parts[part].columns if name in stands}
        rows = f"{identifier(table)} WHERE {where_of(entry).rows_of_period()}"
        [(loaded,)] = sql.query(_fingerprint(rows, kinds))
    [(read,)] = connection.execute(_fingerprint(f"({staged.parts[part].select})", kinds)).fetchall()
    if len(kinds) < len(staged.parts[part].columns):
        yield about(entry, "values", "mismatch", f"{table} lacks columns that the files have", part)
    elif loaded != read:
        yield about(entry, "values", "mismatch", f"rows of {table} differ from the files'", part)
    else:
        yield about(entry, "values", "ok", f"{len(kinds)} columns", part)


def _fingerprint(rows: str, kinds: Mapping[str, str]) -> str:
    """A number that depends on every value of every row, how often each row is there, and not on their order."""
    values = ", ".join(f"CAST({identifier(name)} AS {kind})" for name, kind in kinds.items())
    return f"SELECT coalesce(sum(CAST(hash({values}) AS HUGEINT)), 0) FROM {rows}"


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
