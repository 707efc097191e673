"""No way out of this machine while promises are tested: what is not on loopback cannot be reached, and is recorded.

Sockets of Python are guarded; what native code opens by itself is not.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class NoNetwork(OSError):
    """Something beyond this machine was to be reached."""


def is_here(host: object) -> bool:
    """Whether an address or a host's name is this machine."""
    if host in (None, "", "localhost", b"", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return text.endswith(".localhost")


@contextmanager
def offline() -> Iterator[list[str]]:
    """Refuse every way out until the block ends. Yields the places that were tried, as they are tried."""
    tried: list[str] = []

    def refuse(host: object) -> None:
        if not is_here(host):
            tried.append(str(host))
            raise NoNetwork(f"{host} is not on this machine, and tests of a provider run without a network")

    with pytest.MonkeyPatch.context() as patch:
        for name, at in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), at, refuse))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo, refuse))
        yield tried


def _guarded(method: Callable[..., Any], at: int, refuse: Callable[[object], None]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[at]
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            refuse(address[0])
        return method(self, *arguments)

    return guarded


def _guarded_lookup(lookup: Callable[..., Any], refuse: Callable[[object], None]) -> Callable[..., Any]:
    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        refuse(host)
        return lookup(host, *arguments, **options)

    return guarded
