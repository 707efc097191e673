"""Single CUR v1 records for tests: consistent in themselves, the same for the same arguments."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from finops_core import Period
from finops_core.errors import UsageError
from finops_core.sample import draw

from finops_aws.sample.catalog import all_skus, column_specs, rate_text
from finops_aws.sample.lines import SELLER


def generate_cur_record(
    billing_period: str | Period,
    usage_date: dt.date | None = None,
    product_code: str = "AmazonEC2",
    region: str = "us-east-1",
    unblended_cost: Decimal | None = None,
    line_item_type: str = "Usage",
) -> dict[str, str]:
    """One row of a CUR v1 CSV: header -> text, "" where the bill has nothing. One day of usage of one SKU.

    The headers are those that every month's sample bill has, without tags. Cost = rate x amount; an `unblended_cost`
    is taken over exactly, as one unit. The day lies in the period unless `usage_date` says otherwise. Tax, Credit,
    Refund and Fee rows have no rate and no SKU. The same arguments always give the same record.
    Raises UsageError for a malformed period and for a product that the sample world does not use in that region.
    """
    period = billing_period if isinstance(billing_period, Period) else Period.parse(billing_period)
    chance = draw("cur", period, usage_date, product_code, region, unblended_cost, line_item_type)
    day = usage_date or period.start + dt.timedelta(days=chance % (period.end - period.start).days)
    metered = line_item_type not in ("Tax", "Credit", "Refund", "Fee")
    starts, ends = (day, day + dt.timedelta(days=1)) if metered else (period.start, period.end)
    span = [f"{moment:%Y-%m-%d}T00:00:00Z" for moment in (starts, ends)]
    record = {spec.header: "" for spec in column_specs() if spec.v1 == "always"}
    record |= {
        "identity/LineItemId": f"{chance:016x}{draw(chance):016x}",
        "identity/TimeInterval": "/".join(span),
        "bill/InvoiceId": str(10**9 + draw("invoice", period) % 10**9),
        "bill/InvoicingEntity": SELLER,
        "bill/BillingEntity": "AWS",
        "bill/BillType": "Refund" if line_item_type == "Refund" else "Anniversary",
        "bill/PayerAccountId": "012345678901",
        "bill/BillingPeriodStartDate": f"{period.start}T00:00:00Z",
        "bill/BillingPeriodEndDate": f"{period.end}T00:00:00Z",
        "lineItem/UsageAccountId": f"{10**11 + chance % 5:012d}",
        "lineItem/LineItemType": line_item_type,
        "lineItem/UsageStartDate": span[0],
        "lineItem/UsageEndDate": span[1],
        "lineItem/ProductCode": product_code,
        "lineItem/CurrencyCode": "USD",
        "lineItem/LegalEntity": SELLER,
        "lineItem/TaxType": "VAT" if line_item_type == "Tax" else "",
        "pricing/currency": "USD",
    }
    return record | (_metered if metered else _charged)(product_code, region, unblended_cost, chance)


def _metered(product_code: str, region: str, cost: Decimal | None, chance: int) -> dict[str, str]:
    skus = [
        sku
        for sku in all_skus()
        if sku["code"] == product_code and sku["region"] in (region, None) and "SpotUsage" not in sku["usage_type"]
    ]
    if not skus:
        raise UsageError(f"the sample world uses no {product_code!r} in {region!r}")
    sku = skus[chance % len(skus)]
    amount = Decimal(1 + chance // 64 % 24) if cost is None else Decimal(1 if cost >= 0 else -1)
    rate = Decimal(sku["price"]).scaleb(-10) if cost is None else abs(cost)
    attributes = {
        spec.header: sku.get(spec.name) or ""
        for spec in column_specs()
        if spec.v1 == "always" and spec.header.startswith("product/")
    }
    return (
        attributes
        | _costs(rate * amount, rate_text(rate))
        | {
            "product/ProductName": sku["title"],
            "lineItem/UsageType": sku["usage_type"],
            "lineItem/Operation": sku["operation"] or "",
            "lineItem/ResourceId": f"res-{chance:016x}",
            "lineItem/UsageAmount": f"{amount:f}",
            "lineItem/LineItemDescription": sku["description"],
            "pricing/publicOnDemandCost": f"{rate * amount:f}",
            "pricing/publicOnDemandRate": rate_text(rate),
            "pricing/RateCode": f"{sku['sku_id']}.JRTCKXETXF.6YS6EN2CT7",
            "pricing/RateId": sku["rate_id"],
            "pricing/term": "OnDemand",
            "pricing/unit": sku["unit"],
        }
    )


def _charged(product_code: str, region: str, cost: Decimal | None, chance: int) -> dict[str, str]:
    total = cost if cost is not None else Decimal(chance % 100_000).scaleb(-2)
    return _costs(total, "") | {
        "product/ProductName": product_code,
        "product/region": region,
        "lineItem/UsageAmount": "1",
        "lineItem/LineItemDescription": f"Charge for {product_code}",
    }


def _costs(total: Decimal, rate: str) -> dict[str, str]:
    costs = dict.fromkeys(("lineItem/UnblendedCost", "lineItem/BlendedCost"), f"{total:f}")
    return costs | dict.fromkeys(("lineItem/UnblendedRate", "lineItem/BlendedRate"), rate)
