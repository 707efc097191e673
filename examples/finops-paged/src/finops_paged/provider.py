"""Which bills Paged Cloud's API has, and how their lines come here: page by page, never a whole month at once.

GET /bills                                  {"bills": [{"month": "2024-01", "revision": 2, "lines": 1234}]}
GET /bills/2024-01/lines?revision=2&after=  {"lines": [{...}], "next": "500"}     "next" is absent on the last page
GET /projects                               {"projects": [{"id": "p-1", "owner": "Ada", "closed": false}]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from finops_core import (
    Dataset,
    Delivery,
    LocalFile,
    Period,
    Provider,
    Secret,
    SourceFile,
    Staging,
    Window,
    command,
    setting,
)
from finops_core.arrow import text_batch, write_batches
from finops_core.errors import DeliveryError

from finops_paged.api import Api
from finops_paged.datasets import BILL, KNOWN

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Paged(Provider):
    """Its fields are its settings: `[paged]` in config.toml, PAGED_URL, --url."""

    name: ClassVar[str] = "paged"
    title: ClassVar[str] = "Paged Cloud"
    import_command: ClassVar[str] = "import-billing"
    contract: ClassVar[int] = 1
    datasets: ClassVar[tuple[Dataset, ...]] = (BILL,)

    url: str = setting(help="Address of the billing API.", metavar="URL")
    token: Secret | None = setting(default=None, help="Token for the billing API.")

    def discover(self, window: Window) -> Iterator[Delivery]:
        """One delivery per month; its version is the bill's revision, which changes when the bill does."""
        for bill in self._api().get("bills")["bills"]:
            period = Period.parse(bill["month"])
            if period in window:
                yield Delivery(
                    provider=self.name,
                    export="bills",
                    period=period,
                    version=str(bill["revision"]),
                    dataset=BILL.name,
                    format="parquet",
                    files=(SourceFile(f"bills/{period}/lines", rows=int(bill["lines"])),),
                    rows=int(bill["lines"]),
                    manifest=f"{self.url}/bills",
                )

    def fetch(self, delivery: Delivery, staging: Staging) -> Iterator[LocalFile]:
        """The lines of one revision as a Parquet file. Columns are text: core casts them, exactly."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in KNOWN])
        for file in delivery.files:
            path = staging.folder / "lines.parquet"
            rows = write_batches(path, schema, self._pages(file.key, delivery.version, schema, staging))
            if rows != file.rows:
                raise DeliveryError(f"{rows:,} lines arrived instead of {file.rows:,}", where=file.key)
            yield LocalFile(file, path)

    @command(
        help="List the projects that bills name, and whose they are.",
        columns=("project", "owner", "closed"),
        example="finops paged list-projects --closed -o json",
    )
    def list_projects(
        self, *, closed: Annotated[bool, "Also those that are closed."] = False
    ) -> Iterator[Mapping[str, Any]]:
        for project in self._api().get("projects")["projects"]:
            if closed or not project["closed"]:
                yield {"project": project["id"], "owner": project["owner"], "closed": project["closed"]}

    def _pages(self, key: str, revision: str, schema: pa.Schema, staging: Staging) -> Iterator[pa.RecordBatch]:
        after: str | None = ""
        while after is not None:
            page = self._api(staging.progress).get(key, revision=revision, after=after)
            yield text_batch(schema, page["lines"], f"{key}, after {after or 'the start'}")
            after = page.get("next")

    def _api(self, progress: Callable[[int], None] = lambda count: None) -> Api:
        return Api(self.url, self.token, progress)
