"""The dashboard as one ASGI process: pages, `/healthz`, and artifacts behind signed links.

`main()` serves it; `app` is the object for another ASGI server, then bound and named by that server's own options.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.starlette import App

from core.errors import GreenlightError, Unavailable
from dashboard.appearance import THEME
from dashboard.guard import Guard, is_loopback, names_for
from dashboard.health import healthz
from dashboard.installation import installation
from dashboard.media import ROUTE, serve
from dashboard.trouble import report

SCRIPT = Path(__file__).with_name("page.py")
NAME_VARIABLE = "GREENLIGHT_DASHBOARD_NAME"
"""The name under which people's browsers reach the dashboard, where it is not the address it is bound to."""


def make_app(host: str = "127.0.0.1", public_name: str = "", announce: str = "", *, open_browser: bool = False) -> App:
    """Return the application, answering to `host`, loopback names and `public_name`."""

    @asynccontextmanager
    async def alive(_app: App) -> AsyncIterator[None]:
        if announce:
            sys.stdout.write(f"Greenlight is at {announce}\n")
            sys.stdout.flush()
        if open_browser:
            webbrowser.open(announce)
        yield
        installation().close()

    def lifespan(running: App) -> AbstractAsyncContextManager[None]:
        return alive(running)

    return App(
        SCRIPT,
        routes=[Route("/healthz", healthz), Route(f"{ROUTE}/{{token}}", serve, methods=["GET", "HEAD"])],
        middleware=[Middleware(Guard, names=names_for(host, public_name))],
        lifespan=lifespan,
        on_script_error=report,
    )


app = make_app(public_name=os.environ.get(NAME_VARIABLE, ""))


def options(host: str, port: int, public_name: str) -> Mapping[str, object]:
    """Return Streamlit's options: closed, silent, without telemetry, in Greenlight's colours."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 1,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": public_name or host,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "logger.level": "warning",
        "logger.hideWelcomeMessage": True,
        **THEME,
    }


def main(arguments: list[str] | None = None) -> int:
    """Serve the dashboard until it is stopped; returns the exit code."""
    parser = argparse.ArgumentParser(prog="greenlight dashboard", description="Open the dashboard on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--name", default=os.environ.get(NAME_VARIABLE, ""))
    parser.add_argument("--open", action="store_true")
    given = parser.parse_args(arguments)
    try:
        installation()
        _check_free(given.host, given.port)
    except GreenlightError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_code
    if not is_loopback(given.host):
        sys.stderr.write("Others can reach this dashboard: put it behind a proxy that speaks TLS.\n")
    address = f"http://{given.name or given.host}:{given.port}"
    serving = make_app(given.host, given.name, address, open_browser=given.open)
    serving.run(config=options(given.host, given.port, given.name))
    return 0


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(f"port {port} is in use", "stop what uses it or choose another with --port") from error
        raise Unavailable(
            f"{host}:{port} cannot be opened ({error.strerror})", "choose another --host or --port"
        ) from error
