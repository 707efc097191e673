"""Writing a whole tree: every month's deliveries in order of time, and the truth about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from finops_core import Period, SampleRequest
from finops_core.errors import UsageError
from finops_core.sample import World, make_world

from finops_aws.sample.chunks import ChunkWriter
from finops_aws.sample.layout import BUCKET, PREFIX, DeliveryPlan, write_delivery
from finops_aws.sample.lines import create_lines
from finops_aws.sample.neighbours import write_neighbours
from finops_aws.sample.render import columns
from finops_aws.sample.shapes import Shape, shape_of
from finops_aws.sample.truth import truth_of_lines

if TYPE_CHECKING:
    import duckdb

EARLY_ROWS = 500
"""Line items of the early delivery of the first month, which stays in its own folder where versions are kept."""


def write(request: SampleRequest) -> dict[str, Any]:
    """Write the bills into `request.out`/acme-billing and their true totals into `request.out`/truth.json.

    Returns the settings that import them. The same request always writes the same bytes of rows and the same delivery
    ids; asked again with `redeliver`, every other month stays as it was. truth.json:

        {"provider", "format", "seed", "settings", "periods": {"2024-01": {...}}, "earlier": {"2024-02": {...}}}

    with the totals of truth_of_lines() per month; `earlier` holds those of a first delivery that was replaced.
    Raises UsageError for an unknown format and for a month to redeliver that is not written.
    """
    shape = shape_of(request.format)
    world = make_world(request.seed, request.months, request.last)
    if request.redeliver and request.redeliver not in world.periods:
        raise UsageError(
            f"month {request.redeliver} is not among the months written",
            hint=f"choose one from {world.periods[0]} to {world.periods[-1]}",
        )
    root = request.out.resolve() / BUCKET
    root.mkdir(parents=True, exist_ok=True)
    write_neighbours(root, world.periods[0])
    settings = {"bucket": root.as_uri(), "prefix": PREFIX, "export_name": shape.export_name}
    truth: dict[str, Any] = {"provider": "aws", "format": shape.name, "seed": request.seed, "settings": settings}
    truth |= {"periods": {}, "earlier": {}}
    for period, rows in world.rows(request.rows).items():
        totals = _write_month(request, world, shape, period, rows)
        truth["periods"][str(period)] = totals[-1]
        if len(totals) > 1:
            truth["earlier"][str(period)] = totals[0]
    (request.out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", "utf-8")
    return settings


def _write_month(request: SampleRequest, world: World, shape: Shape, period: Period, rows: int) -> list[dict[str, Any]]:
    totals = []
    import duckdb

    with duckdb.connect() as connection:
        for number in (1, 2) if period == request.redeliver else (1,):
            create_lines(connection, world, period, rows=rows, delivery=number, discount=shape.discount)
            totals.append(truth_of_lines(connection, world.currency, shape.focus))
            count = connection.execute("SELECT count(*) FROM lines").fetchall()[0][0]
            plan = DeliveryPlan(request.out.resolve() / BUCKET, world, shape, period, number, count)
            if period == world.periods[0] and number == 1 and not shape.overwrite:
                early = DeliveryPlan(plan.root, world, shape, period, 0, min(EARLY_ROWS, plan.rows))
                _write_delivery(connection, early)
            _write_delivery(connection, plan)
    return totals


def _write_delivery(connection: duckdb.DuckDBPyConnection, plan: DeliveryPlan) -> None:
    view = "focus_bill" if plan.shape.focus else "bill"
    present = frozenset(row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall())
    found = columns(plan.shape, plan.world, plan.period, present)
    write_delivery(plan, ChunkWriter(connection, plan.shape, found, view), found)
