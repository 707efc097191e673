"""Which exports are meant, and which runs of them count: pure decisions over hand-made runs."""

from __future__ import annotations

import datetime as dt

import pytest
from finops_azure.exports import Choice, choose, deliveries, exports_of
from finops_azure.runs import Run
from finops_core import Period, SourceFile, Window
from finops_core.errors import ConfigError, DataMissing, FinopsError

JANUARY, FEBRUARY = Period(2024, 1), Period(2024, 2)
EVER = Window()


def run(
    export: str, kind: str = "actual", number: int = 1, *, scope: str = "s", period: Period = JANUARY, **changes: object
) -> Run:
    return Run(
        **{
            "export": export,
            "kind": kind,
            "scope": scope,
            "root": f"billing/{export}",
            "period": period,
            "run_id": f"{export}-{number}",
            "submitted": dt.datetime(2024, 1, number, tzinfo=dt.UTC),
            "files": (SourceFile(f"{export}/{number}.csv", 10),),
            "manifest": f"{export}/{number}/manifest.json",
            "rows": number,
        }
        | changes  # type: ignore[arg-type]
    )


def bill(*runs: Run, kind: str = "auto", name: str = "", amortized: str = "") -> dict[str, list[str]]:
    """Part -> run ids in every delivery, of the bill that is chosen."""
    chosen = choose(exports_of(runs, kind), Choice(kind, name, amortized), "here")
    return {part: sorted(run.run_id for run in export.runs) for part, export in chosen.parts.items()}


def test_one_export_is_the_bill() -> None:
    assert bill(run("a"), run("a", number=2)) == {"": ["a-1", "a-2"]}


def test_actual_and_amortised_of_one_scope_are_one_bill() -> None:
    assert bill(run("a"), run("b", "amortized")) == {"": ["a-1"], "amortized": ["b-1"]}


def test_the_partner_is_found_by_either_name() -> None:
    runs = (run("a"), run("b", "amortized"), run("c", scope="other"))
    assert bill(*runs, name="A") == bill(*runs, name="b") == {"": ["a-1"], "amortized": ["b-1"]}


def test_an_amortised_export_alone_has_its_own_part() -> None:
    assert bill(run("b", "amortized")) == {"amortized": ["b-1"]}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("actual", {"": ["a-1"]}),
        ("amortized", {"amortized": ["b-1"]}),
        ("focus", {"": ["f-1"]}),
        ("usage", {"": ["u-1"]}),
    ],
)
def test_dataset_type_chooses(kind: str, expected: dict[str, list[str]]) -> None:
    assert bill(run("a"), run("b", "amortized"), run("f", "focus"), run("u", "usage"), kind=kind) == expected


@pytest.mark.parametrize(
    "runs",
    [
        (run("a"), run("f", "focus")),
        (run("a"), run("c", scope="other")),
        (run("a"), run("a2"), run("b", "amortized")),
        (run("same"), run("same", scope="other")),
    ],
)
def test_several_bills_are_refused_by_name(runs: tuple[Run, ...]) -> None:
    with pytest.raises(ConfigError) as refused:
        bill(*runs)
    assert all(one.export in refused.value.hint for one in runs)


def test_both_names_pair_exports_of_different_scopes() -> None:
    runs = (run("a"), run("a2"), run("b", "amortized", scope="other"))
    assert bill(*runs, name="a2", amortized="b") == {"": ["a2-1"], "amortized": ["b-1"]}


@pytest.mark.parametrize(
    ("name", "amortized", "error"),
    [("a", "nothing", DataMissing), ("nothing", "b", DataMissing), ("b", "a", DataMissing), ("same", "b", ConfigError)],
)
def test_named_pairs_that_are_none(name: str, amortized: str, error: type[FinopsError]) -> None:
    runs = (run("a"), run("b", "amortized"), run("same"), run("same", scope="other"))
    with pytest.raises(error):
        bill(*runs, name=name, amortized=amortized)


def test_nothing_found_says_what_was_there() -> None:
    with pytest.raises(DataMissing) as missing:
        bill(run("acme"), name="acne")
    assert "acme" in missing.value.hint and "acne" in missing.value.what


@pytest.mark.parametrize(
    ("name", "kind"), [("cost-amortized", "amortized"), ("focus-daily", "focus"), ("usage", "usage"), ("x", "actual")]
)
def test_a_kind_that_nothing_tells_is_told_by_the_name(name: str, kind: str) -> None:
    assert exports_of([run(name, "", scope="")])[0].kind == kind


