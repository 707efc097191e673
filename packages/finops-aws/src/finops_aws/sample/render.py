"""The columns of each format, each as one SQL expression over the view `bill`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finops_core import Period
from finops_core.sample import World

from finops_aws.sample.catalog import ColumnSpec, column_specs, focus_columns
from finops_aws.sample.lines import has_split_costs
from finops_aws.sample.shapes import Shape


@dataclass(frozen=True)
class OutputColumn:
    """A column as it is written: its `header` in the file, SQL over `bill`, and how the manifest lists it: `category`
    (empty in Data Exports), `type`, and `names`, several where AWS writes several tags into one column."""

    header: str
    expression: str
    type: str
    category: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Tag:
    """A tag or cost category: its key, the column of `bill`, its column in Parquet and key in CUR 2.0 maps."""

    key: str
    source: str
    parquet: str
    later: bool = False


TAGS = (
    _Tag("user:Name", "tag_name", "user_name"),
    _Tag("user:Owner", "tag_owner", "user_owner"),
    _Tag("user:owner", "tag_owner_lower", "user_owner"),
    _Tag("user:Environment", "tag_environment", "user_environment"),
    _Tag("user:cost-center", "tag_cost_center", "user_cost_center"),
    _Tag("user:Kostenstelle-Ü", "tag_kostenstelle", "user_kostenstelle"),
    _Tag("user:Project", "tag_project", "user_project", later=True),
    _Tag("aws:createdBy", "tag_created_by", "aws_created_by"),
)
"""Owner and owner differ only by case: two columns in CSV, but AWS merges them in Parquet and in maps. Project was
activated after the first month, so the first month has no column for it."""

CATEGORIES = (_Tag("Team", "category_team", "team"), _Tag("Charge type", "category_charge_type", "charge_type"))

DISCOUNTS = {"edp_discount": "discount_edp_discount"}
"""Key in CUR 2.0's map of discounts -> column of `bill`."""

SKU_DETAILS = {
    "InstanceType": "product_instance_type",
    "InstanceSeries": "product_instance_type_family",
    "OperatingSystem": "product_operating_system",
    "StorageClass": "product_storage_class",
}
"""Details of a SKU in FOCUS -> column of `bill`."""

EMPTY_TEXT = {
    "bill_invoice_id",
    "line_item_operation",
    "line_item_tax_type",
    "line_item_availability_zone",
    "product_region",
}
"""Columns of CUR v1 Parquet that hold '' where there is nothing. In the others it is NULL: AWS writes both."""

NEWER = {"tags", "line_item_user_identifier"}
"""CUR 2.0 columns that came later; an export lists its columns in its own SQL, and this one was set up before."""


def columns(shape: Shape, world: World, period: Period, present: frozenset[str]) -> list[OutputColumn]:
    """The columns of one month's bill in their order; `present` are the columns that the shape's view has."""
    if shape.focus:
        version = "v1_0" if shape.table == "focus-1.0" else "v1_2"
        return [_focus(row["name"], row["type"], shape, present) for row in focus_columns() if row[version] == "1"]
    if shape.table == "v2":
        return [_v2(spec, shape, present) for spec in column_specs() if spec.v2 == "yes" and spec.name not in NEWER]
    specs = [spec for spec in column_specs() if _in_v1(spec, shape, world, period)]
    found = [_v1(spec, shape, present) for spec in specs]
    tags = [tag for tag in TAGS if not tag.later or period != world.periods[0]]
    return (
        found
        + _v1_tags("resourceTags", "resource_tags", tags, shape)
        + _v1_tags("costCategory", "cost_category", CATEGORIES, shape)
    )


def _in_v1(spec: ColumnSpec, shape: Shape, world: World, period: Period) -> bool:
    return {
        "always": True,
        "not-first": period != world.periods[0],
        "not-last": period != world.periods[-1],
        "net": shape.discount == "net",
        "split": has_split_costs(world, period),
    }.get(spec.v1, False)


def _v1(spec: ColumnSpec, shape: Shape, present: frozenset[str]) -> OutputColumn:
    category, name = spec.header.split("/", 1)
    expression = _typed(spec, shape, present)
    if shape.parquet and spec.name in EMPTY_TEXT:
        expression = f"coalesce({expression}, '')"
    return OutputColumn(spec.name if shape.parquet else spec.header, expression, spec.manifest_type, category, (name,))


