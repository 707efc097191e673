"""Loading into a DuckDB file: what is replaced, what is kept, and that it is all or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from finops_core.errors import BalanceError, ConfigError, DataMissing, DestinationError
from finops_core.load import Package, Sql, Table, Target, connect_readonly, embedded, load, read_rows
from finops_core.sql import identifier

Bill = Callable[..., Package]
DATASET = "acme_billing"


def rows(target: Target, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return read_rows(target, DATASET, sql, *parameters)


def one(name: str, columns: dict[str, str], select: Any, replaces: str | None, pipeline: str = "p") -> Package:
    return Package(DATASET, pipeline, (Table(name, columns, select, replaces),), lambda sql: None)


def standing(target: Target, table: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in rows(target, f"DESCRIBE {table}")}


def test_a_period_is_loaded_with_its_ledger_and_dlts_record(target: Target, bill: Bill) -> None:
    loaded = load(target, bill("v1", 7))
    assert dict(loaded.rows) == {
        "billing_2024_01": 7, "focus_cost_and_usage": 7, "cost_rollup": 1, "import_ledger": 1
    }  # fmt: skip
    committed = "SELECT version, row_count, status FROM import_ledger JOIN _dlt_loads ON load_id = _dlt_load_id"
    assert rows(target, committed) == [("v1", 7, 0)]
    assert rows(target, "SELECT load_id FROM _dlt_loads") == [(loaded.load_id,)]
    assert rows(target, "SELECT cost FROM cost_rollup") == [(Decimal("0.7"),)]
    assert rows(target, "SELECT count(*) FROM billing") == [(7,)]


def test_a_redelivery_replaces_its_period_and_nothing_else(target: Target, bill: Bill) -> None:
    for package in (bill("v1", 5), bill("v1", 4, "2024-02"), bill("v2", 3)):
        load(target, package)
    assert rows(target, "SELECT DISTINCT id[:2] FROM billing_2024_01") == [("v2",)]
    by_period = 'SELECT "x_BillingPeriod", count(*) FROM focus_cost_and_usage GROUP BY 1 ORDER BY 1'
    assert rows(target, by_period) == [("2024-01", 3), ("2024-02", 4)]
    assert rows(target, "SELECT version, period, cost FROM cost_rollup ORDER BY ALL") == [
        ("v1", "2024-01", Decimal("0.5")), ("v1", "2024-02", Decimal("0.4")), ("v2", "2024-01", Decimal("0.3"))
    ]  # fmt: skip
    assert rows(target, "SELECT version, row_count FROM import_ledger ORDER BY ALL") == [
        ("v1", 4), ("v1", 5), ("v2", 3)
    ]  # fmt: skip


def test_no_rows_empty_the_period(target: Target, bill: Bill) -> None:
    load(target, bill("v1", 5))
    load(target, bill("v2", 0))
    assert rows(target, "SELECT count(*) FROM billing_2024_01") == [(0,)]
    assert rows(target, "SELECT count(*) FROM focus_cost_and_usage") == [(0,)]
    assert rows(target, "SELECT version, cost FROM cost_rollup ORDER BY 1") == [
        ("v1", Decimal("0.5")), ("v2", Decimal(0))
    ]  # fmt: skip


def test_types_are_as_declared_and_values_are_exact(target: Target) -> None:
    columns = {
        "t": "VARCHAR", "c": "DECIMAL(38,18)", "small": "DECIMAL(9,2)", "at": "TIMESTAMP", "d": "DATE",
        "b": "BOOLEAN", "n": "BIGINT", "f": "DOUBLE", "j": "JSON",
    }  # fmt: skip
    select = """SELECT 'é"''' AS t, CAST('12345678901234567890.123456789012345678' AS DECIMAL(38,18)) AS c,
        CAST(1.25 AS DECIMAL(9,2)) AS small, TIMESTAMP '2024-03-31 02:30:00.000001' AS "at", DATE '2024-02-29' AS d,
        true AS b, CAST(9223372036854775807 AS BIGINT) AS n, CAST(0.1 AS DOUBLE) AS f, CAST('{"a":1}' AS JSON) AS j"""
    for replaces in ("true", "n > 0"):
        load(target, one("t", columns, select, replaces))
        assert standing(target, "t") == columns
        assert rows(target, 'SELECT c::VARCHAR, "at"::VARCHAR, t, j::VARCHAR FROM t') == [
            ("12345678901234567890.123456789012345678", "2024-03-31 02:30:00.000001", "é\"'", '{"a":1}')
        ]


def test_a_table_replaced_whole_has_exactly_the_new_columns(target: Target) -> None:
    load(
        target,
        one("t", {"a": "VARCHAR", "gone": "BIGINT", "k": "VARCHAR"}, "SELECT 'x' a, 1::BIGINT gone, '1' k", "true"),
    )
    new = {"k": "DECIMAL(38,18)", "a": "VARCHAR", "fresh": "DATE"}
    load(target, one("t", new, "SELECT 'y' a, 1::DECIMAL(38,18) k, NULL::DATE fresh", "true"))
    assert list(standing(target, "t").items()) == list(new.items())
    # back to the first shape, whose schema dlt has already recorded
    load(target, one("t", {"a": "VARCHAR", "gone": "BIGINT"}, "SELECT 'z' a, 2::BIGINT gone", "true"))
    assert rows(target, "SELECT * FROM t") == [("z", 2)]


def test_new_missing_and_reordered_columns_of_a_shared_table(target: Target) -> None:
    load(
        target,
        one(
            "t",
            {"p": "VARCHAR", "a": "BIGINT", "b": "DATE"},
            "SELECT '1' p, 1::BIGINT a, DATE '2024-01-01' b",
            "p = '1'",
        ),
    )
    load(
        target,
        one("t", {"c": "VARCHAR", "a": "BIGINT", "p": "VARCHAR"}, "SELECT 'x' c, '2' p, 2::BIGINT a", "p = '2'", "q"),
    )
    assert rows(target, "SELECT p, a, b::VARCHAR, c FROM t ORDER BY p") == [
        ("1", 1, "2024-01-01", None), ("2", 2, None, "x")
    ]  # fmt: skip


def test_names_keep_their_case(target: Target) -> None:
    """DuckDB names a column after its source where both differ only by case; the table must not."""
    load(target, one("src", {"billedcost": "BIGINT"}, "SELECT 1::BIGINT billedcost", "true"))
    for replaces in ("true", None):
        load(target, one("t", {"BilledCost": "BIGINT"}, 'SELECT billedcost AS "BilledCost" FROM src', replaces))
        assert list(standing(target, "t")) == ["BilledCost"]


ODD_NAMES = [
    'say "hi"', "a b", "a;b", "100%s", "{table}", "line\nbreak", "resource/tags:user.Name", "ÄÖ ß 名前",
    "select", "_dlt_id", "a__b", "a▶b", "x" * 200, "1st", "'", "\\",
]  # fmt: skip


def test_names_may_be_anything(target: Target) -> None:
    columns = dict.fromkeys(ODD_NAMES, "VARCHAR")
    values = ", ".join(f"'{n}' AS {identifier(name)}" for n, name in enumerate(ODD_NAMES))
    for replaces in ("true", '"a b" IS NOT NULL'):
        load(target, one("t", columns, f"SELECT {values}", replaces))
        assert list(standing(target, "t")) == ODD_NAMES
        assert rows(target, "SELECT * FROM t") == [tuple(str(n) for n in range(len(ODD_NAMES)))]


def test_text_columns_take_other_types_without_loss(target: Target) -> None:
    load(target, one("t", {"p": "VARCHAR", "v": "VARCHAR"}, "SELECT '1' p, 'free' v", "p = '1'"))
    select = "SELECT '2' p, CAST('0.123456789012345678' AS DECIMAL(38,18)) v"
    load(target, one("t", {"p": "VARCHAR", "v": "DECIMAL(38,18)"}, select, "p = '2'", "q"))
    assert rows(target, "SELECT v FROM t ORDER BY p") == [("free",), ("0.123456789012345678",)]


def test_a_type_that_would_round_is_refused_and_nothing_changes(target: Target) -> None:
    first = one("t", {"p": "VARCHAR", "v": "DECIMAL(10,2)"}, "SELECT '1' p, 1.12::DECIMAL(10,2) v", "p = '1'")
    load(target, first)
    wider = one("t", {"p": "VARCHAR", "v": "DECIMAL(38,10)", "further": "DATE"},
                "SELECT '1' p, 1.1234567891::DECIMAL(38,10) v, NULL::DATE further", "p = '1'", "q")  # fmt: skip
    with pytest.raises(DestinationError, match=r"DECIMAL\(10,2\).*DECIMAL\(38,10\)"):
        load(target, wider)
    assert rows(target, "SELECT * FROM t") == [("1", Decimal("1.12"))]
    assert "further" not in standing(target, "t")
    assert rows(target, "SELECT count(*) FROM _dlt_loads") == [(1,)]


def test_rows_that_lack_a_declared_column_are_refused(target: Target) -> None:
    with pytest.raises(DestinationError, match="t.b"):
        load(target, one("t", {"a": "BIGINT", "b": "BIGINT"}, "SELECT 1::BIGINT a", "true"))


def test_a_value_that_does_not_convert_comes_out_as_duckdbs_own_error(target: Target, bill: Bill) -> None:
    import duckdb

    load(target, bill("v1", 5))
    package = bill("v2", 3)
    wrong = Table(
        "broken", {"cost": "DECIMAL(38,18)"}, "SELECT CAST('x' || range AS DECIMAL(38,18)) AS cost FROM range(9)", None
    )
    for place in range(len(package.tables) + 1):
        tables = (*package.tables[:place], wrong, *package.tables[place:])
        with pytest.raises(duckdb.ConversionException):
            load(target, dataclasses.replace(package, tables=tables))
        assert rows(target, "SELECT DISTINCT id[:2] FROM billing_2024_01") == [("v1",)]
        assert rows(target, "SELECT version FROM cost_rollup") == [("v1",)]
    load(target, package)
    assert rows(target, "SELECT version FROM cost_rollup ORDER BY 1") == [("v1",), ("v2",)]


def test_a_failing_check_leaves_everything_old(target: Target, bill: Bill) -> None:
    seen: list[int] = []

    def check(sql: Sql) -> None:
        seen.extend(count for (count,) in sql.query("SELECT count(*) FROM billing_2024_01"))
        raise BalanceError("totals differ")

    load(target, bill("v1", 5))
    with pytest.raises(BalanceError, match="totals differ"):
        load(target, bill("v2", 3, check=check))
    assert seen == [3]
    assert rows(target, "SELECT count(*) FROM billing_2024_01") == [(5,)]
    assert rows(target, "SELECT count(*) FROM import_ledger") == [(1,)]
    assert rows(target, "SELECT count(*) FROM _dlt_loads") == [(1,)]


def test_a_first_load_that_fails_leaves_no_table_behind(target: Target, bill: Bill) -> None:
    def check(sql: Sql) -> None:
        raise BalanceError("no")

    with pytest.raises(BalanceError):
        load(target, bill("v1", 5, check=check))
    with connect_readonly(target) as sql:
        assert sql.query("SELECT table_schema, table_name FROM information_schema.tables") == []
        assert sql.query("SELECT schema_name FROM information_schema.schemata WHERE schema_name = ?", DATASET) == []


def test_a_failing_closing_statement_rolls_back_too(target: Target, bill: Bill) -> None:
    import duckdb

    broken = dataclasses.replace(bill("v1", 5), after=lambda sql: ["CREATE VIEW w AS SELECT * FROM nowhere"])
    with pytest.raises(duckdb.CatalogException):
        load(target, broken)
    with pytest.raises(DataMissing):
        rows(target, "SELECT * FROM billing_2024_01")


def test_a_table_that_somebody_dropped_is_made_again(target: Target, bill: Bill) -> None:
    import duckdb

    load(target, bill("v1", 5))
    with duckdb.connect(target.location) as connection:
        connection.execute(f"DROP TABLE {DATASET}.focus_cost_and_usage")
        connection.execute(f"ALTER TABLE {DATASET}.import_ledger DROP COLUMN row_count")
    load(target, bill("v1", 5))
    assert rows(target, "SELECT count(*) FROM focus_cost_and_usage") == [(5,)]
    assert rows(target, "SELECT row_count FROM import_ledger ORDER BY 1") == [(5,), (None,)]


def test_a_table_can_be_loaded_once_per_package_only(bill: Bill) -> None:
    package = bill("v1", 1)
    with pytest.raises(ValueError, match="cost_rollup"):
        dataclasses.replace(package, tables=(*package.tables, package.tables[2]))


@pytest.mark.parametrize("name", ["", "Acme", "a b", "a;b", "ä"])
def test_pipeline_names_are_plain(bill: Bill, name: str) -> None:
    with pytest.raises(ValueError, match="pipeline"):
        dataclasses.replace(bill("v1", 1), pipeline=name)


def test_datasets_do_not_touch_each_other(target: Target, bill: Bill) -> None:
    load(target, bill("v1", 5))
    load(target, bill("v1", 3, dataset="acme_billing_other"))
    assert rows(target, "SELECT count(*) FROM billing_2024_01") == [(5,)]
    assert read_rows(target, "acme_billing_other", "SELECT count(*) FROM billing_2024_01") == [(3,)]


def test_a_dataset_cannot_have_the_name_of_the_database(target: Target, bill: Bill) -> None:
    with pytest.raises(ConfigError, match="finops"):
        load(target, bill("v1", 1, dataset="finops"))


def test_nothing_is_left_and_dlts_tables_grow_by_shape_only(target: Target, bill: Bill) -> None:
    for version in range(6):
        load(target, bill(f"v{version}", 2))
    assert sorted(path.name for path in target.data_dir.iterdir()) == ["finops.duckdb"]
    assert rows(target, "SELECT count(*) FROM _dlt_version") == [(1,)]
    assert rows(target, "SELECT count(*) FROM _dlt_loads") == [(6,)]


def test_reading_before_anything_is_there(target: Target, bill: Bill) -> None:
    with pytest.raises(DataMissing), connect_readonly(target):
        pass
    load(target, bill("v1", 1))
    with pytest.raises(DataMissing):
        read_rows(target, "other_billing", "SELECT * FROM import_ledger")
    with pytest.raises(DataMissing):
        rows(target, "SELECT * FROM not_there")


def test_reading_can_neither_write_nor_reach_files_nor_change_settings(
    target: Target, bill: Bill, tmp_path: Path
) -> None:
    import duckdb

    load(target, bill("v1", 1))
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for statement in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/other.duckdb'",
        "SET enable_external_access = true",
        f"DELETE FROM {DATASET}.billing_2024_01",
    ):
        with connect_readonly(target) as sql, pytest.raises(duckdb.Error):
            sql.run(statement)


def test_parameters_are_bound(target: Target, bill: Bill) -> None:
    load(target, bill("v1", 3))
    assert rows(target, "SELECT count(*) FROM billing_2024_01 WHERE id = ?", "v1-1' OR true --") == [(0,)]
    assert rows(target, "SELECT id FROM billing_2024_01 WHERE id = ?", "v1-1") == [("v1-1",)]


def test_times_are_utc_whatever_the_machine_says(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    select = "SELECT CAST(TIMESTAMPTZ '2024-01-01 12:00:00+00:00' AS TIMESTAMP) AS \"at\""
    load(target, one("t", {"at": "TIMESTAMP"}, select, "true"))
    assert rows(target, 'SELECT "at"::VARCHAR FROM t') == [("2024-01-01 12:00:00",)]


def test_settings_bound_memory_threads_and_spill(tmp_path: Path) -> None:
    target = Target.parse("duckdb", tmp_path / "data", memory_limit="300MB", threads=1)
    memory, threads, spill = (f"current_setting('{key}')" for key in ("memory_limit", "threads", "temp_directory"))
    asked = f"SELECT {memory} AS m, CAST({threads} AS BIGINT) AS n, {spill} AS d"
    load(target, one("t", {"m": "VARCHAR", "n": "BIGINT", "d": "VARCHAR"}, asked, "true"))
    [(memory, threads, spill)] = rows(target, "SELECT * FROM t")
    assert memory.startswith("286")
    assert threads == 1
    assert spill.startswith(str(tmp_path / "data"))


def test_only_small_loads_merge_what_earlier_ones_have_written(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def parts_after_another_load() -> int:
        load(target, one("t", {"n": "BIGINT"}, "SELECT range AS n FROM range(3)", None))
        [(count,)] = rows(target, "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('t')")
        return int(count)

    assert [parts_after_another_load() for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr(embedded, "MERGED_UP_TO", 2)
    assert [parts_after_another_load() for _ in range(2)] == [2, 3]
    monkeypatch.undo()
    assert parts_after_another_load() == 1
    assert rows(target, "SELECT count(*), sum(n) FROM t") == [(18, 18)]


def test_it_is_told_how_far_the_rows_are(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finops_core.load.embedded.WATCHED", 0.01)
    told: list[tuple[str, float]] = []
    select = "SELECT md5(i::VARCHAR) AS mark FROM range(1500000) AS numbers(i)"
    package = one("marks", {"mark": "VARCHAR"}, select, "true")
    load(target, package, watch=lambda table, percent: told.append((table, percent)))
    assert {table for table, _ in told} == {"marks"}
    assert all(0 <= percent <= 100 for _, percent in told)
