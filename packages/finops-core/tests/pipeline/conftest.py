"""Makes the toy provider a module, `toy`, for the tests beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).parent / "toy.py")
assert _spec
assert _spec.loader
_toy = sys.modules["toy"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_toy)
