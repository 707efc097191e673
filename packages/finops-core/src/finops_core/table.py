"""A Listing as a table, for people: as wide as it wants to be in a pipe, as narrow as it can be on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from finops_core.output import Field, Listing, shown

PIPED_WIDTH = 100_000
"""Wider than any table: a table that is piped is neither wrapped nor cut."""

LONG_WORD = 14
"""Words up to this are never broken: months, states, most names. Longer ones, such as versions, go on below."""

GAP = 3
"""Between two columns of a table."""


def write_table(listing: Listing, stream: IO[str]) -> None:
    """For people. On a terminal long cells wrap and spare columns may be missing; elsewhere nothing is cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    fields = visible(listing, stream)
    widths = _widths(listing, fields, _columns(stream))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    columns = list(zip(fields, widths, strict=True))
    for column, width in columns:
        table.add_column(Text(column.title), justify="right" if column.right else "left", overflow="fold", width=width)
    for row in listing.rows:
        cells = (_fitted(shown(column.kind, row.get(column.key)), column, width) for column, width in columns)
        table.add_row(*map(Text, cells))
    console = Console(file=stream, highlight=False, width=sum(widths) + GAP * len(widths))
    with console.capture() as captured:
        console.print(table)
    stream.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines() if line.strip()))


def visible(listing: Listing, stream: IO[str]) -> tuple[Field, ...]:
    """The columns that a table has on this stream: spare ones go, the last first, until a terminal has room."""
    fields = list(listing.fields)
    width = _columns(stream)
    spare = [column for column in fields if column.spare]
    while spare and sum(_least(listing, column) + GAP for column in fields) > width:
        fields.remove(spare.pop())
    return tuple(fields)


def _columns(stream: IO[str]) -> int:
    from rich.console import Console

    return Console(file=stream).width if stream.isatty() else PIPED_WIDTH


def _widths(listing: Listing, fields: Sequence[Field], columns: int) -> list[int]:
    """As wide as their cells; where that is too much, the widest texts give way, down to what they must have.

    A line may still be longer than the terminal, which breaks it: better than a cell that is not shown.
    """
    from rich.cells import cell_len

    widths = [max(map(cell_len, _cells(listing, column))) for column in fields]
    least = [_least(listing, column) for column in fields]
    while sum(widths) + GAP * len(fields) > columns and widths != least:
        at = max(range(len(fields)), key=lambda index: (widths[index] > least[index], widths[index]))
        widths[at] -= 1
    return widths


def _fitted(cell: str, column: Field, width: int) -> str:
    """Amounts in several currencies that have no room beside each other stand below each other."""
    from rich.cells import cell_len

    return _below(cell) if column.kind == "money" and cell_len(cell) > width else cell


def _below(amounts: str) -> str:
    return amounts.replace(", ", ",\n")


def _least(listing: Listing, column: Field) -> int:
    """The width that a column has to have: of its longest word in text, of its longest amount in money, of its longest
    cell otherwise."""
    from rich.cells import cell_len

    cells = _cells(listing, column)
    if column.kind == "money":
        return max(cell_len(line) for cell in cells for line in _below(cell).splitlines() or [""])
    if column.kind != "text":
        return max(map(cell_len, cells))
    return min(LONG_WORD, max(cell_len(word) for cell in cells for word in cell.split() or [""]))


def _cells(listing: Listing, column: Field) -> list[str]:
    return [column.title, *(shown(column.kind, row.get(column.key)) for row in listing.rows)]
