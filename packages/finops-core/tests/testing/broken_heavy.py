"""A provider whose module imports at its top what only its methods need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import duckdb
from broken_providers import HOOKS, Hook
from finops_sound.provider import Sound

USED = duckdb


@dataclass(frozen=True)
class Heavy(Sound):
    name: ClassVar[str] = "heavy"


HOOKS.heavy = Hook(Heavy)
