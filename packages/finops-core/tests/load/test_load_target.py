"""Where bills are loaded, as text and as a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from finops_core.errors import ConfigError
from finops_core.load import Target

DATA = Path("data")


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("duckdb", "data/finops.duckdb"),
        ("", "data/finops.duckdb"),
        ("bills.duckdb", "bills.duckdb"),
        ("some where/bills.db", "some where/bills.db"),
        ("duckdb:///srv/x.duckdb", "/srv/x.duckdb"),
        ("duckdb:///srv/some%20where/x", "/srv/some where/x"),
        ("duckdb:x.duckdb", "x.duckdb"),
    ],
)
def test_duckdb_files(text: str, location: str) -> None:
    target = Target.parse(text, DATA)
    assert (target.kind, target.location, target.shown) == ("duckdb", location, location)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgres_never_shows_its_password(scheme: str) -> None:
    target = Target.parse(f"{scheme}://ann:s3cr:t@db.example:5432/bills?sslmode=require&password=s3cr", DATA)
    assert target.kind == "postgres"
    assert target.location.startswith("postgresql://ann:s3cr:t@db.example")
    assert target.shown == "postgresql://ann:***@db.example:5432/bills?sslmode=require&password=***"
    assert "s3cr" not in repr(target)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("file:///srv/lake/", "file:///srv/lake"),
        ("file:///some%20where/lake", "file:///some%20where/lake"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/some/where/", "s3://bucket/some/where"),
        ("az://container/lake", "az://container/lake"),
        ("abfss://container@account.dfs.core.windows.net/lake", "abfss://container@account.dfs.core.windows.net/lake"),
        ("gs://bucket/lake", "gs://bucket/lake"),
    ],
)
def test_lakes(text: str, location: str) -> None:
    target = Target.parse(text, DATA)
    assert (target.kind, target.location, target.shown, target.in_duckdb) == ("lake", location, location, True)


def test_a_lake_in_the_data_directory() -> None:
    target = Target.parse("filesystem", DATA)
    assert (target.kind, target.location) == ("lake", (DATA / "lake").absolute().as_uri())


@pytest.mark.parametrize(
    "text",
    ["s3:///folder", "file://host/folder", "file:folder", "s3://bucket/*", "gs://bucket/a?region=pw", "file:///x.duckdb",
     "s3://key:pw@bucket/folder", "s3://bucket/#pw", "s3a://bucket/folder", "s3://bucket/[a]",
     ":memory:", "duckdb::memory:", "duckdb:", "duckdb:///srv/", "md:bills", "bigquery", "postgresql://ann:pw@db",
     "mysql://root:pw@h/db", "finops", "https://example.org/x.duckdb"],
)  # fmt: skip
def test_what_cannot_be_loaded_into_is_refused_without_showing_secrets(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Target.parse(text, DATA)
    assert caught.value.hint
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("text", ["bigquery", "snowflake://ann:pw@account/db"])
def test_a_warehouse_reads_a_lake(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Target.parse(text, DATA)
    assert "pw" not in f"{caught.value} {caught.value.hint}"
    assert "data lake" in caught.value.hint


@pytest.mark.parametrize("limit", ["2GB", "512MB", "1.5 GiB", "50%"])
def test_memory_limits(limit: str) -> None:
    assert Target.parse("duckdb", DATA, memory_limit=limit).memory_limit == limit


@pytest.mark.parametrize("wrong", [{"memory_limit": "lots"}, {"memory_limit": "2"}, {"threads": 0}])
def test_limits_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Target.parse("duckdb", DATA, **wrong)  # type: ignore[arg-type]


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert Target.parse("~/bills.duckdb", DATA).location == "/home/ann/bills.duckdb"


@pytest.mark.parametrize(
    ("text", "data_dir"),
    [
        ("duckdb", "acme%20bills"),
        ("duckdb", "what?"),
        ("duckdb", "a\\b"),
        ("bills?.duckdb", "data"),
        ("duckdb:///srv/what%3F/x.duckdb", "data"),
        ("postgresql://ann@db/bills", "100%"),
    ],
)
def test_paths_that_dlt_or_duckdb_misread_are_refused(text: str, data_dir: str) -> None:
    with pytest.raises(ConfigError, match="path that has") as caught:
        Target.parse(text, Path(data_dir))
    assert "project.data_dir" in caught.value.hint


def test_databases_of_one_name_do_not_share_a_working_folder() -> None:
    folders = {Target.parse(f"{place}/x.duckdb", DATA).work_dir for place in ("a", "b", "data")}
    assert len(folders) == 3
    assert all(folder.parent == DATA for folder in folders)
