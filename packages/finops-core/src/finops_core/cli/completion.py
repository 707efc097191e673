"""What a shell offers behind <TAB> for what is no command and no flag. Reads the configuration, opens no database."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

from typer import Context

from finops_core import registry
from finops_core.config.files import ConfigFile
from finops_core.errors import FinopsError
from finops_core.periods import Period

MONTHS = 13
"""Months that are offered: a year back, so that this month of last year is among them."""


def providers() -> Sequence[str]:
    return registry.names()


def exports(context: Context) -> Sequence[str]:
    """The NAMEs of `[PROVIDER.exports.NAME]`. A configuration that cannot be read has none: its error comes later."""
    provider = _first_word(context) or (context.parent.info_name if context.parent else None) or ""
    config = context.params.get("config")
    try:
        return list(ConfigFile.find(Path(config) if config else None, os.environ).exports(provider))
    except FinopsError:
        return []


def months() -> Sequence[str]:
    """The newest first, as shells keep the order."""
    now = Period.of(dt.datetime.now(dt.UTC))
    return [str(now.shift(-back)) for back in range(MONTHS)]


def sample_formats(context: Context) -> Sequence[str]:
    """What the provider that is named before can generate."""
    name = _first_word(context)
    try:
        return registry.load(name).sample_formats if name else ()
    except FinopsError:
        return ()


def _first_word(context: Context) -> str:
    """The command's argument, whatever it is called: it stands among `args` while a flag waits for its value."""
    return next(
        (str(word) for word in (context.params.get("provider"), context.params.get("name"), *context.args) if word), ""
    )
