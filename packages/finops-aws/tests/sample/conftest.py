"""Generated trees, written once per format, and plain DuckDB to read them back without any of the importer's code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finops_aws.sample import write
from finops_aws.sample.catalog import ColumnSpec, column_specs
from finops_aws.sample.shapes import Shape, shape_of
from finops_core import Period, SampleRequest

REDELIVERED = Period(2024, 2)


@dataclass(frozen=True)
class Tree:
    out: Path
    shape: Shape

    @property
    def root(self) -> Path:
        return self.out / "acme-billing"

    @property
    def base(self) -> Path:
        return self.root / "exports" / self.shape.export_name

    @property
    def truth(self) -> dict[str, Any]:
        return json.loads((self.out / "truth.json").read_text("utf-8"))

    def manifest(self, period: str) -> dict[str, Any]:
        """The current manifest of a month."""
        start = Period.parse(period)
        if self.shape.table == "v1":
            folder = self.base / f"{start.start:%Y%m%d}-{start.end:%Y%m%d}"
        else:
            [folder] = [path for path in (self.base / "metadata").iterdir() if path.name.endswith(f"={period}")]
        return json.loads((folder / f"{self.shape.export_name}-Manifest.json").read_text("utf-8"))

    def keys(self, period: str) -> list[str]:
        manifest = self.manifest(period)
        files = manifest["reportKeys"] if self.shape.table == "v1" else manifest["dataFiles"]
        return [key.removeprefix("s3://acme-billing/") for key in files]

    def files(self, period: str) -> list[Path]:
        return [self.root / key for key in self.keys(period)]

    def relation(self, period: str) -> str:
        files = self.files(period)
        if self.shape.file == "csv.zip":
            files = [self._unzipped(path) for path in files]
        paths = ", ".join(f"'{path}'" for path in files)
        if self.shape.parquet:
            return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        return f"read_csv([{paths}], all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"

    def _unzipped(self, path: Path) -> Path:
        with zipfile.ZipFile(path) as archive:
            [member] = archive.namelist()
            return Path(archive.extract(member, self.out / "unzipped" / path.parent.name))

    def column(self, spec: ColumnSpec) -> str:
        """SQL for a column in this format, of one type in all formats."""
        named = spec.header if self.shape.table == "v1" and not self.shape.parquet else spec.name
        if spec.type == "double":
            return f'"{named}"::VARCHAR::DECIMAL(38, 10) AS {spec.name}'
        if spec.type == "timestamp":
            return f'"{named}"::TIMESTAMP AS {spec.name}'
        return f"nullif(\"{named}\", '') AS {spec.name}"

    def load(self, connection: duckdb.DuckDBPyConnection, table: str, period: str, specs: list[ColumnSpec]) -> None:
        select = ", ".join(self.column(spec) for spec in specs)
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {select} FROM {self.relation(period)}")


@pytest.fixture(scope="session")
def common() -> list[ColumnSpec]:
    """The columns that every format has in every month, apart from product attributes and maps."""
    return [
        spec
        for spec in column_specs()
        if spec.v1 == "always" and spec.v2 == "yes" and not spec.name.startswith("product_")
    ]


@pytest.fixture
def bill(tree: Callable[..., Tree], common: list[ColumnSpec]) -> Callable[..., duckdb.DuckDBPyConnection]:
    """A connection with one month's bill as the table `bill`."""

    def load(name: str, period: str) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        tree(name).load(connection, "bill", period, common)
        return connection

    return load


@pytest.fixture
def net_bill(tree: Callable[..., Tree], common: list[ColumnSpec]) -> Callable[..., duckdb.DuckDBPyConnection]:
    """The same with the net columns of a bill that has them."""
    specs = common + [spec for spec in column_specs() if spec.v1 == "net" and spec.v2 == "yes"]

    def load(name: str, period: str) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        tree(name).load(connection, "bill", period, specs)
        return connection

    return load


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Tree]:
    written: dict[tuple[str, int], Tree] = {}

    def make(name: str, rows: int = 3_000) -> Tree:
        if (name, rows) not in written:
            out = tmp_path_factory.mktemp(name)
            write(SampleRequest(out=out, format=name, rows=rows, redeliver=REDELIVERED))
            written[name, rows] = Tree(out, shape_of(name))
        return written[name, rows]

    return make