def _v1_tags(category: str, prefix: str, tags: Sequence[_Tag], shape: Shape) -> list[OutputColumn]:
    type_ = "OptionalString"
    if not shape.parquet:
        return [OutputColumn(f"{category}/{tag.key}", tag.source, type_, category, (tag.key,)) for tag in tags]
    return [
        OutputColumn(
            f"{prefix}_{name}", expression, type_, category, tuple(tag.key for tag in tags if tag.parquet == name)
        )
        for name, expression in _merged(tags).items()
    ]


def _merged(tags: Sequence[_Tag]) -> dict[str, str]:
    """Normalised key -> SQL; keys that become equal are one, the first value wins."""
    sources: dict[str, list[str]] = {}
    for tag in tags:
        sources.setdefault(tag.parquet, []).append(tag.source)
    return {name: f"coalesce({', '.join(found)})" if len(found) > 1 else found[0] for name, found in sources.items()}


def _v2(spec: ColumnSpec, shape: Shape, present: frozenset[str]) -> OutputColumn:
    maps: dict[str, dict[str, str]] = {
        "resource_tags": _merged(TAGS),
        "cost_category": _merged(CATEGORIES),
        "discount": DISCOUNTS,
    }
    if spec.name == "product":
        expression = (
            "coalesce(map(folded_keys, folded_values), map())"
            if shape.parquet
            else "coalesce(to_json(map(folded_keys, folded_values))::VARCHAR, '{}')"
        )
    elif spec.name in maps:
        expression = _map(maps[spec.name], shape, "DOUBLE" if spec.type.endswith("double>") else "VARCHAR")
    else:
        expression = _typed(spec, shape, present)
    type_ = "map" if spec.type.startswith("map") else spec.type
    return OutputColumn(spec.name, expression, type_, names=(spec.name,))


def _focus(name: str, type_: str, shape: Shape, present: frozenset[str]) -> OutputColumn:
    tags = {tag.key: tag.source for tag in TAGS}
    categories = {tag.key: tag.source for tag in CATEGORIES}
    if shape.table == "focus-1.2":
        # Cost categories have no column any more: they stand among the tags.
        tags |= {f"costCategory/{key}": source for key, source in categories.items()}
    maps = {"Tags": tags, "x_CostCategories": categories, "x_Discounts": {}, "SkuPriceDetails": SKU_DETAILS}
    if name in maps:
        expression = _map(maps[name], shape, "DOUBLE" if type_.endswith("double>") else "VARCHAR")
        if name == "SkuPriceDetails":
            expression = f"CASE WHEN ChargeCategory <> 'Tax' THEN {expression} END"
    else:
        spec = ColumnSpec(name, "", type_.partition("_")[0], "", "", "")
        expression = _typed(spec, shape, present)
    return OutputColumn(name, expression, "map" if type_.startswith("map") else type_, names=(name,))


def _map(entries: dict[str, str], shape: Shape, type_: str) -> str:
    """A map with the keys that have a value on the row. In CSV it is a JSON object in one cell."""
    if not shape.parquet:
        texts = ", ".join(f"""'"{key}":' || to_json({source})""" for key, source in entries.items())
        return f"'{{' || concat_ws(',', {texts}) || '}}'" if texts else "'{}'"
    if not entries:
        return f"MAP {{}}::MAP(VARCHAR, {type_})"
    pairs = ", ".join(f"{{'key': '{key}', 'value': {source}}}" for key, source in entries.items())
    return f"map_from_entries(list_filter([{pairs}], lambda entry: entry.value IS NOT NULL))"


def _typed(spec: ColumnSpec, shape: Shape, present: frozenset[str]) -> str:
    type_ = {"double": "DOUBLE", "timestamp": "TIMESTAMP_MS"}.get(spec.type, "VARCHAR")
    if spec.name not in present:
        return f"NULL::{type_}"
    if spec.type == "string":
        return spec.name
    if shape.parquet:
        return f"{spec.name}::{type_}"
    if spec.type == "timestamp":
        # CUR v1 prints whole seconds, Data Exports milliseconds.
        return f"strftime({spec.name}, '%Y-%m-%dT%H:%M:%S{'Z' if shape.table == 'v1' else '.000Z'}')"
    return spec.name
