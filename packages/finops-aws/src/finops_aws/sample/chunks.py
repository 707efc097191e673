"""Writing rows into the chunk files of a delivery, with DuckDB, several chunks per month."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from finops_aws.sample.render import OutputColumn
from finops_aws.sample.shapes import Shape

if TYPE_CHECKING:
    import duckdb

ROWS_PER_CHUNK = 200_000
"""Well below AWS's own, so that a month of any size has several chunks."""

LEAST_CHUNKS = 2


def chunk_ranges(rows: int) -> list[tuple[int, int]]:
    """Row numbers of each chunk: first, and one after the last. Always at least two chunks, one may be empty."""
    chunks = max(LEAST_CHUNKS, -(-rows // ROWS_PER_CHUNK))
    bounds = [rows * number // chunks for number in range(chunks + 1)]
    return list(zip(bounds, bounds[1:], strict=False))


class ChunkWriter:
    """Writes files of one delivery. CSV is compressed in a second thread while DuckDB writes the next chunk.

    `relation` is a view with the columns `ordinal` and `unused`, in whose order the rows stand.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        shape: Shape,
        columns: Sequence[OutputColumn],
        relation: str = "bill",
    ) -> None:
        self._connection, self._shape, self._columns, self._relation = connection, shape, columns, relation
        self._pool = ThreadPoolExecutor(1)
        self._jobs: list[Future[None]] = []

    def __enter__(self) -> ChunkWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for job in self._jobs:
            job.result()

    def write(self, path: Path, first: int, last: int) -> None:
        """Write the rows `first` up to but not including `last` as one file. It is there once the writer is left."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._shape.parquet:
            names = [f'"{column.header}"' for column in self._columns]
            self._copy(path, names, first, last, "FORMAT parquet, COMPRESSION snappy")
            return
        # The header is written here: DuckDB would rename columns that differ only by case.
        plain = path.with_name(path.name + ".rows")
        names = [f"c{number}" for number in range(len(self._columns))]
        self._copy(plain, names, first, last, "FORMAT csv, HEADER false")
        compress = _zip if self._shape.file == "csv.zip" else _gzip
        self._jobs.append(self._pool.submit(compress, plain, self._header(), path))

    def _copy(self, path: Path, names: list[str], first: int, last: int, options: str) -> None:
        select = ", ".join(f"{column.expression} AS {name}" for column, name in zip(self._columns, names, strict=True))
        # Without ORDER BY, COPY to CSV writes the rows of a join in any order, whatever preserve_insertion_order says.
        self._connection.execute(
            f"COPY (SELECT {select} FROM {self._relation} "  # noqa: S608
            f"WHERE ordinal >= {first} AND ordinal < {last} ORDER BY ordinal, unused) "
            f"TO '{str(path).replace(chr(39), chr(39) * 2)}' ({options})"
        )

    def _header(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([column.header for column in self._columns])
        return text.getvalue().encode()


def _gzip(plain: Path, header: bytes, path: Path) -> None:
    from isal import igzip

    with (
        plain.open("rb") as rows,
        path.open("wb") as raw,
        igzip.IGzipFile(filename="", mode="wb", fileobj=raw, compresslevel=2, mtime=0) as stream,
    ):
        stream.write(header)
        shutil.copyfileobj(rows, stream, 1 << 20)
    plain.unlink()


def _zip(plain: Path, header: bytes, path: Path) -> None:
    member = zipfile.ZipInfo(path.name.removesuffix(".zip"), (2024, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    with (
        plain.open("rb") as rows,
        zipfile.ZipFile(path, "w") as archive,
        archive.open(member, "w", force_zip64=True) as stream,
    ):
        stream.write(header)
        shutil.copyfileobj(rows, stream, 1 << 20)
    plain.unlink()
