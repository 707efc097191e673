"""dlt's naming convention for finops: names stay as they are, since finops has made them. dlt finds it by this path."""

from __future__ import annotations

from typing import ClassVar

from dlt.common.normalizers.naming.naming import NamingConvention as _Base


class NamingConvention(_Base):
    """Like dlt's `direct`, which still replaces quotes and line breaks."""

    PATH_SEPARATOR: ClassVar[str] = "▶"

    def normalize_identifier(self, identifier: str) -> str:
        return identifier

    def normalize_path(self, path: str) -> str:
        return path

    @property
    def is_case_sensitive(self) -> bool:
        return True
