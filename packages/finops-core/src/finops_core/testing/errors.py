"""Promises on errors: what is broken or not there is told, with a place and a way on, and never passed over."""

from __future__ import annotations

from pathlib import Path

from finops_core import FinopsError, Window
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError
from finops_core.testing.base import SuiteBase
from finops_core.testing.bills import Delivered
from finops_core.testing.destination import Destination


class ErrorPromises(SuiteBase):
    def test_a_spoiled_delivery_fails_its_own_month(self, fresh: Delivered, tmp_path: Path) -> None:
        """A file that is cut, altered or gone fails its month, in words; the other months are imported."""
        spoiled, sound = self.months[:2]
        fresh.deliver(spoiled, self.rows)
        fresh.deliver(sound, self.rows)
        fresh.bills.spoil(spoiled)
        done = Destination(tmp_path / "data").load(fresh.provider, Window(spoiled, sound))
        assert spoiled in done.failed, f"{spoiled} was spoiled, and its import does not fail"
        error = done.failed[spoiled]
        assert isinstance(error, DeliveryError), f"{type(error).__name__} is no DeliveryError: {error}"
        assert error.where and error.hint, f"the error says not {'where' if error.hint else 'what to do'}: {error}"
        assert sound in done.loaded, f"{sound} is sound, and was not imported: {done.failed.get(sound)}"

    def test_a_place_that_does_not_exist_is_told(self, delivered: Delivered) -> None:
        """No folder, bucket or account of that name: an error that says what to configure, not an empty answer."""
        found = None
        try:
            found = list(delivered.bills.nowhere().discover(Window()))
        except FinopsError as error:
            kinds = (AccessError, ConfigError, DataMissing)
            assert isinstance(error, kinds), f"{type(error).__name__} is none of AccessError, ConfigError, DataMissing"
            assert error.hint, f"the error does not say what to do: {error}"
        assert found is None, f"discover answers {found} for a place that does not exist"
