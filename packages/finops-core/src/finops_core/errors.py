"""What finops says when something is wrong: one root, a handful of leaves, each with a code and an exit code.

    FinopsError
    ├── ConfigError          FIN001  exit 2   a setting is unknown, malformed or missing
    ├── UsageError           FIN002  exit 2   a command was called in a way that cannot work
    ├── ProviderMissing      FIN003  exit 2   no installed package brings this provider
    ├── ProviderBroken       FIN004  exit 1   the provider's package is installed but cannot be used
    ├── AccessError          FIN010  exit 4   the cloud refused us, or knows no credentials
    ├── DataMissing          FIN011  exit 5   nothing is there: no bucket, no manifests in range, no rows
    ├── DeliveryError        FIN020  exit 1   a delivery is not whole: truncated, altered, missing, unreadable
    ├── ValueDoesNotFit      FIN021  exit 1   a value cannot be kept exactly
    ├── BalanceError         FIN022  exit 1   totals that must agree do not
    ├── DestinationError     FIN030  exit 1   the destination refused the load
    ├── DestinationLocked    FIN031  exit 1   another process holds the database
    ├── DiskFull             FIN032  exit 1   no room for staged files or for the database
    └── ImportFailed         FIN040  exit 1   some periods failed; the others are loaded

An error is three lines: what, where, how to fix. Codes never change their meaning.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar


class FinopsError(Exception):
    """`what` happened, `where` (file, key, setting, row) and a `hint` that says what to try."""

    code: ClassVar[str] = "FIN000"
    exit_code: ClassVar[int] = 1
    usual_hint: ClassVar[str] = ""
    """What to try where the error itself does not say it."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint or self.usual_hint

    def __str__(self) -> str:
        return f"{self.what} ({self.where})" if self.where else self.what


class ConfigError(FinopsError):
    code, exit_code = "FIN001", 2


class UsageError(FinopsError):
    code, exit_code = "FIN002", 2


class ProviderMissing(FinopsError):
    code, exit_code = "FIN003", 2


class ProviderBroken(FinopsError):
    code = "FIN004"


class AccessError(FinopsError):
    code, exit_code = "FIN010", 4


class DataMissing(FinopsError):
    code, exit_code = "FIN011", 5


class DeliveryError(FinopsError):
    code = "FIN020"
    usual_hint = "import again; if it stays, have the bill delivered anew. What was loaded of it before still stands"


class DeliveryReplaced(DeliveryError):
    """The provider delivered the period anew while we read it: nothing is wrong, discovering it again will do."""


class ValueDoesNotFit(DeliveryError):
    """`column` is the source name of the column that holds the value, where it is known."""

    code = "FIN021"

    def __init__(self, what: str, *, where: str = "", hint: str = "", column: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.column = column


class BalanceError(FinopsError):
    code = "FIN022"


class DestinationError(FinopsError):
    code = "FIN030"
    usual_hint = "finops doctor looks at the destination; project.destination and project.data_dir say which it is"


class DestinationLocked(DestinationError):
    code = "FIN031"


class DiskFull(DestinationError):
    code = "FIN032"
    usual_hint = "free some room, or set project.data_dir to a larger disk"


def unusable_folder(folder: Path, error: OSError) -> DestinationError:
    """The error for a folder of ours that the system does not let us make or write to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("there is no room left on the disk", where=str(folder))
    return DestinationError(
        f"the folder cannot be written to: {error.strerror or error}",
        where=str(folder),
        hint="change its rights, or set project.data_dir or project.destination to another place",
    )


class ImportFailed(FinopsError):
    code = "FIN040"
