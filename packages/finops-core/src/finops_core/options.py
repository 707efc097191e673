"""What the user asked an import for, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from finops_core.periods import Window

if TYPE_CHECKING:
    from finops_core.load import Target

Strategy = Literal["separate", "single"]
"""A raw table per billing period, or one raw table for all of them."""


@dataclass(frozen=True)
class ImportOptions:
    """What the user asked for, as one value."""

    window: Window
    target: Target
    dataset_name: str
    table_strategy: Strategy = "separate"
    force: bool = False
    focus: bool = True
    raw: bool = True
    allow_unbalanced: bool = False
