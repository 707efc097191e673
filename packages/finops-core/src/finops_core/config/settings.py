"""The settings themselves. A field of Project, Common or a provider class is the only place where one is defined."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finops_core.config.values import KINDS, ByteSize, Count, Positive, SchemaName
from finops_core.errors import ProviderBroken
from finops_core.periods import Period, Window
from finops_core.provider import Provider, Secret, setting

REQUIRED = dataclasses.MISSING
"""Default of a setting that has none: it must be configured before it is used."""

SWITCHES = (
    "allow_unbalanced",
    "config",
    "debug",
    "dry_run",
    "export",
    "exports",
    "force",
    "help",
    "no_focus",
    "no_raw",
    "out",
    "output",
    "quiet",
    "verbose",
)
"""Flags that belong to commands: no setting may be called like them."""


@dataclass(frozen=True)
class Project:
    """Section `[project]`: where everything goes. Relative paths are relative to the current directory."""

    data_dir: Path = setting(
        default=Path("data"), help="Folder of the database and of files on their way into it.", metavar="DIR"
    )
    destination: str = setting(
        default="duckdb",
        help="Where bills are loaded: duckdb (finops.duckdb in data_dir), a path of a DuckDB file, a postgresql:// "
        "URL, or the URL of a folder for Parquet files (file://, s3://, az://, gs://).",
    )
    memory_limit: ByteSize = setting(default=ByteSize("2GB"), help="Memory for DuckDB; what does not fit goes to disk.")
    threads: Positive | None = setting(default=None, help="Threads for DuckDB; as many as there are cores if unset.")
    lock_wait: Count = setting(
        default=Count(60), help="Seconds to wait while another process holds the database.", metavar="SECONDS"
    )


@dataclass(frozen=True)
class Common:
    """What every provider section has besides the provider's own settings."""

    start_date: Period | None = setting(
        default=None,
        help="First billing month, included. Unset: all there are, since clouds restate closed months at any time; "
        "looking whether a month has changed reads no bill.",
        metavar="YYYY-MM",
    )
    end_date: Period | None = setting(default=None, help="Last billing month, included.", metavar="YYYY-MM")
    table_strategy: Literal["separate", "single"] = setting(
        default="separate", help="One raw table per billing month (separate), or one for all (single)."
    )
    dataset_name: SchemaName | None = setting(
        default=None, help="Schema in the destination; PROVIDER_billing, or PROVIDER_billing_EXPORT, if unset."
    )

    @property
    def window(self) -> Window:
        return Window(self.start_date, self.end_date)


@dataclass(frozen=True)
class Definition:
    """One setting: `kind` is its type without `| None` (which `optional` records), one of values.KINDS."""

    section: str
    key: str
    kind: type
    optional: bool
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    metavar: str = ""

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")

    @property
    def environment(self) -> tuple[str, str]:
        """The two variables that set it; the first one wins."""
        plain = f"{self.section}_{self.key}".upper().replace("-", "_")
        return f"FINOPS_{plain}", plain

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def secret(self) -> bool:
        return self.kind is Secret


def definitions(section: str, holder: type) -> tuple[Definition, ...]:
    """The settings that a dataclass's fields define. Raises TypeError for a field that cannot be one."""
    hints = typing.get_type_hints(holder)
    return tuple(_definition(section, field, hints[field.name]) for field in dataclasses.fields(holder))


def parameter_definitions(section: str, method: Callable[..., Any]) -> tuple[Definition, ...]:
    """The keyword-only parameters of a method as settings: `name: Annotated[TYPE, "Help."] = DEFAULT`.

    Raises TypeError for a parameter that cannot be one.
    """
    hints = typing.get_type_hints(method, include_extras=True)
    parameters = [item for item in inspect.signature(method).parameters.values() if item.name != "self"]
    return tuple(_parameter(section, item, hints.get(item.name)) for item in parameters)


def _parameter(section: str, parameter: inspect.Parameter, hint: Any) -> Definition:
    texts = [text for text in getattr(hint, "__metadata__", ()) if isinstance(text, str)]
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or len(texts) != 1:
        raise TypeError(f"parameter {parameter.name!r} must be keyword-only and Annotated[TYPE, 'Help.']")
    kind, optional, literals = _kind(typing.get_args(hint)[0])
    _check_kind(f"parameter {parameter.name!r}", kind, hint)
    default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
    return Definition(section, parameter.name, kind, optional, default, texts[0], literals)


def project_definitions() -> tuple[Definition, ...]:
    return definitions("project", Project)


def provider_definitions(provider: type[Provider]) -> tuple[Definition, ...]:
    """The provider's own settings, then the common ones. Raises ProviderBroken when they cannot be told apart."""
    try:
        own = definitions(provider.name, provider)
    except (TypeError, NameError) as error:
        raise _broken(provider, str(error)) from error
    common = definitions(provider.name, Common)
    taken = {definition.key for definition in (*common, *project_definitions())} | set(SWITCHES)
    clashes = sorted(taken & {definition.key for definition in own})
    if clashes:
        raise _broken(provider, f"its setting {clashes[0]!r} has the name of one that every provider has")
    return own + common


def _definition(section: str, field: dataclasses.Field[Any], hint: Any) -> Definition:
    kind, optional, literals = _kind(hint)
    _check_kind(f"setting {field.name!r}", kind, hint)
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    facts = field.metadata
    return Definition(
        section=section,
        key=field.name,
        kind=kind,
        optional=optional,
        default=default,
        help=facts.get("help", ""),
        choices=tuple(facts.get("choices", ())) or literals,
        metavar=facts.get("metavar", ""),
    )


def _check_kind(what: str, kind: Any, hint: Any) -> None:
    if kind not in KINDS:
        raise TypeError(f"{what} has type {hint}, which is none of {', '.join(k.__name__ for k in KINDS)}")


def _kind(hint: Any) -> tuple[Any, bool, tuple[str, ...]]:
    """Type without None, whether None was there, and the words of a Literal."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        rest = [item for item in arguments if item is not type(None)]
        if len(rest) != 1 or len(rest) == len(arguments):
            return hint, False, ()
        kind, _, literals = _kind(rest[0])
        return kind, True, literals
    if origin is Literal:
        return str, False, tuple(str(item) for item in arguments)
    return (tuple if origin is tuple else hint), False, ()


def _broken(provider: type[Provider], problem: str) -> ProviderBroken:
    return ProviderBroken(
        f"provider {provider.name!r} cannot be configured: {problem}",
        where=f"class {provider.__module__}.{provider.__qualname__}",
        hint="this is a mistake in the provider's package; tell its authors",
    )
