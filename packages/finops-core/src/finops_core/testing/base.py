"""What all promises share: the provider under test, its bills, and the exceptions that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from finops_core import Period, Provider
from finops_core.testing.bills import Bills, Delivered
from finops_core.testing.offline import offline

KIT = __name__.rpartition(".")[0]


class SuiteBase:
    """Attributes that a suite sets, and the fixtures that promises use."""

    provider: ClassVar[type[Provider]]
    """The class under test."""

    exceptions: ClassVar[Mapping[str, str]] = {}
    """Promise -> why this provider does not keep it. Strict: one that is kept after all fails."""

    check_exceptions: ClassVar[Mapping[str, str]] = {}
    """Id of a check of FOCUS rows (R4, R15b, one of the provider's own) -> why it does not hold. Strict as well."""

    arguments: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Method of a command of the provider's own -> what to call it with: every parameter that has no default."""

    months: ClassVar[tuple[Period, ...]] = (Period(2023, 12), Period(2024, 1), Period(2024, 2))
    """Three months in a row; the turn of a year is among them because that is where arithmetic goes wrong."""

    rows: ClassVar[int] = 60
    """Rows of an ordinary month: as few as have every kind of row."""

    many_rows: ClassVar[int] = 30_000
    """Rows of a month that is large enough for its bytes to show in memory, a few megabytes."""

    @classmethod
    def bills(cls, folder: Path) -> AbstractContextManager[Bills]:
        """A place without bills. `folder` is empty and the suite's own; servers stop when the block ends."""
        raise TypeError(f"{cls.__name__} does not say where its bills are: override the class method `bills`")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__module__.startswith(KIT):
            _refuse_silence(cls)

    @pytest.fixture(autouse=True)
    def _declared(self, request: pytest.FixtureRequest) -> None:
        if reason := self.exceptions.get(request.function.__name__):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError))

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _offline(cls) -> Iterator[None]:
        with offline():
            yield

    @pytest.fixture(scope="class")
    @classmethod
    def delivered(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
        """Three months of bills, for promises that only look at them."""
        with cls.bills(tmp_path_factory.mktemp("bills")) as bills:
            delivered = Delivered(bills)
            for period in cls.months:
                delivered.deliver(period, cls.rows)
            yield delivered

    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Iterator[Delivered]:
        """A place without bills, for promises that have some delivered and then others."""
        folder = tmp_path / "bills"
        folder.mkdir()
        with self.bills(folder) as bills:
            yield Delivered(bills)


def kept_by(suite: type[SuiteBase]) -> dict[str, Any]:
    """Promise -> the function of the kit that tests it, for every promise of a suite."""
    own = [base for base in suite.__mro__ if base.__module__.startswith(KIT)]
    return {name: test for base in own for name, test in vars(base).items() if name.startswith("test_")}


def _refuse_silence(suite: type[SuiteBase]) -> None:
    """A suite cannot leave a promise out: neither by overriding it, nor by an exception that says nothing."""
    promises = kept_by(suite)
    replaced = [name for name, test in promises.items() if getattr(suite, name, None) is not test]
    if replaced:
        raise TypeError(f"{suite.__name__} overrides {replaced[0]}: declare it in `exceptions`, with the reason")
    if unknown := sorted(set(suite.exceptions) - set(promises)):
        raise TypeError(f"{suite.__name__} declares an exception to {unknown[0]}, which is no promise")
    declared = {**suite.exceptions, **suite.check_exceptions}
    if mute := sorted(name for name, reason in declared.items() if not reason.strip()):
        raise TypeError(f"{suite.__name__} gives no reason for its exception to {mute[0]}")
