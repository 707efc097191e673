"""What an import says of itself: a report at its end, and a reporter that is told what happens meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from finops_core.errors import FinopsError
from finops_core.periods import Period
from finops_core.plan import Step


@dataclass(frozen=True)
class Note:
    """Something to know about a period. Notes of one `topic` say the same of several periods."""

    period: Period
    topic: str
    text: str


@dataclass
class ImportReport:
    """What an import did. `totals`: currency -> raw cost of the periods loaded now."""

    loaded: list[Step] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, FinopsError]] = field(default_factory=list)
    rows: int = 0
    files: int = 0
    bytes: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    seconds: float = 0.0


class Reporter(Protocol):
    """Told by the pipeline what happens. `fetched` may be called from any thread, the others from one."""

    def planned(self, steps: Sequence[Step]) -> None:
        """Every step of this import, before the first one starts."""

    def started(self, step: Step) -> None: ...

    def fetched(self, step: Step, count: int) -> None:
        """`count` further bytes of the step's files have arrived, perhaps while the step before it is being loaded.
        Negative where files were thrown away and will be fetched again."""

    def staged(self, step: Step, files: int) -> None:
        """All files are here, whole and checked; loading begins."""

    def writing(self, step: Step, table: str, percent: float) -> None:
        """How far the rows of one of the step's tables are. Not told of tables that are written within a moment."""

    def loaded(self, step: Step, rows: int, totals: Mapping[str, Decimal]) -> None:
        """The step is committed. `totals`: currency -> cost of the raw rows."""

    def failed(self, step: Step, error: FinopsError) -> None: ...

    def note(self, text: str) -> None:
        """Something that the user should know and that is not an error."""

    def finished(self, report: ImportReport) -> None: ...
