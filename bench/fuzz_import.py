"""Corrupt trees of AWS bills: whatever is broken, an import ends in the right rows or in a clean error.

    python bench/fuzz_import.py [CASES] [SEED]

Each case begins with a bill that is loaded. Then a new version is delivered, something in the tree is broken, and the
import runs again. Afterwards the month must be exactly what the old version or the new one says, and every failure
must be one of finops' own errors.

What cannot be noticed here: a directory has no checksums, so a byte that is altered inside a value of an uncompressed
CSV file, or inside a data page of a Parquet file without page checksums, may load as what it now says. For such a
case (`silent`) the demand is that raw rows, FOCUS rows and ledger agree about it, or that the old rows stand. The same
holds for two whole files that changed places with those of another month. gzip and zip carry checksums, S3 compares
sizes and ETags, and there no altered byte passes.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FORMS = (
    "cur-v1-csv",
    "cur-v2-parquet",
    "cur-v1-zip",
    "cur-v2-csv-overwrite",
    "cur-v1-parquet-create-new",
    "focus-1.2-parquet",
    "focus-1.0-csv",
)

Tree = dict[str, bytes]
Sums = dict[str, tuple[int, Decimal]]


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `old` rows stand, the `new` ones, or `silent`: others, all records agreeing."""

    form: str
    damage: str
    rows: str
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Bill:
    """A generated bill of one form before and after a new delivery: its trees, and how to read them."""

    form: str
    settings: dict[str, Any]
    before: Tree
    after: Tree

    @property
    def cost(self) -> str:
        return "BilledCost" if self.form.startswith("focus") else "line_item_unblended_cost"


def generated(form: str, folder: Path) -> Bill:
    from finops_aws.provider import Aws
    from finops_core import Period, SampleRequest

    last, trees, settings = Period(2024, 2), [], {}
    for name, redeliver in (("before", None), ("after", last)):
        request = SampleRequest(folder / name, form, months=2, rows=400, seed=5, last=last, redeliver=redeliver)
        settings = Aws.sample(request)
        root = Path(settings["bucket"].removeprefix("file://"))
        paths = (path for path in sorted(root.rglob("*")) if path.is_file())
        trees.append({path.relative_to(root).as_posix(): path.read_bytes() for path in paths})
    return Bill(form, settings, *trees)


def cases(folder: Path, count: int, seed: int) -> Iterator[Outcome]:
    """Run so many cases, one form after the other. Raises AssertionError for one that ends in anything else."""
    dice = random.Random(seed)
    bills = [generated(form, folder / form) for form in FORMS]
    stands = {bill.form: _loaded(folder / bill.form / "ready", bill) for bill in bills}
    for number in range(count):
        bill = bills[number % len(bills)]
        name, damage = dice.choice(DAMAGES)
        place = folder / f"case{number}"
        tree = damage(dict(bill.after), dice)
        yield _case(place, bill, stands[bill.form], name, tree)


def _loaded(place: Path, bill: Bill) -> tuple[bytes, Sums, Sums]:
    """A database that holds the bill before, and the sums before and after."""
    before, errors = _run(place, bill, bill.before, None)
    database = (place / "data" / "finops.duckdb").read_bytes()
    after, more = _run(place, bill, bill.after, None)
    assert not errors + more, (bill.form, errors, more)
    assert before != after, bill.form
    return database, before, after


def _case(place: Path, bill: Bill, stands: tuple[bytes, Sums, Sums], damage: str, tree: Tree) -> Outcome:
    import shutil

    database, before, after = stands
    found, errors = _run(place, bill, tree, database)
    kinds = set()
    for period in before:
        if before[period] == after[period] == found.get(period):
            continue
        if found.get(period) == before[period]:
            kinds.add("old")
        elif found.get(period) == after[period]:
            kinds.add("new")
        else:
            assert damage in SILENT, (bill.form, damage, period, found.get(period), before[period], after[period])
            kinds.add("silent")
    shutil.rmtree(place)
    return Outcome(bill.form, damage, "+".join(sorted(kinds)), tuple(errors))


def _run(place: Path, bill: Bill, tree: Tree, database: bytes | None) -> tuple[Sums, list[str]]:
    from finops_aws.provider import Aws
    from finops_core import Window
    from finops_core.errors import FinopsError
    from finops_core.load import Target
    from finops_core.options import ImportOptions
    from finops_core.pipeline import run_import
    from finops_core.progress import QuietReporter

    root, data = place / "bucket", place / "data"
    data.mkdir(parents=True, exist_ok=True)
    if database:
        (data / "finops.duckdb").write_bytes(database)
    for key, content in tree.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    provider = Aws(**{**bill.settings, "bucket": root.as_uri()})
    options = ImportOptions(window=Window(), target=Target.parse("duckdb", data), dataset_name="aws_billing")
    with Path(os.devnull).open("w") as nowhere:
        try:
            report = run_import(provider, options, QuietReporter(nowhere))
        except FinopsError as error:
            return _sums(data, bill.cost), [error.code]
    return _sums(data, bill.cost), [error.code for _, error in report.failed]


