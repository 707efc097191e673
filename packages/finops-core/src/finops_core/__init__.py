"""finops-core: load cloud bills whole and exact, and prove it.

The program is a list of five stages; each is one module named by its verb:

    discover   Provider, Window            -> list[Delivery]      what exists (the provider does this: provider.py)
    plan       list[Delivery], ledger      -> list[Step]          load, reload, skip or fail, and why (pure: plan.py)
    stage      Step                        -> Staged              files checked; SELECTs that read them (stage/)
    load       Staged                      -> Loaded              raw, FOCUS, rollup, ledger: one transaction (load/)
    report     FOCUS tables                -> rows to show        status, verify, export (status.py, verify.py, focus/)

A provider package needs nothing but what this module exports.
"""

from __future__ import annotations

__version__ = "0.1.0"

from finops_core.dataset import CsvDialect, Dataset
from finops_core.delivery import Column, Delivery, Found, LocalFile, SourceFile
from finops_core.errors import FinopsError
from finops_core.hooks import hookimpl
from finops_core.periods import Period, Window
from finops_core.provider import Provider, SampleRequest, Secret, Staging, command, setting

__all__ = [
    "Column",
    "CsvDialect",
    "Dataset",
    "Delivery",
    "FinopsError",
    "Found",
    "LocalFile",
    "Period",
    "Provider",
    "SampleRequest",
    "Secret",
    "SourceFile",
    "Staging",
    "Window",
    "__version__",
    "command",
    "hookimpl",
    "setting",
]
