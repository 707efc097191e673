"""A third party's provider, as small as one can be: `YYYY-MM.csv` files in a directory. Installed by a fixture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finops_core import (
    Column,
    Dataset,
    Delivery,
    Found,
    LocalFile,
    Period,
    Provider,
    SampleRequest,
    Secret,
    SourceFile,
    Staging,
    Window,
    hookimpl,
    setting,
)
from finops_core.store import DirectoryStore, directory_of, fetch_all

KNOWN = {"service": "VARCHAR", "cost": "DECIMAL(38,18)", "currency": "VARCHAR", "day": "TIMESTAMP"}


def bill_columns(found: Sequence[Found]) -> list[Column]:
    return [Column(item.name.lower(), KNOWN.get(item.name.lower(), "VARCHAR"), item.name) for item in found]


BILL = Dataset(
    name="bill",
    title="Acme bill",
    columns=bill_columns,
    known=KNOWN,
    required=("cost",),
    cost="cost",
    currency="currency",
    focus=Path(__file__).parent / "acme.sql",  # type: ignore[arg-type]
)


@dataclass(frozen=True)
class Acme(Provider):
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme Cloud"
    import_command: ClassVar[str] = "import-billing"
    datasets: ClassVar[tuple[Dataset, ...]] = (BILL,)
    sample_formats: ClassVar[tuple[str, ...]] = ("csv",)

    bucket: str = setting(help="Folder of the bills, as a file:// URL.")
    flavour: str = setting(default="auto", choices=("auto", "plain", "spicy"), help="Kind of bill.")
    token: Secret | None = setting(default=None, help="Secret of the account.")
    audited: bool = setting(default=False, help="Only audited bills.")
    accounts: tuple[str, ...] = setting(default=(), help="Only these accounts.")
    pages: int = setting(default=10, help="Pages to ask for.")

    def discover(self, window: Window) -> Iterator[Delivery]:
        store = DirectoryStore(directory_of(self.bucket) or Path())
        for item in store.list(""):
            period = Period.parse(item.key.removesuffix(".csv"))
            if period in window:
                version = hashlib.sha256(store.read(item.key)).hexdigest()[:12]
                files = (SourceFile(item.key, item.size),)
                yield Delivery("acme", "bills", period, version, "bill", "csv", files, modified=item.modified)

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterable[LocalFile]:
        store = DirectoryStore(directory_of(self.bucket) or Path())
        return fetch_all(store, delivery.files, staging.folder, staging.progress)

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        request.out.mkdir(parents=True, exist_ok=True)
        for back in range(request.months):
            period = request.last.shift(-back)
            lines = ["service,cost,currency,day"]
            lines += [f"Service {row % 3},{row}.5,USD,{period}-01" for row in range(request.rows // request.months)]
            (request.out / f"{period}.csv").write_text("\n".join(lines) + "\n")
        return {"bucket": request.out.absolute().as_uri()}


@hookimpl
def finops_provider() -> type[Provider]:
    return Acme
