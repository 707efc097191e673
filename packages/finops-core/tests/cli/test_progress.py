"""What an import says while it runs, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import threading
from decimal import Decimal

import pytest
from finops_core import Delivery, Period, SourceFile
from finops_core.errors import DeliveryError
from finops_core.pipeline import ImportReport
from finops_core.plan import Step
from finops_core.progress import PlainReporter, QuietReporter, RichReporter, display_for, error_lines, summary_lines


def step(month: int, action: str = "load", size: int | None = 1500) -> Step:
    files = (SourceFile(f"2024-{month:02d}.csv", size),)
    return Step(Delivery("acme", "bills", Period(2024, month), "v1", "bill", "csv", files), action, "not loaded yet")  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(display):
    good, bad, old = step(1), step(2), step(3, "skip")
    report = ImportReport([good], [old], [(bad, DeliveryError("cut short", where="2024-02.csv", hint="wait"))])
    report.rows, report.files, report.bytes, report.seconds = 1234, 1, 1500, 0.5
    report.totals = {"USD": Decimal("1234.5"), "EUR": Decimal("7")}
    try:
        display.planned([good, bad, old])
        display.started(good)
        display.fetched(good, 1000)
        display.fetched(good, 500)
        display.staged(good, 1)
        display.loaded(good, 1234, {"USD": Decimal("1234.5"), "EUR": Decimal("7")})
        display.note("a new column: tag_team")
        display.started(bad)
        display.failed(bad, report.failed[0][1])
        display.finished(report)
    finally:
        display.close()
    return display


def test_plain_lines():
    stream = io.StringIO()
    run(PlainReporter(stream))
    text = re.sub(r"\d\.\d s", "N s", stream.getvalue())
    assert text.splitlines() == [
        "2 periods to load, 1 left as it is",
        "2024-01  fetched 1 file, 1.5 kB in N s",
        "2024-01  loaded  1,234 rows, 7.00 EUR, 1,234.50 USD in N s",
        "note: a new column: tag_team",
        "2024-02  failed",
        "error FIN020: cut short",
        "  where: 2024-02.csv",
        "  hint:  wait",
        "loaded 1 period: 1 file, 1.5 kB, 1,234 rows, cost 7.00 EUR, 1,234.50 USD; 1 skipped, 1 failed, N s",
    ]


def test_whose_bills_they_are_is_said_first():
    stream = io.StringIO()
    run(display_for(stream, 0, "Acme Cloud, export east"))
    assert stream.getvalue().splitlines()[0] == "Acme Cloud, export east"


def test_verbose_names_files_and_reasons():
    stream = io.StringIO()
    run(PlainReporter(stream, 1))
    assert "2024-01  file    2024-01.csv" in stream.getvalue()
    assert "2024-03  skip    not loaded yet" in stream.getvalue()


def test_quiet_says_only_errors():
    stream = io.StringIO()
    run(QuietReporter(stream))
    assert stream.getvalue().splitlines() == [
        "2024-02  failed",
        "error FIN020: cut short",
        "  where: 2024-02.csv",
        "  hint:  wait",
    ]


def test_a_terminal_gets_bars_and_the_same_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    run(RichReporter(stream))
    text = stream.getvalue()
    assert "━" in text
    assert "1.5 kB of 3.0 kB" in text
    assert "2024-01  loaded  1,234 rows" in text
    assert "loaded 1 period: 1 file" in text.rstrip().splitlines()[-1]


def test_a_terminal_shows_how_far_the_rows_of_a_table_are(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    display = RichReporter(stream)
    display.planned([step(1)])
    display.writing(step(1), "billing_2024_01", 43.2)
    display.close()
    assert "rows of billing_2024_01" in stream.getvalue()
    assert "43 %" in stream.getvalue()


def test_no_color_is_obeyed(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    run(RichReporter(stream))
    assert not re.search(r"\x1b\[[\d;]*3[1-7]", stream.getvalue())


def test_unknown_sizes_are_fine(monkeypatch):
    stream = Terminal()
    display = RichReporter(stream)
    display.planned([step(1, size=None)])
    display.fetched(step(1), 10)
    display.close()
    display.close()
    assert "10 B" in stream.getvalue()


def test_bytes_may_come_from_many_threads():
    stream = io.StringIO()
    display = PlainReporter(stream)
    display.started(step(1))
    threads = [threading.Thread(target=lambda: [display.fetched(step(1), 1) for _ in range(2000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    display.staged(step(1), 1)
    assert "16.0 kB" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "verbosity", "kind"),
    [
        (io.StringIO(), 0, PlainReporter),
        (io.StringIO(), -1, QuietReporter),
        (Terminal(), 0, RichReporter),
        (Terminal(), -1, QuietReporter),
    ],
)
def test_which_display(stream, verbosity, kind):
    assert type(display_for(stream, verbosity, "Acme Cloud")) is kind


def test_nothing_to_do():
    assert summary_lines(ImportReport(skipped=[step(1), step(2)])) == ["nothing to do: 2 periods up to date"]


def test_error_lines_carry_no_control_codes():
    lines = error_lines(DeliveryError("bad \x1b[2J\n name", where="k\x07", hint="h"))
    assert lines == ["error FIN020: bad �[2J name", "  where: k�", "  hint:  h"]
