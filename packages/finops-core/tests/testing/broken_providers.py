"""Providers that break one promise each: Sound Cloud, which keeps them all, with one thing done wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import random
import socket
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, ClassVar

from finops_core import Column, LocalFile, Provider, Secret, SourceFile, Window, command, hookimpl, setting
from finops_core.errors import DataMissing
from finops_sound.datasets import BILL, KNOWN, columns
from finops_sound.provider import Sound


class Text:
    """A text as a package's data file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_text(self, encoding: str) -> str:
        return self.text

    def read_bytes(self) -> bytes:
        return self.text.encode()


def focus(old: str, new: str, **changes: object) -> tuple:
    """The bill with one rule of its FOCUS SQL replaced."""
    sql = BILL.focus.read_text(encoding="utf-8")
    assert sql.count(old) == 1, old
    return (dataclasses.replace(BILL, focus=Text(sql.replace(old, new)), **changes),)


@dataclass(frozen=True)
class WithoutContract(Provider):
    name: ClassVar[str] = "withoutcontract"
    title: ClassVar[str] = "Sound Cloud"
    import_command: ClassVar[str] = "import-billing"
    datasets: ClassVar[tuple] = (BILL,)
    bucket: str = setting(help="Folder of the bills, as a file:// URL.")
    discover = Sound.discover
    fetch = Sound.fetch
    _delivery = Sound._delivery
    _store = Sound._store


@dataclass(frozen=True)
class LeadsElsewhere(Sound):
    name: ClassVar[str] = "leadselsewhere"


@dataclass(frozen=True)
class Undocumented(Sound):
    name: ClassVar[str] = "undocumented"
    region: str = setting(default="", help="")


@dataclass(frozen=True)
class OutsideItsChoices(Sound):
    name: ClassVar[str] = "outsideitschoices"
    kind: str = setting(default="zip", choices=("csv", "parquet"), help="Kind of the files.")


@dataclass(frozen=True)
class WrongType(Sound):
    name: ClassVar[str] = "wrongtype"
    pages: int = setting(default="many", help="Pages at once.")


@dataclass(frozen=True)
class StrangeType(Sound):
    name: ClassVar[str] = "strangetype"
    share: float = setting(default=0.5, help="Share of the bills.")


@dataclass(frozen=True)
class TakenName(Sound):
    name: ClassVar[str] = "takenname"
    force: bool = setting(default=False, help="With force.")


@dataclass(frozen=True)
class PlainToken(Sound):
    name: ClassVar[str] = "plaintoken"
    api_token: str = setting(default="", help="Token of the API.")


@dataclass(frozen=True)
class TellingSecret(Sound):
    name: ClassVar[str] = "tellingsecret"
    pin: Secret | None = setting(default=None, help="Pin of the account.")

    def __str__(self) -> str:
        return f"Sound Cloud with pin {self.pin}"


@dataclass(frozen=True)
class TerseCommand(Sound):
    name: ClassVar[str] = "tersecommand"

    @command(help="Accounts", columns=("account",))
    def list_accounts(self):
        return []


@dataclass(frozen=True)
class TakenCommand(Sound):
    name: ClassVar[str] = "takencommand"

    @command(help="List manifests in another way.", columns=("manifest",))
    def list_manifests(self):
        return []


@dataclass(frozen=True)
class TakenFlag(Sound):
    name: ClassVar[str] = "takenflag"

    @command(help="List accounts.", columns=("account",))
    def list_accounts(self, *, bucket: Annotated[str, "Another bucket."] = ""):
        return []


@dataclass(frozen=True)
class UnnamedColumn(Sound):
    name: ClassVar[str] = "unnamedcolumn"

    @command(help="List accounts.", columns=("account",))
    def list_accounts(self):
        return [{"account": "1", "owner": "Ada"}]


@dataclass(frozen=True)
class PrintingCommand(Sound):
    name: ClassVar[str] = "printingcommand"

    @command(help="List accounts.", columns=("account",))
    def list_accounts(self):
        print("account 1")
        return []


@dataclass(frozen=True)
class Foreign(Sound):
    name: ClassVar[str] = "foreign"

    def discover(self, window):
        return [dataclasses.replace(found, provider="sound-cloud") for found in super().discover(window)]


@dataclass(frozen=True)
class StrangeFormat(Sound):
    name: ClassVar[str] = "strangeformat"

    def discover(self, window):
        return [dataclasses.replace(found, format="CSV") for found in super().discover(window)]


@dataclass(frozen=True)
class Unsteady(Sound):
    name: ClassVar[str] = "unsteady"
    TURNS: ClassVar = itertools.count()

    def discover(self, window):
        found = list(super().discover(window))
        return found[::-1] if next(self.TURNS) % 2 else found


