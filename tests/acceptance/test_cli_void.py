"""VOID from the command line: registered in layers, run, repeated exactly, measured, judged and put on record."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.clips import write_case
from support.studio import PASSWORD
from support.void_models import SIZE, base_files, own_files, write_version

from core.cli.main import run


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def greenlight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """The command line in an empty folder."""
    monkeypatch.delenv("GREENLIGHT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def command(*arguments: object, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["greenlight", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        shown = capsys.readouterr()
        return Said(int(ended.value.code or 0), shown.out, shown.err)

    yield command
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_void_job_from_submission_to_the_dossier(greenlight: Command, tmp_path: Path) -> None:
    def ok(*arguments: object, stdin: str = "") -> Any:
        said = greenlight(*arguments, "--json", stdin=stdin)
        assert (said.code, said.err) == (0, ""), said
        return said.json

    def sit(login: str) -> None:
        ok("user", "login", login, "--password-stdin", stdin=PASSWORD + "\n")

    weights, clip = write_version(tmp_path / "weights"), write_case(tmp_path / "shot")
    ok("init", "--password-stdin", stdin=PASSWORD + "\n")
    for login, role in (("engineer", "engineer"), ("legal", "legal_lead"), ("manager", "release_manager")):
        name = ("--name", login.title(), "--role", role)
        ok("user", "add", login, *name, "--password-stdin", stdin=PASSWORD + "\n")
    sit("manager")
    ok("project", "create", "Pilot", "--agreement", "greenlight-quality", "--agreement", "part-11", "--not-final")

    sit("engineer")
    licences = {"cogvideox-fun": "CogVideoX licence", "void": "Apache-2.0"}
    for model in licences:
        ok("model", "create", model, "--origin", "vendor")
    files = {"cogvideox-fun": base_files(weights), "void": own_files(weights)}
    (tmp_path / "void_pass1.pt").write_bytes(pickle.dumps({"weight": 1}))
    pickled = greenlight("model", "version", "void", "0", "--licence", "MIT", "--weights", tmp_path / "void_pass1.pt")
    assert pickled.code == 2
    assert "files that can run code when loaded are refused; convert the weights to safetensors" in pickled.err
    for model, version, base in (("cogvideox-fun", "1.5", ()), ("void", "1", ("--base", "cogvideox-fun@1.5"))):
        given = [word for path in files[model] for word in ("--weights", path)]
        ok("model", "version", model, version, "--licence", licences[model], "--no-egress", *base, *given)
    ok("asset", "add", clip, "--project", "Pilot")
    ok("asset", "declare", "shot", "--nobody", "--basis", "watched the whole clip")

    def submit(folder: Path) -> str:
        given = {"weights": folder, "height": SIZE, "width": SIZE, "steps": 2, "device": "cpu"}
        words = [word for name, value in given.items() for word in ("--parameter", f"{name}={value}")]
        return str(ok("job", "submit", "shot", "--model", "void@1", "--runner", "void", *words)["id"])

    job = submit(weights)
    swapped = shutil.copytree(weights, tmp_path / "swapped")
    shutil.copyfile(weights / "void_pass2.safetensors", swapped / "void_pass1.safetensors")
    wrong = submit(swapped)
    ok("worker", "run", "--drain")
    shown = ok("job", "show", job)
    assert (shown["status"], shown["attempt"]) == ("succeeded", 1)
    assert {item["role"] for item in shown["outputs"]} == {"video", "pass1", "latents"}
    (video,) = (item for item in shown["outputs"] if item["role"] == "video")
    facts = video["facts"]["runner"]
    assert [(layer["name"], layer["licence"]) for layer in facts["layers"]] == [
        ("void", "Apache-2.0"), ("cogvideox-fun", "CogVideoX licence"),
    ]  # fmt: skip
    assert facts["models_loaded"] == 4
    assert len(shown["measurements"]) >= 8
    refused = greenlight("job", "show", wrong, "--json")
    assert refused.code == 8
    assert refused.json["message"].startswith("void_pass1.safetensors is not the file that the registry recorded")
    assert refused.json["outputs"] == []

    again = ok("job", "rerun", job, "--wait")
    assert again["equal"] is True, again["outputs"]
    assert {one["role"]: one["equal"] for one in again["outputs"]} == dict.fromkeys(("video", "pass1", "latents"), True)
    assert again["headline"].startswith("Reproduced exactly: the video has the same digest.")
    assert again["measurements"] == []

    sit("legal")
    ok("model", "clear", "void@1", "--yes")
    ok("model", "clear", "cogvideox-fun@1.5", "--no")
    judged = greenlight("policy", "check", job, "--json")
    licence = next(verdict for verdict in judged.json["verdicts"] if verdict["control"] == "ML-01")
    assert licence["status"] == "fail"
    assert "the licence of cogvideox-fun@1.5 (CogVideoX licence) is not cleared" in licence["sentence"]

    sit("engineer")
    # Whatever the measures say of random weights, the dossier names the layer that is not cleared.
    greenlight("release", "propose", job)
    release = ok("release", "list")[0]
    dossier = ok("report", "make", release["id"], "--to", tmp_path / "out")
    assert ok("report", "check", dossier["pdf"])["holds"] is True
    page = Path(dossier["html"]).read_text(encoding="utf-8")
    assert "CogVideoX licence" in page
