"""How much this run says. One object per process, handed down by Typer as the context's `obj`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer._click import Context


@dataclass
class Session:
    """`verbosity`: -1 quiet, 0 normal, 1 verbose. `debug`: errors come with their traceback."""

    verbosity: int = 0
    debug: bool = False

    @classmethod
    def of(cls, context: Context) -> Session:
        return context.ensure_object(cls)

    def note(self, text: str) -> None:
        """For people, on stderr; not with -q."""
        if self.verbosity >= 0:
            sys.stderr.write(f"{text}\n")

    def suggest(self, command: str) -> None:
        """One command to try next. Only for somebody who sits before a terminal."""
        if self.verbosity >= 0 and sys.stderr.isatty():
            sys.stderr.write(f"next: {command}\n")
