"""Where bills are loaded, as a value."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from finops_core.errors import ConfigError

DATABASE = "finops.duckdb"
"""File of the default destination, in the data directory."""

LAKE = "lake"
"""Folder of the destination `filesystem`, in the data directory."""

LAKES = ("file", "s3", "az", "abfss", "gs")
"""URL schemes of data lakes: folders of Parquet files."""

HINT = (
    "write duckdb, a path ending in .duckdb, postgresql://USER:PASSWORD@HOST/DATABASE, "
    "or the URL of a folder for Parquet files: file:///PATH, s3://BUCKET/PATH, az://CONTAINER/PATH, gs://BUCKET/PATH"
)

WAREHOUSES = ("athena", "bigquery", "clickhouse", "databricks", "mssql", "redshift", "snowflake", "synapse")
"""Destinations of dlt that finops does not write to: what it could not try it does not promise for money."""

UNUSABLE = "%?" if os.sep == "\\" else "%?\\"
"""Characters that no path may have: dlt takes `%` in its folder for a placeholder, DuckDB cuts a file's name at `?`
to name its log, and reads a backslash as a slash."""

_SUFFIXES = (".duckdb", ".ddb", ".db")
_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", re.IGNORECASE)
_SECRET = re.compile(r"(?i)\b(password|passwd|pwd|token|secret|key)=[^&\s]+")


@dataclass(frozen=True)
class Target:
    """Where bills are loaded.

    kind          "duckdb", "postgres" or "lake".
    location      DuckDB: the path of the file. PostgreSQL: the URL with its credentials. Lake: the URL of its folder.
    data_dir      where temporary files go; nothing in it outlives a load.
    memory_limit  how much DuckDB may use, as DuckDB writes it; larger work is spilled to data_dir.
    threads       of DuckDB; None: as many as there are cores.
    lock_wait     seconds to wait for another process that holds the database.
    """

    kind: str
    location: str = field(repr=False)
    data_dir: Path
    memory_limit: str = "2GB"
    threads: int | None = None
    lock_wait: float = 60.0

    def __post_init__(self) -> None:
        if not _SIZE.fullmatch(self.memory_limit.strip()):
            raise ConfigError(f"{self.memory_limit!r} is not a memory limit", hint="for example 2GB, 512MB or 50%")
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"{self.threads} threads cannot load anything", hint="1 or more, or leave it out")

    @classmethod
    def parse(
        cls,
        text: str,
        data_dir: Path,
        *,
        memory_limit: str = "2GB",
        threads: int | None = None,
        lock_wait: float = 60.0,
    ) -> Target:
        """Read a destination: `duckdb`, a path, a `duckdb:` or `postgresql:` URL, `filesystem`, the URL of a folder.

        Raises ConfigError for others, and for paths that DuckDB or dlt could not use.
        """
        kind, location = _locate(text.strip(), data_dir)
        for path in (data_dir, *([Path(location)] if kind == "duckdb" else [])):
            _check_usable(path.absolute())
        return cls(kind, location, data_dir, memory_limit, threads, lock_wait)

    @property
    def path(self) -> Path:
        """The DuckDB file. Only where `kind` is "duckdb"."""
        return Path(self.location)

    @property
    def in_duckdb(self) -> bool:
        """Whether what is read of it is read by DuckDB, in its dialect."""
        return self.kind != "postgres"

    @property
    def shown(self) -> str:
        """The location without its password."""
        if self.kind != "postgres":
            return self.location
        parts = urlsplit(self.location)
        user, at, host = parts.netloc.rpartition("@")
        user = f"{user.partition(':')[0]}:***" if ":" in user else user
        return urlunsplit((parts.scheme, f"{user}{at}{host}", parts.path, _SECRET.sub(r"\1=***", parts.query), ""))

    @property
    def work_dir(self) -> Path:
        """Temporary files of a load into this database. Who holds the database's lock may wipe it."""
        if self.kind == "duckdb" and self.path.resolve().parent == self.data_dir.resolve():
            return self.data_dir / f"{self.path.name}.loading"
        place = str(self.path.resolve()) if self.kind == "duckdb" else self.location
        return self.data_dir / f"{self.kind}-{hashlib.sha256(place.encode()).hexdigest()[:10]}.loading"


def _locate(text: str, data_dir: Path) -> tuple[str, str]:
    scheme, colon, rest = text.partition(":")
    if scheme in WAREHOUSES:
        raise ConfigError(
            f"finops does not write into {scheme}",
            hint="load a data lake (s3://BUCKET/PATH, az://…, gs://…): it reads the Parquet files as external tables",
        )
    if text in ("", "duckdb"):
        return "duckdb", str(data_dir / DATABASE)
    if text == "filesystem":
        return "lake", (data_dir / LAKE).absolute().as_uri()
    if scheme in LAKES and rest.startswith("//"):
        return "lake", _folder(text)
    if scheme in ("postgres", "postgresql") and rest.startswith("//"):
        if not urlsplit(text).path.strip("/"):
            raise ConfigError(f"{scheme}://… names no database", hint=HINT)
        return "postgres", f"postgresql:{rest}"
    if scheme == "duckdb" and colon:
        rest = unquote(rest.removeprefix("//"))
        if rest and not rest.startswith(":") and not rest.endswith("/"):
            return "duckdb", str(Path(rest).expanduser())
    elif text.endswith(_SUFFIXES) and "://" not in text and scheme not in ("md", "motherduck"):
        return "duckdb", str(Path(text).expanduser())
    raise ConfigError(f"{scheme + ':…' if colon else repr(text)} is not a destination that finops can load", hint=HINT)


def _check_usable(path: Path) -> None:
    if found := [sign for sign in UNUSABLE if any(sign in part for part in path.parts[1:])]:
        raise ConfigError(
            f"no database can be kept in a path that has {' or '.join(found)}",
            where=str(path),
            hint="set project.data_dir, or project.destination, to another folder",
        )


def _folder(url: str) -> str:
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.password or any(sign in unquote(parts.path) for sign in "*?[]"):
        raise ConfigError(
            f"{parts.scheme}://… is more than the place of a folder",
            hint="credentials come from the environment, as the cloud's own tools read them; wildcards cannot be used",
        )
    if url.endswith(_SUFFIXES) or bool(parts.netloc) == (parts.scheme == "file"):
        raise ConfigError(f"{url!r} is not the URL of a folder", hint=HINT)
    return url.rstrip("/")
