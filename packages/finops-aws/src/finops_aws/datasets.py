"""The shapes of AWS bills: which raw columns a file's columns become, and where their FOCUS SQL lies.

A column's type comes from AWS's data dictionary (data/*.csv), else from the manifest, else it is text: never from the
values. Money and amounts are DECIMAL(38,18), dates are TIMESTAMP in UTC, maps are JSON with their keys as written.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from finops_core import Column, Dataset, Found

from finops_aws.names import KnownNames, parquet_name

_PACKAGE = files("finops_aws")

_PAIRS = re.compile(r'STRUCT\("?KEY"? .*, "?VALUE"? .*\)\[\]$')
"""DuckDB's type of a map that a Parquet writer did not mark as one."""

TYPES = {
    "string": "VARCHAR",
    "optionalstring": "VARCHAR",
    "interval": "VARCHAR",
    "double": "DECIMAL(38,18)",
    "bigdecimal": "DECIMAL(38,18)",
    "optionalbigdecimal": "DECIMAL(38,18)",
    "timestamp": "TIMESTAMP",
    "timestamp_milliseconds": "TIMESTAMP",
    "datetime": "TIMESTAMP",
    "map": "JSON",
}
"""What AWS's dictionaries and manifests call a type, in lower case -> DuckDB type of the raw column."""

FOLDED = {"resource_tags": ("resourceTags/", "resource_tags_"), "cost_category": ("costCategory/", "cost_category_")}
"""JSON column of CUR v1 -> how its members' names begin in CSV, and in Parquet."""

MAPS_OF_CUR_V2 = ("product", "discount", "tags")
"""NULL in CUR v1, which has a column per member: FOCUS SQL may read them from either kind."""


def cur_v1_columns(found: Sequence[Found]) -> list[Column]:
    """Every column of a CUR v1 file under its Parquet name; and all tags, and all cost categories, as one JSON each.

    The JSON's keys are the original ones (`user:Name`) in CSV. A Parquet file has lost them: there they are what
    stands after the prefix (`user_name`). Members without a value are left out.
    """
    columns = _cur_columns(found, "cur_v1")
    present = {column.name for column in columns}
    for name, prefixes in FOLDED.items():
        members = [(key, item.ref) for item in found if (key := _member(item.name, prefixes))]
        if members and name not in present:
            columns.append(Column(name, "JSON", f"{prefixes[0]}*", _json_object(members)))
    return columns


def cur_v2_columns(found: Sequence[Found]) -> list[Column]:
    """Every column of a CUR 2.0 file under its documented name; maps become JSON."""
    return _cur_columns(found, "cur_v2")


def focus_columns(found: Sequence[Found]) -> list[Column]:
    """Every column of an AWS FOCUS file under its own name; maps become JSON."""
    types = _dictionary("focus")
    names = {name.lower(): name for name in types}
    columns = []
    for item in found:
        written = item.name.strip()
        name = names.get(written.lower(), written)
        columns.append(_column(name, item, types.get(name)))
    return columns


def _cur_columns(found: Sequence[Found], dictionary: str) -> list[Column]:
    types = _dictionary(dictionary)
    known = KnownNames(types)
    written = [parquet_name(item.name) for item in found]
    present = frozenset(written)
    columns = []
    for item, name in zip(found, written, strict=True):
        if _is_member(item.name):
            columns.append(Column(name, "VARCHAR", item.name))
        else:
            resolved = known.resolve(name, beside=present)
            columns.append(_column(resolved, item, types.get(resolved)))
    return columns


def _column(name: str, item: Found, documented: str | None) -> Column:
    """A map keeps its pairs as JSON text, whether or not the dictionary knows the column."""
    kind = item.type.upper()
    if kind.startswith("MAP("):
        return Column(name, "JSON", item.name, f"to_json({item.ref})")
    if _PAIRS.match(kind):
        pair = "to_json(pair.key) || ':' || coalesce(to_json(pair.value)::VARCHAR, 'null')"
        pairs = f"array_to_string(list_transform({item.ref}, lambda pair: {pair}), ',')"
        return Column(name, "JSON", item.name, f"'{{' || {pairs} || '}}'")
    if kind.startswith("STRUCT(") or kind.endswith("[]"):
        return Column(name, "JSON", item.name, f"to_json({item.ref})")
    return Column(name, documented or TYPES.get(item.declared.lower().partition("<")[0], "VARCHAR"), item.name)


def _is_member(source: str) -> bool:
    return any(_member(source, prefixes) for prefixes in FOLDED.values())


