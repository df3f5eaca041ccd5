"""Artifacts leave the dashboard only behind its own, fresh links, in the ranges asked for, as inert files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from support.studio import PASSWORD, hire

from core.canonical import sha256
from core.identity import authenticate, close_session, open_session
from core.platform import Platform
from core.settings import Settings
from dashboard.guard import Guard, names_for
from dashboard.installation import installation
from dashboard.media import LIFETIME_S, LINKS, ROUTE, Links, link, serve

CLIP = bytes(range(256)) * 2000
PAGE = b"<script>alert(1)</script>"
PATH = f"{ROUTE}/{{token}}"
APP = Starlette(
    routes=[Route(PATH, serve, methods=["GET", "HEAD"])],
    middleware=[Middleware(Guard, names=names_for("127.0.0.1", ""))],
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Site:
    """An installation with one clip and one page in the store, and somebody who is signed in."""

    user: str
    clip: str
    page: str

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return ask(path, method, **headers)

    def clip_bytes(self, span: str) -> Answer:
        return ask(link(self.clip, self.user), range=span)


def ask(path: str, method: str = "GET", host: str = "127.0.0.1:8501", **headers: str) -> Answer:
    """Send one request straight into the application, unnormalised as an attacker's client would."""
    sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    messages: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        messages.append(message)

    asyncio.run(APP(scope, receive, send))
    start = messages[0]
    received = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], received, b"".join(message.get("body", b"") for message in messages[1:]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(home=tmp_path_factory.mktemp("media") / "home")
    platform = Platform.create(settings)
    people = hire(platform)
    with platform.work(people["admin"]) as work:
        clip, page = work.keep(CLIP, "video/mp4").sha256, work.keep(PAGE, "text/html").sha256
        work.record("test.stored", "clip")
    open_session(platform, authenticate(platform, "auditor", PASSWORD))
    platform.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENLIGHT_HOME", str(settings.home))
        installation.cache_clear()
        installation()
    yield Site(people["auditor"].id, clip, page)
    installation().close()
    installation.cache_clear()


def test_a_link_serves_the_whole_artifact_as_what_it_is(site: Site):
    answer = site.get(link(site.clip, site.user))
    assert (answer.status, answer.body) == (200, CLIP)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{site.clip}"'


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        ("bytes=511990-", 511990, 511999),
        ("bytes=-10", 511990, 511999),
        ("bytes=-9999999", 0, 511999),
        ("bytes=511999-9999999", 511999, 511999),
    ],
)
def test_a_range_is_answered_with_exactly_its_bytes(site: Site, span: str, first: int, last: int):
    answer = site.clip_bytes(span)
    assert answer.status == 206
    assert answer.body == CLIP[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CLIP)}"
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("span", ["bytes=512000-", "bytes=600000-700000", "bytes=20-10", "bytes=-0"])
def test_a_range_outside_the_artifact_is_refused(site: Site, span: str):
    answer = site.clip_bytes(span)
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CLIP)}"


@pytest.mark.parametrize("span", ["bytes=0-1,5-9", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=٣-٤"])
def test_a_range_that_is_not_understood_gets_the_whole(site: Site, span: str):
    answer = site.get(link(site.clip, site.user), range=span)
    assert (answer.status, len(answer.body)) == (200, len(CLIP))


def test_a_range_of_an_older_version_gets_the_whole(site: Site):
    same, other = f'"{site.clip}"', f'"{site.page}"'
    address = link(site.clip, site.user)
    assert site.get(address, range="bytes=0-9", if_range=same).status == 206
    assert site.get(address, range="bytes=0-9", if_range=other).status == 200


def test_a_head_request_tells_the_size_without_the_bytes(site: Site):
    answer = site.get(link(site.clip, site.user), "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(CLIP)))


def test_a_page_in_the_store_is_offered_for_saving_and_never_run(site: Site):
    answer = site.get(link(site.page, site.user))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_link_runs_out(site: Site):
    expired = LINKS.sign(site.clip, site.user, int(time.time()) - 1)
    answer = site.get(f"{ROUTE}/{expired}")
    assert answer.status == 403
    assert b"run out" in answer.body
    assert LINKS.verify(link(site.clip, site.user).rpartition("/")[2], time.time()).expires <= (
        time.time() + 2 * LIFETIME_S
    )


def test_a_link_of_another_process_is_foreign(site: Site):
    foreign = Links().sign(site.clip, site.user, int(time.time()) + 600)
    answer = site.get(f"{ROUTE}/{foreign}")
    assert (answer.status, CLIP[:10] in answer.body) == (403, False)


def test_a_changed_link_is_refused(site: Site):
    content, seal = link(site.clip, site.user).rpartition("/")[2].split(".")
    other = LINKS.sign(site.page, site.user, int(time.time()) + 600).split(".")[0]
    forged = [f"{other}.{seal}", f"{content}.", f".{seal}", content, "", "..", f"{content}.{seal[:-4]}AAAA", "é.é"]
    for token in forged:
        assert site.get(f"{ROUTE}/{token}").status in (403, 404), token


def test_a_link_dies_when_its_reader_signs_out(site: Site):
    proof = authenticate(installation(), "legal", PASSWORD)
    token = open_session(installation(), proof)
    address = link(site.clip, proof.actor.id)
    assert site.get(address).status == 200
    close_session(installation(), token)
    assert site.get(address).status == 403


@pytest.mark.parametrize("name", ["../keys/signing.pem", "../greenlight.db", "/etc/passwd", "..", "0" * 64, "é"])
def test_even_a_signed_link_leads_to_registered_artifacts_only(site: Site, name: str):
    assert site.get(f"{ROUTE}/{LINKS.sign(name, site.user, int(time.time()) + 600)}").status == 404


@pytest.mark.parametrize("path", ["/../greenlight.db", "/%2e%2e/greenlight.db", "/x/../../home/greenlight.db", "/"])
def test_no_path_leads_to_a_file(site: Site, path: str):
    assert site.get(f"{ROUTE}{path}").status in (403, 404)


def test_bytes_that_were_never_registered_are_not_served(site: Site):
    stored = installation().store.put_bytes(b"not in the registry")
    assert stored.sha256 == sha256(b"not in the registry")
    assert site.get(link(stored.sha256, site.user)).status == 404


def test_only_the_servers_own_names_and_origin_are_answered(site: Site):
    address = link(site.clip, site.user)
    assert ask(address, host="rebound.example:8501").status == 421
    assert site.get(address, origin="http://evil.example").status == 421
    assert site.get(address, origin="http://127.0.0.1:8501").status == 200
    assert ask(address, host="localhost:8501").status == 200
