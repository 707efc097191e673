from __future__ import annotations

from finops_core.delivery import Column
from finops_core.names import LONGEST, RESERVED, apart, assign
from finops_core.sql import identifier, literal, slug
from hypothesis import given
from hypothesis import strategies as st

SOURCES = st.lists(st.tuples(st.text(min_size=1), st.sampled_from(["a", "A", "b", "", "x" * 80, "billing_period"])))


def columns(pairs: list[tuple[str, str]]) -> list[Column]:
    return [Column(name, "VARCHAR", source) for source, name in dict(pairs).items()]


@given(SOURCES)
def test_every_source_gets_a_name_of_its_own(pairs: list[tuple[str, str]]) -> None:
    names = assign(columns(pairs))
    assert set(names) == {source for source, _ in pairs}
    lowered = [name.lower() for name in names.values()]
    assert len(set(lowered)) == len(lowered)
    assert not set(lowered) & RESERVED
    assert all(0 < len(name.encode()) <= LONGEST for name in names.values())


@given(st.lists(st.sampled_from(["", "a", "A", "a (2)", "a (2) (2)", "a (3)", "b"])))
def test_columns_written_under_one_name_are_told_apart(written: list[str]) -> None:
    names = apart(written)
    assert len(set(names)) == len(written)
    assert all(own == name or own.startswith(f"{name} (") for own, name in zip(names, written, strict=True))
    assert {*written} <= {*names}, "the first of a name keeps it"
    assert apart(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


@given(SOURCES, st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(pairs: list[tuple[str, str]], random: object) -> None:
    forward = columns(pairs)
    assert assign(forward) == assign(list(reversed(forward)))


@given(SOURCES, SOURCES)
def test_a_column_keeps_the_name_it_got_first(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    history = assign(columns(first))
    wanted = {**dict(second), **dict(first)}
    later = assign(columns(list(wanted.items())), history)
    assert {source: later[source] for source in history} == history


def test_tags_that_differ_by_case_stay_apart_whichever_month_they_come_in() -> None:
    upper = Column("resource_tags_user_owner", "VARCHAR", "resourceTags/user:Owner")
    lower = Column("resource_tags_user_owner", "VARCHAR", "resourceTags/user:owner")
    january = assign([upper])
    february = assign([upper, lower], january)
    march = assign([lower], {**january, **february})
    assert january[upper.source] == february[upper.source] == "resource_tags_user_owner"
    assert march[lower.source] == february[lower.source] != "resource_tags_user_owner"


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_quoting_survives_any_text(text: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        result = connection.execute(f"SELECT {literal(text)} AS {identifier('c' + text)}")
        assert result.description is not None
        assert result.description[0][0] == "c" + text
        assert result.fetchall() == [(text,)]


@given(st.text(), st.text())
def test_slugs_are_safe_and_keep_names_apart(one: str, other: str) -> None:
    assert slug(one).isascii()
    assert slug(one).isidentifier()
    if slug(one) == slug(other):
        fold = str.maketrans("-. ", "___")
        assert one.lower().translate(fold).strip("_") == other.lower().translate(fold).strip("_")


def test_a_report_that_changes_from_csv_to_parquet_keeps_its_columns() -> None:
    csv = [
        Column("line_item_unblended_cost", "VARCHAR", "lineItem/UnblendedCost"),
        Column("resource_tags_user_name", "VARCHAR", "resourceTags/user:Name"),
    ]
    parquet = [Column(column.name, "VARCHAR", column.name) for column in csv]
    january = assign(csv)
    assert list(assign(parquet, january).values()) == list(january.values())
    assert list(assign(csv, assign(parquet)).values()) == list(january.values())


def test_one_of_the_datasets_own_columns_is_never_renamed_for_another_month() -> None:
    column = Column("cost", "VARCHAR", "CostInBillingCurrency")
    assert assign([column], {"PreTaxCost": "cost"}, {"cost"}) == {"CostInBillingCurrency": "cost"}


def test_a_datasets_own_name_is_never_cut() -> None:
    """AWS has a column of 64 bytes; under another name its FOCUS SQL would read NULL instead."""
    long = "savings_plan_net_amortized_upfront_commitment_for_billing_period"
    assert len(long) > LONGEST
    assert assign([Column(long, "VARCHAR", "a/B")], known=[long]) == {"a/B": long}
    assert assign([Column(long, "VARCHAR", "a/B")])["a/B"] != long
