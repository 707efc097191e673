"""Say what is wrong with a bill in its own terms: file, row, column, value instead of a database's message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from finops_core.delivery import Delivery
from finops_core.errors import DeliveryError, DiskFull, FinopsError, ValueDoesNotFit
from finops_core.sql import FAULT, identifier, literal

if TYPE_CHECKING:
    from finops_core.stage import Staged
    from finops_core.stage.inspection import Inspected

_CSV_ERROR = re.compile(r"CSV Error on Line: (\d+)")
_CSV_REASONS = ("Expected Number", "Value with", "Invalid unicode", "Maximum line", "The CSV Parser", "Error when")


@contextmanager
def explained(delivery: Delivery, staged: Staged | None = None) -> Iterator[None]:
    """Turn DuckDB's and the disk's errors about the files of a delivery into ours."""
    import errno

    import duckdb

    try:
        yield
    except FinopsError:
        raise
    except duckdb.Error as error:
        # Damaged Parquet files lead to errors without a kind of their own, and to failed assertions inside DuckDB. The
        # kinds left out are mistakes in SQL, ours or a provider's, and no property of the bill.
        about_files = (duckdb.DataError, duckdb.OperationalError, duckdb.InvalidInputException, duckdb.InternalError)
        if not isinstance(error, about_files) and type(error) is not duckdb.Error:
            raise
        raise explain(error, delivery, staged) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "the disk is full",
                where=str(error.filename or ""),
                hint="free some room; nothing was changed",
            ) from error
        raise DeliveryError(
            f"a file cannot be read: {error.strerror or error}",
            where=str(error.filename or delivery.manifest),
        ) from error


def explain(error: Exception, delivery: Delivery, staged: Staged | None) -> FinopsError:
    """The FinopsError for an error that DuckDB raised while it read the files of a delivery."""
    text = str(error)
    if "No space left" in text or "could not write" in text.lower():
        return DiskFull("the disk is full", where=text.splitlines()[0], hint="free some room; nothing was changed")
    if FAULT in text:
        column, _, value = text.split(FAULT, 1)[1].splitlines()[0].partition(": ")
        return ValueDoesNotFit(
            f"{column} holds {value!r}, which cannot be kept exactly",
            where=_where(staged, column, value) or delivery.manifest or str(delivery.period),
            hint="costs have at most 20 digits before the point and 18 after it, quantities 38 digits, shared by all "
            "values of a period; times are written as in ISO 8601",
            column=column,
        )
    if match := _CSV_ERROR.search(text):
        reason = next((line for line in text.splitlines() if line.startswith(_CSV_REASONS)), "it does not parse")
        return DeliveryError(
            f"a CSV record is malformed: {reason.rstrip('.')}",
            where=f"{_key_in(text, delivery)}, line {match[1]}",
            hint="the file is damaged, or it is not the CSV that this export writes",
        )
    first = text.splitlines()[0] if text else type(error).__name__
    where = _unreadable(staged) or _key_in(text, delivery)
    return DeliveryError(f"the files cannot be read: {first}", where=where)


def _key_in(text: str, delivery: Delivery) -> str:
    return next((file.key for file in delivery.files if file.key in text), delivery.manifest or str(delivery.period))


def _unreadable(staged: Staged | None) -> str:
    """The Parquet file that cannot be read even by itself: DuckDB does not say which one it was."""
    import duckdb

    for file in staged.files if staged else ():
        try:
            if file.kind == "parquet":
                every = ", ".join(found.ref for found in file.found)
                with duckdb.connect() as connection:
                    connection.execute(f"SELECT bit_xor(hash({every})) FROM {_scan(file)}")
        except duckdb.Error:
            return file.local.source.key
    return ""


def _where(staged: Staged | None, column: str, value: str) -> str:
    """File and row of a value, found by reading the files once more: only ever on the way to an error."""
    if staged is None:
        return ""
    import duckdb

    for file in staged.files:
        ref = next((found.ref for found in file.found if found.name == column), None)
        if ref is None or not (scan := _scan(file, staged.dataset.csv.delimiter)):
            continue
        with duckdb.connect(config={"threads": 1}) as connection:
            rows = connection.execute(
                f"SELECT row FROM (SELECT row_number() OVER () AS row, CAST({ref} AS VARCHAR) AS value FROM {scan}) "
                "WHERE value = ? LIMIT 1",
                [value],
            ).fetchall()
        if rows:
            return f"{file.local.source.key}, row {rows[0][0]}, column {column}"
    return ""


def _scan(file: Inspected, delimiter: str = ",") -> str:
    """One file in the order of its rows; "" for a kind whose rows have no number."""
    path, names = literal(str(file.path)), [found.ref for found in file.found]
    if file.kind == "parquet":
        options = "binary_as_string=true, hive_partitioning=false"
        return f"read_parquet({path}, {options}) AS t({', '.join(names)})"
    if file.kind not in ("none", "gzip"):
        return ""
    if file.found[0].type == "JSON":
        fields = ", ".join(f"{literal(found.name)}: 'JSON'" for found in file.found)
        values = ", ".join(f"{identifier(found.name)} ->> '$' AS {found.ref}" for found in file.found)
        options = f"columns={{{fields}}}, format='newline_delimited', compression={literal(file.kind)}"
        return f"(SELECT {values} FROM read_json({path}, {options}))"
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    return (
        f"read_csv({path}, columns={{{columns}}}, header=true, auto_detect=false, delim={literal(delimiter)}, "
        f"quote='\"', escape='\"', nullstr='', parallel=false, compression={literal(file.kind)})"
    )
