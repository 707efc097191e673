"""What AWS sells to the sample world, SKU by SKU and region by region, and the columns that its bills have."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

from finops_core.sample import draw

from finops_aws.sample.company import REGIONS, TICKS, Region

RESERVABLE = {"compute-reserved": "BoxUsage:m5.", "database-reserved": "InstanceUsage:db.r5."}
"""What the reservations cover: usage types of one family, size-flexible, in the first region only."""


@dataclass(frozen=True)
class ColumnSpec:
    """A column of the bill: its name in Parquet and CUR 2.0, its header in CUR v1 CSV, and when v1 has it."""

    name: str
    header: str
    type: str
    manifest_type: str
    v1: str
    v2: str


def column_specs() -> list[ColumnSpec]:
    return [ColumnSpec(**row) for row in _read("columns.csv")]


def focus_columns() -> list[dict[str, str]]:
    """The columns of AWS's FOCUS exports: name, type, and whether versions 1.0 and 1.2 have them."""
    return _read("focus_columns.csv")


def _read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__package__).joinpath(name).read_text("utf-8").splitlines()))


def all_skus() -> list[dict[str, Any]]:
    """Every SKU in every region: the columns of the table skus, and `weight` among the SKUs of its kind."""
    names = {
        spec.header.removeprefix("product/"): spec for spec in column_specs() if spec.header.startswith("product/")
    }
    skus: list[dict[str, Any]] = []
    for row in _read("skus.csv"):
        for region in REGIONS:
            sku = _sku(len(skus), row, region)
            known = _attributes(sku, row, region)
            columns = {spec.name: known.get(attribute) for attribute, spec in names.items()}
            moved = {spec.name.removeprefix("product_"): spec for spec in names.values() if spec.v2 == "no"}
            folded = {key: columns[spec.name] for key, spec in sorted(moved.items()) if columns[spec.name]}
            del columns["product_product_name"]
            skus.append(sku | columns | {"folded_keys": list(folded), "folded_values": list(folded.values())})
    return skus


def _sku(number: int, row: dict[str, str], region: Region) -> dict[str, Any]:
    price, public = Decimal(row["price"]), Decimal(row["public_price"] or row["price"])
    regional, usage_type = row["regional"] == "yes", row["usage_type"]
    chance = draw("aws-sku", row["product_code"], usage_type, region.code if regional else "global")
    covered = [name for name, start in RESERVABLE.items() if usage_type.startswith(start) and region is REGIONS[0]]
    return {
        "sku": number,
        "kind": row["kind"],
        "weight": int(row["weight"]),
        "code": row["product_code"],
        "title": row["product_name"],
        "usage_type": (region.prefix if regional else "") + usage_type,
        "operation": row["operation"] or None,
        "unit": row["unit"],
        "price": int(price * TICKS),
        "public_price": int(public * TICKS),
        "rate": rate_text(price),
        "public_rate": rate_text(public),
        "description": f"${price:f} per {row['description']}",
        "pattern": row["resource"] or None,
        "factor": int(row["factor"] or 0),
        "whole": row["unit"] in ("Requests", "Events", "Notifications", "WriteRequestUnits"),
        "region": region.code if regional else None,
        "region_prefix": region.prefix,
        "zonal": row["kind"] == "compute",
        "reservation": covered[0] if covered else None,
        "plannable": usage_type.startswith("BoxUsage"),
        "marketplace": row["kind"] == "marketplace",
        "sku_id": _letters(chance),
        "rate_id": str(10**8 + chance % (9 * 10**8)),
    }


def rate_text(rate: Decimal) -> str:
    """A rate as AWS prints it: ten decimals or more, in scientific notation below a millionth."""
    if 0 < rate < Decimal("0.000001"):
        return str(rate.normalize())
    return f"{rate:.10f}" if rate == round(rate, 10) else f"{rate:f}"


def _attributes(sku: dict[str, Any], row: dict[str, str], region: Region) -> dict[str, str]:
    known = {
        "ProductName": row["product_name"],
        "servicecode": row["product_code"],
        "servicename": row["product_name"],
        "productFamily": row["family"],
        "usagetype": sku["usage_type"],
        "operation": sku["operation"],
        "sku": sku["sku_id"],
        "pricingUnit": row["unit"],
    }
    if sku["region"]:
        known |= {
            "location": region.name,
            "locationType": "AWS Region",
            "region": region.code,
            "regionCode": region.code,
        }
    if row["family"] == "Data Transfer" and sku["region"]:
        known |= {"fromLocation": region.name, "fromLocationType": "AWS Region", "fromRegionCode": region.code}
    if row["family"] == "Compute Instance":
        known |= {"operatingSystem": "Linux", "tenancy": "Shared", "licenseModel": "No License required"}
        known |= {"preInstalledSw": "NA", "capacitystatus": "Used", "currentGeneration": "Yes"}
        known |= {"processorArchitecture": "64-bit", "processorFeatures": "Intel AVX; Intel AVX2; Intel Turbo"}
        known |= {"enhancedNetworkingSupported": "Yes", "intelAvxAvailable": "Yes"}
        known |= {"normalizationSizeFactor": row["factor"]}
        known.setdefault("marketoption", "OnDemand")
    pairs = (pair.split("=", 1) for pair in row["attributes"].split(";") if pair)
    return {key: value for key, value in (known | dict(pairs)).items() if value}


def _letters(chance: int) -> str:
    """A SKU code: 16 capital letters and digits."""
    alphabet, code = "ABCDEFGHJKMNPQRSTUVWXYZ23456789", ""
    while len(code) < 16:
        chance, digit = divmod(chance or draw(code), len(alphabet))
        code += alphabet[digit]
    return code