def _member(source: str, prefixes: Iterable[str]) -> str:
    """The key of a tag's or cost category's own column; "" for every other column."""
    return next((source[len(p) :] for p in prefixes if source.lower().startswith(p.lower())), "")


def _json_object(members: Iterable[tuple[str, str]]) -> str:
    """DuckDB SQL: {"key": value, …} of the columns that have a value. concat_ws leaves NULLs out."""
    pairs = ", ".join(
        f"{_literal(json.dumps(key, ensure_ascii=False) + ':')} || to_json(nullif(CAST({ref} AS VARCHAR), ''))"
        for key, ref in members
    )
    return f"'{{' || concat_ws(',', {pairs}) || '}}'"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cache
def _dictionary(name: str) -> dict[str, str]:
    """Documented column name -> DuckDB type."""
    text = _PACKAGE.joinpath(f"data/{name}_columns.csv").read_text(encoding="utf-8")
    return {row["name"]: TYPES[row["type"].partition("<")[0]] for row in csv.DictReader(text.splitlines())}


_LOOKUPS = {
    "aws_services": _PACKAGE.joinpath("focus/services.csv"),
    "aws_regions": _PACKAGE.joinpath("focus/regions.csv"),
    "aws_units": _PACKAGE.joinpath("focus/units.csv"),
}

_CUR_REQUIRED = (
    "bill_billing_period_start_date",
    "line_item_line_item_type",
    "line_item_unblended_cost",
    "line_item_usage_account_id",
    "line_item_usage_start_date",
)

_CUR_QUANTITIES = (
    "line_item_usage_amount",
    "line_item_normalization_factor",
    "line_item_normalized_usage_amount",
    "reservation_unused_normalized_unit_quantity",
    "reservation_unused_quantity",
    "savings_plan_savings_plan_rate",
    "split_line_item_actual_usage",
    "split_line_item_reserved_usage",
    "split_line_item_split_usage",
    "split_line_item_split_usage_ratio",
)

_FOCUS_QUANTITIES = (
    "CommitmentDiscountQuantity",
    "ConsumedQuantity",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
)

_FINAL = "count(*) > 0 AND count(*) FILTER (WHERE bill_invoice_id IS NULL AND line_item_unblended_cost <> 0) = 0"
"""AWS fills in the invoice's id when it closes the month: until then every charge is an estimate."""

CUR_V1 = Dataset(
    name="cur-v1",
    title="Cost and Usage Report",
    columns=cur_v1_columns,
    known={**_dictionary("cur_v1"), **dict.fromkeys((*FOLDED, *MAPS_OF_CUR_V2), "JSON")},
    required=_CUR_REQUIRED,
    cost="line_item_unblended_cost",
    currency="line_item_currency_code",
    focus=_PACKAGE.joinpath("focus/cur_v1.sql"),
    lookups=_LOOKUPS,
    checks=_PACKAGE.joinpath("focus/checks_cur.sql"),
    final=_FINAL,
    quantities=_CUR_QUANTITIES,
)

CUR_V2 = Dataset(
    name="cur-v2",
    title="CUR 2.0 (Data Exports)",
    columns=cur_v2_columns,
    known=_dictionary("cur_v2"),
    required=_CUR_REQUIRED,
    cost="line_item_unblended_cost",
    currency="line_item_currency_code",
    focus=_PACKAGE.joinpath("focus/cur_v2.sql"),
    lookups=_LOOKUPS,
    checks=_PACKAGE.joinpath("focus/checks_cur.sql"),
    final=_FINAL,
    quantities=_CUR_QUANTITIES,
)


def _focus(version: str) -> Dataset:
    return Dataset(
        name=f"focus-{version}",
        title=f"FOCUS {version} with AWS columns (Data Exports)",
        columns=focus_columns,
        known=_dictionary("focus"),
        required=("BilledCost", "BillingCurrency", "ChargePeriodStart"),
        cost="BilledCost",
        currency="BillingCurrency",
        focus=_PACKAGE.joinpath(f"focus/focus_{version.replace('.', '_')}.sql"),
        lookups=_LOOKUPS,
        checks=_PACKAGE.joinpath("focus/checks_focus.sql"),
        quantities=_FOCUS_QUANTITIES,
    )


FOCUS_1_0 = _focus("1.0")
FOCUS_1_2 = _focus("1.2")

DATASETS = (CUR_V1, CUR_V2, FOCUS_1_0, FOCUS_1_2)
