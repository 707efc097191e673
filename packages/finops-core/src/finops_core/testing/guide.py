"""The list of promises in the guide for providers, made from the promises: python -m finops_core.testing.guide FILE"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from finops_core.testing.suite import promises

BEGIN, END = "<!-- promises -->", "<!-- end of promises -->"


def promises_table() -> str:
    """A Markdown table of every promise, between the two marks."""
    rows = [f"| `{name}` | {' '.join(text.split())} |" for name, text in promises().items()]
    return "\n".join([BEGIN, "", "| promise | what it says |", "|---|---|", *rows, "", END])


def rewrite(path: Path) -> None:
    """Put the table where the marks are. Raises ValueError for a file without them."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{BEGIN}(.*?{END})?", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has no {BEGIN}")
    path.write_text(pattern.sub(lambda match: promises_table(), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
