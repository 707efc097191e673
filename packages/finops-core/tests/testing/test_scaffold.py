"""`finops plugins new`: what it writes is whole, is the example in the repository, and passes everything unchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from finops_core.errors import UsageError
from finops_core.scaffold import LONGEST, names, new, render
from hypothesis import example, given
from hypothesis import strategies as st
from tools import complaints

ACME = Path(__file__).parents[4] / "examples" / "finops-acme"
LONG = "a-name-of-20-letters"

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)


def test_the_example_is_what_is_written_for_acme() -> None:
    """One source: change the template, then write the example again."""
    written = render(names("acme"))
    assert {path: (ACME / path).read_text(encoding="utf-8") for path in written} == written


def test_the_example_has_no_file_that_would_not_be_written() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ACME, capture_output=True, text=True, check=True)
    assert set(listed.stdout.splitlines()) <= set(render(names("acme")))


@given(NAMES)
@example(LONG)
def test_any_good_name_gives_texts_without_placeholders(name: str) -> None:
    try:
        words = names(name)
    except UsageError:
        return
    texts = render(words)
    assert len(texts) == len(render(names("acme")))
    assert f"src/{words['module']}/provider.py" in texts
    assert not [path for path, text in texts.items() if "[[" in text.replace("[[tool", "") or "acme" in path]
    # Whatever the name is, no line outgrows what ruff allows.
    assert max(len(line) for path, text in texts.items() if path.endswith(".py") for line in text.splitlines()) <= 120


@pytest.mark.parametrize(
    "name", ["", "Acme", "9cloud", "a_b", "a--b", "-a", "a-", "a/b", "..", "acme cloud", "class", "x" * (LONGEST + 1)]
)
def test_what_cannot_be_a_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a provider"):
        new(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["status", "plugins", "config", "core", "project", "provider", "dataset", "period"])
def test_a_name_that_means_something_else_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has a meaning of its own"):
        new(name, tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "finops-zeta"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        new("zeta", tmp_path)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        new("zeta", tmp_path / "file")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["z", LONG])
def test_what_is_written_passes_lint_and_types_unchanged(name: str, tmp_path: Path) -> None:
    folder = new(name, tmp_path)
    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        assert complaints(folder, *command) == ""