@dataclass(frozen=True)
class ForgetsOpenEnds(Sound):
    name: ClassVar[str] = "forgetsopenends"

    def discover(self, window):
        return super().discover(Window(window.start, window.start) if window.start and not window.end else window)


@dataclass(frozen=True)
class VersionByWindow(Sound):
    name: ClassVar[str] = "versionbywindow"

    def discover(self, window):
        return [dataclasses.replace(d, version=f"{d.version} of {window}") for d in super().discover(window)]


@dataclass(frozen=True)
class NeverANewVersion(Sound):
    name: ClassVar[str] = "neveranewversion"

    def discover(self, window):
        return [dataclasses.replace(found, version=str(found.period)) for found in super().discover(window)]


@dataclass(frozen=True)
class OneVersionForAll(Sound):
    name: ClassVar[str] = "oneversionforall"

    def discover(self, window):
        everything = "".join(found.version for found in super().discover(Window()))
        version = hashlib.sha256(everything.encode()).hexdigest()
        return [dataclasses.replace(found, version=version) for found in super().discover(window)]


@dataclass(frozen=True)
class Telemetry(Sound):
    name: ClassVar[str] = "telemetry"

    def fetch(self, delivery, staging):
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 443), timeout=0.01).close()
        return super().fetch(delivery, staging)


@dataclass(frozen=True)
class OneFileMore(Sound):
    name: ClassVar[str] = "onefilemore"

    def fetch(self, delivery, staging):
        yield from super().fetch(delivery, staging)
        path = staging.folder / "left-over.csv"
        path.touch()
        yield LocalFile(SourceFile("left-over.csv"), path)


@dataclass(frozen=True)
class Shuffled(Sound):
    name: ClassVar[str] = "shuffled"

    def fetch(self, delivery, staging):
        for number, file in enumerate(super().fetch(delivery, staging)):
            path = staging.folder / f"{number}.csv"
            with file.path.open() as source, path.open("w") as out:
                out.write(next(source))
                # Piece by piece, so that only the order is at fault.
                while some := list(itertools.islice(source, 500)):
                    out.writelines(random.sample(some, len(some)))
            yield LocalFile(file.source, path)


@dataclass(frozen=True)
class Hoarder(Sound):
    name: ClassVar[str] = "hoarder"

    def fetch(self, delivery, staging):
        files = list(super().fetch(delivery, staging))
        contents = {file.source.key: file.path.read_bytes() for file in files}
        for number, file in enumerate(files):
            path = staging.folder / f"{number}.csv"
            path.write_bytes(contents[file.source.key])
            yield LocalFile(file.source, path)


@dataclass(frozen=True)
class Chatty(Sound):
    name: ClassVar[str] = "chatty"

    def fetch(self, delivery, staging):
        print(f"fetching {delivery.period}")
        return super().fetch(delivery, staging)


@dataclass(frozen=True)
class GuessesTypes(Sound):
    name: ClassVar[str] = "guessestypes"
    datasets: ClassVar[tuple] = (
        dataclasses.replace(
            BILL,
            columns=lambda found: [Column(f.name, f.declared or KNOWN.get(f.name, "VARCHAR"), f.name) for f in found],
        ),
    )

    def discover(self, window):
        for found in super().discover(window):
            large = sum(file.rows for file in found.files) > 1000
            yield dataclasses.replace(found, columns=(("account", "BIGINT"),) if large else ())


@dataclass(frozen=True)
class KnownColumnsOnly(Sound):
    name: ClassVar[str] = "knowncolumnsonly"
    datasets: ClassVar[tuple] = (
        dataclasses.replace(BILL, columns=lambda found: [c for c in columns(found) if c.name in KNOWN]),
    )


@dataclass(frozen=True)
class FloatingPoint(Sound):
    name: ClassVar[str] = "floatingpoint"
    datasets: ClassVar[tuple] = focus("false AS x_Generated", "CAST(cost AS DOUBLE) AS x_Cost, false AS x_Generated")


@dataclass(frozen=True)
class LeavesOutWhatIsBroken(Sound):
    name: ClassVar[str] = "leavesoutwhatisbroken"

    def discover(self, window):
        folder = self._store().root
        for found in super().discover(window):
            if all((folder / file.key).stat().st_size == file.size for file in found.files):
                yield found


@dataclass(frozen=True)
class UntypedError(Sound):
    name: ClassVar[str] = "untypederror"

    def fetch(self, delivery, staging):
        for file in delivery.files:
            if (self._store().root / file.key).stat().st_size != file.size:
                raise KeyError(file.key)
        return super().fetch(delivery, staging)


@dataclass(frozen=True)
class NothingThere(Sound):
    name: ClassVar[str] = "nothingthere"

    def discover(self, window):
        try:
            return list(super().discover(window))
        except DataMissing:
            return []


