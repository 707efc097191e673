"""`-o` and `--out` of every command that lists, and what they do with a Listing."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from finops_core.cli.session import Session
from finops_core.errors import UsageError
from finops_core.output import FORMATS, Listing, format_of, write
from finops_core.table import visible

LISTING_PANEL = "Output"

OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar=f"[{'|'.join(FORMATS)}]",
        help="Format; table if unset.",
        autocompletion=lambda: FORMATS,
        rich_help_panel=LISTING_PANEL,
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out", metavar="FILE", help="Write there; the suffix chooses the format.", rich_help_panel=LISTING_PANEL
    ),
]


def show(listing: Listing, session: Session, output: str | None, out: str | None) -> None:
    """Write a listing to stdout, or to the file `out`; notes of a table go to stderr.

    Raises UsageError for an unknown format, and for a file that cannot be written.
    """
    form = output or (format_of(Path(out)) if out else "table")
    text = sys.stdout if out is None else io.StringIO()
    write(listing, form, text)
    if out is not None and isinstance(text, io.StringIO):
        try:
            Path(out).write_text(text.getvalue(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}", where="--out") from error
    if form == "table" and (missing := [c.title for c in listing.fields if c not in visible(listing, text)]):
        session.note(f"a pipe or a wider terminal also shows: {', '.join(missing)}")
    if form != "json":
        for note in listing.notes:
            session.note(f"note: {note}")