def _sums(data: Path, cost: str) -> Sums:
    """Period -> rows and cost. Raises AssertionError unless raw rows, FOCUS rows and ledger say the same."""
    import duckdb
    from finops_core.ledger import loaded_periods
    from finops_core.load import Target

    with duckdb.connect(str(data / "finops.duckdb"), read_only=True) as connection:
        raw = connection.execute(
            f"SELECT billing_period, count(*), sum({cost}) FROM aws_billing.billing GROUP BY 1"
        ).fetchall()
        focus = connection.execute(
            "SELECT x_BillingPeriod, count(*), sum(BilledCost) FROM focus.cost_and_usage GROUP BY 1"
        ).fetchall()
    found = {period: (rows, cost) for period, rows, cost in raw}
    ledger = {
        str(e.period): (e.rows, sum(e.totals.values(), Decimal(0))) for e in loaded_periods(_target(data, Target))
    }
    assert {period: sums for period, sums in ledger.items() if sums[0]} == found, (ledger, found)
    assert {row[0] for row in focus} == set(found), (focus, found)
    return found


def _target(data: Path, target: Any) -> Any:
    return target.parse("duckdb", data)


# What is broken. Each takes the tree of the new delivery and returns the broken one.

Damage = Callable[[Tree, random.Random], Tree]


def _manifests(tree: Tree) -> list[str]:
    return [key for key in tree if key.endswith("-Manifest.json")]


def _current(tree: Tree) -> list[str]:
    """Keys of the data files that are read: those that the manifest of the new delivery names."""
    named: set[str] = set()
    for key in _manifests(tree):
        if not re.fullmatch(r"20240201-\d{8}|\w+=2024-02", key.split("/")[-2]):
            continue
        document = json.loads(tree[key])
        named.update(str(name).split("acme-billing/")[-1].lstrip("/") for name in _keys(document))
    return [key for key in tree if key in named] or [key for key in tree if key not in _manifests(tree)]


def _keys(document: dict[str, Any]) -> list[Any]:
    return document.get("reportKeys") or document.get("dataFiles") or []


def flipped(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_current(tree))
    content = bytearray(tree[key])
    for _ in range(dice.choice((1, 1, 3, 50))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return tree | {key: bytes(content)}


def truncated(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_current(tree))
    return tree | {key: tree[key][: dice.randrange(len(tree[key]))]}


def removed(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_current(tree))
    return {other: content for other, content in tree.items() if other != key}


def grown(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_current(tree))
    return tree | {key: tree[key] + dice.randbytes(dice.randrange(1, 40))}


def swapped(tree: Tree, dice: random.Random) -> Tree:
    keys = _current(tree)
    one, two = dice.choice(keys), dice.choice(keys)
    return tree | {one: tree[two], two: tree[one]}


def manifest_flipped(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_manifests(tree))
    content = bytearray(tree[key])
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return tree | {key: bytes(content)}


def manifest_truncated(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_manifests(tree))
    return tree | {key: tree[key][: dice.randrange(len(tree[key]))]}


def manifest_removed(tree: Tree, dice: random.Random) -> Tree:
    key = dice.choice(_manifests(tree))
    return {other: content for other, content in tree.items() if other != key}


def _edited(tree: Tree, dice: random.Random, change: Callable[[list[Any]], list[Any]]) -> Tree:
    """Change the list of files in every manifest of one period, as a writer gone wrong would."""
    chosen = json.loads(tree[dice.choice(_manifests(tree))])
    for key in _manifests(tree):
        document = json.loads(tree[key])
        if _keys(document) and document.get("billingPeriod") == chosen.get("billingPeriod"):
            field = "reportKeys" if document.get("reportKeys") else "dataFiles"
            tree[key] = json.dumps(document | {field: change(list(document[field]))}).encode()
    return tree


def doubled_key(tree: Tree, dice: random.Random) -> Tree:
    return _edited(tree, dice, lambda keys: [*keys, keys[0]])


def strange_key(tree: Tree, dice: random.Random) -> Tree:
    odd = dice.choice(("../../etc/passwd", "", None, 7, "s3://acme-billing/", "no/such/file.csv.gz", "/", {"size": 1}))
    return _edited(tree, dice, lambda keys: [*keys, odd])


def poorer_manifest(tree: Tree, dice: random.Random) -> Tree:
    """Without a field that writers have: each is optional for one of them."""
    chosen = json.loads(tree[dice.choice(_manifests(tree))])
    field = dice.choice(sorted(chosen))
    for key in _manifests(tree):
        document = json.loads(tree[key])
        if document.get("billingPeriod") == chosen.get("billingPeriod"):
            tree[key] = json.dumps({name: value for name, value in document.items() if name != field}).encode()
    return tree


DAMAGES: tuple[tuple[str, Damage], ...] = (
    ("flipped bytes", flipped),
    ("truncated file", truncated),
    ("removed file", removed),
    ("bytes behind a file", grown),
    ("swapped files", swapped),
    ("flipped byte of a manifest", manifest_flipped),
    ("truncated manifest", manifest_truncated),
    ("removed manifest", manifest_removed),
    ("a manifest without a field", poorer_manifest),
    ("a file named twice", doubled_key),
    ("a strange key", strange_key),
)

SILENT = frozenset({"flipped bytes", "swapped files", "truncated file", "flipped byte of a manifest"})
"""Damage that nothing in a directory can tell from a bill: an altered value, another whole file under a name, a file
that lost all of its bytes, a manifest that names one of the neighbouring files."""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seen: Counter[tuple[str, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for outcome in cases(Path(folder), count, seed):
            seen[outcome.damage, outcome.rows, " ".join(sorted(set(outcome.errors)))] += 1
    for (damage, rows, errors), number in sorted(seen.items()):
        sys.stdout.write(f"{number:5}  {damage:28} {rows:16} {errors}\n")
    sys.stdout.write(f"{sum(seen.values()):5}  cases, all in the right rows or in a clean error (seed {seed})\n")


if __name__ == "__main__":
    main()
