"""Write docs/reference from the code: `python docs/generate.py`. A test fails while what stands there is older.

Nothing here knows of a command, setting, column, error or rule: all of it is asked of the installed packages.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import finops_core
import typer
from finops_core import Provider, errors, ledger, registry, schema, tables
from finops_core.cli.app import root
from finops_core.cli.session import Session
from finops_core.config import Definition, provider_definitions
from finops_core.config.settings import Common, project_definitions
from finops_core.config.template import toml_value
from finops_core.delivery import Format
from finops_core.focus.columns import VERSION, columns
from finops_core.focus.conversion import LINEAGE_COLUMNS, explain
from finops_core.focus.mapping import mapping_markdown
from finops_core.focus.rollup import ROLLUP_COLUMNS
from finops_core.stage.reading import LINEAGE

FOLDER = Path(__file__).parent / "reference"
COMMAND = "python docs/generate.py"
MARK = f"<!-- Written by {COMMAND}; change the code that it describes instead. -->\n"
WIDTH = 88
"""Columns of the quoted help: as much as a page shows without scrolling."""

PROVIDERS = ("aws", "azure", "gcp")
"""Those of this repository. Others may be installed here without becoming a part of its reference."""


def pages() -> Mapping[str, str]:
    """File name -> its text, for every page of the reference."""
    providers = [registry.load(name) for name in PROVIDERS]
    written = {
        "cli.md": cli_page(),
        "settings.md": settings_page(providers),
        "tables.md": tables_page(providers),
        "errors.md": errors_page(),
        "provider-api.md": api_page(),
        **{f"focus-{provider.name}.md": mapping_page(provider) for provider in providers},
    }
    return {name: f"{MARK}\n{text.rstrip()}\n" for name, text in written.items()}


def cli_page() -> str:
    """Every command's own help, as the terminal shows it."""
    parts = ["# Command line", "`finops --help`, and the help of every command below it."]
    for path, text in _helps(root(), "finops", None):
        parts += [f"## {path}", f"```text\n{text}\n```"]
    return "\n\n".join(parts)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH, "obj": Session()}
    context = typer.Context(command, info_name=name, parent=parent, **settings)
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    yield context.command_path, "\n".join(lines).strip()
    if hasattr(command, "list_commands"):
        for child in command.list_commands(context):
            if parent is None and child in registry.names() and child not in PROVIDERS:
                continue
            yield from _helps(command.get_command(context, child), child, context)


def settings_page(providers: Sequence[type[Provider]]) -> str:
    common = {definition.key for definition in provider_definitions(providers[0])} & {*Common.__dataclass_fields__}
    parts = [
        "# Settings",
        "A flag wins over the environment, the environment over `config.toml`, and that over the default. Each "
        "variable is also read with `FINOPS_` before it, and wins in that form. `finops config show --origin` lists "
        "every value in effect and where it came from; `finops config init` writes a commented file.",
        "Credentials are not among these settings where a cloud has a chain of its own for them (profiles, roles, "
        "managed identities). What is secret here is shown nowhere; set it in the environment.",
        "## [project]",
        "Settings of every command.",
        _settings(project_definitions()),
    ]
    for provider in providers:
        known = provider_definitions(provider)
        parts += [
            f"## [{provider.name}]",
            f"{provider.title}: `finops {provider.name} {provider.import_command}` and `list-manifests`. A table "
            f"`[{provider.name}.exports.NAME]` overrides the section for one of several exports.",
            _settings([definition for definition in known if definition.key not in common]),
        ]
    parts += ["## In every provider's section", "Written here for AWS; the others have the same.",
              _settings([item for item in provider_definitions(providers[0]) if item.key in common])]  # fmt: skip
    return "\n\n".join(parts)


def _settings(known: Sequence[Definition]) -> str:
    rows = [
        (
            f"`{item.key}`",
            f"`{item.flag}`",
            f"`{item.environment[1]}`",
            _kind(item),
            "required" if item.required else "" if item.default in (None, "") else f"`{toml_value(item.default)}`",
            item.help,
        )
        for item in known
    ]
    return _table(("key", "flag", "environment", "type", "default", "meaning"), rows)


def _kind(item: Definition) -> str:
    if item.choices:
        return ", ".join(f"`{choice}`" for choice in item.choices)
    words = {"str": "text", "Path": "path", "bool": "true or false", "tuple": "list of text", "Secret": "secret text",
             "Period": "month, `YYYY-MM`", "int": "number", "Count": "number", "Positive": "number from 1",
             "ByteSize": "size, as `2GB`", "SchemaName": "name of a schema"}  # fmt: skip
    return words[item.kind.__name__]


