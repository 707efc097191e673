"""What a provider is: one frozen class whose fields are its settings, with two methods.

    @dataclass(frozen=True)
    class Acme(Provider):
        name: ClassVar[str] = "acme"
        title: ClassVar[str] = "Acme Cloud"
        import_command: ClassVar[str] = "import-billing"
        datasets: ClassVar[tuple[Dataset, ...]] = (BILL,)

        bucket: str = setting(help="Folder of the bills, as a file:// URL.")
        token: Secret | None = setting(default=None, help="…")

        def discover(self, window): ...
        def fetch(self, delivery, staging): ...

From the fields core makes TOML keys, environment variables, CLI flags, help and documentation. Methods that are marked
with `command` are further commands of `finops acme`. A provider never touches the destination, the ledger or the
terminal.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from finops_core.dataset import Dataset
from finops_core.delivery import Delivery, LocalFile
from finops_core.hooks import CONTRACT
from finops_core.periods import Period, Window


class Secret(str):
    """Text that is masked wherever settings are shown. `str(secret)` is the value; `repr` never is."""

    def __repr__(self) -> str:
        return "Secret('********')"


def setting(*, help: str, default: Any = dataclasses.MISSING, choices: tuple[str, ...] = (), metavar: str = "") -> Any:
    """A provider's setting. Types: str, bool, int, Secret, Path, tuple[str, ...], and each of them `| None`.

    Without a default it must be configured before discover or fetch is called. `choices` restricts text, also in a
    tuple, to fixed words: `setting(default="csv", choices=("csv", "parquet"), help="Kind of the files.")`. They stand
    in the help, shells complete them, and whatever else is configured is refused. `metavar` is the value's name in the
    help.
    """
    metadata = {"help": help, "choices": choices, "metavar": metavar}
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)


Method = TypeVar("Method", bound=Callable[..., Iterable[Mapping[str, Any]]])


@dataclass(frozen=True)
class CommandFacts:
    """What `command` says of a method."""

    help: str
    columns: tuple[str, ...]
    example: str = ""


def command(*, help: str, columns: tuple[str, ...], example: str = "") -> Callable[[Method], Method]:
    """Make a method a command of the provider: `list_projects` becomes `finops NAME list-projects`.

    Its keyword-only parameters become flags: `closed: Annotated[bool, "Also those that are closed."] = False`, of the
    types that settings have. It yields rows, {column: value}, which core writes as table, JSON, CSV or Markdown: text,
    bool, int, Decimal and datetime (UTC), or None. It prints nothing, and it changes nothing in the destination.
    """

    def mark(method: Method) -> Method:
        setattr(method, COMMAND_MARK, CommandFacts(help, columns, example))
        return method

    return mark


COMMAND_MARK = "finops_command"
"""The attribute under which a method has its CommandFacts."""


class Staging(Protocol):
    """Where a provider puts what it fetches. Files already on this machine may stay where they are."""

    @property
    def folder(self) -> Path:
        """An empty folder for this delivery alone, on the data directory's file system."""

    def progress(self, bytes_fetched: int) -> None:
        """Tell how many further bytes have arrived. May be called from any thread."""


@dataclass(frozen=True)
class SampleRequest:
    """What `finops sample` asks of a provider: `months` billing months ending with `last`, about `rows` rows in all,
    from `seed`; month `redeliver` (if any) delivered once more, restated."""

    out: Path
    format: str
    months: int = 3
    rows: int = 30_000
    seed: int = 1
    last: Period = Period(2024, 3)
    redeliver: Period | None = None


@dataclass(frozen=True)
class Provider(ABC):
    """Base of every provider. Subclasses are frozen dataclasses; see the module's docstring."""

    name: ClassVar[str]
    title: ClassVar[str]
    import_command: ClassVar[str]
    datasets: ClassVar[tuple[Dataset, ...]]
    contract: ClassVar[int] = CONTRACT
    sample_formats: ClassVar[tuple[str, ...]] = ()
    """The formats that `sample` can write, the default first; empty: no generator."""

    @abstractmethod
    def discover(self, window: Window) -> Iterable[Delivery]:
        """The newest delivery of each billing period in the window, from listings and manifests only.

        Raises AccessError, DataMissing (no such bucket), ConfigError (a setting is missing, several exports fit).
        A single bad manifest is a Delivery with a `problem`, not an exception.
        """

    @abstractmethod
    def fetch(self, delivery: Delivery, staging: Staging) -> Iterator[LocalFile] | Iterable[LocalFile]:
        """Bring every file of the delivery to this machine and check it against the store's own checksum or size.

        Runs in a thread, perhaps while the delivery before is being loaded. What `staging.progress` raises ends it.
        Raises DeliveryError for a file that is missing, altered or short, AccessError when refused.
        """

    @classmethod
    def dataset(cls, name: str) -> Dataset:
        return next(dataset for dataset in cls.datasets if dataset.name == name)

    @classmethod
    def sample(cls, request: SampleRequest) -> dict[str, Any]:
        """Write a tree of generated bills as the provider would deliver them, and return the settings that import it.

        Also writes `truth.json` beside it: per billing period the rows and the exact totals that an import must show.
        """
        raise NotImplementedError(f"{cls.name} has no generator")
