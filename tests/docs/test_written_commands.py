"""Every finops command that is written anywhere in the documentation is one that the real command line takes.

In blocks of any language (cron, YAML, Dockerfile, Python), in running text, and in the help of the commands themselves.
Nothing is run: commands, flags and arguments are only parsed.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from finops_core import registry
from finops_core.cli.app import root
from finops_core.cli.session import Session
from finops_core.config import provider_definitions
from finops_core.config.settings import project_definitions
from finops_core.errors import FinopsError
from typer.exceptions import Exit, TyperException

from .blocks import ROOT

IMAGINARY = {"acme", "paged"}
"""Providers of the examples: not installed here, and tested where they are."""

NEEDS_MORE = re.compile(r"Missing (argument|option|parameter)")
"""Running text names a command without saying all that it wants."""

_COMMAND = re.compile(r"(?<![\w./-])(?:/[\w./-]+/)?finops (?P<words>[a-z][^`\n|>;&#]*)")
_CODE = re.compile(r"```.*?```|`[^`\n]+`|^ {4}\S[^\n]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Written:
    page: str
    line: int
    words: str
    in_text: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line} finops {self.words}"


def written(page: Path) -> Iterator[Written]:
    """The commands in a page's code: fenced, indented or inline."""
    text = page.read_text(encoding="utf-8")
    for code in _CODE.finditer(text):
        for found in _COMMAND.finditer(code[0]):
            line = text.count("\n", 0, code.start() + found.start()) + 1
            words = found["words"].strip().rstrip('".,')
            in_text = code[0].startswith("`") and not code[0].startswith("```")
            yield Written(page.relative_to(ROOT).as_posix(), line, words, in_text)


def pages() -> list[Path]:
    """Every page that somebody has written; docs/reference is made of the commands themselves."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if not name.startswith("docs/reference/")]


WRITTEN = [command for page in pages() for command in written(page)]


def problem(words: list[str]) -> str:
    """Why the command line does not take these words; "" when it does."""
    command, context, rest = root(), None, words
    try:
        while True:
            context = command.make_context(command.name or "finops", list(rest), parent=context, obj=Session())
            rest = [*context._protected_args, *context.args]
            if not hasattr(command, "resolve_command") or not rest:
                return ""
            _, command, rest = command.resolve_command(context, rest)
    except Exit:
        return ""
    except (TyperException, FinopsError) as error:
        return str(error)


def test_commands_are_found_where_they_stand():
    assert len(WRITTEN) > 60
    assert {"README.md", "docs/howto/schedule.md", "docs/providers.md", "packages/finops-gcp/README.md"} <= {
        command.page for command in WRITTEN
    }
    assert any(command.words.startswith("verify --no-files") for command in WRITTEN), "in Python, behind a path"


@pytest.mark.parametrize("command", WRITTEN, ids=str)
def test_what_is_written_is_a_command(command, capsys):
    words = shlex.split(command.words)
    if words[0] in IMAGINARY:
        pytest.skip("a provider of the examples, see their tests")
    found = problem(words)
    assert not found or (command.in_text and NEEDS_MORE.match(found)), found


@pytest.mark.parametrize(
    "words", ["aws import-cur --bukcet x", "stauts", "aws import", "status --export x", "aws import-cur --bucket"]
)
def test_what_is_no_command_is_caught(words):
    assert problem(shlex.split(words))


def helps(command, name, parent=None) -> Iterator[tuple[str, str]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, obj=Session())
    yield context.command_path, command.epilog or ""
    for child in command.list_commands(context) if hasattr(command, "list_commands") else ():
        if parent is not None or child not in set(registry.names()) - {"aws", "azure", "gcp"}:
            yield from helps(command.get_command(context, child), child, context)


EXAMPLES = dict(helps(root(), "finops"))


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_example_of_a_command_is_one(path):
    """A command shows itself, a group one of its commands."""
    (line,) = [line.strip() for line in EXAMPLES[path].splitlines() if line.startswith("  finops ")]
    assert line.startswith(path)
    assert problem(shlex.split(line)[1:]) == ""


NO_SETTING = {"FINOPS_CONFIG": "names the file", "FINOPS_DATABASE": "a secret of GitHub's", "GCP_NAME": "a pattern"}
"""What looks like the variable of a setting, and is none."""


def test_every_variable_that_is_written_is_a_setting():
    definitions = [*project_definitions()]
    for name in ("aws", "azure", "gcp"):
        definitions += provider_definitions(registry.load(name))
    known = {variable for definition in definitions for variable in definition.environment}
    found = {
        variable: page.name
        for page in pages()
        for variable in re.findall(
            r"\b(?:FINOPS|PROJECT|AWS|AZURE|GCP)_[A-Z][A-Z_]+\b", page.read_text(encoding="utf-8")
        )
    }
    assert "AWS_BUCKET" in found
    unknown = {variable: page for variable, page in found.items() if variable not in known | NO_SETTING.keys()}
    assert not unknown