def tables_page(providers: Sequence[type[Provider]]) -> str:
    lineage = _shapes(LINEAGE)
    parts = [
        "# Tables and columns",
        "Each provider has a schema, `aws_billing`, `azure_billing`, `gcp_billing`; a named export has its own, "
        "`aws_billing_NAME`. Types are DuckDB's. On PostgreSQL `VARCHAR` is `varchar`, `DECIMAL` is `numeric`, "
        "`JSON` is `jsonb`, and a name beyond 63 bytes is cut and gets a hash.",
        "dlt keeps its own records beside them, in tables that begin with `_dlt_`. Every table has a column "
        "`_dlt_load_id`: the load that wrote the row.",
        "## Raw rows",
        "`billing_2024_01` for each month with `table_strategy = \"separate\"`, over which the view `billing` reads, "
        "or `billing_data` with `\"single\"`. A bill of several parts has a table for each, such as "
        "`billing_amortized_2024_01`. The columns are those of the bill, in the bill's order: AWS's as Athena names "
        "them, the others in snake case. After them stands where the row came from:",
        lineage,
        f"## {tables.FOCUS_TABLE}",
        f"The bill in FOCUS {VERSION}. The view `focus.cost_and_usage` reads all providers.",
        _focus_columns(),
        "finops adds which delivery the row came from:",
        _shapes(dict.fromkeys(LINEAGE_COLUMNS, "VARCHAR")),
        "and a provider's conversion adds further columns, which the other providers have not, or leave empty:",
        _own_columns(providers),
        f"## {tables.ROLLUP_TABLE}",
        "Cost by day and dimension, of each delivery: rows of earlier deliveries stay when a month is delivered anew. "
        "The view `focus.cost_rollup` reads all providers. To sum what is loaded now, join `x_SourceVersion` with the "
        "ledger, or read `focus.cost_and_usage`.",
        _shapes(ROLLUP_COLUMNS),
        f"## {ledger.TABLE}",
        "A row for each load. A row counts if `_dlt_loads` has its `_dlt_load_id` with status 0; the newest of a month "
        "is what is loaded. `totals` is `{currency: {measure: amount}}`, amounts as text.",
        _shapes(ledger.COLUMNS),
        f"## {schema.TABLE}",
        "A row for each column of each month: its name in the bill and here.",
        _shapes(tables.NAMES_COLUMNS),
    ]  # fmt: skip
    return "\n\n".join(parts)


def _focus_columns() -> str:
    rows = [
        (f"`{item.name}`", item.duckdb_type, item.feature_level, "yes" if item.allows_nulls else "no", item.meaning)
        for item in columns()
    ]
    return _table(("column", "type", "level", "null", "meaning"), rows)


def _own_columns(providers: Sequence[type[Provider]]) -> str:
    """x_ column -> which datasets fill it, and how the first of them explains it."""
    found: dict[str, tuple[list[str], str]] = {}
    for provider in providers:
        for dataset in provider.datasets:
            rules = explain(dataset.focus.read_text(encoding="utf-8")) if dataset.focus else {}
            for name in rules:
                if name.startswith("x_"):
                    found.setdefault(name, ([], rules[name].text))[0].append(f"{provider.name} {dataset.name}")
    rows = [(f"`{name}`", ", ".join(where), text) for name, (where, text) in sorted(found.items())]
    return _table(("column", "filled by", "meaning"), rows)


def _shapes(shapes: Mapping[str, str]) -> str:
    return _table(("column", "type"), [(f"`{name}`", kind) for name, kind in shapes.items()])


EXIT_CODES = {
    0: "done; also when there was nothing to do, or nothing to show",
    1: "ran and failed: the error says what is loaded and what is not",
    2: "called in a way that cannot work, or configured so",
    3: "found what was asked for with `--fail-on`",
    4: "the cloud refused, or knows no credentials",
    5: "what was asked for is not there",
    130: "interrupted",
}

ADVICE = {
    "FIN000": "This is a mistake in finops or in a provider. Run it again with `--debug` and report what it shows.",
    "FIN001": "The error names flag, variable, or file and line. `finops config show --origin` says where each value "
    "came from; [Settings](settings.md) lists them all.",
    "FIN002": "`--help` behind the command says what it takes; [Command line](cli.md) has every one of them.",
    "FIN003": "Install the provider's package: `pip install finops-NAME`. `finops plugins list` says what is there.",
    "FIN004": "The provider's package is broken, or written for another finops: update both. The other providers "
    "go on working.",
    "FIN010": "The error names what was refused. Sign in, or choose another profile or role; give it the right to list "
    "and to read. finops never writes to your buckets.",
    "FIN011": "Nothing lies at that place, or not in these months. `finops NAME list-manifests` shows what does. New "
    "exports take up to a day until the first delivery.",
    "FIN020": "A file is missing, cut short, altered or not what it says. Import again; if it stays, have the month "
    "delivered anew. The month keeps its old rows.",
    "FIN021": "The error names file, row and column. Nothing is rounded in silence, so the month stays out and keeps "
    "its old rows. If the bill is right, report the value: its column has to be wider.",
    "FIN022": "Bill and rows do not add up, so the month stays as it was. The error names the check. "
    "`--allow-unbalanced` loads it all the same, with the violation in the ledger; never use it unseen.",
    "FIN030": "The destination's own words stand in the error. Nothing of the month was written.",
    "FIN031": "Another process holds the database, often a shell or a notebook that has it open for writing; the error "
    "names it if it can. Close it, or wait longer with `--lock-wait`.",
    "FIN032": "Make room in `data_dir`: the month's files and DuckDB's temporary files go there. Nothing was written.",
    "FIN040": "The errors of the months that failed stand above it. The others are loaded; run the same command again "
    "when they are put right.",
}  # fmt: skip
"""What to do about each code; a code without advice stops the build."""


