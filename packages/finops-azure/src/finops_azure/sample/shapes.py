"""The formats that the generator writes: agreements, file formats and layouts that exports come in."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from finops_core.errors import UsageError


@dataclass(frozen=True)
class Shape:
    """One format. `overwrite` exports keep the newest run of a month only."""

    name: str
    agreement: Literal["ea", "mca"]
    file: Literal["csv", "csv.gz", "parquet"]
    overwrite: bool
    focus: str = ""

    @property
    def exports(self) -> dict[str, str]:
        """exportConfig.type -> export name."""
        if self.focus:
            return {"FocusCost": f"acme-{self.name}"}
        return {"ActualCost": "acme-actual", "AmortizedCost": "acme-amortized"}


SHAPES = (
    Shape("ea-csv", "ea", "csv", overwrite=True),
    Shape("mca-csv", "mca", "csv.gz", overwrite=False),
    Shape("mca-parquet", "mca", "parquet", overwrite=True),
    Shape("focus-1.0", "mca", "parquet", overwrite=True, focus="1.0"),
    Shape("focus-1.2", "mca", "parquet", overwrite=True, focus="1.2"),
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
    raise UsageError(f"{name!r} is not a format of Azure sample bills", hint=hint)
