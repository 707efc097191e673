"""Entry point. Errors become three lines on stderr and an exit code; nothing is swallowed."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from typer.exceptions import Abort, TyperException

from finops_core.cli.session import Session
from finops_core.errors import DiskFull, FinopsError, UsageError
from finops_core.progress import error_lines

INTERRUPTED = 130
"""128 + SIGINT, as shells report a process that Ctrl-C ended."""

COMPLETING = "_FINOPS_COMPLETE"
"""The variable in which a shell's script says what it wants completed."""


def main() -> None:
    """The `finops` script. What is piped is UTF-8 on every system: JSON and CSV have to be the same everywhere."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0, 1, 2, 3, 4, 5 or 130, see errors.py."""
    session = Session()
    sys.excepthook = _Unexpected(session)
    try:
        from finops_core.cli.app import root

        code = root().main(args=arguments, prog_name="finops", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except FinopsError as error:
        return _fail(error, session)
    except TyperException as error:
        return _fail(_usage(error), session)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE):
            raise
        # What stdout could not take must not be tried again when Python ends.
        sys.stdout = _nowhere()
        if error.errno == errno.EPIPE:
            return 1  # as Typer does, where the pipe is found closed before
        full = DiskFull("there is no room left on the disk", where=error.filename or "standard output")
        return _fail(full, session)
    except (KeyboardInterrupt, Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        sys.stderr.write("interrupted: what was not yet committed has changed nothing\n")
    return code if isinstance(code, int) else 0


def _nowhere() -> IO[str]:
    """In place of a stream that the caller has closed, or that takes nothing any more."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _fail(error: FinopsError, session: Session) -> int:
    if COMPLETING in os.environ:
        # Somebody is in the middle of a command line, into which no error may be written.
        return error.exit_code
    sys.stderr.write("".join(f"{line}\n" for line in error_lines(error)))
    if session.debug:
        traceback.print_exception(error, file=sys.stderr)
    return error.exit_code


def _usage(error: TyperException) -> UsageError:
    """What Typer says about a wrong call, as an error of ours."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "finops"
    return UsageError(error.format_message().strip(), where=path, hint=f"{path} --help")


class _Unexpected:
    """Python's last resort for an exception that nobody expected: a mistake in finops itself. It exits with 1."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if self._session.debug:
            sys.__excepthook__(kind, error, trace)
            return
        frames = traceback.extract_tb(trace)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        unexpected = FinopsError(
            f"unexpected {kind.__name__}: {error}",
            where=where,
            hint="this is a mistake in finops or in a provider; --debug shows all of it",
        )
        sys.stderr.write("".join(f"{line}\n" for line in error_lines(unexpected)))
