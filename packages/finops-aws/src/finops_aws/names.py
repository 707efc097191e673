"""AWS's own rule for the column names of Parquet bills, so that CSV, Parquet and CUR 2.0 months of one bill agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping


def parquet_name(source: str) -> str:
    """`lineItem/UnblendedCost` -> `line_item_unblended_cost`, `reservation/ReservationARN` ->
    `reservation_reservation_a_r_n`.

    An underscore before every capital, lower case, every other character an underscore, no two of them in a row and
    none at the ends. Applied to its own result it changes nothing. Letters and digits of other scripts stay: they tell
    `user:Größe` from `user:Grüße`. A name without any letter or digit is `column`; core makes names unique.
    """
    written = unicodedata.normalize("NFC", source)
    parted = "".join(f"_{letter}" if letter.isupper() else letter for letter in written)
    plain = (letter if letter.isalnum() else "_" for letter in parted.lower())
    return "_".join(part for part in "".join(plain).split("_") if part) or "column"


def spelling(name: str) -> str:
    """What different spellings of one name have in common: `reservation_arn` and `reservation_a_r_n` are equal here."""
    return name.replace("_", "").lower()


class KnownNames:
    """The documented column names of a dataset, found again under the spellings that other tools and versions use."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        spellings: dict[str, list[str]] = {}
        for name in names:
            spellings.setdefault(spelling(name), []).append(name)
        self._by_spelling: Mapping[str, str] = {key: few[0] for key, few in spellings.items() if len(few) == 1}

    def resolve(self, name: str, beside: Collection[str]) -> str:
        """The documented name that `name` spells; `name` itself when there is none or `beside` has that one already."""
        if name in self._names:
            return name
        known = self._by_spelling.get(spelling(name), name)
        return name if known in beside else known
