"""What an import says while it runs: on stderr, bars on a terminal, plain lines elsewhere, almost nothing with -q."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Protocol

from finops_core.errors import FinopsError
from finops_core.output import counted, printable, shown_bytes, shown_money
from finops_core.periods import Period
from finops_core.report import ImportReport, Note, Reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from finops_core.plan import Step


SHOWN = 3
"""Periods named one by one behind a note; more than that are a range."""


class Display(Reporter, Protocol):
    """A Reporter that owns a part of the screen: `close` gives it back, also after an error."""

    def close(self) -> None: ...


def display_for(stream: IO[str], verbosity: int, title: str) -> Display:
    """-1 quiet, 0 normal, 1 verbose. Bars only where they can be drawn. `title` says whose bills they are."""
    if verbosity < 0:
        return QuietReporter(stream)
    kind = RichReporter if stream.isatty() else PlainReporter
    return kind(stream, verbosity, title)


def error_lines(error: FinopsError) -> list[str]:
    """What, where, how to fix, one line each; lines that have nothing to say are left out."""
    lines = [f"error {error.code}: {_one_line(error.what)}"]
    if error.where:
        lines.append(f"  where: {_one_line(error.where)}")
    if error.hint:
        lines.append(f"  hint:  {_one_line(error.hint)}")
    return lines


def summary_lines(report: ImportReport) -> list[str]:
    """The closing lines: what was loaded, what was not, and the cost per currency."""
    if not report.loaded and not report.failed:
        return [f"nothing to do: {counted(len(report.skipped), 'period')} up to date"]
    loaded = (
        f"loaded {counted(len(report.loaded), 'period')}: {counted(report.files, 'file')}, "
        f"{shown_bytes(report.bytes)}, {counted(report.rows, 'row')}"
    )
    cost = f", cost {shown_money(report.totals)}" if report.totals else ""
    rest = f"{len(report.skipped)} skipped, {len(report.failed)} failed, {report.seconds:.1f} s"
    return [f"{loaded}{cost}; {rest}"]


def told_once(notes: Sequence[Note]) -> list[str]:
    """Each topic once, with the text of its first period, and the other periods of which the same is to be said."""
    topics: dict[str, list[Note]] = {}
    for note in notes:
        topics.setdefault(note.topic, []).append(note)
    return [f"{first.period}: {printable(first.text)}{_also(rest)}" for first, *rest in topics.values()]


def _also(notes: Sequence[Note]) -> str:
    periods = [str(note.period) for note in notes]
    if len(periods) > SHOWN:
        return f"; also in {len(periods)} more periods, {periods[0]} to {periods[-1]}"
    return f"; also in {', '.join(periods)}" if periods else ""


class QuietReporter:
    """Errors only."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def planned(self, steps: Sequence[Step]) -> None:
        pass

    def started(self, step: Step) -> None:
        pass

    def fetched(self, step: Step, count: int) -> None:
        pass

    def staged(self, step: Step, files: int) -> None:
        pass

    def writing(self, step: Step, table: str, percent: float) -> None:
        pass

    def loaded(self, step: Step, rows: int, totals: Mapping[str, Decimal]) -> None:
        pass

    def failed(self, step: Step, error: FinopsError) -> None:
        self._say(f"{step.delivery.period}  failed", *error_lines(error))

    def note(self, text: str) -> None:
        pass

    def finished(self, report: ImportReport) -> None:
        pass

    def close(self) -> None:
        pass

    def _say(self, *lines: str) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()