def errors_page() -> str:
    found = _codes()
    if missing := found.keys() ^ ADVICE.keys():
        raise SystemExit(f"docs/generate.py has advice for other codes than finops_core.errors: {sorted(missing)}")
    parts = [
        "# Errors and exit codes",
        "An error is up to three lines on stderr: what happened, where, and what to try. `--debug` adds the traceback. "
        "Codes never change their meaning.",
        _table(("exit code", "meaning"), [(str(code), text) for code, text in EXIT_CODES.items()]),
    ]
    meanings = dict(re.findall(r"(FIN\d{3})  exit \d+   (.+)", errors.__doc__ or ""))
    for code, kind in sorted(found.items()):
        meaning = meanings.get(code, "what nobody expected")
        parts += [f"## {code}", f"`{kind.__name__}`, exit code {kind.exit_code}: {meaning}.", ADVICE[code]]
    return "\n\n".join(parts)


def _codes() -> dict[str, type[errors.FinopsError]]:
    """Code -> the class that introduced it."""
    kinds = [item for item in vars(errors).values() if isinstance(item, type) and "code" in vars(item)]
    return {kind.code: kind for kind in kinds if issubclass(kind, errors.FinopsError)}


API = (
    finops_core.Provider,
    finops_core.setting,
    finops_core.command,
    finops_core.Secret,
    finops_core.Delivery,
    finops_core.SourceFile,
    finops_core.LocalFile,
    finops_core.Staging,
    finops_core.Dataset,
    finops_core.CsvDialect,
    finops_core.Found,
    finops_core.Column,
    finops_core.SampleRequest,
)
"""What a provider is written with, in the order in which it is met."""


def api_page() -> str:
    """Signature and docstring of each, and of a class's methods."""
    parts = [
        "# What a provider is written with",
        "What `finops_core` exports for providers, in its own words; [Writing a provider](../providers.md) shows how "
        "it goes together.",
    ]
    for item in API:
        parts += [f"## {item.__name__}", _described(item)]
        for name, method in vars(item).items() if isinstance(item, type) else ():
            function = method.fget if isinstance(method, property) else getattr(method, "__func__", method)
            if inspect.isfunction(function) and not name.startswith("_") and function.__doc__:
                parts += [f"### {item.__name__}.{name}", _described(function)]
    formats = ", ".join(f"`{name}`" for name in typing.get_args(Format))
    parts += [
        "## Formats",
        f"`Delivery.format` is one of {formats}: what the files are, as stored. Avro is handed over as Parquet, see "
        "LocalFile.",
    ]
    return "\n\n".join(parts)


def _described(item: Any) -> str:
    parts = [f"```python\n{_signature(item)}\n```"]
    if item.__doc__:
        parts.append(f"```text\n{inspect.cleandoc(item.__doc__)}\n```")
    return "\n\n".join(parts)


def _signature(item: Any) -> str:
    """A dataclass by its fields, anything else by its parameters."""
    if not dataclasses.is_dataclass(item) or not dataclasses.fields(item):
        return f"class {item.__name__}" if isinstance(item, type) else f"{item.__name__}{_parameters(item)}"
    lines = [f"    {field.name}: {field.type}{_default(field)}" for field in dataclasses.fields(item)]
    return "\n".join([f"class {item.__name__}:", *lines])


def _parameters(function: Any) -> str:
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))
    return re.sub(r"<[^<>]*MISSING[^<>]*>", "MISSING", text)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f" = {field.default_factory()!r}"
    text = repr(field.default).replace("'", '"')
    return "" if field.default is dataclasses.MISSING else f" = {text}"


def mapping_page(provider: type[Provider]) -> str:
    return (
        f"# FOCUS from {provider.title}\n\nThe rule of every column, made from the comments in the SQL that carries it "
        f"out. `finops focus explain COLUMN --provider {provider.name}` shows the SQL as well. What is null is not in "
        f"the bill.\n\n## Rules by dataset\n\n{mapping_markdown(provider)}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
