"""The conformance kit: what "works as a provider" means, as a suite of tests to subclass.

    class TestAcme(ProviderSuite):
        provider = Acme

        @classmethod
        @contextmanager
        def bills(cls, folder):
            yield AcmeBills(folder)

`AcmeBills` is a `Bills`: a place with bills of which the suite may ask for more (bills.py). The promises are methods
whose names begin with `test_`, one module for each kind (a provider that generates bills has `SampledBills`):

    start.py       its contract, its name, and what importing it costs
    settings.py    documented, valid, masked, and apart from core's own
    commands.py    those that the provider adds: documented, apart from core's own, answered in rows
    discovery.py   repeatable, month by month, versions that change exactly with the content
    reading.py     fetching and reading: repeatable, small, silent, one schema, no column lost
    errors.py      what is broken or not there is told, never passed over
    importing.py   twice is once; a late delivery replaces, an empty one empties; both table strategies
    focus.py       columns, vocabulary, no float, every row and every cent accounted for

Nothing can be dropped in silence. A promise that a provider does not keep stands in the suite's `exceptions`, with
the reason; a promise that is kept although it is declared there fails, and so does a promise that is overridden. While
promises are tested nothing outside this machine can be reached (offline.py).

Needs pytest and hypothesis: pip install "finops-core[testing]".
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(
        f"finops_core.testing.{name}"
        for name in ("start", "settings", "discovery", "reading", "errors", "importing", "focus")
    )
)

from finops_core.testing.bills import Bills, Delivered, Truth  # noqa: E402
from finops_core.testing.sampled import SampledBills  # noqa: E402
from finops_core.testing.suite import ProviderSuite, promises  # noqa: E402

__all__ = ["Bills", "Delivered", "ProviderSuite", "SampledBills", "Truth", "promises"]
