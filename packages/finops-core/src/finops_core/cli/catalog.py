"""The commands, and where each stands in `finops --help`. Help for them is here so that none has to be imported."""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = ("Start", "Data", "Look", "Extend")
"""Sections of `finops --help`, in order. Installed providers stand in Data."""

PROVIDERS_GROUP = "Data"


@dataclass(frozen=True)
class Entry:
    """A builtin command: `module` is below finops_core.cli; its function `command()` builds the command or group."""

    name: str
    group: str
    module: str
    help: str


CATALOG = (
    Entry("demo", "Start", "demo", "Generate three months of bills, import them and show what they cost."),
    Entry("config", "Start", "config", "Show, create and find the configuration."),
    Entry("doctor", "Start", "doctor", "Check what an import needs, and what to do where something is missing."),
    Entry("status", "Look", "status", "What is loaded: periods, versions, rows and cost."),
    Entry("focus", "Look", "focus", "The rule behind a FOCUS column, its SQL and its sources."),
    Entry("schema", "Look", "schema", "Columns of bills that came, went or changed type between months."),
    Entry("export", "Look", "export", "Write FOCUS rows as Parquet or CSV, in any version of FOCUS."),
    Entry("verify", "Look", "verify", "Prove what is loaded: files, raw rows, FOCUS and ledger agree."),
    Entry("sample", "Extend", "sample", "Write generated bills as a provider would deliver them."),
    Entry("plugins", "Extend", "plugins", "The installed providers: list, check, or write a new one."),
)
