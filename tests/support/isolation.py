"""Nothing outside reaches a test: no network beyond this machine, no settings of whoever runs it."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

OFFLINE = {"HF_HUB_OFFLINE": "1", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false", "MPLBACKEND": "Agg"}
KEPT = {"GREENLIGHT_REQUIRE_ALL"}


class NetworkRefused(RuntimeError):
    """A test tried to reach another machine."""


def pytest_configure() -> None:
    """Close the network before anything is collected, here and (where they listen) in child processes."""
    os.environ.update(OFFLINE)
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if not _is_address(host) and not _is_here(host):
            raise NetworkRefused(f"tests may not look up {host!r}: only this machine can be reached")
        return original(host, *rest, **named)

    socket.getaddrinfo = getaddrinfo


def _guarded(original: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            raise NetworkRefused(f"tests may not connect to {address[0]!r}: only this machine can be reached")
        return original(self, address)

    return connect


def _text(host: Any) -> str:
    return host.decode() if isinstance(host, bytes) else str(host)


def _is_here(host: Any) -> bool:
    if host in (None, "", b"") or _text(host) == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(_text(host)).is_loopback


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(_text(host))
    except ValueError:
        return False
    return True


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("GREENLIGHT_") and name not in KEPT:
            monkeypatch.delenv(name)
