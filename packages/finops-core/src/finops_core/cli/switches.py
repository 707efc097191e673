"""What the flags of one run ask of an import, beside the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finops_core.cli.flags import Configured
from finops_core.config import ProviderRun
from finops_core.errors import UsageError

if TYPE_CHECKING:
    from finops_core.pipeline import ImportOptions


@dataclass(frozen=True)
class Switches:
    """What one run does differently."""

    dry_run: bool = False
    force: bool = False
    no_focus: bool = False
    no_raw: bool = False
    allow_unbalanced: bool = False

    def __post_init__(self) -> None:
        if self.no_focus and self.no_raw:
            raise UsageError("--no-focus and --no-raw together load nothing", hint="leave one of them out")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Switches:
        return cls(**{name: bool(values.get(name)) for name in cls.__dataclass_fields__})


def import_options(run: ProviderRun, settings: Configured, switches: Switches) -> ImportOptions:
    from finops_core.pipeline import ImportOptions

    return ImportOptions(
        window=run.common.window,
        target=settings.target,
        dataset_name=run.dataset_name,
        table_strategy=run.common.table_strategy,
        force=switches.force,
        focus=not switches.no_focus,
        raw=not switches.no_raw,
        allow_unbalanced=switches.allow_unbalanced,
    )
