"""Promises on settings: one definition serves the TOML key, the variable, the flag, the help and the documentation."""

from __future__ import annotations

from finops_core import promises
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered


class SettingsPromises(SuiteBase):
    def test_settings_are_documented_and_valid(self) -> None:
        """Every setting has a type that finops reads, a help text, and a default that the user could have written."""
        problems = promises.settings_problems(self.provider)
        assert not problems, "\n".join(problems)

    def test_settings_stand_apart_from_those_of_finops(self) -> None:
        """No setting is called like one that every provider or command has, such as start_date or force."""
        problems = promises.name_problems(self.provider)
        assert not problems, "\n".join(problems)

    def test_secrets_are_masked(self, delivered: Delivered) -> None:
        """What sounds like a secret is a Secret, and no text made of the provider shows it."""
        problems = promises.secret_problems(delivered.provider)
        assert not problems, "\n".join(problems)
