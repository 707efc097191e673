"""What must hold between a bill and its FOCUS rows, checked by SQL that a reader can run by hand.

The form of a checks file
-------------------------
Sections, each introduced by one line:

    -- check: A1 money Billed cost equals the bill's unblended cost
    --   why it must hold, as long as it needs to be (any comment lines)
    SELECT subject, expected, actual FROM ...

`A1` is the check's id, unique in the file; `money` or `quality` its severity: a broken money check fails the period,
a broken quality check is told. Each section is ONE SELECT (it may begin with WITH) over `source` (the period's raw
rows with every `known` column), `source_<part>`, `focus` (the period's FOCUS rows) and the lookups. It yields one row
(subject, expected, actual) for each violation, hence none when all is well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol

from finops_core.errors import ProviderBroken
from finops_core.focus.columns import FocusColumn, columns, subcategories
from finops_core.focus.conversion import strip
from finops_core.sql import identifier, literal

Severity = Literal["money", "quality"]

SHOWN = 5
"""Violations kept per check: enough to see the pattern; all of them are counted."""

_HEADING = re.compile(r"^-- check:\s*(?P<rest>.*)$", re.MULTILINE)
_FIELDS = re.compile(r"(?P<id>[A-Z][A-Za-z0-9]*) (?P<severity>money|quality) (?P<title>\S.*)")


class Queries(Protocol):
    """What checks are run through: the open transaction of a load, or a database opened for reading."""

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Check:
    id: str
    severity: Severity
    title: str
    sql: str


@dataclass(frozen=True)
class CheckResult:
    """`violations`: up to five rows of (subject, expected, actual) as text; `count`: how many there are in all."""

    id: str
    severity: Severity
    title: str
    ok: bool
    violations: tuple[tuple[str | None, str | None, str | None], ...]
    count: int


def parse_checks(text: str, where: str = "") -> tuple[Check, ...]:
    """Read a checks file. Raises ProviderBroken for a heading out of form, an id used twice, a section without SQL."""
    headings = list(_HEADING.finditer(text))
    before = text[: headings[0].start()] if headings else text
    if strip(before):
        raise ProviderBroken("a checks file has SQL before its first check", where=where, hint=_HINT)
    checks: dict[str, Check] = {}
    for heading, following in zip(headings, [*headings[1:], None], strict=False):
        fields = _FIELDS.fullmatch(heading["rest"].strip())
        sql = strip(text[heading.end() : following.start() if following else len(text)])
        if fields is None or not sql:
            reason = "is out of form" if fields is None else "has no SQL"
            raise ProviderBroken(f"the check {heading['rest'].strip()!r} {reason}", where=where, hint=_HINT)
        if fields["id"] in checks:
            raise ProviderBroken(f"two checks are called {fields['id']}", where=where, hint="ids are unique in a file")
        severity: Severity = "money" if fields["severity"] == "money" else "quality"
        checks[fields["id"]] = Check(fields["id"], severity, fields["title"].strip(), sql)
    return tuple(checks.values())


_HINT = "write `-- check: ID money|quality Title`, then one SELECT"


_MEND = "mend its SQL: it reads from source, focus and the lookups, and yields subject, expected and actual"


def run_checks(sql: Queries, text: str, where: str = "", rows: bool = True) -> list[CheckResult]:
    """Run a provider's checks file, and with `rows` the row checks that hold for every provider."""
    return [run_check(sql, check) for check in (*parse_checks(text, where), *(row_checks() if rows else ()))]


def run_check(sql: Queries, check: Check) -> CheckResult:
    """Run one check. Raises ProviderBroken for SQL that does not run: a check must never be skipped."""
    import duckdb

    # An aggregate, not ORDER BY beside a window: DuckDB would run all of the check on one core.
    try:
        [(count, found)] = sql.query(
            f"SELECT count(*), min(violation, {SHOWN}) FROM (SELECT {{'subject': CAST(subject AS VARCHAR), "
            "'expected': CAST(expected AS VARCHAR), 'actual': CAST(actual AS VARCHAR)} AS violation "
            f"FROM (\n{check.sql}\n) AS violated(subject, expected, actual))"
        )
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        reason = str(error).splitlines()[0]
        raise ProviderBroken(f"check {check.id} does not run: {reason}", where=check.title, hint=_MEND) from error
    shown = tuple((row["subject"], row["expected"], row["actual"]) for row in found or ())
    return CheckResult(check.id, check.severity, check.title, not count, shown, count)


@cache
def row_checks() -> tuple[Check, ...]:
    """The checks of single FOCUS rows, for every provider: row_checks.sql, and what columns.csv says of each column."""
    text = files(__package__).joinpath("row_checks.sql").read_text(encoding="utf-8")
    parents = ", ".join(f"({literal(sub)}, {literal(category)})" for sub, category in subcategories().items())
    misplaced = Check(
        "R10b",
        "quality",
        "A ServiceSubcategory belongs to its ServiceCategory",
        "SELECT ServiceSubcategory, any_value(parent), ServiceCategory FROM focus JOIN "
        f"(VALUES {parents}) AS known(subcategory, parent) ON ServiceSubcategory = subcategory "
        "WHERE ServiceCategory IS DISTINCT FROM parent GROUP BY ServiceSubcategory, ServiceCategory",
    )
    return (*parse_checks(text, "row_checks.sql"), misplaced, _vocabulary(columns()), *_mandatory(columns()))


def _vocabulary(known: Iterable[FocusColumn]) -> Check:
    """One scan: the rows in groups, which are few, and each group's values beside those that FOCUS allows."""
    listed = {column.name: column.allowed_values for column in known if column.allowed_values}
    names = ", ".join(map(identifier, listed))
    allowed = ", ".join(f"({literal(name)}, {literal(value)})" for name, values in listed.items() for value in values)
    return Check(
        "R14",
        "quality",
        "Only values that FOCUS allows",
        "SELECT name || ' ' || value, 'a value that FOCUS allows', sum(rows_of_group) "
        f"FROM (UNPIVOT (SELECT {names}, count(*) AS rows_of_group FROM focus GROUP BY ALL) "
        f"ON {names} INTO NAME name VALUE value) "
        f"ANTI JOIN (VALUES {allowed}) AS allowed(name, value) USING (name, value) GROUP BY name, value",
    )


def _mandatory(known: Iterable[FocusColumn]) -> tuple[Check, Check]:
    """Costs that are missing are a fault of money; the providers' own FOCUS exports lack other mandatory values."""
    names = [column.name for column in known if not column.allows_nulls and column.feature_level == "Mandatory"]
    costs = [name for name in names if name.endswith("Cost")]
    others = [name for name in names if name not in costs]
    return (
        Check("R15", "money", "Costs are never null", _nulls(costs)),
        Check("R15b", "quality", "Mandatory columns are never null", _nulls(others)),
    )


def _nulls(names: Iterable[str]) -> str:
    """One scan for all columns."""
    names = [*map(identifier, names)]
    counts = ", ".join(f"count(*) - count({name}) AS {name}" for name in names)
    return (
        f"SELECT name, '0 nulls', nulls FROM (UNPIVOT (SELECT {counts} FROM focus) "
        f"ON {', '.join(names)} INTO NAME name VALUE nulls) WHERE nulls > 0"
    )


def failures(results: Iterable[CheckResult]) -> Mapping[Severity, list[CheckResult]]:
    """The results that do not hold, by severity."""
    found: dict[Severity, list[CheckResult]] = {"money": [], "quality": []}
    for result in results:
        if not result.ok:
            found[result.severity].append(result)
    return found
