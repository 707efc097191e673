"""`finops demo`: generated bills, imported and shown, without credentials and without a network."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.flags import Configured
from finops_core.cli.importing import Switches, run_all
from finops_core.cli.session import Session
from finops_core.config import ConfigFile, ProviderRun, Sources, project, provider_runs
from finops_core.config.template import toml_value
from finops_core.errors import ProviderMissing
from finops_core.output import Field, Listing, write_table
from finops_core.provider import Provider, SampleRequest

if TYPE_CHECKING:
    from typer._click import Context

FOLDER = "finops-demo"
SERVICES_SHOWN = 10

TEXTS = Texts(
    "Generate three months of bills, import them and show what they cost. No credentials, no network.\n\n"
    "Everything goes into one folder, with a configuration of its own; nothing else is touched.",
    "finops demo",
)

COST_SQL = """
    SELECT coalesce("ServiceName", '(none)'), "x_BillingPeriod", "BillingCurrency", sum("EffectiveCost")
    FROM focus_cost_and_usage GROUP BY ALL
"""


def command() -> ActionCommand:
    def option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    options = [
        option("provider", None, Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Whose bills.")]),
        option("out", FOLDER, Annotated[str, typer.Option(metavar="DIR", help="Folder for all of it.")]),
        option("rows", 30_000, Annotated[int, typer.Option(min=1, help="Rows in all, about.")]),
    ]
    return ActionCommand("demo", demo, params(options), TEXTS)


def demo(context: Context) -> None:
    session = Session.of(context)
    provider = chosen_provider(context.params.get("provider"))
    folder = Path(context.params["out"]) / provider.name
    config = folder / "config.toml"
    if not config.exists():
        session.note(f"generating {provider.title} bills in {folder}")
        generate(provider, folder, context.params["rows"])
    sources = Sources(file=ConfigFile.read(config))
    settings = Configured(sources, project(sources))
    runs = provider_runs(provider, sources)
    run_all(runs, settings, Switches(), session)
    for run in runs:
        write_table(costs(run, settings), sys.stdout)
    shown = shlex.quote(str(config))
    session.note("effective cost, as FOCUS defines it, in the currency of each row")
    session.note(f"try next: finops status --config {shown}")
    session.note(f"          finops {provider.name} list-manifests --config {shown}")


def chosen_provider(name: str | None) -> type[Provider]:
    """The provider asked for, else the first installed one that can generate bills."""
    if name is not None:
        return registry.load(name)
    for installed in registry.names():
        provider = registry.load(installed)
        if provider.sample_formats:
            return provider
    raise ProviderMissing(
        "no installed provider can generate bills", where="finops plugins list", hint="pip install finops-NAME"
    )


def generate(provider: type[Provider], folder: Path, rows: int) -> None:
    """Write bills, and last the configuration that imports them: without it they are generated again."""
    request = SampleRequest(out=folder / "bills", format=provider.sample_formats[0], rows=rows)
    settings = provider.sample(request)
    lines = ["[project]", f"data_dir = {toml_value(str((folder / 'data').absolute()))}", "", f"[{provider.name}]"]
    lines += [f"{key} = {toml_value(value)}" for key, value in settings.items()]
    (folder / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def costs(run: ProviderRun, settings: Configured) -> Listing:
    """Effective cost by service and month: the most expensive services, the rest in one line, and the total."""
    from finops_core.load import read_rows

    found = read_rows(settings.target, run.dataset_name, COST_SQL)
    months = sorted({str(month) for _, month, _, _ in found})
    by_service: dict[tuple[str, str], dict[str, Decimal]] = {}
    for service, month, currency, cost in found:
        by_service.setdefault((service, currency), {})[str(month)] = cost
    ranked = sorted(by_service.items(), key=lambda item: -sum(item[1].values(), Decimal(0)))
    rows = [_row(service, currency, [sums]) for (service, currency), sums in ranked[:SERVICES_SHOWN]]
    for currency in sorted({currency for _, currency in by_service}):
        rest = [sums for (_, code), sums in ranked[SERVICES_SHOWN:] if code == currency]
        if rest:
            rows.append(_row(f"{len(rest)} more", currency, rest))
        rows.append(_row("total", currency, [sums for (_, code), sums in ranked if code == currency]))
    fields = [Field("service", "service"), *(Field(month, month, "money") for month in months)]
    return Listing("demo", (*fields, Field("total", "total", "money"), Field("currency", "")), rows)


def _row(service: str, currency: str, sums: Sequence[dict[str, Decimal]]) -> dict[str, Any]:
    row: dict[str, Any] = {"service": service, "currency": currency}
    for months in sums:
        for month, cost in months.items():
            row[month] = row.get(month, Decimal(0)) + cost
    row["total"] = sum((cost for months in sums for cost in months.values()), Decimal(0))
    return row
