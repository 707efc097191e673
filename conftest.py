"""For every test of the project."""

from __future__ import annotations

import signal

from hypothesis import settings

# No deadline: how long one example takes depends on the machine and on who shares it.
settings.register_profile("finops", deadline=None)
# `pytest -m hypothesis --hypothesis-profile thorough`: what fifteen ordinary runs would find.
settings.register_profile("thorough", deadline=None, max_examples=1500)
settings.load_profile("finops")

# A shell starts what runs in its background with Ctrl-C ignored, which the commands that tests interrupt would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
