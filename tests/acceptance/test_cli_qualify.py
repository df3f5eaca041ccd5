"""`greenlight qualify --quick`: the study from the shell, its report, and what the registry keeps of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from core import identity
from core.cli.main import run
from core.platform import Platform
from core.settings import Settings
from core.tables import Qualification

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
PASSWORD = "a long enough password"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def qualify(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command as somebody with the given roles; returns exit code, output and errors."""

    def command(*arguments: str, roles: Sequence[str]) -> tuple[int, str, str]:
        identity.create_first_user(platform, login="ada", name="Ada", password=PASSWORD, roles=list(roles))
        token = identity.open_session(platform, identity.authenticate(platform, "ada", PASSWORD))
        for name, value in {"HOME": str(settings.home), "DATABASE_URL": settings.database_url, "TOKEN": token}.items():
            monkeypatch.setenv(f"GREENLIGHT_{name}", value)
        monkeypatch.setattr(sys, "argv", ["greenlight", "qualify", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@SQLITE
def test_a_quick_study_is_written_down_and_qualifies_nothing(
    platform: Platform, qualify: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    roles = ("administrator", "engineer")
    code, out, err = qualify("--quick", "--to", str(folder), "--workers", "2", "--json", roles=roles)
    assert code == 0, out + err

    told = json.loads(out)
    page = Path(told["report"])
    assert page.parent == folder
    assert "The failures, in words" in page.read_text(encoding="utf-8")
    noticed = {(row["measure"], row["corruption"]): row["auc"] for row in told["rows"]}
    assert noticed["removal", "copy_input"] == 1
    assert noticed["physics_plausibility", "upward"] > 0.9
    stored = json.loads((folder / "qualification.json").read_text(encoding="utf-8"))
    assert stored["baselines_last"]["value"] == 1

    with platform.reading() as session:
        kept = session.query(Qualification).all()
    assert kept
    assert {row.full for row in kept} == {False}


@SQLITE
def test_who_may_not_record_a_study_is_told_before_it_starts(qualify: Command, tmp_path: Path) -> None:
    code, out, err = qualify("--quick", "--to", str(tmp_path / "study"), roles=["administrator"])
    assert (code, out) == (3, "")
    assert "ask somebody who is engineer" in err
    assert not (tmp_path / "study").exists()
