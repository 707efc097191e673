"""Promises on fetching and reading: repeatable, in little memory, silent, one schema, and no column lost."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_core import Column, Dataset, Delivery, Found, LocalFile, Window, promises
from finops_core.assemble import scratch
from finops_core.stage import Staged, StagingFolder, fetch, stage
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered

ALLOWANCE = 2 << 20
"""Bytes that a large month may take over a small one: buffers, not content."""

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


class ReadingPromises(SuiteBase):
    def test_fetching_brings_what_discovery_named(self, delivered: Delivered, tmp_path: Path) -> None:
        """Every file of the delivery, each once, and nothing else."""
        for delivery in delivered.discover():
            files = delivered.fetch(delivery, tmp_path / str(delivery.period))
            named = sorted(file.key for file in delivery.files)
            keys = sorted(file.source.key for file in files)
            assert keys == named, f"{delivery.period}: fetch brings {keys}, the delivery names {named}"
            gone = [str(file.path) for file in files if not file.path.is_file()]
            assert not gone, f"{delivery.period}: fetch yields files that are not there: {gone}"

    def test_fetching_is_repeatable(self, delivered: Delivered, tmp_path: Path) -> None:
        """The same delivery is the same bytes again, as long as the place holds it."""
        for delivery in delivered.discover():
            first = _digests(delivered.fetch(delivery, tmp_path / f"{delivery.period}-1"))
            again = _digests(delivered.fetch(delivery, tmp_path / f"{delivery.period}-2"))
            assert first == again, f"{delivery.period}: the files differ when they are fetched again"

    def test_fetching_takes_little_memory(self, fresh: Delivered, tmp_path: Path) -> None:
        """A month of many rows takes hardly more memory than one of few: files are never held whole."""
        period = self.months[0]
        fresh.deliver(period, self.rows)
        self._memory_of(fresh, fresh.delivery(period), tmp_path / "warm-up")
        few = self._memory_of(fresh, fresh.delivery(period), tmp_path / "few")
        fresh.deliver(period, self.many_rows)
        many = self._memory_of(fresh, fresh.delivery(period), tmp_path / "many")
        assert many - few < ALLOWANCE, (
            f"{self.many_rows:,} rows take {(many - few) >> 10:,} KiB more memory than {self.rows:,}: "
            "write what arrives to staging.folder, piece by piece"
        )

    def test_fetching_and_discovery_are_silent(
        self, delivered: Delivered, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """stdout is data and stderr is the reporter's: a provider writes to neither."""
        capfd.readouterr()
        for delivery in delivered.provider.discover(Window()):
            delivered.fetch(delivery, tmp_path / str(delivery.period))
        out, err = capfd.readouterr()
        assert (out, err) == ("", ""), f"it printed {(out + err)[:200]!r}"

    def test_every_month_has_one_schema(self, fresh: Delivered, tmp_path: Path) -> None:
        """A column has the same type in every month, whatever its values are and however many: types are pinned."""
        seen: dict[tuple[str, str, str], tuple[str, object]] = {}
        fresh.deliver(self.months[0], self.rows)
        fresh.deliver(self.months[1], self.many_rows)
        for delivery in fresh.discover():
            staged = _staged(fresh, delivery, tmp_path / str(delivery.period))
            for part, reading in staged.parts.items():
                for name, kind in (reading.columns if reading.files else {}).items():
                    before, where = seen.setdefault((delivery.dataset, part, name), (kind, delivery.period))
                    assert kind == before, f"{name} is {kind} in {delivery.period}, {before} in {where}"

    def test_no_column_is_lost(self, delivered: Delivered, tmp_path: Path) -> None:
        """A column that nobody knew of becomes a column of the raw table, whatever its name."""
        for delivery in delivered.discover()[:1]:
            staged = _staged(delivered, delivery, tmp_path / "staged")
            headers = {file.found for file in staged.files if file.found}
            for header in sorted(headers, key=len):
                _keeps_all(staged.dataset, header)

    def test_money_is_never_floating_point(self, delivered: Delivered, tmp_path: Path) -> None:
        """Neither in the raw table nor on the way to FOCUS."""
        problems = []
        for delivery in delivered.discover():
            staged = _staged(delivered, delivery, tmp_path / str(delivery.period))
            for reading in staged.parts.values():
                problems += promises.float_problems(reading.columns, f"raw table of {delivery.period}")
        for dataset in self.provider.datasets:
            problems += promises.float_problems(dataset.known, f"known columns of {dataset.name}")
            if dataset.focus is not None:
                problems += promises.float_problems(promises.focus_columns(dataset), f"FOCUS SQL of {dataset.name}")
        assert not problems, "\n".join(problems)

    @staticmethod
    def _memory_of(delivered: Delivered, delivery: Delivery, folder: Path) -> int:
        """Bytes at the peak of fetching, beyond those before it."""
        gc.collect()
        tracemalloc.start()
        try:
            delivered.fetch(delivery, folder)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def _staged(delivered: Delivered, delivery: Delivery, folder: Path) -> Staged:
    folder.mkdir()
    with scratch(folder) as connection:
        fetched = fetch(delivered.provider, delivery, StagingFolder(folder, lambda count: None))
        return stage(fetched, connection)


def _digests(files: list[LocalFile]) -> dict[str, str]:
    return {file.source.key: hashlib.sha256(file.as_stored.read_bytes()).hexdigest() for file in files}


def _keeps_all(dataset: Dataset, header: Sequence[Found]) -> None:
    """The dataset's rule on a real header with strange columns added: each is the source of some column."""
    taken = {found.name for found in header}

    @settings(max_examples=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(NAMES.filter(lambda name: name not in taken), max_size=5, unique=True))
    def keeps(strange: list[str]) -> None:
        further = [Found(name, "VARCHAR", f"c{at}") for at, name in enumerate(strange, len(header))]
        columns = dataset.columns([*header, *further])
        assert columns == dataset.columns([*header, *further]), (
            "the rule for columns answers differently when asked again"
        )
        lost = [found.name for found in (*header, *further) if not _is_used(found, columns)]
        assert not lost, f"the rule for columns loses {lost!r}"

    keeps()


def _is_used(found: Found, columns: Sequence[Column]) -> bool:
    return any(column.source == found.name or found.ref in (column.expression or "") for column in columns)
