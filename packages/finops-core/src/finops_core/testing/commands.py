"""Promises on commands that a provider adds. One without any keeps them all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from finops_core import promises
from finops_core.commands import commands
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered

VALUES = (str, bool, int, Decimal, dt.datetime, type(None))


class CommandPromises(SuiteBase):
    def test_commands_are_documented_and_apart(self) -> None:
        """Each says what it does and which columns it has; its name and its flags are not those of finops."""
        problems = promises.command_problems(self.provider)
        assert not problems, "\n".join(problems)

    def test_commands_answer_in_rows(self, delivered: Delivered, capfd: pytest.CaptureFixture[str]) -> None:
        """Rows of the columns that were named, of plain values, and never a word on stdout or stderr."""
        found = commands(self.provider) if not promises.command_problems(self.provider) else ()
        capfd.readouterr()
        for command in found:
            arguments = self.arguments.get(command.method, {})
            missing = [item.key for item in command.parameters if item.required and item.key not in arguments]
            assert not missing, f"{command.method} wants {missing[0]}: say in the suite's `arguments` what to give it"
            for row in command.answer(delivered.provider, arguments):
                strange = [key for key, value in row.items() if not isinstance(value, VALUES)]
                assert not strange, f"{command.method} yields a {type(row[strange[0]]).__name__} as {strange[0]}"
        out, err = capfd.readouterr()
        assert (out, err) == ("", ""), f"a command printed {(out + err)[:200]!r}"