def test_a_kind_that_nothing_tells_is_told_by_the_setting() -> None:
    assert exports_of([run("x", "", scope="")], "amortized")[0].kind == "amortized"


def test_an_older_manifest_without_kind_belongs_to_the_export_of_its_folder() -> None:
    (export,) = exports_of([run("a", "", scope="", number=1), run("a", number=2)])
    assert [one.run_id for one in export.runs] == ["a-1", "a-2"] and export.scope == "s"


def versions(*runs: Run, window: Window = EVER) -> dict[str, str]:
    found = deliveries(choose(exports_of(runs), Choice(), ""), window)
    return {str(delivery.period): delivery.version for delivery in found}


def test_the_newest_submission_counts_whatever_the_order() -> None:
    runs = [run("a", number=2), run("a", number=3), run("a", number=1)]
    assert versions(*runs) == versions(*reversed(runs)) == {"2024-01": "a-3"}


def test_months_are_deliveries_and_the_window_counts() -> None:
    runs = (run("a"), run("a", number=2, period=FEBRUARY))
    assert versions(*runs) == {"2024-01": "a-1", "2024-02": "a-2"}
    assert versions(*runs, window=Window(FEBRUARY)) == {"2024-02": "a-2"}


def test_a_month_of_both_has_the_versions_of_both() -> None:
    runs = (run("a"), run("b", "amortized", 2), run("a", number=3, period=FEBRUARY))
    assert versions(*runs) == {"2024-01": "a-1+b-2", "2024-02": "a-3"}


def test_a_partial_run_does_not_replace_a_whole_one() -> None:
    whole, part = run("a", number=1), run("a", number=5, partial="half")
    assert versions(whole, part) == {"2024-01": "a-1"}
    (delivery,) = deliveries(choose(exports_of([part]), Choice(), ""), EVER)
    assert "half" in delivery.problem


def test_a_newer_broken_manifest_fails_the_month() -> None:
    (delivery,) = deliveries(
        choose(exports_of([run("a"), run("a", "", 2, scope="", problem="broken")]), Choice(), ""), EVER
    )
    assert delivery.problem == "a: broken"


def test_files_and_rows_of_the_parts() -> None:
    (delivery,) = deliveries(choose(exports_of([run("a", number=4), run("b", "amortized", 7)]), Choice(), ""), EVER)
    assert [(file.key, file.part) for file in delivery.files] == [("a/4.csv", ""), ("b/7.csv", "amortized")]
    assert (delivery.rows, delivery.dataset, delivery.manifest) == (4, "cost", "a/4/manifest.json")
    assert delivery.details["amortized manifest"] == "b/7/manifest.json"
    assert "note" not in delivery.details


def test_two_formats_in_one_month_are_a_problem() -> None:
    runs = [run("a"), run("b", "amortized", format="parquet")]
    (delivery,) = deliveries(choose(exports_of(runs), Choice(), ""), EVER)
    assert "another format" in delivery.problem


def test_the_configured_name_is_the_exports_name() -> None:
    runs = [run("Acme-Actual"), run("b", "amortized")]
    assert choose(exports_of(runs), Choice(name="acme-actual"), "").name == "acme-actual"
    assert choose(exports_of(runs), Choice(), "").name == "Acme-Actual"


@pytest.mark.parametrize(
    ("submitted", "final"),
    [
        (dt.datetime(2024, 2, 4, 23, 59, tzinfo=dt.UTC), False),
        (dt.datetime(2024, 2, 5, 4, 4, tzinfo=dt.UTC), None),
        (dt.datetime(2024, 2, 9, tzinfo=dt.UTC), None),
    ],
)
def test_a_month_is_not_final_before_its_last_run(submitted: dt.datetime, final: bool | None) -> None:
    (delivery,) = deliveries(choose(exports_of([run("a", submitted=submitted)]), Choice(), ""), EVER)
    assert delivery.final is final


def test_runs_that_reach_to_different_days_wait_for_each_other() -> None:
    days = [dt.date(2024, 1, 20), dt.date(2024, 1, 21)]
    runs = [run("a", last=days[1]), run("b", "amortized", last=days[0])]
    (delivery,) = deliveries(choose(exports_of(runs), Choice(), ""), EVER)
    assert "2024-01-20 and 2024-01-21" in delivery.problem
    runs = [run("a", last=days[1]), run("b", "amortized", last=days[1])]
    assert deliveries(choose(exports_of(runs), Choice(), ""), EVER)[0].problem == ""
