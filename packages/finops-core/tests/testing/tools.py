"""Tools of Python packages, run on one of them in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def complaints(folder: Path, *command: str, importable: Path | None = None) -> str:
    """What a tool says when it is not content with the package in `folder`; "" if it is."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON", "COV_"))}
    if importable:
        environment["PYTHONPATH"] = str(importable)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""
