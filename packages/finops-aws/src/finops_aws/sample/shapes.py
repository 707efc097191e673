"""The formats that the generator writes: what AWS lets one choose when a report or export is set up."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from finops_core.errors import UsageError


@dataclass(frozen=True)
class Shape:
    """One format. Each has an export name of its own, so that one bucket can hold several of them."""

    name: str
    table: Literal["v1", "v2", "focus-1.0", "focus-1.2"]
    file: Literal["csv.gz", "csv.zip", "snappy.parquet"]
    overwrite: bool
    export_name: str
    discount: Literal["none", "net", "rows"] = "none"
    """How a negotiated discount shows: not at all, in net columns beside discount rows, or in discount rows alone."""

    @property
    def focus(self) -> bool:
        return self.table.startswith("focus")

    @property
    def parquet(self) -> bool:
        return self.file == "snappy.parquet"


SHAPES = (
    Shape("cur-v1-csv", "v1", "csv.gz", False, "acme-cur"),
    Shape("cur-v1-parquet", "v1", "snappy.parquet", True, "acme-cur-athena"),
    Shape("cur-v2-csv", "v2", "csv.gz", False, "acme-cur2"),
    Shape("cur-v2-parquet", "v2", "snappy.parquet", True, "acme-cur2-parquet"),
    Shape("focus-1.2-parquet", "focus-1.2", "snappy.parquet", True, "acme-focus"),
    Shape("focus-1.0-csv", "focus-1.0", "csv.gz", False, "acme-focus-1-0"),
    Shape("cur-v1-zip", "v1", "csv.zip", False, "acme-cur-zip"),
    Shape("cur-v1-csv-overwrite", "v1", "csv.gz", True, "acme-cur-overwrite"),
    Shape("cur-v1-parquet-create-new", "v1", "snappy.parquet", False, "acme-cur-parquet-versions"),
    Shape("cur-v1-csv-net", "v1", "csv.gz", False, "acme-cur-net", "net"),
    Shape("cur-v1-csv-discount-rows", "v1", "csv.gz", False, "acme-cur-discount-rows", "rows"),
    Shape("cur-v2-parquet-net", "v2", "snappy.parquet", True, "acme-cur2-net", "net"),
    Shape("cur-v2-csv-overwrite", "v2", "csv.gz", True, "acme-cur2-overwrite"),
    Shape("cur-v2-parquet-create-new", "v2", "snappy.parquet", False, "acme-cur2-parquet-versions"),
)

FORMATS = tuple(shape.name for shape in SHAPES)
"""The default first."""


def shape_of(name: str) -> Shape:
    """Raises UsageError for a format that is not written here."""
    for shape in SHAPES:
        if shape.name == name:
            return shape
    near = difflib.get_close_matches(name, FORMATS, 1)
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(FORMATS)}"
    raise UsageError(f"{name!r} is not a format of AWS sample bills", hint=hint)
