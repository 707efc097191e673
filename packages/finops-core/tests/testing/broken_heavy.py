"""A provider whose module imports at its top what only its methods need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import duckdb
from broken_providers import HOOKS, Hook
from finops_acme.provider import Acme

USED = duckdb


@dataclass(frozen=True)
class Heavy(Acme):
    name: ClassVar[str] = "heavy"


HOOKS.heavy = Hook(Heavy)
