"""`finops plugins check NAME`: what can be said of an installed provider on a user's own settings, reading no bill.

    name, Sources -> Iterator[Verdict]

installed, contract, start-up, settings and FOCUS SQL look at the package; discovery asks the user's own place for what
is there, twice, which is listings and manifests alone. Nothing is fetched, and no destination is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from finops_core import promises, registry
from finops_core.config import Sources, provider_runs
from finops_core.errors import FinopsError
from finops_core.hooks import CONTRACT
from finops_core.output import Field, Listing, counted

if TYPE_CHECKING:
    from finops_core.config import ProviderRun
    from finops_core.delivery import Delivery
    from finops_core.provider import Provider

State = Literal["ok", "warn", "fail"]

FIELDS = (Field("check", "check"), Field("state", "state"), Field("detail", "detail"), Field("hint", "what to do"))


@dataclass(frozen=True)
class Verdict:
    """One line of the list. `fail`: imports go wrong or cannot be trusted; `warn`: they work, and yet look at it."""

    check: str
    state: State
    detail: str
    hint: str = ""


def listing(name: str, verdicts: Iterable[Verdict]) -> Listing:
    """The verdicts as a list for any output."""
    rows = [vars(verdict) for verdict in verdicts]
    return Listing("plugins check", FIELDS, rows, filters={"provider": name})


def failed(listed: Listing) -> bool:
    return any(row["state"] == "fail" for row in listed.rows)


def check(name: str, sources: Sources, export: str | None = None) -> Iterator[Verdict]:
    """Every check, in order. What cannot be loaded or configured ends the list: the rest would only repeat it.

    Raises ProviderMissing when no package brings the provider.
    """
    plugin = registry.find(name)
    yield Verdict("installed", "ok", f"{plugin.distribution} {plugin.version}")
    try:
        provider = registry.load(name)
    except FinopsError as error:
        yield _refused("contract", error)
        return
    stated = promises.contract_problems(provider)
    if provider.contract < CONTRACT:
        stated.append(f"contract {provider.contract} will not be supported for long: this finops has {CONTRACT}")
    yield _verdict("contract", stated, f"written for {provider.contract}, this finops has {CONTRACT}", "warn")
    yield _verdict("start-up", promises.startup_problems(provider), "importing it loads no SDK", "warn")
    try:
        runs = provider_runs(provider, sources, export)
        yield _verdict("settings", promises.settings_problems(provider), counted(len(runs), "export"), "warn")
    except FinopsError as error:
        yield _refused("settings", error)
        return
    if problems := promises.command_problems(provider):
        yield _verdict("commands", problems, "", "fail")
    yield from _focus(provider)
    for run in runs:
        yield from _discovery(provider, run)


def _focus(provider: type[Provider]) -> Iterator[Verdict]:
    import duckdb

    for dataset in provider.datasets:
        check = f"FOCUS of {dataset.name}"
        if dataset.focus is None:
            yield Verdict(check, "warn", "there is none: its bills are loaded as raw rows only")
            continue
        try:
            columns = promises.focus_columns(dataset)
        except duckdb.Error as error:
            yield Verdict(check, "fail", f"the SQL does not run: {str(error).splitlines()[0]}", _AUTHOR)
            continue
        problems = promises.focus_problems(columns) + promises.float_problems(columns, dataset.name)
        yield _verdict(check, problems, counted(len(columns), "column"), "fail")


def _discovery(provider: type[Provider], run: ProviderRun) -> Iterator[Verdict]:
    where = f" of {run.export}" if run.export else ""
    try:
        built = run.build()
        secrets = promises.secret_problems(built)
        yield _verdict(f"secrets{where}", secrets, "masked", "fail")
        first, again = (list(built.discover(run.common.window)) for _ in range(2))
    except FinopsError as error:
        yield _refused(f"discovery{where}", error)
        return
    problems = promises.delivery_problems(provider, first)
    problems += [
        f"{delivery.period} is outside of {run.common.window}"
        for delivery in first
        if delivery.period not in run.common.window
    ]
    yield _verdict(f"discovery{where}", problems, _found(first), "fail")
    yield _verdict(f"versions{where}", _unsteady(first, again), "the same when asked again", "fail")
    if broken := [f"{delivery.period}: {delivery.problem}" for delivery in first if delivery.problem]:
        yield Verdict(f"deliveries{where}", "warn", broken[0], f"{counted(len(broken), 'month')} cannot be imported")


def _unsteady(first: Sequence[Delivery], again: Sequence[Delivery]) -> list[str]:
    """A delivery that arrives between the two questions is told as well; asking once more settles it."""
    before, after = ({(found.export, found.period): found for found in answer} for answer in (first, again))
    changed = sorted({str(key[1]) for key in {*before, *after} if before.get(key) != after.get(key)})
    if changed:
        return [f"another answer for {', '.join(changed)}: delivered just now, or versions that change by themselves"]
    return [] if list(first) == list(again) else ["another order when asked again"]


def _verdict(check: str, problems: Sequence[str], good: str, bad: State) -> Verdict:
    if not problems:
        return Verdict(check, "ok", good)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Verdict(check, bad, f"{problems[0]}{more}", _AUTHOR)


def _refused(check: str, error: FinopsError) -> Verdict:
    return Verdict(check, "fail", f"{error.code}: {error}", error.hint)


def _found(deliveries: Sequence[Delivery]) -> str:
    if not deliveries:
        return "no deliveries in the window"
    months = sorted({delivery.period for delivery in deliveries})
    return f"{counted(len(deliveries), 'delivery', 'deliveries')} from {months[0]} to {months[-1]}"


_AUTHOR = "tell the authors of the package; finops_core.testing tests it"
