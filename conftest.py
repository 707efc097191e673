"""For every test of the project."""

from __future__ import annotations

from hypothesis import settings

# No deadline: how long one example takes depends on the machine and on who shares it.
settings.register_profile("finops", deadline=None)
settings.load_profile("finops")
