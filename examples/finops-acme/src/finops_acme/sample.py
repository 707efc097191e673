"""Generated bills, laid out as Acme Cloud delivers them. The same seed gives the same bytes."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_core import Period, SampleRequest

from finops_acme.datasets import KNOWN

LINES_PER_FILE = 10_000

PRICES = {"Compute": Decimal("0.0416"), "Storage": Decimal("0.000031"), "Network": Decimal("0.085")}


def write(request: SampleRequest) -> dict[str, Any]:
    """Write the months that were asked for below `request.out`, and truth.json. Returns the settings that read them."""
    periods = [request.last.shift(-back) for back in reversed(range(request.months))]
    folder = request.out / "bills"
    truth = {}
    for period in periods:
        deliveries = 2 if period == request.redeliver else 1
        for number in range(1, deliveries + 1):
            truth[str(period)] = write_month(folder, period, request.rows // request.months, request.seed, number)
    (request.out / "truth.json").write_text(json.dumps({"periods": truth}, indent=1) + "\n")
    return {"bucket": folder.resolve().as_uri()}


def write_month(folder: Path, period: Period, rows: int, seed: int = 1, number: int = 1) -> dict[str, Any]:
    """Deliver one month for the `number`th time. Returns its true rows and totals: currency -> cost."""
    chance = random.Random(f"{seed} {period} {number}")
    lines = [line(period, index, chance) for index in range(rows)]
    files = []
    for part, start in enumerate(range(0, rows, LINES_PER_FILE), 1):
        key = f"{period}/{number:04d}/part-{part}.csv"
        some = lines[start : start + LINES_PER_FILE]
        content = write_csv(folder / key, some)
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
        files.append({"key": key, "bytes": len(content), "md5": checksum, "rows": len(some)})
    manifest = {"delivery": f"{period}-{number:04d}", "files": files}
    (folder / str(period)).mkdir(parents=True, exist_ok=True)
    (folder / str(period) / "manifest.json").write_text(json.dumps(manifest, indent=1))
    total = sum((Decimal(line["cost"]) for line in lines), Decimal(0))
    return {"rows": rows, "totals": {"USD": str(total)} if rows else {}}


def write_csv(path: Path, lines: list[dict[str, str]]) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(KNOWN), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return path.read_bytes()


def line(period: Period, index: int, chance: random.Random) -> dict[str, str]:
    """One line item. The first is a tax, the second a credit, every tenth costs nothing."""
    common = {"line": f"{period}-{index}", "currency": "USD", "usage_start": f"{period.start}T00:00:00Z"}
    if index < 2:
        kind, cost = ("tax", "12.345678") if index == 0 else ("credit", "-1.5")
        return {**common, "kind": kind, "cost": cost, "usage_end": f"{period.end}T00:00:00Z"}
    service = chance.choice(list(PRICES))
    quantity = Decimal(0) if index % 10 == 0 else Decimal(chance.randrange(1, 500_000)) / 1000
    return {
        **common,
        "kind": "usage",
        "account": f"0{chance.randrange(1, 4)}",
        "service": service,
        "sku": f"{service}-1",
        "region": chance.choice(["north", "south"]),
        "resource": f"{service.lower()}-{chance.randrange(20)}",
        "usage_end": f"{period.start}T01:00:00Z",
        "quantity": str(quantity),
        "unit": "Hours" if service == "Compute" else "GB",
        "price": str(PRICES[service]),
        "cost": str(quantity * PRICES[service]),
        "tags": json.dumps({"team": chance.choice(["red", "blue"])}),
    }
