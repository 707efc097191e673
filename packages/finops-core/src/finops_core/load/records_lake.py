"""dlt's pipeline for a data lake: its filesystem destination, Parquet files, one folder per table and period.

dlt uploads the files and writes `_dlt_loads` as it does for everybody; what is ours is the look at the store before
that record is written. Credentials are found by dlt and by the cloud's own packages, in the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.providers import EnvironProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.storages.configuration import FilesystemConfiguration
from dlt.common.storages.fsspec_filesystem import fsspec_from_config
from dlt.common.storages.load_package import load_package_state
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient

from finops_core.errors import AccessError
from finops_core.load.columns import hints
from finops_core.load.embedded import ONE_AT_A_TIME
from finops_core.load.lake import Store
from finops_core.load.package import Package
from finops_core.load.records import NAMING, Surroundings, run
from finops_core.load.target import Target

SECTIONS = ("destination", "filesystem")
"""Where dlt looks for the destination's credentials: DESTINATION__FILESYSTEM__CREDENTIALS__…"""


@dataclass(frozen=True)
class Rows:
    """The rows of one table: `write(load_id, folder)` puts them there as Parquet files, and returns these."""

    table: str
    columns: Mapping[str, str]
    write: Callable[[str, Path], list[tuple[Path, int]]]


class CredentialsOnly(EnvironProvider):
    """Of all that dlt could be told by the environment, the credentials."""

    def get_value(self, key: str, hint: type[Any], pipeline_name: str | None, *sections: str) -> tuple[Any | None, str]:
        if "credentials" in (key, *sections):
            return super().get_value(key, hint, pipeline_name or "", *sections)
        return None, self.get_key_name(key, *sections)


class LakeSurroundings(Surroundings):
    def initial_providers(self) -> list[ConfigProvider]:
        return [*super().initial_providers(), CredentialsOnly()]


class Client(FilesystemClient):
    before_record: ClassVar[Callable[[str], None]]
    """Set for the time of one run: is given the load id when all files are uploaded, and may raise."""

    def create_dataset(self) -> None:
        """dlt's own fails when a load that died, or one that runs, has made the folder."""
        self.fs_client.makedirs(self.dataset_path, exist_ok=True)

    def complete_load(self, load_id: str) -> None:
        type(self).before_record(load_id)
        super().complete_load(load_id)


class records_in_lake(dlt.destinations.filesystem):  # noqa: N801 (dlt's own name for a destination is lower case)
    @property
    def client_class(self) -> type[Client]:
        return Client


def upload(
    target: Target, package: Package, rows: list[Rows], folder: Path, before_record: Callable[[str], None]
) -> str:
    """Let dlt write the files of every table and record the load; returns its load id. One run at a time."""
    destination = records_in_lake(
        target.location,
        layout=f"{{table_name}}/{package.partition or package.pipeline}/{{load_id}}.{{file_id}}.{{ext}}",
        destination_name="filesystem",
        naming_convention=NAMING,
        preferred_loader_file_format="parquet",
    )
    Client.before_record = staticmethod(before_record)
    with credentials_needed(target):
        return run(package, [_resource(each, folder) for each in rows], destination, LakeSurroundings(folder))


def _resource(rows: Rows, folder: Path) -> Any:
    def files() -> Iterator[Any]:
        for path, count in rows.write(load_package_state()["load_id"], folder / f"rows-{rows.table}"):
            yield dlt.mark.with_file_import(str(path), "parquet", items_count=count)

    return dlt.resource(files, name=rows.table, columns=hints(rows.columns), write_disposition="append")


def filesystem(target: Target) -> Store:
    """The store behind the target's URL, with the credentials that `upload` uses."""
    with (
        ONE_AT_A_TIME,
        credentials_needed(target),
        Container().injectable_context(PluggableRunContext(LakeSurroundings(target.data_dir))),
    ):
        # What "read only" means to dlt: listings are remembered. See Store.sizes for how long.
        wanted = FilesystemConfiguration(bucket_url=target.location, read_only=target.location.startswith("s3:"))
        config = resolve_configuration(wanted, sections=SECTIONS)
        fs, root = fsspec_from_config(config)
    return Store(fs, root.rstrip("/"), urlsplit(target.location).scheme)


@contextmanager
def credentials_needed(target: Target) -> Iterator[None]:
    """Say in our words that credentials are missing."""
    try:
        yield
    except ConfigurationException as error:
        raise AccessError(
            "there are no credentials for the lake", where=target.shown,
            hint="sign in as the cloud's own tools do, or set DESTINATION__FILESYSTEM__CREDENTIALS__…",
        ) from error  # fmt: skip
