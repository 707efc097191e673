"""Configuration: each setting is defined once, as a field of a dataclass, and may be given in four places.

CLI flag  >  environment  >  TOML file  >  default

settings.py   the fields of Project, Common and of each provider class   -> Definition
values.py     text and TOML values                                       -> typed values
files.py      config.toml                                                -> ConfigFile, which knows the line of each key
resolve.py    Definition + Sources                                       -> Value, which knows its Origin
runs.py       a provider class + Sources                                 -> one ProviderRun per export
template.py   Definitions                                                -> a commented config.toml
"""

from __future__ import annotations

from finops_core.config.files import ConfigFile
from finops_core.config.resolve import Origin, Sources, Value, resolve
from finops_core.config.runs import ProviderRun, project, provider_runs
from finops_core.config.settings import Common, Definition, Project, definitions, provider_definitions

__all__ = [
    "Common",
    "ConfigFile",
    "Definition",
    "Origin",
    "Project",
    "ProviderRun",
    "Sources",
    "Value",
    "definitions",
    "project",
    "provider_definitions",
    "provider_runs",
    "resolve",
]
