"""A view over periods whose columns differ in type has every value as it stands in its period, in each destination."""

from __future__ import annotations

import dataclasses
from decimal import Decimal, localcontext

import pytest
from finops_core.load import Package, Table, Target, connect_readonly, load, read_rows
from finops_core.load.views import period_views

DATASET = "acme_billing"
MONTHS = {
    "2024-01": {"usage": ("DECIMAL(38,18)", "1234567890.5"), "big": ("DECIMAL(38,18)", "12345678901234567890.5")},
    "2024-02": {"usage": ("DECIMAL(38,25)", "9.313225746154785E-10"), "big": ("DECIMAL(38,25)", "1E-25")},
    "2024-03": {"usage": ("DECIMAL(38,20)", "9.3132257462E-10"), "odd": ("VARCHAR", "n/a")},
    "2024-04": {"odd": ("DECIMAL(38,18)", "0.25"), "cost": ("DECIMAL(38,18)", "1.5"), "usage": ("BIGINT", "7")},
}
"""Month -> column -> type there, and the value in its one row."""


@pytest.fixture(params=["duckdb", "lake", "postgres"])
def destination(request: pytest.FixtureRequest, target: Target) -> Target:
    if request.param == "lake":
        return Target.parse((target.data_dir.parent / "lake").as_uri(), target.data_dir)
    found: Target = request.getfixturevalue("server_target") if request.param == "postgres" else target
    return found


def month(name: str) -> Package:
    columns = {"month": "VARCHAR", **{column: kind for column, (kind, _) in MONTHS[name].items()}}
    values = [f"'{name}' AS month", *(f"CAST('{v}' AS {k}) AS {c}" for c, (k, v) in MONTHS[name].items())]
    slug = name.replace("-", "_")
    table = Table(f"billing_{slug}", columns, f"SELECT {', '.join(values)}", "true")
    package = Package(DATASET, f"p_{slug}", (table,), lambda sql: None, partition=f"billing_period={name}")
    tables = [(DATASET, f"billing_{before.replace('-', '_')}") for before in MONTHS if before <= name]
    return dataclasses.replace(package, after=lambda sql: period_views(DATASET, tables))


def test_values_are_those_of_the_periods(destination: Target) -> None:
    for name in MONTHS:
        load(destination, month(name))
    found = read_rows(destination, DATASET, "SELECT month, usage, big, odd, cost FROM billing ORDER BY month")
    for name, *values in found:
        for column, value in zip(("usage", "big", "odd", "cost"), values, strict=True):
            kind, text = MONTHS[name].get(column, ("", None))
            number = kind not in ("VARCHAR", "")
            assert (Decimal(value) if number else value) == (Decimal(text) if number and text else text), (name, column)
    with connect_readonly(destination) as sql:
        kinds = sql.columns(DATASET, "billing")
    assert kinds["usage"] == "DECIMAL(38,25)", "numbers where one type has room for all of them"
    assert (kinds["big"], kinds["odd"]) == ("VARCHAR", "VARCHAR")
    assert kinds["cost"] == "DECIMAL(38,18)"
    [(total,)] = read_rows(destination, DATASET, "SELECT sum(usage) FROM billing")
    with localcontext(prec=60):
        assert total == sum(Decimal(columns["usage"][1]) for columns in MONTHS.values() if "usage" in columns)