class PlainReporter(QuietReporter):
    """One line per period, for logs: no bars, no colour, nothing that is overwritten."""

    def __init__(self, stream: IO[str], verbosity: int = 0, title: str = "") -> None:
        super().__init__(stream)
        self._title = title
        self._verbose = verbosity > 0
        self._fetched: Counter[tuple[str, Period]] = Counter()
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def planned(self, steps: Sequence[Step]) -> None:
        todo = [step for step in steps if step.action in ("load", "reload")]
        waiting = len(steps) - len(todo)
        rest = f"{waiting} left as {'it is' if waiting == 1 else 'they are'}"
        if self._title:
            self._say(self._title)
        if todo and waiting:
            self._say(f"{counted(len(todo), 'period')} to load, {rest}")
        if self._verbose:
            self._say(*(f"{step.delivery.period}  {step.action:<6}  {printable(step.reason)}" for step in steps))

    def started(self, step: Step) -> None:
        self._since = time.monotonic()
        if self._verbose:
            self._say(*(f"{step.delivery.period}  file    {printable(file.key)}" for file in step.delivery.files))

    def fetched(self, step: Step, count: int) -> None:
        with self._lock:
            self._fetched[step.delivery.export, step.delivery.period] += count

    def staged(self, step: Step, files: int) -> None:
        delivery = step.delivery
        self._say(
            f"{delivery.period}  fetched {counted(files, 'file')}, "
            f"{shown_bytes(self._fetched[delivery.export, delivery.period])} in {time.monotonic() - self._since:.1f} s"
        )

    def loaded(self, step: Step, rows: int, totals: Mapping[str, Decimal]) -> None:
        self._say(loaded_line(step, rows, totals, time.monotonic() - self._since))

    def note(self, text: str) -> None:
        self._say(f"note: {printable(text)}")

    def finished(self, report: ImportReport) -> None:
        self._say(*(f"note: {line}" for line in told_once(report.notes)), *summary_lines(report))


class RichReporter(PlainReporter):
    """The same lines above three bars: bytes fetched, rows of a table written, periods done. Colours obey NO_COLOR."""

    def __init__(self, stream: IO[str], verbosity: int = 0, title: str = "") -> None:
        super().__init__(stream, verbosity, title)
        self._bars: Progress | None = None
        self._bytes: TaskID | None = None
        self._rows: TaskID | None = None
        self._periods: TaskID | None = None

    def planned(self, steps: Sequence[Step]) -> None:
        super().planned(steps)
        todo = [step for step in steps if step.action in ("load", "reload")]
        if not todo:
            return
        sizes = [step.delivery.bytes for step in todo]
        known = None if None in sizes else sum(size for size in sizes if size is not None)
        self._bars = _bars(self._stream)
        self._bytes = self._bars.add_task("download", total=known, amount="")
        self._rows = self._bars.add_task("rows", total=100, amount="", visible=False)
        self._periods = self._bars.add_task("periods", total=len(todo), amount="")
        self._bars.start()

    def started(self, step: Step) -> None:
        super().started(step)
        self._update(self._periods, description=f"{step.delivery.period} fetching", advance=0)

    def fetched(self, step: Step, count: int) -> None:
        super().fetched(step, count)
        self._update(self._bytes, description="download", advance=count)

    def staged(self, step: Step, files: int) -> None:
        self._update(self._periods, description=f"{step.delivery.period} loading {counted(files, 'file')}", advance=0)

    def writing(self, step: Step, table: str, percent: float) -> None:
        if self._bars is not None and self._rows is not None:
            self._bars.update(
                self._rows, description=f"rows of {table}", completed=percent, amount=f"{percent:.0f} %", visible=True
            )

    def loaded(self, step: Step, rows: int, totals: Mapping[str, Decimal]) -> None:
        super().loaded(step, rows, totals)
        self._no_rows()
        self._update(self._periods, description=f"{step.delivery.period} loaded", advance=1)

    def failed(self, step: Step, error: FinopsError) -> None:
        super().failed(step, error)
        self._no_rows()
        if step.action in ("load", "reload"):
            self._update(self._periods, description=f"{step.delivery.period} failed", advance=1)

    def finished(self, report: ImportReport) -> None:
        self.close()
        super().finished(report)

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _no_rows(self) -> None:
        if self._bars is not None and self._rows is not None:
            self._bars.update(self._rows, visible=False)

    def _update(self, task: TaskID | None, *, description: str, advance: int) -> None:
        if self._bars is None or task is None:
            return
        self._bars.update(task, description=description, advance=advance)
        state = next(item for item in self._bars.tasks if item.id == task)
        shown = shown_bytes if task == self._bytes else str
        total = f" of {shown(int(state.total))}" if state.total is not None else ""
        self._bars.update(task, amount=f"{shown(int(state.completed))}{total}")

    def _say(self, *lines: str) -> None:
        if self._bars is None:
            super()._say(*lines)
            return
        from rich.text import Text

        for line in lines:
            self._bars.console.print(Text(line), soft_wrap=True)


def loaded_line(step: Step, rows: int, totals: Mapping[str, Decimal], seconds: float) -> str:
    cost = f", {shown_money(totals)}" if totals else ""
    return f"{step.delivery.period}  {step.action}ed  {counted(rows, 'row')}{cost} in {seconds:.1f} s"


def _bars(stream: IO[str]) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
    )


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