@dataclass(frozen=True)
class CountsItsReaders(Sound):
    name: ClassVar[str] = "countsitsreaders"

    def discover(self, window):
        for found in super().discover(window):
            mark = self._store().root / f"{found.period}.read"
            readers = mark.read_text() if mark.exists() else ""
            yield dataclasses.replace(found, version=f"{found.version}{readers}")

    def fetch(self, delivery, staging):
        with (self._store().root / f"{delivery.period}.read").open("a") as mark:
            mark.write("+")
        return super().fetch(delivery, staging)


@dataclass(frozen=True)
class RemembersFiles(Sound):
    name: ClassVar[str] = "remembersfiles"
    SEEN: ClassVar[dict] = {}

    def discover(self, window):
        for found in super().discover(window):
            files = found.files and self.SEEN.setdefault((self.bucket, found.period), found.files)
            yield dataclasses.replace(found, files=files)


@dataclass(frozen=True)
class SkipsEmptyMonths(Sound):
    name: ClassVar[str] = "skipsemptymonths"

    def discover(self, window):
        return [found for found in super().discover(window) if found.files]


@dataclass(frozen=True)
class LacksColumns(Sound):
    name: ClassVar[str] = "lackscolumns"
    datasets: ClassVar[tuple] = focus(
        # The last column goes with the comma before it.
        "source_file AS x_SourceFile,\n    -- x_Generated: every row is a line of the bill.\n    false AS x_Generated",
        "source_file AS x_SourceFile",
    )


@dataclass(frozen=True)
class OwnWords(Sound):
    name: ClassVar[str] = "ownwords"
    datasets: ClassVar[tuple] = focus("ELSE 'Other' END AS ServiceCategory", "ELSE 'Cloud' END AS ServiceCategory")


@dataclass(frozen=True)
class ChargesWithoutTime(Sound):
    name: ClassVar[str] = "chargeswithouttime"
    datasets: ClassVar[tuple] = focus("usage_end AS ChargePeriodEnd", "usage_start AS ChargePeriodEnd")


@dataclass(frozen=True)
class DropsWhatIsFree(Sound):
    name: ClassVar[str] = "dropswhatisfree"
    datasets: ClassVar[tuple] = focus("FROM source", "FROM source WHERE cost <> 0", checks=None)


@dataclass(frozen=True)
class BillsTwice(Sound):
    name: ClassVar[str] = "billstwice"
    datasets: ClassVar[tuple] = focus("cost AS BilledCost", "cost + cost AS BilledCost", checks=None)


@dataclass(frozen=True)
class NotesWhenItRuns(Sound):
    name: ClassVar[str] = "noteswhenitruns"
    datasets: ClassVar[tuple] = focus("false AS x_Generated", "uuid() AS x_Id, false AS x_Generated")


@dataclass(frozen=True)
class CostsByFileName(Sound):
    """Reads its cost by something that is no column of the bill: whoever has the columns alone cannot."""

    name: ClassVar[str] = "costsbyfilename"
    datasets: ClassVar[tuple] = (
        dataclasses.replace(
            BILL,
            columns=lambda found: [
                dataclasses.replace(c, expression=f"CASE WHEN filename = '' THEN NULL ELSE {f.ref} END")
                if c.name == "cost"
                else c
                for c, f in zip(columns(found), found, strict=True)
            ],
        ),
    )


@dataclass(frozen=True)
class MisnamedCost(Sound):
    name: ClassVar[str] = "misnamedcost"
    datasets: ClassVar[tuple] = (dataclasses.replace(BILL, cost="csot"),)


@dataclass(frozen=True)
class MisspeltCheck(Sound):
    """Not one promise is broken here either: a month whose checks do not run is not imported."""

    name: ClassVar[str] = "misspeltcheck"
    datasets: ClassVar[tuple] = (
        dataclasses.replace(BILL, checks=Text("-- check: A9 money Nothing\nSELECT csot, 1, 2 FROM source\n")),
    )


@dataclass(frozen=True)
class NoBill(Sound):
    """Not one promise is broken here but many: its files lack a column that it says is required."""

    name: ClassVar[str] = "nobill"
    datasets: ClassVar[tuple] = (dataclasses.replace(BILL, required=("line", "invoice")),)


class Hook:
    """What a package's module is to finops: something that has the hook."""

    def __init__(self, provider: type[Provider]) -> None:
        self.provider = Sound if provider is LeadsElsewhere else provider

    @hookimpl
    def finops_provider(self) -> type[Provider]:
        return self.provider


PROVIDERS = [kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, Provider)]
HOOKS = SimpleNamespace(**{kind.name: Hook(kind) for kind in PROVIDERS if kind.__module__ == __name__})
