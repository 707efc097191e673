"""`finops demo`: generated bills, imported and shown, without credentials and without a network."""

from __future__ import annotations

import inspect
import shlex
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finops_core import registry
from finops_core.cli.command import ActionCommand, Texts, params
from finops_core.cli.completion import providers
from finops_core.cli.flags import Configured
from finops_core.cli.importing import run_all
from finops_core.cli.listing import show
from finops_core.cli.session import Session
from finops_core.cli.switches import Switches
from finops_core.config import ConfigFile, Sources, project, provider_runs
from finops_core.config.template import toml_value
from finops_core.errors import ProviderMissing
from finops_core.output import Field, Listing
from finops_core.provider import Provider, SampleRequest

if TYPE_CHECKING:
    from typer._click import Context

FOLDER = "finops-demo"
SERVICES_SHOWN = 12

TEXTS = Texts(
    "Generate three months of bills, import them and show what they cost. No credentials, no network.\n\n"
    "Everything goes into one folder, with a configuration of its own; nothing else is touched.",
    "finops demo",
)

COST_SQL = """
    SELECT "x_Provider", coalesce("ServiceName", '(none)'), "x_BillingPeriod", "BillingCurrency", sum("EffectiveCost")
    FROM cost_and_usage GROUP BY ALL
"""


def command() -> ActionCommand:
    def option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    whose = typer.Argument(metavar="PROVIDER", help="Whose bills; everybody's when left out.", autocompletion=providers)
    options = [
        option("provider", None, Annotated[str | None, whose]),
        option("out", FOLDER, Annotated[str, typer.Option(metavar="DIR", help="Folder for all of it.")]),
        option("rows", 30_000, Annotated[int, typer.Option(min=1, help="Rows in all, about.")]),
    ]
    return ActionCommand("demo", demo, params(options), TEXTS)


def demo(context: Context) -> None:
    session = Session.of(context)
    folder = Path(context.params["out"])
    config = folder / "config.toml"
    providers = chosen_providers(context.params.get("provider"))
    share = max(1, context.params["rows"] // len(providers))
    for provider in without_bills(providers, config):
        session.note(f"generating {provider.title} bills in {folder / 'bills' / provider.name}")
        generate(provider, folder, share)
    sources = Sources(file=ConfigFile.read(config))
    settings = Configured(sources, project(sources))
    for provider in providers:
        run_all(provider_runs(provider, sources), settings, Switches(), session)
    show(costs(settings), session, None, None)
    shown = shlex.quote(str(config))
    session.note("effective cost, as FOCUS defines it, in the currency of each row")
    session.note(f"try next: finops status --config {shown}")
    session.note(f"          finops {providers[0].name} list-manifests --config {shown}")


def chosen_providers(name: str | None) -> list[type[Provider]]:
    """The provider asked for, else every installed one; of these, those that can generate bills."""
    names = [name] if name is not None else registry.names()
    found = [provider for provider in map(registry.load, names) if provider.sample_formats]
    if not found:
        raise ProviderMissing(
            f"{name} cannot generate bills" if name else "no installed provider can generate bills",
            where="finops plugins list",
            hint="pip install finops-NAME",
        )
    return found


def without_bills(providers: Sequence[type[Provider]], config: Path) -> list[type[Provider]]:
    """The providers that the demo's configuration does not know yet."""
    known = tomllib.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    return [provider for provider in providers if provider.name not in known]


def generate(provider: type[Provider], folder: Path, rows: int) -> None:
    """Write bills, and last the section that imports them: without it they are generated again."""
    request = SampleRequest(out=folder / "bills" / provider.name, format=provider.sample_formats[0], rows=rows)
    settings = provider.sample(request)
    config = folder / "config.toml"
    data_dir = toml_value(str((folder / "data").absolute()))
    before = config.read_text(encoding="utf-8") if config.exists() else f"[project]\ndata_dir = {data_dir}\n"
    lines = [f"[{provider.name}]", *(f"{key} = {toml_value(value)}" for key, value in settings.items())]
    config.write_text(before + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


def costs(settings: Configured) -> Listing:
    """Effective cost by service and month: the most expensive services, the rest in one line, and the total.

    A line holds one currency; there is a total for each.
    """
    from finops_core.load import read_rows

    found = read_rows(settings.target, "focus", COST_SQL)
    months = sorted({str(row[2]) for row in found})
    by_service: dict[tuple[str, str, str], dict[str, Decimal]] = {}
    for provider, service, month, currency, cost in found:
        by_service.setdefault((provider, service, currency), {})[str(month)] = cost
    ranked = sorted(by_service.items(), key=lambda item: -sum(item[1].values(), Decimal(0)))
    rows = [
        _row(provider, service, currency, [sums]) for (provider, service, currency), sums in ranked[:SERVICES_SHOWN]
    ]
    for currency in sorted({currency for _, _, currency in by_service}):
        rest = [sums for (_, _, code), sums in ranked[SERVICES_SHOWN:] if code == currency]
        if rest:
            rows.append(_row("", f"{len(rest)} more", currency, rest))
        rows.append(_row("", "total", currency, [sums for (_, _, code), sums in ranked if code == currency]))
    fields = [Field("provider", "provider"), Field("service", "service"), *(Field(m, m, "money") for m in months)]
    return Listing("demo", (*fields, Field("total", "total", "money", spare=True), Field("currency", "")), rows)


def _row(provider: str, service: str, currency: str, sums: Sequence[dict[str, Decimal]]) -> dict[str, Any]:
    row: dict[str, Any] = {"provider": provider, "service": service, "currency": currency}
    for months in sums:
        for month, cost in months.items():
            row[month] = row.get(month, Decimal(0)) + cost
    row["total"] = sum((cost for months in sums for cost in months.values()), Decimal(0))
    return row
