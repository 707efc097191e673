"""A directory as a bucket: what its manifests promise of a file is compared, whatever the checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from finops_core.delivery import SourceFile
from finops_core.errors import DeliveryError
from finops_core.store import DIGESTS, DirectoryStore, fetch_all

CONTENT = b"line,cost\n1,2.50\n"


def fetch(folder: Path, checksum: str, content: bytes = CONTENT) -> None:
    (folder / "bill.csv").write_bytes(content)
    file = SourceFile("bill.csv", len(CONTENT), checksum)
    assert [found.source for found in fetch_all(DirectoryStore(folder), [file], folder, lambda count: None)] == [file]


@pytest.mark.parametrize("kind", sorted(DIGESTS))
def test_every_digest_is_compared(tmp_path: Path, kind: str) -> None:
    digest = hashlib.new(kind, CONTENT).hexdigest()
    fetch(tmp_path, f"{kind}:{digest}")
    fetch(tmp_path, f"{kind}:{digest.upper()}")
    with pytest.raises(DeliveryError, match="checksum"):
        fetch(tmp_path, f"{kind}:{digest}", CONTENT.replace(b"2.50", b"2.51"))


def test_an_etag_is_left_to_its_store(tmp_path: Path) -> None:
    fetch(tmp_path, "etag:5d41402a")


@pytest.mark.parametrize("checksum", ["sha-256:00", "00", "crc32:00"])
def test_a_checksum_that_nobody_compares_is_told(tmp_path: Path, checksum: str) -> None:
    with pytest.raises(DeliveryError, match="cannot be compared") as raised:
        fetch(tmp_path, checksum)
    assert "sha256" in raised.value.hint
