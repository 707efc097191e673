"""What can be said of a provider without reading its bills: used by the conformance kit and by `finops plugins check`.

    settings_problems    type[Provider]             -> [sentence]
    name_problems        type[Provider]             -> [sentence]
    command_problems     type[Provider]             -> [sentence]
    secret_problems      Provider                   -> [sentence]
    contract_problems    type[Provider]             -> [sentence]
    startup_problems     type[Provider]             -> [sentence]     imports it in a process of its own
    delivery_problems    type[Provider], deliveries -> [sentence]
    focus_columns        Dataset                    -> {column: type} what its FOCUS SQL yields, found out without rows
    focus_problems       {column: type}             -> [sentence]
    float_problems       {column: type}             -> [sentence]

Each sentence says what is wrong and what to do; none means that the promise is kept.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from finops_core.commands import commands
from finops_core.config.settings import SWITCHES, Common, Definition, definitions, project_definitions
from finops_core.config.values import from_text
from finops_core.delivery import Delivery, Format
from finops_core.errors import ProviderBroken, UsageError
from finops_core.provider import Provider, Secret

if TYPE_CHECKING:
    from finops_core.dataset import Dataset

HEAVY = frozenset(
    {
        "adlfs",
        "azure",
        "boto3",
        "botocore",
        "dlt",
        "duckdb",
        "gcsfs",
        "google",
        "httpx",
        "numpy",
        "oci",
        "pandas",
        "polars",
        "pyarrow",
        "pydantic",
        "requests",
        "rich",
        "s3fs",
        "sqlalchemy",
        "typer",
    }
)
"""Top-level modules that importing a provider must not load: `finops --help` and every other command would pay."""

SOUNDS_SECRET = re.compile(r"password|passwd|secret|token|credential|api_?key|private_key|connection_string|sas")
"""Names of settings whose values must never be shown."""

STARTUP_SECONDS = 60
"""A module that takes longer to import hangs."""


def settings_problems(provider: type[Provider]) -> list[str]:
    """Every setting has a help text; a default is of the setting's type and among its choices."""
    problems = []
    try:
        own = definitions(provider.name, provider)
    except (TypeError, NameError) as error:
        return [str(error)]
    for known in own:
        if not known.help.strip().endswith("."):
            problems.append(
                f"setting {known.key!r} has no help text: setting(help='One sentence, with its full stop.')"
            )
        problems += [f"the default of setting {known.key!r} {fault}" for fault in _default_faults(known)]
    return problems


def _default_faults(known: Definition) -> Iterable[str]:
    if known.required or (known.default is None and known.optional):
        return
    if known.kind is not tuple and not isinstance(known.default, known.kind):
        yield f"is {known.default!r}, which is no {known.kind.__name__}"
        return
    if known.kind is tuple and not isinstance(known.default, tuple):
        yield f"is {known.default!r}, which is no tuple"
        return
    values = known.default if isinstance(known.default, tuple) else (known.default,)
    try:
        for value in values if known.choices else ():
            from_text(str, known.choices, value)
    except ValueError as error:
        yield f"is none of its choices: {error}"


def name_problems(provider: type[Provider]) -> list[str]:
    """No setting is called like one that every provider, the project or a command has."""
    taken = {known.key for known in (*definitions(provider.name, Common), *project_definitions())} | set(SWITCHES)
    own = {field.name for field in dataclasses.fields(provider)}
    return [f"setting {name!r} has the name of one that finops has: choose another" for name in sorted(own & taken)]


def command_problems(provider: type[Provider]) -> list[str]:
    """Every command of the provider's own can be built: help, columns, and parameters that are flags of their own."""
    try:
        commands(provider)
    except ProviderBroken as error:
        return [str(error)]
    return []


def secret_problems(provider: Provider) -> list[str]:
    """What sounds like a secret is typed as one, and no text that is made of the provider shows its value."""
    problems = []
    hints = typing.get_type_hints(type(provider))
    for key in [field.name for field in dataclasses.fields(provider)]:
        kinds = (hints[key], *typing.get_args(hints[key]))
        if Secret not in kinds:
            if str in kinds and SOUNDS_SECRET.search(key):
                problems.append(f"setting {key!r} sounds like a secret: type it as Secret")
            continue
        value = f"shown-{key}-value"
        changed = dataclasses.replace(provider, **{key: Secret(value)})
        shown = [name for name, text in (("repr", repr(changed)), ("str", str(changed))) if value in text]
        problems += [f"{name}() of the provider shows the secret {key!r}" for name in shown]
    return problems


def contract_problems(provider: type[Provider]) -> list[str]:
    """The class itself says for which contract it was written; inherited, the number would always be the newest."""
    stated = any("contract" in vars(base) for base in provider.__mro__ if base is not Provider)
    return [] if stated else ["the class does not state its contract: write `contract: ClassVar[int] = 1` into it"]


