"""Fetch the files of the next period while those of the one before are loaded.

On a slow line fetching takes as long as loading. One period ahead and no more: the files of two periods lie in the data
directory at once. Where the disk has no room for that, one period comes after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from finops_core.errors import DiskFull
from finops_core.plan import Step
from finops_core.provider import Provider
from finops_core.report import Reporter

if TYPE_CHECKING:
    from finops_core.stage import Fetched


class _Stopped(BaseException):
    """Ends a fetch that nobody waits for any more. No Exception: a provider would take it for a fault and try again."""


class Fetches:
    """The fetches of an import: `steps` are those that will be loaded, in their order."""

    def __init__(self, provider: Provider, data_dir: Path, reporter: Reporter, steps: Sequence[Step]) -> None:
        self._provider, self._data_dir, self._reporter = provider, data_dir, reporter
        self._following = dict(zip((id(step) for step in steps), steps[1:], strict=False))
        self._ahead: _Fetch | None = None
        self._crowded = False

    def __enter__(self) -> Fetches:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead:
            self._ahead.close()

    @contextmanager
    def fetched(self, step: Step) -> Iterator[tuple[Fetched, Path]]:
        """The files of a step and the folder that they may lie in, which goes when the block ends.

        Meanwhile the following step's are on their way. Raises what `stage.fetch` raises, and DestinationError where no
        folder can be made.
        """
        fetch = self._begun(step)
        try:
            fetched = fetch.result()
            self._crowded = False
            if following := self._following.get(id(step)):
                self._ahead = self._begin(following)
            yield fetched
        except DiskFull:
            fetch.discard()
            raise
        finally:
            fetch.close()

    def give_room(self) -> bool:
        """Fetch nothing ahead any more. Whether two steps' files had to share the disk: another try may succeed."""
        shared = self._crowded or self._ahead is not None
        self._following.clear()
        if self._ahead:
            self._ahead.discard()
            self._ahead = None
        return shared

    def _begun(self, step: Step) -> _Fetch:
        """The step's fetch. One that was ahead had the files of the step before beside it."""
        self._crowded = self._ahead is not None and self._ahead.step is step
        if self._ahead is None or not self._crowded:
            return self._begin(step)
        fetch, self._ahead = self._ahead, None
        return fetch

    def _begin(self, step: Step) -> _Fetch:
        return _Fetch(self._provider, step, self._data_dir, self._reporter)


class _Fetch:
    """One step's files on their way, in a thread of its own."""

    def __init__(self, provider: Provider, step: Step, data_dir: Path, reporter: Reporter) -> None:
        self.step = step
        self._provider, self._data_dir, self._reporter = provider, data_dir, reporter
        self._arrived = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._held = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"finops-fetch-{step.delivery.period}")
        self._files = self._thread.submit(self._fetch)

    def result(self) -> tuple[Fetched, Path]:
        """Wait for the files. Raises what fetching them raised."""
        return self._files.result()

    def close(self) -> None:
        """Stop, if it is not done, and remove what was fetched. Downloads end with the next bytes that arrive."""
        self._stopping.set()
        self._thread.shutdown()
        self._held.close()

    def discard(self) -> None:
        """Close, for files that will be fetched again: what has arrived does not count."""
        self.close()
        self._reporter.fetched(self.step, -self._arrived)
        self._arrived = 0

    def _fetch(self) -> tuple[Fetched, Path]:
        from finops_core.stage import StagingFolder, fetch, staging_folder

        folder = self._held.enter_context(staging_folder(self._data_dir))
        return fetch(self._provider, self.step.delivery, StagingFolder(folder, self._progress)), folder

    def _progress(self, count: int) -> None:
        if self._stopping.is_set():
            raise _Stopped
        with self._lock:
            self._arrived += count
        self._reporter.fetched(self.step, count)
