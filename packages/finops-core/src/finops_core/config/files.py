"""config.toml: found, read, and each key traced to its line. Everything that is wrong with it is a ConfigError."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finops_core.errors import ConfigError

DEFAULT_PATH = Path("config.toml")
VARIABLE = "FINOPS_CONFIG"

MISSPELLED = 0.75
"""How alike two section names must be for one to be taken for a misspelling of the other, rather than for the section
of a provider that is not installed. `[awss]` is like `[aws]` (0.86); `[azure]` and `[aws]` are not (0.25)."""

KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file. `path` is None when there is none; then it has no keys."""

    path: Path | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    @classmethod
    def find(cls, chosen: Path | None, environ: Mapping[str, str]) -> ConfigFile:
        """Read the file that `location` names. Only the default one may be absent."""
        path, named_by = location(chosen, environ)
        if not named_by and not path.exists():
            return cls()
        return cls.read(path, named_by)

    @classmethod
    def read(cls, path: Path, named_by: str = "") -> ConfigFile:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError("the configuration is not UTF-8 text", where=f"{path}, byte {error.start}") from error
        except OSError as error:
            where = f"{path}, named by {named_by}" if named_by else str(path)
            hint = "finops config init writes one" if isinstance(error, FileNotFoundError) else ""
            raise ConfigError(f"the configuration cannot be read: {error.strerror}", where=where, hint=hint) from error
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> ConfigFile:
        text = text.replace("\r\n", "\n")
        try:
            return cls(path, tomllib.loads(text), key_lines(text))
        except tomllib.TOMLDecodeError as error:
            raise _invalid(error, path, text) from error
        except RecursionError as error:
            raise ConfigError("the configuration is nested too deeply", where=str(path)) from error

    def where(self, *keys: str) -> str:
        """`config.toml:12`: the line of a key, or of the nearest table around it that has one."""
        for length in range(len(keys), 0, -1):
            if line := self.lines.get(keys[:length]):
                return f"{self.path}:{line}"
        return str(self.path)

    def section(self, name: str) -> Mapping[str, Any]:
        """A section without its `exports`. Empty when it is not there. Raises ConfigError when it is no table."""
        return {key: value for key, value in self._table(name).items() if key != "exports"}

    def exports(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The tables `[NAME.exports.EXPORT]`, in the file's order."""
        if "exports" not in self._table(name):
            return {}
        return {export: self._table(name, "exports", export) for export in self._table(name, "exports")}

    def lookup(self, section: str, export: str, key: str) -> tuple[object, str] | None:
        """A value and its `file:line`; that of the export's own table comes first."""
        if export:
            table = self.exports(section).get(export, {})
            if key in table:
                return table[key], self.where(section, "exports", export, key)
        table = self.section(section)
        return (table[key], self.where(section, key)) if key in table else None

    def check_sections(self, known: Collection[str]) -> list[str]:
        """Raises ConfigError for what is no section, or a misspelled one. Returns the sections that nobody reads."""
        unread = []
        for name, value in self.tables.items():
            if name in known:
                self._table(name)
                continue
            if not isinstance(value, dict):
                raise ConfigError(
                    f"{name!r} stands outside of a section",
                    where=self.where(name),
                    hint=f"put it below one of {', '.join(f'[{section}]' for section in sorted(known))}",
                )
            if close := difflib.get_close_matches(name, known, n=1, cutoff=MISSPELLED):
                raise ConfigError(
                    f"there is no section [{name}]", where=self.where(name), hint=f"did you mean [{close[0]}]?"
                )
            unread.append(name)
        return unread

    def check_keys(self, section: str, known: Collection[str], elsewhere: Collection[str] = ()) -> None:
        """Raises ConfigError for a key of the section, or of one of its exports, that is no setting.

        `elsewhere`: the settings of `[project]`, for the hint.
        """
        tables: dict[KeyPath, Mapping[str, Any]] = {(section,): self.section(section)}
        tables |= {(section, "exports", name): table for name, table in self.exports(section).items()}
        for path, table in tables.items():
            for key in table:
                if key not in known:
                    raise ConfigError(
                        f"[{'.'.join(path)}] has no setting {key!r}",
                        where=self.where(*path, key),
                        hint=_suggest(key, known, elsewhere),
                    )

    def _table(self, *path: str) -> Mapping[str, Any]:
        value: Any = self.tables
        for key in path:
            value = value.get(key, {})
            if not isinstance(value, dict):
                shown = ".".join(path[: path.index(key) + 1])
                raise ConfigError(f"{shown!r} must be a table", where=self.where(*path), hint=f"write it as [{shown}]")
        table: Mapping[str, Any] = value
        return table


def location(chosen: Path | None, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Where the configuration is, and what named it ("" for the default): --config, FINOPS_CONFIG, ./config.toml."""
    if chosen is not None:
        return chosen, "--config"
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser(), VARIABLE
    return DEFAULT_PATH, ""


def key_lines(text: str) -> dict[KeyPath, int]:
    """The first line of every key and table in valid TOML.

    A statement is the shortest run of lines that is TOML by itself: a line that opens a string or a list cannot be,
    until the line that closes it. So the TOML parser finds keys however they are written (quoted, dotted, inline).
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        statement.append(line)
        try:
            parsed = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue
        is_header, first = statement[0].lstrip().startswith("["), number - len(statement) + 1
        statement = []
        paths = list(_paths(parsed))
        if is_header:
            table = max(paths, key=len)
        for path in paths:
            lines.setdefault(path if is_header else table + path, first)
    return lines


def _paths(value: Mapping[str, Any], prefix: KeyPath = ()) -> Iterator[KeyPath]:
    for key, item in value.items():
        yield (*prefix, key)
        inner = item[0] if isinstance(item, list) and item and isinstance(item[0], dict) else item
        if isinstance(inner, dict):
            yield from _paths(inner, (*prefix, key))


def _suggest(key: str, known: Collection[str], elsewhere: Collection[str]) -> str:
    if key in elsewhere:
        return f"{key} belongs below [project]"
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"its settings are {', '.join(sorted(known))}"


def _invalid(error: tomllib.TOMLDecodeError, path: Path, text: str) -> ConfigError:
    message = str(error)
    at = re.search(r" \(at line (\d+), column \d+\)$", message)
    line = int(at[1]) if at else text.count("\n") + 1
    what = message[: at.start()] if at else message.removesuffix(" (at end of document)")
    again = "overwrite" in what or "twice" in what
    hint = "a section, and a key in it, may stand there once" if again else _QUOTES
    return ConfigError(f"the configuration is not valid TOML: {what}", where=f"{path}:{line}", hint=hint)


_QUOTES = 'texts and months need quotes, for example start_date = "2024-01"'
