"""Promises on what happens before the provider does anything: its contract, its name, what importing it costs."""

from __future__ import annotations

from finops_core import promises, registry
from finops_core.errors import FinopsError, ProviderMissing
from finops_core.testing.base import SuiteBase


class StartPromises(SuiteBase):
    def test_it_states_its_contract(self) -> None:
        """A provider that is written for a newer contract is refused in plain words, which needs its number."""
        problems = promises.contract_problems(self.provider)
        assert not problems, "\n".join(problems)

    def test_it_is_found_by_its_name(self) -> None:
        """The installed package's entry point leads to this very class."""
        try:
            found = registry.load(self.provider.name)
        except ProviderMissing as error:
            raise AssertionError(f"{error}\ninstall the package that is tested: python -m pip install -e .") from error
        except FinopsError as error:
            raise AssertionError(f"{error}\n{error.hint}") from error
        assert found is self.provider, f"the name {self.provider.name!r} leads to another class: {found}"

    def test_importing_it_loads_no_sdk(self) -> None:
        """Every command pays for what is imported at the top of a module."""
        problems = promises.startup_problems(self.provider)
        assert not problems, "\n".join(problems)