def startup_problems(provider: type[Provider]) -> list[str]:
    """Import the provider's module in a fresh process and look at what came with it."""
    lines = [
        "import importlib, sys",
        "import finops_core",
        "before = set(sys.modules)",
        f"importlib.import_module({provider.__module__!r})",
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=STARTUP_SECONDS,
        env=environment,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        return [f"module {provider.__module__} cannot be imported on its own: {last[0]}"]
    *printed, loaded = done.stdout.splitlines() or [""]
    problems = [f"importing it prints {line!r}" for line in printed]
    heavy = [name for name in loaded.split() if name in HEAVY]
    hint = "import it inside the functions that need it"
    return problems + [f"importing {provider.__module__} loads {name}: {hint}" for name in heavy]


def delivery_problems(provider: type[Provider], deliveries: Iterable[Delivery]) -> list[str]:
    """Deliveries are complete, belong to the provider, and there is one of each export and month."""
    problems, seen = [], set()
    datasets = {dataset.name: dataset for dataset in provider.datasets}
    for delivery in deliveries:
        where = f"the delivery of {delivery.export} for {delivery.period}"
        if delivery.provider != provider.name:
            problems.append(f"{where} says that its provider is {delivery.provider!r}, not {provider.name!r}")
        if (delivery.export, delivery.period) in seen:
            problems.append(f"{where} is there twice: discover yields the newest one alone")
        seen.add((delivery.export, delivery.period))
        if delivery.problem:
            continue
        if not delivery.version or not delivery.export:
            problems.append(f"{where} has no version or no export")
        if delivery.dataset not in datasets:
            problems.append(f"{where} is of dataset {delivery.dataset!r}, which the class does not list")
            continue
        if delivery.format not in typing.get_args(Format):
            known = ", ".join(typing.get_args(Format))
            problems.append(f"{where} is of format {delivery.format!r}, which is none of {known}")
        parts = {"", *datasets[delivery.dataset].parts}
        if unknown := {file.part for file in delivery.files} - parts:
            problems.append(f"{where} has files of parts that its dataset does not name: {', '.join(sorted(unknown))}")
        keys = [file.key for file in delivery.files]
        if len(keys) != len(set(keys)):
            problems.append(f"{where} names a file twice")
    return problems


def focus_columns(dataset: Dataset) -> dict[str, str]:
    """Column -> DuckDB type, as the dataset's FOCUS SQL yields them from its `known` columns alone.

    Raises UsageError when there is none, and DuckDB's own error when it does not run.
    """
    import duckdb

    from finops_core.focus.conversion import strip
    from finops_core.sql import identifier, literal
    from finops_core.stage.reading import LINEAGE

    if dataset.focus is None:
        raise UsageError(f"dataset {dataset.name} has no FOCUS SQL", hint="give Dataset(focus=…) its SQL file")
    with duckdb.connect() as connection:
        shape = ", ".join(f"{identifier(name)} {kind}" for name, kind in {**dataset.known, **LINEAGE}.items())
        for part in ("", *dataset.parts):
            connection.execute(f"CREATE TEMP TABLE {identifier(f'source_{part}' if part else 'source')} ({shape})")
        for name, path in dataset.lookups.items():
            read = f"read_csv({literal(str(path))}, header=true, all_varchar=true, delim=',', quote='\"')"
            connection.execute(f"CREATE TEMP TABLE {identifier(name)} AS SELECT * FROM {read}")
        rows: list[tuple[Any, ...]] = connection.execute(
            f"DESCRIBE {strip(dataset.focus.read_text(encoding='utf-8'))}"
        ).fetchall()
    return {name: kind for name, kind, *_ in rows}


OWN_COLUMNS = {"x_SourceFile": "the file of the row", "x_Generated": "false for a row of the bill"}
"""Further columns that every provider's FOCUS SQL yields."""


def focus_problems(columns: Mapping[str, str]) -> list[str]:
    """Every mandatory column of FOCUS is there, and those that trace a row to its file; all others are FOCUS or x_."""
    from finops_core.focus.columns import columns as focus_catalogue
    from finops_core.focus.conversion import LINEAGE_COLUMNS

    have = {name.lower() for name in columns}
    known = {column.name.lower() for column in focus_catalogue()}
    needed = [column for column in focus_catalogue() if column.feature_level == "Mandatory" and not column.allows_nulls]
    problems = [f"the FOCUS SQL lacks {c.name}: {c.meaning}" for c in needed if c.name.lower() not in have]
    problems += [
        f"the FOCUS SQL lacks {name}: {text}" for name, text in OWN_COLUMNS.items() if name.lower() not in have
    ]
    strange = [name for name in columns if name.lower() not in known and not name.startswith("x_")]
    problems += [f"the FOCUS SQL yields {name}, which FOCUS 1.2 does not have: call it x_{name}" for name in strange]
    lineage = [name for name in LINEAGE_COLUMNS if name in columns]
    return problems + [f"the FOCUS SQL yields {name}, which finops-core adds by itself" for name in lineage]


def float_problems(columns: Mapping[str, str], where: str) -> list[str]:
    """Only unit prices may be computed in floating point: they are quotients, and no sum is made of them."""
    return [
        f"{where}: {name} is {kind}; use DECIMAL(38,18), which keeps every digit"
        for name, kind in columns.items()
        if any(word in kind.upper() for word in ("DOUBLE", "FLOAT", "REAL")) and not name.endswith("UnitPrice")
    ]
