"""The kit itself: for each promise there is a provider that breaks it, and that promise, no other, catches it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import broken_suites
import pytest
from broken_suites import BOTH_STRATEGIES, FOCUS_ROWS, LARGE_MONTHS, RAW_IMPORTS
from finops_core.testing import ProviderSuite, promises
from finops_core.testing.offline import NoNetwork, is_here, offline
from kit_runs import run

SUITES = Path(broken_suites.__file__)

WORDS: Mapping[str, tuple[str, ...]] = {
    LARGE_MONTHS: ("test_fetching_takes_", "test_every_month_has_"),
    RAW_IMPORTS: ("test_an_import_", "test_a_late_", "test_an_empty_", "test_a_spoiled_"),
    BOTH_STRATEGIES: ("[single]",),
    FOCUS_ROWS: ("test_focus_speaks_", "test_every_check_", "test_every_row_", "test_money_equals_", "test_verifying_"),
}


def written(folder: Path, provider: str, **suites: Mapping[str, object]) -> Path:
    """A test file with suites of one broken provider: class -> what else it says.

    Named after the provider: files of one name are one module to all runs of a process.
    """
    lines = ["from broken_suites import Broken", f"from broken_providers import {provider}"]
    for name, said in suites.items():
        lines += [f"class {name}(Broken):", f"    provider = {provider}"]
        lines += [f"    {key} = {value!r}" for key, value in said.items()]
    file = folder / f"test_{provider.lower()}.py"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", broken_suites.SUITES)
@pytest.mark.usefixtures("installed")
def test_a_broken_provider_is_caught_by_the_promise_it_breaks_and_by_no_other(name: str, tmp_path: Path) -> None:
    suite = broken_suites.SUITES[name]
    without = tuple(word for group in suite.left_out for word in WORDS[group])
    outcomes = run(f"{SUITES}::{name}", tmp_path, without)
    told = "\n".join(outcomes.reports[promise] for promise in outcomes.that("failed") if promise != suite.breaks)
    assert outcomes.that("failed") == {suite.breaks}, told
    left_out = [promise for promise in promises() if promise.startswith(without)]
    assert set(outcomes.of) == set(promises()) - set(left_out)


def test_every_promise_has_a_provider_that_breaks_it() -> None:
    broken = {suite.breaks for suite in broken_suites.SUITES.values()}
    assert broken == set(promises())


def test_a_flaw_is_never_left_out_of_what_is_run() -> None:
    for suite in broken_suites.SUITES.values():
        words = [word for group in suite.left_out for word in WORDS[group] if word != "[single]"]
        assert not any(suite.breaks.startswith(word) for word in words), suite.__name__


def test_every_promise_says_what_it_promises() -> None:
    assert all(text.endswith(".") for text in promises().values()), promises()


@pytest.mark.usefixtures("installed")
def test_a_declared_exception_is_strict(tmp_path: Path) -> None:
    """The broken promise is expected to fail; the promise that holds although an exception is declared fails."""
    exceptions = {"test_secrets_are_masked": "the token is public", "test_it_states_its_contract": "it does, in truth"}
    file = written(tmp_path, "PlainToken", TestDeclared={"exceptions": exceptions})
    others = ("test_a", "test_c", "test_d", "test_e", "test_f", "test_m", "test_n", "test_verifying")
    outcomes = run(f"{file}::TestDeclared", tmp_path, others)
    assert outcomes.of == {
        "test_it_states_its_contract": "failed",
        "test_it_is_found_by_its_name": "passed",
        "test_importing_it_loads_no_sdk": "passed",
        "test_settings_are_documented_and_valid": "passed",
        "test_settings_stand_apart_from_those_of_finops": "passed",
        "test_secrets_are_masked": "xfailed",
        "test_versions_change_exactly_with_the_content": "passed",
    }
    assert "[XPASS(strict)] it does, in truth" in outcomes.reports["test_it_states_its_contract"]


@pytest.mark.usefixtures("installed")
def test_a_check_may_be_declared_not_to_hold_and_that_is_strict(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "ChargesWithoutTime",
        TestDeclared={"check_exceptions": {"R3": "charges are instants"}},
        TestUndeclared={},
        TestTooMuch={"check_exceptions": {"R3": "charges are instants", "A2": "lines get lost"}},
    )
    others = ("test_a", "test_c", "test_d", "test_f", "test_i", "test_m", "test_n", "test_s", "test_v", "row", "month")
    assert run(f"{file}::TestDeclared", tmp_path, others).of == {"test_every_check_holds": "passed"}
    undeclared = run(f"{file}::TestUndeclared", tmp_path, others).reports["test_every_check_holds"]
    assert "mend the FOCUS SQL, or declare it: check_exceptions" in undeclared
    outcomes = run(f"{file}::TestTooMuch", tmp_path, others)
    assert outcomes.of == {"test_every_check_holds": "failed"}
    assert "check A2 holds" in outcomes.reports["test_every_check_holds"]


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"test_secrets_are_masked": None}, "overrides test_secrets_are_masked"),
        ({"test_secrets_are_masked": lambda self: None}, "overrides test_secrets_are_masked"),
        ({"exceptions": {"test_secrets_are_hidden": "a reason"}}, "test_secrets_are_hidden, which is no promise"),
        ({"exceptions": {"test_secrets_are_masked": " "}}, "no reason for its exception to test_secrets_are_masked"),
        ({"check_exceptions": {"R4": ""}}, "no reason for its exception to R4"),
    ],
)
def test_nothing_is_dropped_in_silence(attributes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        type("TestSilent", (ProviderSuite,), {"__module__": __name__, **attributes})


def test_a_promise_cannot_be_taken_away_by_a_mixin() -> None:
    class Mute:
        test_secrets_are_masked = None

    with pytest.raises(TypeError, match="overrides test_secrets_are_masked"):
        type("TestSilent", (Mute, ProviderSuite), {"__module__": __name__})


def test_a_suite_may_have_tests_of_its_own() -> None:
    suite = type("TestMore", (ProviderSuite,), {"__module__": __name__, "test_more": lambda self: None})
    assert issubclass(suite, ProviderSuite)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "bucket.localhost", "", None, b"localhost"])
def test_this_machine_can_be_reached(host: object) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "169.254.169.254", "0.0.0.0", "s3.amazonaws.com", "2001:db8::1", "localhost.evil"]
)
def test_no_other_machine_is_this_one(host: str) -> None:
    assert not is_here(host)


def test_what_is_tried_is_refused_and_recorded() -> None:
    import socket
    import urllib.request

    with offline() as tried:
        with pytest.raises(OSError, match="not on this machine"):
            urllib.request.urlopen("http://bills.example/", timeout=1)
        with pytest.raises(NoNetwork), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.sendto(b"hello", ("192.0.2.7", 53))
    assert tried == ["bills.example", "192.0.2.7"]


def test_a_server_on_loopback_is_reached() -> None:
    import socket

    with offline() as tried, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert tried == []


@pytest.mark.usefixtures("installed")
def test_a_check_whose_sql_does_not_run_is_told_and_is_no_error_of_the_suite(tmp_path: Path) -> None:
    file = written(tmp_path, "MisspeltCheck", TestChecks={})
    others = ("test_a", "test_c", "test_d", "test_f", "test_i", "test_m", "test_n", "test_s", "test_v", "row", "month")
    outcomes = run(f"{file}::TestChecks", tmp_path, others)
    assert outcomes.of == {"test_every_check_holds": "failed"}
    told = outcomes.reports["test_every_check_holds"]
    assert "the month cannot be imported: check A9 does not run" in told
    assert "BinderException" not in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "MisnamedCost",
            "cost of dataset 'bill' is 'csot', which is not among its known columns: did you mean 'cost'?",
        ),
        ("VersionByWindow", "the delivery of 2023-12 is another one than without a window"),
        ("NeverANewVersion", "2024-01 was delivered anew, and its version is still '2024-01'"),
        ("OneVersionForAll", "2024-01 was delivered anew, and the version of 2023-12 changed as well"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_what_is_said_tells_what_is_wrong(name: str, text: str, tmp_path: Path) -> None:
    suite = broken_suites.SUITES[f"Test{name}"]
    others = tuple(promise for promise in promises() if promise != suite.breaks)
    assert text in run(f"{SUITES}::Test{name}", tmp_path, others).reports[suite.breaks]


@pytest.mark.usefixtures("installed")
def test_an_exception_also_covers_a_month_that_cannot_be_imported(tmp_path: Path) -> None:
    exceptions = {"test_money_equals_the_bill": "its bills have another column"}
    file = written(tmp_path, "NoBill", TestDeclared={"exceptions": exceptions})
    others = (
        "test_a",
        "test_c",
        "test_d",
        "test_f",
        "test_i",
        "test_money_is",
        "test_n",
        "test_s",
        "test_v",
        "test_e",
        "month",
    )
    assert run(f"{file}::TestDeclared", tmp_path, others).of == {"test_money_equals_the_bill": "xfailed"}
