"""The command line with an installation, for the tests that do not bring their own."""

from __future__ import annotations

import io
import sys

import pytest
from support.shell import Command
from support.studio import PASSWORD, Studio

from core import identity
from core.cli.main import run


@pytest.fixture
def greenlight(studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line as somebody; returns exit code, output and errors."""
    settings = studio.platform.settings
    for name, value in {"HOME": str(settings.home), "DATABASE_URL": settings.database_url}.items():
        monkeypatch.setenv(f"GREENLIGHT_{name}", value)

    def command(login: str, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setenv("GREENLIGHT_TOKEN", identity.open_session(studio.platform, studio.proof(login)))
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
        monkeypatch.setattr(sys, "argv", ["greenlight", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return command
