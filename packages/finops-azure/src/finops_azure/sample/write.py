"""Writing a whole tree: every month's runs in order of time, and the truth about them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finops_core import SampleRequest
from finops_core.errors import UsageError
from finops_core.sample import make_world

from finops_azure.sample.charges import Month, create_charges
from finops_azure.sample.layout import CONTAINER, FOLDER, Run, write_neighbours, write_run
from finops_azure.sample.render import cost_columns_of, create_focus
from finops_azure.sample.shapes import shape_of
from finops_azure.sample.truth import truth_of_charges

if TYPE_CHECKING:
    import duckdb

EARLY_ROWS = 300
"""Rows of a month's first run, which stays in its own folder where runs are kept."""


def write(request: SampleRequest) -> dict[str, Any]:
    """Write the exports into `request.out`/acme-exports and their true totals into `request.out`/truth.json.

    Returns the settings that import them. The same request writes the same rows and run ids. truth.json:

        {"provider", "format", "seed", "settings", "periods": {"2024-01": {...}}, "earlier": {"2024-02": {...}}}

    with the totals of truth_of_charges() per month; `earlier` holds those of a first delivery that was replaced.
    Raises UsageError for an unknown format and for a month to redeliver that is not written.
    """
    shape = shape_of(request.format)
    world = make_world(request.seed, request.months, request.last)
    if request.redeliver and request.redeliver not in world.periods:
        hint = f"choose one from {world.periods[0]} to {world.periods[-1]}"
        raise UsageError(f"month {request.redeliver} is not among the months written", hint=hint)
    root = request.out.resolve() / CONTAINER
    for export in shape.exports.values():
        shutil.rmtree(root / FOLDER / export, ignore_errors=True)
    names = list(shape.exports.values())
    settings: dict[str, Any] = {"container": root.as_uri(), "prefix": FOLDER, "export_name": names[0]}
    truth: dict[str, Any] = {"provider": "azure", "format": shape.name, "seed": request.seed, "settings": settings}
    truth |= {"periods": {}, "earlier": {}}
    for period, rows in world.rows(request.rows).items():
        month = Month(world, shape, period)
        totals = _write_month(request, month, rows)
        truth["periods"][str(period)] = totals[-1]
        if len(totals) > 1:
            truth["earlier"][str(period)] = totals[0]
    write_neighbours(root, Month(world, shape, world.periods[0]))
    (request.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", "utf-8")
    return settings


def _write_month(request: SampleRequest, month: Month, rows: int) -> list[dict[str, Any]]:
    import duckdb

    totals = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for number in (1, 2) if month.period == request.redeliver else (1,):
            delivery = replace(month, delivery=number)
            create_charges(connection, delivery, rows)
            totals.append(truth_of_charges(connection, delivery))
            _write_delivery(connection, request, delivery)
    return totals


def _write_delivery(connection: duckdb.DuckDBPyConnection, request: SampleRequest, month: Month) -> None:
    root = request.out.resolve() / CONTAINER
    if month.shape.focus:
        columns = create_focus(connection, month)
        numbered = "CREATE OR REPLACE TABLE numbered AS SELECT *, row_number() OVER () AS n FROM focus_rows"
        connection.execute(numbered)
        rows = connection.execute("SELECT count(*) FROM numbered").fetchall()[0][0]
        write_run(connection, Run(root, month, "FocusCost", "numbered", rows), columns)
        return
    for type_ in month.shape.exports:
        part = "actual" if type_ == "ActualCost" else "amortized"
        relation = f"(SELECT * FROM charges WHERE in_{part})"
        rows = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
        columns = cost_columns_of(month, part)
        if not month.shape.overwrite and month.delivery == 1:
            write_run(connection, Run(root, month, type_, relation, min(rows, EARLY_ROWS), early=True), columns)
        write_run(connection, Run(root, month, type_, relation, rows), columns)
