"""`python -m finops_core` is `finops`."""

from __future__ import annotations

from finops_core.cli import main

if __name__ == "__main__":
    main()
