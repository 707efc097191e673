"""Single FOCUS records for tests: valid, consistent in themselves, the same for the same arguments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from finops_core.focus.columns import columns
from finops_core.periods import Period
from finops_core.sample.draws import draw
from finops_core.sample.world import ACCOUNTS, APPLICATIONS

PROVIDER = "Example Cloud"


@dataclass(frozen=True)
class _Service:
    """What a unit of a service is, what it costs, and where FOCUS puts it."""

    category: str
    subcategory: str
    unit: str
    price: Decimal
    resource_type: str


SERVICES = {
    "Virtual Machines": _Service("Compute", "Virtual Machines", "Hours", Decimal("0.096"), "Virtual Machine"),
    "Object Storage": _Service("Storage", "Object Storage", "GB-Months", Decimal("0.023"), "Bucket"),
    "Relational Database": _Service("Databases", "Relational Databases", "Hours", Decimal("0.24"), "Database"),
    "Serverless Functions": _Service(
        "Compute", "Serverless Compute", "GB-Seconds", Decimal("0.0000166667"), "Function"
    ),
    "Load Balancer": _Service("Networking", "Application Networking", "Hours", Decimal("0.0225"), "Load Balancer"),
}
"""Any other service name is put under Other, so that each name always has one category."""

OTHER = _Service("Other", "Other (Other)", "Units", Decimal("0.021"), "Resource")


def generate_focus_record(
    billing_period: str | Period,
    service_name: str | None = None,
    region: str | None = None,
    usage_date: dt.date | None = None,
    billed_cost: Decimal | None = None,
    currency: str = "USD",
) -> dict[str, Any]:
    """One on-demand usage row of FOCUS 1.2, covering one day.

    The keys are all columns of FOCUS 1.2; values are str, Decimal, datetime (naive, UTC), dict (JSON) or None, and fit
    together: cost = unit price x quantity, with `billed_cost` if given; the day lies in the period unless `usage_date`
    says otherwise. The same arguments always give the same record. Raises UsageError for a malformed period.
    """
    period = billing_period if isinstance(billing_period, Period) else Period.parse(billing_period)
    chance = draw("focus", period, service_name, region, usage_date, billed_cost, currency)
    name = service_name or sorted(SERVICES)[chance % len(SERVICES)]
    service = SERVICES.get(name, OTHER)
    day = usage_date or period.start + dt.timedelta(days=chance // 8 % (period.end - period.start).days)
    # A whole number of units, or one unit at the price asked for: cost = price x quantity holds exactly either way.
    quantity = Decimal(1 + chance // 256 % 24) if billed_cost is None else Decimal(1)
    price = service.price if billed_cost is None else abs(billed_cost)
    cost = service.price * quantity if billed_cost is None else billed_cost
    if billed_cost is not None and billed_cost < 0:
        quantity = Decimal(-1)
    record: dict[str, Any] = dict.fromkeys(column.name for column in columns("1.2"))
    record |= _when(period, day) | _who(chance) | _where(region or "eu-central-1")
    record |= _what(name, service, chance) | _how_much(cost, price, quantity, service.unit)
    return record | {"BillingCurrency": currency, "PricingCurrency": currency}


def _when(period: Period, day: dt.date) -> dict[str, Any]:
    midnight = dt.time()
    return {
        "BillingPeriodStart": dt.datetime.combine(period.start, midnight),
        "BillingPeriodEnd": dt.datetime.combine(period.end, midnight),
        "ChargePeriodStart": dt.datetime.combine(day, midnight),
        "ChargePeriodEnd": dt.datetime.combine(day + dt.timedelta(days=1), midnight),
    }


def _who(chance: int) -> dict[str, Any]:
    account = ACCOUNTS[chance // 1024 % len(ACCOUNTS)]
    application = next(item for item in APPLICATIONS if item.team == account.team)
    return {
        "BillingAccountId": "0123456789",
        "BillingAccountName": "Acme Retail",
        "BillingAccountType": "Organization",
        "SubAccountId": f"{draw('account', account.number) % 10**12:012d}",
        "SubAccountName": account.name,
        "SubAccountType": "Account",
        "ProviderName": PROVIDER,
        "PublisherName": PROVIDER,
        "InvoiceIssuerName": PROVIDER,
        "InvoiceId": str(10**9 + chance % 10**9),
        "Tags": {"team": account.team, "environment": account.environment, "application": application.name},
    }


def _where(region: str) -> dict[str, Any]:
    return {"RegionId": region, "RegionName": region.replace("-", " ").title(), "AvailabilityZone": f"{region}a"}


def _what(name: str, service: _Service, chance: int) -> dict[str, Any]:
    return {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{name}, on demand, per {service.unit}",
        "ChargeFrequency": "Usage-Based",
        "ServiceName": name,
        "ServiceCategory": service.category,
        "ServiceSubcategory": service.subcategory,
        "ResourceId": f"res-{chance:016x}",
        "ResourceName": f"{service.resource_type.lower().replace(' ', '-')}-{chance % 100:02d}",
        "ResourceType": service.resource_type,
        "SkuId": f"SKU-{draw(name) % 10**8:08d}",
        "SkuPriceId": f"SKU-{draw(name) % 10**8:08d}-ondemand",
        "SkuMeter": f"{name} usage",
        "SkuPriceDetails": {"x_Unit": service.unit},
        "PricingCategory": "Standard",
    }


def _how_much(cost: Decimal, price: Decimal, quantity: Decimal, unit: str) -> dict[str, Any]:
    costs = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "PricingCurrencyEffectiveCost")
    prices = (
        "ListUnitPrice",
        "ContractedUnitPrice",
        "PricingCurrencyListUnitPrice",
        "PricingCurrencyContractedUnitPrice",
    )
    quantities = {"PricingQuantity": quantity, "PricingUnit": unit, "ConsumedQuantity": quantity, "ConsumedUnit": unit}
    return dict.fromkeys(costs, cost) | dict.fromkeys(prices, price) | quantities
