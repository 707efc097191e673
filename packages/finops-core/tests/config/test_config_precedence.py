"""CLI flag > environment (FINOPS_ first) > export's table > section > default, for every kind of setting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from finops_core import Dataset, Period, Provider, Secret, setting
from finops_core.config import ConfigFile, Project, Sources, project, provider_definitions, provider_runs, resolve
from finops_core.config.settings import project_definitions
from finops_core.config.template import toml_value
from finops_core.errors import ConfigError, ProviderBroken, UsageError
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Acme(Provider):
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme Cloud"
    import_command: ClassVar[str] = "import-billing"
    datasets: ClassVar[tuple[Dataset, ...]] = ()

    bucket: str = setting(help="Folder of the bills.")
    flavour: str = setting(default="auto", choices=("auto", "plain", "spicy"), help="Kind of bill.")
    token: Secret | None = setting(default=None, help="Secret of the account.")
    audited: bool = setting(default=False, help="Only audited bills.")
    accounts: tuple[str, ...] = setting(default=(), help="Only these accounts.")
    pages: int = setting(default=10, help="Pages to ask for.")
    folder: Path = setting(default=Path("here"), help="A path.")

    def discover(self, window):
        return []

    def fetch(self, delivery, staging):
        return []


DEFINITIONS = {item.key: item for item in (*provider_definitions(Acme), *project_definitions())}

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x00,"), min_size=1).map(str.strip).filter(bool)
MONTH = st.builds(lambda year, month: f"{year:04d}-{month:02d}", st.integers(1990, 2090), st.integers(1, 12))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bucket": WORD,
    "flavour": st.sampled_from(["auto", "plain", "spicy"]),
    "token": WORD,
    "audited": st.booleans(),
    "accounts": st.lists(WORD, min_size=1, max_size=3),
    "pages": st.integers(-(10**6), 10**6),
    "folder": st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True),
    "start_date": MONTH,
    "end_date": MONTH,
    "table_strategy": st.sampled_from(["separate", "single"]),
    "dataset_name": st.from_regex(r"b[a-z0-9_]{0,20}", fullmatch=True),
    "data_dir": st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    "destination": st.from_regex(r"[a-z]{1,8}\.duckdb", fullmatch=True),
    "memory_limit": st.sampled_from(["1GB", "512MiB", "40%"]),
    "threads": st.integers(1, 64),
    "lock_wait": st.integers(0, 600),
}
SOURCES = ("flag", "FINOPS", "plain", "export", "section")


def as_text(value: Any) -> str:
    """As a user writes it in a variable or after a flag."""
    if isinstance(value, bool):
        return "true" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)


def typed(key: str, value: Any) -> Any:
    """What a provider or Project gets."""
    if key in ("start_date", "end_date"):
        return Period.parse(value)
    if isinstance(value, list):
        return tuple(value)
    return Path(value) if key in ("folder", "data_dir") else value


@st.composite
def settings_in_places(draw):
    key = draw(st.sampled_from(sorted(VALUES)))
    places = draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[key]))
    if DEFINITIONS[key].section == "project":
        places.pop("export", None)
    return key, places


@given(settings_in_places())
def test_precedence_holds_for_every_setting_and_every_subset_of_places(drawn):
    key, places = drawn
    definition = DEFINITIONS[key]
    first, second = definition.environment
    toml = f"[{definition.section}]\n"
    if "section" in places:
        toml += f"{key} = {toml_value(places['section'])}\n"
    if "export" in places:
        toml += f"[acme.exports.one]\n\n{key} = {toml_value(places['export'])}\n"
    flag = places.get("flag")
    sources = Sources(
        {key: flag if isinstance(flag, (bool, list)) else str(flag)} if "flag" in places else {},
        {name: as_text(places[place]) for name, place in ((first, "FINOPS"), (second, "plain")) if place in places},
        ConfigFile.parse(toml, Path("config.toml")),
    )
    value = resolve(definition, sources, "one")
    winner = next((place for place in SOURCES if place in places), "default")
    wanted = None if definition.required else definition.default
    assert value.value == (typed(key, places[winner]) if winner != "default" else wanted)
    origins = {
        "flag": f"flag {definition.flag}",
        "FINOPS": f"environment {first}",
        "plain": f"environment {second}",
        "export": f"config.toml:{4 + ('section' in places)}",
        "section": "config.toml:2",
        "default": "default",
    }
    assert str(value.origin) == origins[winner]


def test_every_setting_is_drawn():
    assert set(VALUES) == set(DEFINITIONS)


def test_names_of_flags_and_variables():
    definition = DEFINITIONS["start_date"]
    assert (definition.flag, definition.environment) == ("--start-date", ("FINOPS_ACME_START_DATE", "ACME_START_DATE"))
    assert DEFINITIONS["data_dir"].environment[1] == "PROJECT_DATA_DIR"


def test_an_empty_variable_is_not_set():
    environ = {"FINOPS_ACME_BUCKET": "", "ACME_BUCKET": "b"}
    assert resolve(DEFINITIONS["bucket"], Sources(environ=environ)).value == "b"
    assert not resolve(DEFINITIONS["bucket"], Sources(environ={"ACME_BUCKET": ""})).is_set


def test_an_empty_flag_unsets_what_may_be_unset():
    file = ConfigFile.parse('[acme]\nstart_date = "2024-01"', Path("config.toml"))
    assert resolve(DEFINITIONS["start_date"], Sources({"start_date": ""}, {}, file)).value is None


def test_secrets_are_masked_wherever_they_come_from():
    for sources in (
        Sources({"token": "hunter2"}),
        Sources(environ={"ACME_TOKEN": "hunter2"}),
        Sources(file=ConfigFile.parse('[acme]\ntoken = "hunter2"', Path("c"))),
    ):
        value = resolve(DEFINITIONS["token"], sources)
        assert value.value == "hunter2"
        assert value.shown == "********"
        assert "hunter2" not in repr(value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bill:hunter2@host/db",
        "postgresql://bill:hunter2@2@host/db?x=1",
        "postgresql://host/db?user=bill&password=hunter2",
        "md:db?motherduck_token=hunter2",
    ],
)
def test_passwords_in_urls_are_masked(url):
    assert "hunter2" not in resolve(DEFINITIONS["destination"], Sources({"destination": url})).shown


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("start_date", "2024-13", "is not a billing month"),
        ("start_date", "2024-01-01", "is not a billing month"),
        ("audited", "maybe", "neither true nor false"),
        ("pages", "ten", "not a whole number"),
        ("threads", "0", "less than 1"),
        ("lock_wait", "-1", "less than 0"),
        ("memory_limit", "lots", "not an amount of memory"),
        ("flavour", "spici", "did you mean 'spicy'?"),
        ("table_strategy", "merged", "none of separate, single"),
        ("dataset_name", "a b", "not a schema name"),
        ("dataset_name", "focus", "a meaning of its own"),
        ("dataset_name", "x" * 64, "not a schema name"),
    ],
)
def test_bad_values_say_what_and_where(key, text, says):
    for sources, where in (
        (Sources({key: text}), f"flag {DEFINITIONS[key].flag}"),
        (Sources(environ={DEFINITIONS[key].environment[1]: text}), f"environment {DEFINITIONS[key].environment[1]}"),
    ):
        with pytest.raises(ConfigError) as error:
            resolve(DEFINITIONS[key], sources)
        assert says in error.value.what
        assert error.value.where == where
        assert error.value.exit_code == 2


def acme_runs(toml: str = "", *, flags=None, environ=None, chosen=None):
    file = ConfigFile.parse(toml, Path("config.toml"))
    return provider_runs(Acme, Sources(flags or {}, environ or {}, file), chosen)


EXPORTS = """
[acme]
bucket = "shared"
pages = 3
[acme.exports.prod]
bucket = "of prod"
[acme.exports.Dev-1]
flavour = "plain"
"""


def test_each_export_overrides_its_section_and_has_a_schema_of_its_own():
    prod, dev = acme_runs(EXPORTS)
    assert (prod.export, prod.dataset_name, prod.build().bucket, prod.build().pages) == (
        "prod",
        "acme_billing_prod",
        "of prod",
        3,
    )
    assert (dev.dataset_name, dev.build().bucket, dev.build().flavour) == ("acme_billing_dev_1", "shared", "plain")


def test_one_export_is_chosen_by_name():
    assert [run.export for run in acme_runs(EXPORTS, chosen="prod")] == ["prod"]


def test_without_exports_the_section_itself_is_the_only_one():
    (run,) = acme_runs(environ={"ACME_BUCKET": "b"})
    assert (run.export, run.dataset_name, run.build().bucket) == ("", "acme_billing", "b")


@pytest.mark.parametrize(("toml", "hint"), [(EXPORTS, "did you mean 'prod'?"), ("", "no [acme.exports.NAME]")])
def test_an_export_that_is_not_there(toml, hint):
    with pytest.raises(UsageError) as error:
        acme_runs(toml, chosen="prode")
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("toml", "flags", "chosen"),
    [
        (EXPORTS, {"dataset_name": "both"}, None),
        (EXPORTS.replace("pages = 3", 'dataset_name = "both"'), {}, None),
        (EXPORTS, {"dataset_name": "acme_billing_prod"}, "Dev-1"),
        ("[acme.exports.a-b]\n[acme.exports.a_b]\n", {}, None),
    ],
)
def test_two_exports_never_share_a_schema(toml, flags, chosen):
    with pytest.raises(ConfigError, match="would both go into schema"):
        acme_runs(toml, flags=flags, chosen=chosen)


def test_a_missing_setting_names_all_three_ways_to_give_it():
    with pytest.raises(ConfigError) as error:
        acme_runs()[0].build()
    assert "needs the setting 'bucket'" in error.value.what
    assert all(way in error.value.hint for way in ("--bucket", "ACME_BUCKET", "config.toml"))


def test_a_window_that_ends_before_it_starts():
    with pytest.raises(UsageError, match="2024-03 to 2024-01"):
        _ = acme_runs(flags={"start_date": "2024-03", "end_date": "2024-01"})[0].common.window


def test_project_defaults():
    settings = project(Sources())
    assert settings == Project()
    assert (settings.data_dir, settings.destination, settings.memory_limit, settings.lock_wait) == (
        Path("data"),
        "duckdb",
        "2GB",
        60,
    )


@pytest.mark.parametrize("key", ["start_date", "data_dir", "config", "force", "exports"])
def test_a_provider_cannot_take_a_name_that_core_uses(key):
    broken = type("Broken", (Acme,), {"__annotations__": {key: str}, key: setting(default="", help="x")})
    with pytest.raises(ProviderBroken, match=key):
        provider_definitions(dataclass(frozen=True)(broken))


def test_a_setting_of_a_type_that_cannot_be_configured():
    broken = type("Broken", (Acme,), {"__annotations__": {"odd": dict}, "odd": setting(default=None, help="x")})
    with pytest.raises(ProviderBroken, match="odd"):
        provider_definitions(dataclass(frozen=True)(broken))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("bucket = 123", "a number stands where a text is expected: put it in quotes"),
        ("bucket = ['a']", "a list stands where a text is expected"),
        ("bucket = {a = 1}", "a table stands where a text is expected"),
        ('pages = "10"', "a text stands where a number is expected"),
        ("pages = true", "a boolean stands where a number is expected"),
        ("pages = 1.5", "a fraction stands where a number is expected"),
        ('audited = "true"', "a text stands where a boolean is expected"),
        ('accounts = "one"', "a text stands where a list is expected"),
        ("accounts = [1]", "a list of texts is expected"),
        ("start_date = 2024-01-01", "a date stands where a text is expected: put it in quotes"),
        ('start_date = "January"', "is not a billing month"),
        ('flavour = "sweet"', "none of auto, plain, spicy"),
    ],
)
def test_wrong_types_in_the_file_say_file_and_line(line, says):
    with pytest.raises(ConfigError) as error:
        acme_runs(f"[acme]\n\n{line}\n")
    assert says in error.value.what
    assert error.value.where == "config.toml:3"
