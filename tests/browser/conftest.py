"""A dashboard that runs for the tests of one module, and a browser that looks at it. The module says what `case` is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from support.requirements import find_tool

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def address(case: Any) -> Iterator[str]:
    """The address of a dashboard that runs for these tests, on a port that the system chose."""
    from socket import socket

    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).parent / "greenlight", "dashboard", "--port", str(port)]
    environment = {**os.environ, "GREENLIGHT_HOME": str(case.home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            # The line comes once the server listens; a server that ends instead closes the stream.
            line = next((line for line in server.stdout if line.startswith("Greenlight is at ")), "")
            assert line, "the dashboard did not start"
            yield line.removeprefix("Greenlight is at ").strip()
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_tool("chromium"), args=list(ARGUMENTS))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield context
        browser.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A new tab, which may ask nobody but the dashboard for anything, and in which no script of a text runs."""
    asked: set[str] = set()
    dialogs: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(address)
    yield page
    page.close()
    assert asked - {"", urlsplit(address).netloc} == set()
    assert dialogs == []
