"""Artifacts over HTTP with Range requests, behind signed links that soon run out.

A link names one artifact and one person. It is good only from the process that made it, until it expires, and
while that person is signed in. Nothing but a digest that the registry knows leads to a file.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from core.artifacts import ArtifactStore
from core.errors import Denied, GreenlightError
from core.reading import artifact, is_signed_in
from dashboard.installation import installation

ROUTE = "/artifacts"
LIFETIME_S = 900
PIECE = 1 << 18
SHOWN = frozenset({"video/mp4", "video/webm", "image/png", "image/jpeg"})
"""What a browser may show by itself; everything else is offered for saving."""
SUFFIXES = {"application/pdf": ".pdf", "text/html": ".html", "application/json": ".json"}
RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Link:
    """What a link allows: one artifact (hex SHA-256), for one person, until a moment in seconds since 1970."""

    digest: str
    user: str
    expires: int


class Links:
    """Makes and checks links with a key that only this object knows."""

    def __init__(self) -> None:
        self._key = hmac.digest(secrets.token_bytes(32), b"greenlight media link/1", "sha256")

    def sign(self, digest: str, user: str, expires: int) -> str:
        """Return a token for one artifact and one person."""
        payload = f"{digest}:{user}:{expires}".encode()
        return f"{_encode(payload)}.{_encode(self._seal(payload))}"

    def verify(self, token: str, at: float) -> Link:
        """Return what a token allows; `Denied` when it was not made here, was changed, or ran out."""
        payload, _, seal = token.partition(".")
        try:
            content, given = _decode(payload), _decode(seal)
        except (binascii.Error, ValueError):
            raise _invalid() from None
        if not hmac.compare_digest(given, self._seal(content)):
            raise _invalid()
        digest, user, expires = content.decode().split(":")
        if int(expires) <= at:
            raise Denied("this link has run out", "load the page again")
        return Link(digest, user, int(expires))

    def _seal(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, sha256)


LINKS = Links()


def link(digest: str, user: str) -> str:
    """Return the address of an artifact for a person: the same for a while, so that a player need not start anew."""
    expires = (int(time.time()) // LIFETIME_S + 2) * LIFETIME_S
    return f"{ROUTE}/{LINKS.sign(digest, user, expires)}"


def serve(request: Request) -> Response:
    """Answer a GET or HEAD for one artifact; 403 for a bad link, 404 where nothing answers to it."""
    platform = installation()
    try:
        allowed = LINKS.verify(request.path_params["token"], time.time())
        with platform.reading() as session:
            known = artifact(session, allowed.digest)
            if not is_signed_in(session, allowed.user):
                raise Denied("whoever this link was made for has signed out", "sign in again")
    except GreenlightError as error:
        return _refusal(403 if isinstance(error, Denied) else 503, str(error))
    if known is None or not DIGEST.fullmatch(allowed.digest) or not platform.store.has(allowed.digest):
        return _refusal(404, "There is no such artifact.")
    return _answer(request, platform.store, allowed.digest, *known)


def _answer(request: Request, store: ArtifactStore, digest: str, media_type: str, size: int) -> Response:
    headers = _headers(digest, media_type)
    try:
        span = _span(request, digest, size)
    except ValueError:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    first, last = span or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if span:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if span else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(store, digest, first, last), status_code=status, headers=headers)


def _headers(digest: str, media_type: str) -> dict[str, str]:
    shown = media_type in SHOWN
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        # Also keeps the compressing layer away, which would make ranges mean something else.
        "Content-Encoding": "identity",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": media_type if shown else "application/octet-stream",
        "ETag": f'"{digest}"',
        "X-Content-Type-Options": "nosniff",
    }
    if not shown:
        name = digest[:16] + SUFFIXES.get(media_type, "")
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return headers


def _span(request: Request, digest: str, size: int) -> tuple[int, int] | None:
    """Return the bytes asked for, first and last; None for all of them, `ValueError` where there are none such.

    Several ranges at once, or other units, are answered with the whole, as RFC 9110 (section 14.2) allows.
    """
    asked = RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if not asked or not any(asked.groups()) or request.headers.get("if-range", f'"{digest}"') != f'"{digest}"':
        return None
    start, end = asked.groups()
    if not start:
        first, last = max(size - int(end), 0), size - 1
    else:
        first, last = int(start), min(int(end) if end else size - 1, size - 1)
    if first > last:
        raise ValueError
    return first, last


def _pieces(store: ArtifactStore, digest: str, first: int, last: int) -> Iterator[bytes]:
    with store.open(digest) as stream:
        stream.seek(first)
        left = last - first + 1
        while left and (piece := stream.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def _refusal(status: int, sentence: str) -> Response:
    return Response(
        sentence,
        status_code=status,
        media_type="text/plain",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _invalid() -> Denied:
    return Denied("this link was not made by this dashboard", "open the file from its page")
