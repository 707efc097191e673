"""config.toml: every key traced to its line, and every mistake said with file, line and the nearest right name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomlkit
from finops_core.config.files import ConfigFile, key_lines
from finops_core.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st

PATH = Path("config.toml")

HARD = '''# a comment = "no key"

[project] # another [comment]
data_dir = "a # b"
"quoted key" = 1
'literal.key' = 2
memory_limit = """
[not.a.table]
looks_like = "a key"
"""
list = [
  "one", # [aws]
  "two",
]
dotted.inner.key = 3
inline = { deep = { er = 1 }, "q" = 2 }

[aws.exports."a b"]
bucket = \'\'\'
x = 1\'\'\'
  [ aws . exports . second ]
  indented = true

[[things]]
a = 1
[[things]]
b = 2
'''


def test_lines_of_keys_however_they_are_written():
    lines = key_lines(HARD)
    wanted = {
        ("project",): 3,
        ("project", "data_dir"): 4,
        ("project", "quoted key"): 5,
        ("project", "literal.key"): 6,
        ("project", "memory_limit"): 7,
        ("project", "list"): 11,
        ("project", "dotted", "inner", "key"): 15,
        ("project", "inline"): 16,
        ("project", "inline", "deep", "er"): 16,
        ("aws",): 18,
        ("aws", "exports", "a b"): 18,
        ("aws", "exports", "a b", "bucket"): 19,
        ("aws", "exports", "second", "indented"): 22,
        ("things", "a"): 25,
        ("things", "b"): 27,
    }
    assert {path: lines.get(path) for path in wanted} == wanted
    assert not any("looks_like" in path or "x" in path for path in lines)


def leaves(value, prefix=()):
    for key, item in value.items():
        if isinstance(item, dict):
            yield from leaves(item, (*prefix, key))
        else:
            yield (*prefix, key), item


KEY = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
LEAF = st.one_of(
    st.integers(-(2**31), 2**31), st.booleans(), st.text(st.characters(codec="utf-8", exclude_characters="\r"))
)
TREE = st.recursive(
    st.dictionaries(KEY, LEAF, max_size=4), lambda inner: st.dictionaries(KEY, st.one_of(LEAF, inner), max_size=3)
)


@given(TREE, st.integers(0, 3))
def test_the_line_of_a_key_is_the_line_on_which_its_value_stands(tree, blank):
    text = "\n" * blank + tomlkit.dumps(tree)
    written = text.split("\n")
    lines = key_lines(text)
    for path, value in leaves(tomllib.loads(text)):
        statement = written[lines[path] - 1]
        assert tomllib.loads(statement) is not None
        found = list(leaves(tomllib.loads(statement)))
        assert any(key[-1] == path[-1] and item == value for key, item in found)


@given(st.text())
def test_any_text_is_read_or_refused_with_its_line(text):
    try:
        file = ConfigFile.parse(text, PATH)
    except ConfigError as error:
        assert error.where.startswith("config.toml:")
    else:
        assert file.tables == tomllib.loads(text.replace("\r\n", "\n"))


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b'\xef\xbb\xbf[aws]\r\n\r\nbucket = "b"\r\n')
    file = ConfigFile.read(path)
    assert file.lookup("aws", "", "bucket") == ("b", f"{path}:3")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = ", 1), ("[aws]\nstart_date = 2024-01\n", 2), ('[aws]\nx = """\n\n', 4), ("[a]\nb=1\nb=2\n", 3)],
)
def test_invalid_toml_names_the_line(text, line):
    with pytest.raises(ConfigError, match="not valid TOML") as error:
        ConfigFile.parse(text, PATH)
    assert error.value.where == f"config.toml:{line}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[a]\nb=1\nb=2\n", "may stand there once"),
        ("[a]\n[a]\n", "may stand there once"),
        ("[a]\nb = 2024-01\n", "need quotes"),
    ],
)
def test_invalid_toml_says_what_to_do(text, hint):
    with pytest.raises(ConfigError) as error:
        ConfigFile.parse(text, PATH)
    assert hint in error.value.hint


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b'[aws]\nx = "\xff"\n')
    with pytest.raises(ConfigError, match="UTF-8") as error:
        ConfigFile.read(path)
    assert error.value.where == f"{path}, byte 11"


def test_which_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ConfigFile.find(None, {}).path is None
    Path("config.toml").write_text("[project]\n")
    Path("other.toml").write_text("[project]\n")
    Path("third.toml").write_text("[project]\n")
    assert ConfigFile.find(None, {}).path == Path("config.toml")
    assert ConfigFile.find(None, {"FINOPS_CONFIG": ""}).path == Path("config.toml")
    assert ConfigFile.find(None, {"FINOPS_CONFIG": "other.toml"}).path == Path("other.toml")
    assert ConfigFile.find(Path("third.toml"), {"FINOPS_CONFIG": "other.toml"}).path == Path("third.toml")


@pytest.mark.parametrize(("chosen", "environ"), [(Path("no.toml"), {}), (None, {"FINOPS_CONFIG": "no.toml"})])
def test_a_file_that_was_named_must_be_there(chosen, environ, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read") as error:
        ConfigFile.find(chosen, environ)
    assert "no.toml" in error.value.where


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        ConfigFile.read(tmp_path)


KNOWN = {"project", "acme"}


@pytest.mark.parametrize(
    ("text", "what", "line", "hint"),
    [
        ("[acmee]\n", "no section [acmee]", 1, "did you mean [acme]?"),
        ("\n[Project]\n", "no section [Project]", 2, "did you mean [project]?"),
        ('bucket = "x"\n', "outside of a section", 1, "[acme]"),
        ("acme = 3\n", "must be a table", 1, "[acme]"),
    ],
)
def test_wrong_sections(text, what, line, hint):
    with pytest.raises(ConfigError) as error:
        ConfigFile.parse(text, PATH).check_sections(KNOWN)
    assert what in error.value.what
    assert error.value.where == f"config.toml:{line}"
    assert hint in error.value.hint


def test_sections_of_providers_that_are_not_installed_are_told_not_refused():
    file = ConfigFile.parse("[zebra]\nstripes = 3\n[acme]\n", PATH)
    assert file.check_sections(KNOWN) == ["zebra"]


@pytest.mark.parametrize(
    ("text", "what", "line", "hint"),
    [
        ("[acme]\n\nbukcet = 1\n", "[acme] has no setting 'bukcet'", 3, "did you mean 'bucket'?"),
        ("[acme]\nStart-Date = 1\n", "'Start-Date'", 2, "did you mean 'start_date'?"),
        ("[acme]\ndata_dir = 1\n", "'data_dir'", 2, "belongs below [project]"),
        ("[acme]\nzzz = 1\n", "'zzz'", 2, "its settings are bucket, start_date"),
        ("[acme.exports.one]\nbukcet = 1\n", "[acme.exports.one] has no setting", 2, "did you mean 'bucket'?"),
        ("[acme]\nexports = 1\n", "'acme.exports' must be a table", 2, "[acme.exports]"),
        ("[acme.exports]\none = 1\n", "'acme.exports.one' must be a table", 2, "[acme.exports.one]"),
    ],
)
def test_wrong_keys(text, what, line, hint):
    with pytest.raises(ConfigError) as error:
        ConfigFile.parse(text, PATH).check_keys("acme", {"bucket", "start_date"}, {"data_dir"})
    assert what in error.value.what
    assert error.value.where == f"config.toml:{line}"
    assert hint in error.value.hint
