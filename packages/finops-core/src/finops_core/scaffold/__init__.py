"""`finops plugins new NAME`: a provider package that passes its tests before its author has changed a line.

    name -> names(name) -> render(names) -> {path: text} -> write(folder, texts)

The files stand in template/, each with `.txt` behind its name so that no tool takes them for its own. In them
`[[name]]`, `[[module]]`, `[[distribution]]`, `[[class]]`, `[[title]]` and `[[VARIABLE]]` stand for the provider's
names, as `__module__` and `dot_` do in paths. `examples/finops-acme` is what this writes for `acme`.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import finops_core
from finops_core.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

LONGEST = 20
"""Letters of a name: longer ones would break the lines of the template, and are tiresome to type as a command."""

TEMPLATE = files("finops_core.scaffold") / "template"


def new(name: str, out: Path) -> Path:
    """Write the package of a provider into `out`/finops-NAME and return that folder.

    Raises UsageError for a name that cannot be one, and when the folder is there already and has something in it.
    """
    folder = out / f"finops-{name}"
    texts = render(names(name))
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"{folder} is there already, and not empty", hint="choose another place with --out, or remove it first"
        )
    try:
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", where="--out") from error
    return folder


def names(name: str) -> Mapping[str, str]:
    """Placeholder -> text, for a provider called `name`."""
    words = name.split("-")
    class_name = "".join(map(str.capitalize, words))
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot be the name of a provider",
            hint=f"use lower-case letters, digits and single hyphens, a letter first, at most {LONGEST} in all",
        )
    if class_name in finops_core.__all__ or name in _commands():
        raise UsageError(
            f"{name!r} has a meaning of its own in finops", hint=f"call it {name}-cloud, or after its company"
        )
    title = " ".join(map(str.capitalize, words if words[-1] == "cloud" else [*words, "cloud"]))
    return {
        "name": name,
        "module": f"finops_{name.replace('-', '_')}",
        "distribution": f"finops-{name}",
        "class": class_name,
        "title": title,
        "VARIABLE": name.upper().replace("-", "_"),
    }


def render(words: Mapping[str, str]) -> dict[str, str]:
    """Path -> text of every file."""
    return {_path(path, words): _filled(file.read_text(encoding="utf-8"), words) for path, file in _files(TEMPLATE)}


def _commands() -> set[str]:
    from finops_core.cli.catalog import CATALOG

    return {entry.name for entry in CATALOG} | {"core", "project"}


def _files(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _files(item, f"{above}{item.name}/")
        elif item.name.endswith(".txt"):
            yield f"{above}{item.name}", item


def _path(path: str, words: Mapping[str, str]) -> str:
    parts = path.removesuffix(".txt").replace("__module__", words["module"]).split("/")
    return "/".join(f".{part.removeprefix('dot_')}" if part.startswith("dot_") else part for part in parts)


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\[\[(\w+)\]\]", lambda match: words[match[1]], text)
