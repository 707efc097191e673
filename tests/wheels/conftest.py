"""The session `wheels` builds the packages and runs these tests; anywhere else they are left out."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("FINOPS_WHEELS") else ["test_*.py"]
