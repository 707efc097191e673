"""One suite for each broken provider: `breaks` is the one promise that must catch it.

Run by test_conformance_kit.py, never by themselves. What a flaw cannot touch is not run, since imports take seconds:
a setting or a rule of the FOCUS SQL has no part in loading raw rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import broken_heavy
import broken_providers as broken
from finops_core import Provider
from finops_core.testing import Bills, ProviderSuite
from sound_bills import SoundBills

LARGE_MONTHS, RAW_IMPORTS, BOTH_STRATEGIES, FOCUS_ROWS = "large months", "raw imports", "both strategies", "FOCUS rows"


class Broken(ProviderSuite):
    many_rows: ClassVar[int] = 20_000
    breaks: ClassVar[str]
    left_out: ClassVar[tuple[str, ...]]

    @classmethod
    @contextmanager
    def bills(cls, folder: Path) -> Iterator[Bills]:
        yield SoundBills(folder, cls.provider)


SETTINGS = (LARGE_MONTHS, RAW_IMPORTS, FOCUS_ROWS)
FILES = (BOTH_STRATEGIES, FOCUS_ROWS)
IMPORTS = (FOCUS_ROWS,)
FOCUS = (LARGE_MONTHS, RAW_IMPORTS)

FLAWS: list[tuple[type[Provider], str, tuple[str, ...]]] = [
    (broken.WithoutContract, "test_it_states_its_contract", SETTINGS),
    (broken.LeadsElsewhere, "test_it_is_found_by_its_name", SETTINGS),
    (broken.MisnamedCost, "test_it_is_found_by_its_name", SETTINGS),
    (broken_heavy.Heavy, "test_importing_it_loads_no_sdk", SETTINGS),
    (broken.Undocumented, "test_settings_are_documented_and_valid", SETTINGS),
    (broken.OutsideItsChoices, "test_settings_are_documented_and_valid", SETTINGS),
    (broken.WrongType, "test_settings_are_documented_and_valid", SETTINGS),
    (broken.StrangeType, "test_settings_are_documented_and_valid", SETTINGS),
    (broken.TakenName, "test_settings_stand_apart_from_those_of_finops", SETTINGS),
    (broken.PlainToken, "test_secrets_are_masked", SETTINGS),
    (broken.TellingSecret, "test_secrets_are_masked", SETTINGS),
    (broken.TerseCommand, "test_commands_are_documented_and_apart", SETTINGS),
    (broken.TakenCommand, "test_commands_are_documented_and_apart", SETTINGS),
    (broken.TakenFlag, "test_commands_are_documented_and_apart", SETTINGS),
    (broken.UnnamedColumn, "test_commands_answer_in_rows", SETTINGS),
    (broken.PrintingCommand, "test_commands_answer_in_rows", SETTINGS),
    (broken.Foreign, "test_deliveries_are_complete", FILES),
    (broken.StrangeFormat, "test_deliveries_are_complete", SETTINGS),
    (broken.Unsteady, "test_discovery_is_repeatable", FILES),
    (broken.ForgetsOpenEnds, "test_a_window_is_the_sum_of_its_months", FILES),
    (broken.VersionByWindow, "test_a_window_is_the_sum_of_its_months", SETTINGS),
    (broken.NeverANewVersion, "test_versions_change_exactly_with_the_content", SETTINGS),
    (broken.OneVersionForAll, "test_versions_change_exactly_with_the_content", FILES),
    (broken.Telemetry, "test_nothing_beyond_the_configured_place_is_reached", FILES),
    (broken.OneFileMore, "test_fetching_brings_what_discovery_named", FILES),
    (broken.Shuffled, "test_fetching_is_repeatable", FILES),
    (broken.Hoarder, "test_fetching_takes_little_memory", FILES),
    (broken.Chatty, "test_fetching_and_discovery_are_silent", FILES),
    (broken.GuessesTypes, "test_every_month_has_one_schema", FILES),
    (broken.KnownColumnsOnly, "test_no_column_is_lost", FILES),
    (broken.FloatingPoint, "test_money_is_never_floating_point", FOCUS),
    (broken.LeavesOutWhatIsBroken, "test_a_spoiled_delivery_fails_its_own_month", FILES),
    (broken.UntypedError, "test_a_spoiled_delivery_fails_its_own_month", FILES),
    (broken.NothingThere, "test_a_place_that_does_not_exist_is_told", FILES),
    (broken.CountsItsReaders, "test_an_import_loads_every_row_and_twice_is_once", IMPORTS),
    (broken.RemembersFiles, "test_a_late_delivery_replaces_its_month", IMPORTS),
    (broken.SkipsEmptyMonths, "test_an_empty_delivery_empties_its_month", IMPORTS),
    (broken.LacksColumns, "test_focus_has_its_columns", FOCUS),
    (broken.OwnWords, "test_focus_speaks_its_vocabulary", FOCUS),
    (broken.ChargesWithoutTime, "test_every_check_holds", FOCUS),
    (broken.DropsWhatIsFree, "test_every_row_is_accounted_for", FOCUS),
    (broken.BillsTwice, "test_money_equals_the_bill", FOCUS),
    (broken.NotesWhenItRuns, "test_verifying_agrees_at_every_level", FOCUS),
    (broken.CostsByFileName, "test_verifying_agrees_at_every_level", FOCUS),
]

SUITES = {
    f"Test{provider.__name__}": type(
        f"Test{provider.__name__}",
        (Broken,),
        {"__module__": __name__, "provider": provider, "breaks": promise, "left_out": left_out},
    )
    for provider, promise, left_out in FLAWS
}
globals().update(SUITES)
