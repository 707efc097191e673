"""The command line. One module per command; catalog.py lists them, and each is imported only when it runs.

    main.py      entry point: exit codes, errors on stderr
    app.py       the root command: builtin commands from the catalog, one group per installed provider
    command.py   what every command has: -q, -v, --debug, grouped help
    flags.py     setting definitions -> flags, and flags -> configuration
    provider.py  a provider class -> `finops NAME`

A new command is a module with a function `command()`, and one line in catalog.py.
"""

from __future__ import annotations

from finops_core.cli.main import main, run

__all__ = ["main", "run"]
