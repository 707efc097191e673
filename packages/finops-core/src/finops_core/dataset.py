"""A dataset: one shape of bill, and the facts that core needs to read it and to turn it into FOCUS."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources.abc import Traversable

from finops_core.delivery import Column, Found


@dataclass(frozen=True)
class CsvDialect:
    """How the provider writes CSV. Quotes are RFC 4180 everywhere."""

    delimiter: str = ","


@dataclass(frozen=True)
class Dataset:
    """One shape of bill.

    columns    pure rule: the columns of one file -> the columns of the raw table. Names may collide; core makes them
               unique (names.py) and records the original.
    known      our name -> DuckDB type of every column that the FOCUS SQL, the checks or the totals may use; one that a
               bill lacks is NULL there. A value that does not fit fails the period. The type of any other column gives
               way to its values: more decimals, else text.
    required   our names without which a file is not such a bill: the period fails and says which is missing.
    cost       the column whose sum per `currency` column is the bill's control total.
    focus      SQL file: ONE SELECT in DuckDB's dialect, reading from `source` (the period's raw rows), from
               `source_<part>` for further parts, and from the lookups. It yields FOCUS 1.2 columns by their names, and
               x_ columns; a FOCUS column that it leaves out is NULL. None: raw rows only.
    lookups    relation name -> CSV file with a header, all text, for the FOCUS SQL and the checks.
    parts      further parts that a bill may have (SourceFile.part, besides ""). `source_<part>` always exists for the
               FOCUS SQL and the checks: without rows, with the `known` columns, where the delivery has no such file.
    final      SQL aggregate over `source` that is true once the bill is final (AWS: every row has its invoice id);
               "" where the data does not tell.
    quantities known DECIMAL columns, none of them a cost, that may need more than 18 decimals (a byte is
               9.3132257462E-10 GB): raw rows keep all digits, as DECIMAL(38,s), where the bill has them as text;
               FOCUS and the checks see them rounded to the known type.
    checks     SQL file of invariants, see finops_core.focus.invariants for its form; None: row checks only.
    """

    name: str
    title: str
    columns: Callable[[Sequence[Found]], list[Column]]
    known: Mapping[str, str]
    required: tuple[str, ...]
    cost: str
    currency: str
    focus: Traversable | None = None
    lookups: Mapping[str, Traversable] = field(default_factory=dict)
    checks: Traversable | None = None
    final: str = ""
    parts: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    csv: CsvDialect = CsvDialect()

    @property
    def unknown(self) -> str:
        """What is wrong with the first of `cost`, `currency` and `required` that is not in `known`; "" if all are."""
        named = [("cost", self.cost), ("currency", self.currency), *(("required", name) for name in self.required)]
        for key, name in named:
            if name not in self.known:
                close = difflib.get_close_matches(name, self.known, n=1)
                hint = f": did you mean {close[0]!r}?" if close else f" ({', '.join(self.known)})"
                return f"{key} of dataset {self.name!r} is {name!r}, which is not among its known columns{hint}"
        return ""

    @property
    def rules(self) -> str:
        """What tells other FOCUS rules of the provider from these: a digest of the SQL and of the lookups."""
        texts = [file.read_bytes() for file in (self.focus, *self.lookups.values()) if file is not None]
        return sha256(b"\0".join(texts)).hexdigest()[:16]
