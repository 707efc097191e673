"""Decide what an import does with each delivery, and why. Pure: values in, values out; no clock, network or disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from finops_core.delivery import Delivery
from finops_core.errors import UsageError
from finops_core.ledger import LedgerEntry
from finops_core.periods import Period

Action = Literal["load", "reload", "skip", "fail"]


@dataclass(frozen=True)
class Step:
    """What happens to one delivery. `loaded` is what stands in the destination before it."""

    delivery: Delivery
    action: Action
    reason: str
    loaded: LedgerEntry | None = None


@dataclass(frozen=True)
class Wishes:
    """What the user asked for, as far as it decides about loading."""

    force: bool = False
    table_strategy: str = "separate"
    focus: bool = True
    raw: bool = True


def plan(deliveries: Iterable[Delivery], loaded: Iterable[LedgerEntry], wishes: Wishes | None = None) -> list[Step]:
    """One step per delivery, by period. Raises UsageError when the dataset already holds another export.

    Two deliveries of one export and period are a provider's mistake and raise ValueError: loading both would leave
    whichever came last.
    """
    wishes = wishes or Wishes()
    standing = {(entry.export, entry.period): entry for entry in loaded}
    steps: dict[Period, Step] = {}
    for delivery in deliveries:
        refuse_another_export(delivery, standing)
        if delivery.period in steps:
            raise ValueError(f"two deliveries of {delivery.export} for {delivery.period}")
        steps[delivery.period] = decide(delivery, standing.get((delivery.export, delivery.period)), wishes)
    return [steps[period] for period in sorted(steps)]


def decide(delivery: Delivery, standing: LedgerEntry | None, wishes: Wishes) -> Step:
    """The rule, first match wins."""
    if delivery.problem:
        return Step(delivery, "fail", delivery.problem, standing)
    if standing is None:
        return Step(delivery, "load", "not loaded yet")
    if delivery.version != standing.version:
        return Step(delivery, "reload", f"new version, {standing.version} is loaded", standing)
    if wishes.force:
        return Step(delivery, "reload", "forced", standing)
    if wishes.raw and standing.raw_tables and standing.table_strategy != wishes.table_strategy:
        return Step(delivery, "reload", f"loaded with table strategy {standing.table_strategy}", standing)
    if wishes.raw and not standing.raw_tables:
        return Step(delivery, "reload", "loaded without raw rows", standing)
    if wishes.focus and standing.focus_rows is None:
        return Step(delivery, "reload", "loaded without FOCUS rows", standing)
    return Step(delivery, "skip", "this version is loaded", standing)


def refuse_another_export(delivery: Delivery, standing: Mapping[tuple[str, Period], LedgerEntry]) -> None:
    """A dataset holds one export: two in one set of tables would count a bill twice without a word."""
    others = {entry.export: entry.dataset_name for entry in standing.values() if entry.export != delivery.export}
    for export, dataset in others.items():
        raise UsageError(
            f"dataset {dataset} holds export {export!r}, not {delivery.export!r}",
            hint=f"give this one its own: --dataset-name, or a table [{delivery.provider}.exports.NAME] in config.toml",
        )
