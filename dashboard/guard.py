"""What stands before every request: the names this server answers to, one origin, and headers that keep it closed.

A page on another site can point a browser at a loopback address, under a name of its own (DNS rebinding) or
through a WebSocket, which no same-origin rule covers. Both are refused here, before anything looks at them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        # Streamlit's own pages set styles in place, and its charts compile expressions.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self' ws: wss:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Refuses foreign host names and origins, and adds the protective headers that a route did not set itself."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Answer only to `names` (host names or addresses, without ports)."""
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif not self._welcome(Headers(scope=scope)):
            await _refuse(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _welcome(self, headers: Headers) -> bool:
        host = headers.get("host", "")
        if (urlsplit(f"//{host}").hostname or "") not in self._names:
            return False
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc == host


def names_for(host: str, public_name: str) -> frozenset[str]:
    """Return the names to answer to when bound to `host`: itself, loopback names, and what people call it."""
    names = {host.lower(), *LOOPBACK}
    return frozenset(names | ({public_name.lower()} if public_name else set()))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that is bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    sentence = "This dashboard does not answer to that name; start it with --name if that is what people call it."
    await PlainTextResponse(sentence, status_code=421)(scope, receive, send)
