"""`greenlight dashboard`."""

from __future__ import annotations

import os
import sys

import typer

from core.cli.session import opened

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def dashboard(
    host: str = typer.Option("127.0.0.1", help="Address to bind; anything but a loopback one lets others in."),
    port: int = typer.Option(8501, min=1, max=65535, help="Port to listen on."),
    name: str = typer.Option("", help="Name by which browsers reach it, if not the host's."),
    open_browser: bool = typer.Option(False, "--open", help="Open it in this machine's browser."),
) -> None:
    """Open the dashboard: see the releases, sign or decline, verify and fetch dossiers."""
    with opened():
        pass  # An installation that cannot be opened ends here, before a server starts.
    # The dashboard stands above core, which must not import it: this process becomes the server instead.
    arguments = ["--host", host, "--port", str(port)]
    arguments += ["--name", name] if name else []
    arguments += ["--open"] if open_browser else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "dashboard", *arguments])  # noqa: S606 - no shell, own program
