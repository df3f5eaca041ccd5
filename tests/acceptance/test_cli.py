"""What a user types: one case from an empty folder to a released output, and every slip told in one sentence."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
from support.clips import write_case, write_output
from support.requirements import PROJECT
from support.studio import BARE_CLIP, CLIP, MODEL, PASSWORD, PERFORMER, PROVENANCE, Studio
from support.studio import PROJECT as PILOT

from core import consents, identity, releases
from core.canonical import file_sha256
from core.cli.main import NOUNS, app, run
from evaluators.qualification.encoding import write_video

VERSION, NAMED = ("model", "version", "remover"), ("--name", "X")
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


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
def greenlight(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run the command line in this process; `stdin` is what is typed, `by` whose session it is."""
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


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def at(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sit down at a studio's terminal as one of its people; the engineer is there first."""
    monkeypatch.setenv("GREENLIGHT_HOME", str(studio.platform.settings.home))
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", studio.platform.settings.database_url)
    monkeypatch.chdir(studio.folder)

    def sit(login: str) -> None:
        monkeypatch.setenv("GREENLIGHT_TOKEN", identity.open_session(studio.platform, studio.proof(login)))

    sit("engineer")
    return sit


def slip(said: Said, code: int, words: str) -> None:
    """A user's slip: one sentence on standard error that says what to do, nothing else, the right exit code."""
    assert (said.code, said.out) == (code, ""), said
    assert re.fullmatch(r"Error: [^\n]+; [^\n]+\.\n", said.err), said.err
    assert "Traceback" not in said.err
    assert words in said.err, said.err


def failed(said: Said, code: int, kind: str) -> None:
    """The same for a machine."""
    assert (said.code, said.err) == (code, "")
    assert (said.json["error"], said.json["exit_code"]) == (kind, code)
    assert said.json["next_step"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every command by its words, such as `job submit`."""
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for noun in NOUNS:
        monkeypatch.setattr(sys, "argv", ["greenlight", noun])
        command = group.get_command(group.make_context("greenlight", [noun], resilient_parsing=True), noun)
        verbs = getattr(command, "commands", None) or {"": command}
        found |= {f"{noun} {verb}".strip(): one for verb, one in verbs.items()}
    return found


def test_every_command_answers_machines_too(commands: dict[str, Any]):
    options = {
        name: {option for parameter in one.params for option in parameter.opts} for name, one in commands.items()
    }
    assert [name for name in commands if "--json" not in options[name]] == ["dashboard"]


def test_every_command_explains_itself(commands: dict[str, Any]):
    assert [name for name, command in commands.items() if not command.help] == []
    assert len(commands) > 35


@pytest.mark.parametrize("noun", NOUNS)
def test_no_noun_takes_itself_for_a_program_that_completes(noun: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["greenlight", noun])
    group: Any = typer.main.get_command(app)
    command = group.get_command(group.make_context("greenlight", [noun], resilient_parsing=True), noun)
    assert [one.name for one in command.params if "completion" in one.name] == []


def test_the_commands_that_sentences_name_exist(commands: dict[str, Any]):
    source = "\n".join(path.read_text(encoding="utf-8") for path in PROJECT.joinpath("core").rglob("*.py"))
    named = set(re.findall(r"'greenlight ([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)", source))
    assert {"user login", "audit verify", "init"} <= named
    assert named - {*commands, *NOUNS} == set()


HEAVY = ("torch", "cv2", "numpy", "sqlalchemy", "matplotlib", "reportlab", "streamlit", "scipy", "pyhanko", "av")
HELP = """
import sys
from core.cli.main import run
try:
    run()
except SystemExit as ended:
    assert not ended.code, ended.code
print([name for name in sys.argv.pop().split(",") if name in sys.modules])
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([noun, "--help"] for noun in NOUNS)])
def test_help_loads_nothing_heavy(arguments: list[str], monkeypatch: pytest.MonkeyPatch):
    # The names ride along as a last argument that click never sees: it has ended by then.
    code = HELP.replace("sys.argv.pop()", repr(",".join(HEAVY)))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
    assert len(done.stdout.splitlines()) > 1


def test_one_case_by_the_command_line_alone(empty: Path, greenlight: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GREENLIGHT_HOME", raising=False)
    clip, made = write_case(empty / "shot"), write_output(empty / "made.mp4")
    (empty / "provenance.json").write_text(json.dumps(PROVENANCE), encoding="utf-8")

    def ok(*arguments: object, stdin: str = "") -> Any:
        said = greenlight(*arguments, "--json", stdin=stdin)
        assert said.code == 0, said
        assert said.err == ""
        return said.json

    def sit(login: str) -> None:
        assert ok("user", "login", login, "--password-stdin", stdin=PASSWORD + "\n")["login"] == login

    assert ok("init", "--password-stdin", stdin=PASSWORD + "\n")["login"] == "admin"
    assert (empty / ".greenlight" / "session").stat().st_mode & 0o777 == 0o600
    for login, role in (("engineer", "engineer"), ("legal", "legal_lead"), ("manager", "release_manager")):
        name = ("--name", login.title(), "--role", role)
        ok("user", "add", login, *name, "--password-stdin", stdin=PASSWORD + "\n")
    sit("manager")
    governed = ("--agreement", "sag-aftra-tv-2026", "--agreement", "part-11", "--first-photography", "2026-08-03")
    project = ok("project", "create", "Pilot", *governed, "--final", "--no-strikes")
    assert project["agreements"] == ["sag-aftra-tv-2026", "part-11"]
    sit("engineer")
    ok("model", "create", "remover", "--origin", "vendor")
    ok("model", "version", "remover", "1", "--licence", "Apache-2.0", "--no-egress")
    assert ok("asset", "add", clip, "--project", "Pilot")["facts"]["frames"] == 12
    sit("legal")
    assert ok("model", "clear", MODEL, "--yes")["cleared"] is True
    person = ok("consent", "subject", "Performer", "--union", "SAG-AFTRA", "--adult", "--living")["id"]
    ok("asset", "declare", "shot", "--person", f"{person}=removed", "--basis", "watched the whole clip")
    sit("engineer")
    request = ("job", "submit", "shot", "--model", MODEL, "--runner", "ingest", "--script-delta", "none")
    request += ("--file", f"output={made}", "--provenance", empty / "provenance.json", "--origin", "vendor")
    closed = greenlight(*request)
    assert closed.code == 4
    assert closed.out.startswith("May not run: ")
    assert "no consent covers the removal of Performer" in closed.out
    sit("legal")
    rider = ("--project", "Pilot", "--use", "REMOVAL", "--description", "One shot", "--given-by", "Performer")
    ok("consent", "record", person, *rider, "--signed-at", "2026-07-01", "--separately-signed", "--conspicuous")
    ok("project", "attest", "Pilot", "--asset", "shot", "--kind", "removal_reviewed", "--statement", "Nothing changes.")
    sit("engineer")
    job = ok(*request)["id"]
    assert ok("worker", "run", "--drain")["attempts"] == 1
    shown = ok("job", "show", job)
    assert (shown["status"], [attempt["status"] for attempt in shown["attempts"]]) == ("succeeded", ["succeeded"])
    assert len(shown["measurements"]) >= 8
    assert ok("policy", "check", job)["opens"] is True
    release = ok("release", "propose", job)["id"]
    early = greenlight("release", "sign", release, "--password-stdin", stdin=PASSWORD)
    slip(early, 3, "release:sign")
    sit("legal")
    assert ok("release", "sign", release, "--password-stdin", stdin=PASSWORD)["state"] == "candidate"
    sit("manager")
    assert ok("release", "sign", release, "--password-stdin", stdin=PASSWORD)["state"] == "approved"
    exported = Path(ok("release", "export", release, "--to", empty / "out")["path"])
    assert file_sha256(exported) == file_sha256(made)
    dossier = ok("report", "make", release, "--to", empty / "out")
    assert ok("report", "check", dossier["pdf"])["holds"] is True
    assert ok("release", "show")["state"] == "approved"
    sit("admin")
    note = ok("audit", "checkpoint", "--to", empty / "elsewhere")["path"]
    found = ok("audit", "verify", "--checkpoint", note)
    assert (found["intact"], found["findings"]) == (True, [])
    actions = [event["action"] for event in ok("audit", "list", "--last", "200")]
    assert actions[0] == "user.created"
    assert {"job.succeeded", "release.approved", "release.exported", "dossier.made"} <= set(actions)
    ok("user", "logout")
    slip(greenlight("release", "list"), 3, "run 'greenlight user login'")


READ = [
    ("project list",),
    ("project show", PILOT),
    ("model list",),
    ("model show", MODEL),
    ("asset list",),
    ("asset show", CLIP),
    ("consent list",),
    ("consent subjects",),
    ("job list",),
    ("policy list",),
    ("policy show", "part-11"),
    ("policy lint", "part-11"),
    ("release list",),
    ("release show",),
    ("audit list",),
    ("audit verify",),
    ("user list",),
    ("user whoami",),
]


def test_every_view_is_a_table_for_people_and_json_for_machines(studio: Studio, at: Any, greenlight: Command):
    releases.propose(studio.platform, studio.people["engineer"], studio.job)
    views = [*READ, ("job show", studio.job)]
    for words, *rest in views:
        plain, machine = greenlight(*words.split(), *rest), greenlight(*words.split(), *rest, "--json")
        assert (plain.code, machine.code) == (0, 0), words
        assert (plain.err, machine.err) == ("", "")
        assert machine.json is not None
        assert plain.out.strip(), words
        assert not plain.out.lstrip().startswith(("{", "[")), words
    assert PASSWORD not in greenlight("user", "list", "--json").out
    assert "argon2" not in greenlight("user", "list", "--json").out


@SQLITE
@pytest.mark.parametrize(
    ("by", "arguments", "code", "words"),
    [
        ("engineer", ["project", "show", "Nothing"], 2, "no project 'Nothing'; known: Pilot"),
        ("engineer", ["job", "show", "job_none"], 2, "see 'greenlight job list'"),
        ("engineer", ["release", "show", "rel_none"], 2, "no release 'rel_none'"),
        ("engineer", ["release", "show"], 2, "there is no release yet"),
        ("engineer", ["model", "show", "remover"], 2, "name it as model@version"),
        ("engineer", [*VERSION, "2", "--licence", "MIT", "--card", "none.json"], 2, "none.json"),
        ("engineer", [*VERSION, "2", "--licence", "MIT", "--card", "broken.json"], 2, "broken.json"),
        ("engineer", [*VERSION, "2", "--licence", "MIT", "--weights", "broken.json"], 2, "safetensors"),
        ("engineer", [*VERSION, "1", "--licence", "MIT"], 5, "exists"),
        ("engineer", ["asset", "add", "nowhere", "--project", PILOT], 2, "is not a folder"),
        ("engineer", ["asset", "add", "clip", "--project", PILOT, "--name", CLIP], 5, "give another name with --name"),
        ("engineer", ["asset", "declare", CLIP, "--basis", "x"], 2, "name each --person, or say --nobody"),
        ("engineer", ["asset", "declare", CLIP, "--basis", "x", "--person", "Somebody"], 2, "write it as name=value"),
        ("engineer", ["job", "submit", CLIP, "--model", MODEL, "--runner", "magic"], 2, "no runner 'magic'"),
        ("engineer", ["job", "submit", CLIP, "--model", MODEL, "--parameter", "x"], 2, "write it as name=value"),
        ("engineer", ["job", "submit", CLIP, "--model", MODEL, "--parameter", "x=NaN"], 2, "cannot be stored as JSON"),
        ("engineer", ["job", "submit", CLIP, "--model", MODEL, "--provenance", "none.json"], 2, "not readable as JSON"),
        ("engineer", ["job", "submit", CLIP, "--model", MODEL, "--file", "output=none.mp4"], 2, "no file none.mp4"),
        ("engineer", ["job", "cancel", "job_none"], 2, "no job 'job_none'"),
        ("engineer", ["policy", "show", "part-12"], 2, "part-12"),
        ("engineer", ["policy", "lint", "part-12"], 2, "part-12"),
        ("engineer", ["policy", "check", "job_none"], 2, "no job 'job_none'"),
        ("engineer", ["audit", "verify", "--checkpoint", "none.txt"], 2, "none.txt cannot be read"),
        ("engineer", ["audit", "verify", "--checkpoint", "broken.json"], 2, "not a Greenlight checkpoint"),
        ("engineer", ["report", "check", "none.pdf"], 2, "there is no file none.pdf"),
        ("engineer", ["report", "check", "broken.json"], 7, "does not hold"),
        ("engineer", ["evaluate", "clip", "nowhere", "--output", "made.mp4"], 2, "nowhere"),
        ("engineer", ["evaluate", "clip", "clip", "--output", "none.mp4"], 2, "none.mp4"),
        ("engineer", ["project", "create", "X", "--agreement", "part-11"], 3, "ask somebody who is"),
        ("engineer", ["user", "add", "x", "--name", "X", "--role", "engineer", "--password-stdin"], 3, "administrator"),
        ("engineer", ["release", "export", "rel_none"], 3, "release manager"),
        ("manager", ["project", "create", PILOT], 5, "exists"),
        ("manager", ["project", "create", "X", "--agreement", "part-12"], 2, "part-12"),
        ("manager", ["project", "create", "X", "--first-photography", "soon"], 2, "'soon' is no date"),
        ("manager", ["project", "create", "X", "--kind", "film"], 2, "'film' is no kind of project"),
        ("legal", ["consent", "record", PERFORMER, "--project", PILOT, "--use", "REMOVAL", "--description", "x",
                   "--given-by", "x", "--signed-at", "soon"], 2, "'soon' is no date"),
        ("legal", ["consent", "record", PERFORMER, "--project", PILOT, "--use", "REMOVAL", "--description", "x",
                   "--given-by", "x", "--signed-at", "2026-07-01", "--evidence", "none.pdf"], 2, "none.pdf"),
        ("legal", ["consent", "revoke", "con_none", "--reason", "x"], 2, "no consent 'con_none'"),
        ("legal", ["job", "submit", CLIP, "--model", MODEL], 3, "ask somebody who is engineer"),
        ("admin", ["user", "add", "engineer", *NAMED, "--role", "engineer", "--password-stdin"], 5, "is taken"),
        ("admin", ["user", "add", "new", *NAMED, "--role", "king", "--password-stdin"], 2, "'king' is not a role"),
        ("admin", ["user", "add", "new", *NAMED, "--role", "engineer"], 2, "pass --password-stdin"),
        ("admin", ["user", "login", "engineer"], 2, "pass --password-stdin"),
        ("auditor", ["worker", "run", "--drain"], 3, "job:work"),
        ("auditor", ["audit", "checkpoint", "--to", "broken.json"], 6, "cannot be written"),
        ("auditor", ["report", "make", "rel_none"], 2, "no release 'rel_none'"),
    ],
)  # fmt: skip
def test_a_slip_is_one_sentence_with_its_exit_code(
    studio: Studio,
    at: Any,
    greenlight: Command,
    by: str,
    arguments: list[str],
    code: int,
    words: str,
    database_kind: str,
):
    at(by)
    (studio.folder / "broken.json").write_text("{ no JSON", encoding="utf-8")
    slip(greenlight(*arguments, stdin=PASSWORD), code, words)
    machine = greenlight(*arguments, "--json", stdin=PASSWORD)
    assert (machine.code, machine.err, machine.json["exit_code"]) == (code, "", code)
    assert words in f"{machine.json['what']}; {machine.json['next_step']}"


@pytest.mark.parametrize(
    "arguments", [["audt"], ["audit", "verfy"], ["audit", "list", "--last", "0"], ["job", "submit"]]
)
def test_a_mistyped_command_is_told_with_exit_code_2(greenlight: Command, arguments: list[str]):
    said = greenlight(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    assert "--help" in said.err


def test_where_nothing_is_set_up_every_command_names_init(empty: Path, greenlight: Command):
    for arguments in (["project", "list"], ["audit", "verify"], ["worker", "run"], ["user", "login", "x"]):
        slip(greenlight(*arguments), 6, "run 'greenlight init'")
        failed(greenlight(*arguments, "--json"), 6, "Unavailable")
    slip(greenlight("init", "--migrate"), 6, "run 'greenlight init'")
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        ([], "short", "a password needs 12 to 1024 characters"),
        (["--login", " "], PASSWORD, "the login must be"),
        (["--name", "a\nb"], PASSWORD, "the name must be"),
    ],
)
def test_a_set_up_that_is_refused_leaves_nothing(
    empty: Path, greenlight: Command, arguments: list[str], password: str, words: str
):
    slip(greenlight("init", *arguments, "--password-stdin", stdin=password), 2, words)
    assert list(empty.iterdir()) == []


def test_setting_up_twice_is_refused(empty: Path, greenlight: Command):
    assert greenlight("init", "--password-stdin", stdin=PASSWORD).code == 0
    slip(greenlight("init", "--password-stdin", stdin=PASSWORD), 5, "has users already")
    assert greenlight("user", "whoami").out == "Administrator (administrator)\n"


@SQLITE
def test_passwords_are_checked_and_the_account_is_locked(
    studio: Studio, at: Any, greenlight: Command, database_kind: str
):
    for _ in range(5):
        wrong = greenlight("user", "login", "manager", "--password-stdin", stdin="not the password\n")
        slip(wrong, 3, "the login or the password is wrong")
    slip(greenlight("user", "login", "manager", "--password-stdin", stdin=PASSWORD), 3, "locked until")
    slip(
        greenlight("user", "login", "nobody", "--password-stdin", stdin=PASSWORD),
        3,
        "the login or the password is wrong",
    )
    slip(greenlight("user", "login", "legal", "--password-stdin", stdin="\udcff" * 12), 3, "is wrong")


@SQLITE
def test_a_session_that_ended_or_was_made_up_is_told(
    studio: Studio, at: Any, greenlight: Command, monkeypatch: pytest.MonkeyPatch, database_kind: str
):
    monkeypatch.setenv("GREENLIGHT_TOKEN", "made up")
    slip(greenlight("project", "list"), 3, "run 'greenlight user login'")


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_second_machine_needs_the_keys_of_the_first(
    studio: Studio, greenlight: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_kind: str
):
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", studio.platform.settings.database_url)
    monkeypatch.setenv("GREENLIGHT_HOME", str(tmp_path / "new"))
    login = ("user", "login", "engineer", "--password-stdin")
    slip(greenlight(*login, stdin=PASSWORD), 6, "restore the keys folder")
    shutil.copytree(studio.platform.settings.keys, tmp_path / "new" / "keys")
    assert greenlight(*login, stdin=PASSWORD).code == 0
    assert greenlight("user", "whoami").out == "Engineer (engineer)\n"


def remove_video(folder: Path) -> None:
    (folder / "input_video.mp4").unlink()


def cut_video(folder: Path) -> None:
    path = folder / "input_video.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def soften_mask(folder: Path) -> None:
    mask = np.full((12, 48, 64), 200, np.uint8)
    write_video(mask, folder / "quadmask_0.mp4", 12.0, lossless=True)


def shorten_mask(folder: Path) -> None:
    write_video(np.full((11, 48, 64), 255, np.uint8), folder / "quadmask_0.mp4", 12.0, lossless=True)


def resize_mask(folder: Path) -> None:
    write_video(np.full((12, 24, 32), 255, np.uint8), folder / "quadmask_0.mp4", 12.0, lossless=True)


def remove_mask(folder: Path) -> None:
    (folder / "quadmask_0.mp4").unlink()


def spoil_prompt(folder: Path) -> None:
    (folder / "prompt.json").write_text("[]", encoding="utf-8")


def empty_video(folder: Path) -> None:
    (folder / "input_video.mp4").write_bytes(b"")


@SQLITE
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (remove_video, "has no input_video.mp4; add it"),
        (empty_video, "input_video.mp4 is empty; copy or export it again"),
        (cut_video, "input_video.mp4"),
        (
            soften_mask,
            "quadmask_0.mp4 has 36864 pixels that are not 0, 63, 127 or 255, first in frame 0; export the mask",
        ),
        (shorten_mask, "quadmask_0.mp4 has 11 frames but the video has 12; render one mask frame per video frame"),
        (resize_mask, "quadmask_0.mp4 is 32x24 but the video is 64x48; render the mask at the video's size"),
        (remove_mask, "has no quadmask; add the mask as quadmask_0.mp4 or trimask_quadmask.mp4"),
        (spoil_prompt, "prompt.json has no text under 'bg'; write"),
    ],
)
def test_a_clip_that_cannot_be_used_is_told_and_nothing_of_it_is_kept(
    studio: Studio, at: Any, greenlight: Command, spoil: Callable[[Path], None], words: str, database_kind: str
):
    spoil(studio.clip)
    stored = sorted((studio.platform.settings.home / "artifacts").rglob("*"))
    slip(greenlight("asset", "add", studio.clip, "--project", PILOT, "--name", "spoilt"), 2, words)
    assert "spoilt" not in greenlight("asset", "list", "--json").out
    assert sorted((studio.platform.settings.home / "artifacts").rglob("*")) == stored


@SQLITE
def test_a_damaged_database_is_told_and_left_as_it_is(studio: Studio, at: Any, greenlight: Command, database_kind: str):
    path = studio.platform.settings.home / "greenlight.db"
    studio.platform.close()
    path.write_bytes(b"something else altogether" * 400)
    for arguments in (["release", "list"], ["audit", "verify"], ["worker", "run", "--drain"], ["init", "--migrate"]):
        slip(greenlight(*arguments), 6, "is damaged")
    slip(greenlight("init", "--password-stdin", stdin=PASSWORD), 6, "is damaged")
    assert path.read_bytes() == b"something else altogether" * 400


@SQLITE
def test_a_second_worker_on_the_same_file_is_refused(studio: Studio, at: Any, greenlight: Command, database_kind: str):
    import fcntl

    with (studio.platform.settings.home / "worker.lock").open("w", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write("12345")
        other.flush()
        said = greenlight("worker", "run", "--drain")
    assert (said.code, said.out) == (6, "")
    assert said.err == (
        "Error: another worker serves this database already (process 12345); "
        "let it work or stop it; PostgreSQL allows several.\n"
    )


@SQLITE
def test_changed_evidence_ends_with_7(studio: Studio, at: Any, greenlight: Command, database_kind: str):
    path = studio.platform.store.local_path(file_sha256(studio.output))
    assert path
    path.chmod(0o644)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    said, machine = greenlight("audit", "verify"), greenlight("audit", "verify", "--json")
    assert (said.code, machine.code) == (7, 7)
    assert path.name in said.out
    assert said.out.endswith("1 thing is not what was recorded.\n")
    assert [finding["where"] for finding in machine.json["findings"]] == [f"artifact {path.name}"]


@SQLITE
def test_a_closed_gate_ends_with_4_and_a_failed_job_with_8(
    studio: Studio, at: Any, greenlight: Command, database_kind: str
):
    closed = greenlight("job", "submit", BARE_CLIP, "--model", MODEL, "--json")
    assert (closed.code, closed.json["status"]) == (4, "refused")
    program = json.dumps([sys.executable, "-c", "pass"])
    artifacts = json.dumps([{"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"}])
    parameters = ("--parameter", f"argv={program}", "--parameter", f"artifacts={artifacts}")
    job = greenlight("job", "submit", CLIP, "--model", MODEL, "--runner", "command", *parameters, "--json").json["id"]
    assert greenlight("worker", "run", "--drain").code == 0
    shown = greenlight("job", "show", job)
    assert shown.code == 8
    assert "left no video matching 'out.mp4'" in shown.out
    assert greenlight("job", "show", job, "--json").json["status"] == "failed"
    slip(greenlight("release", "propose", job), 5, "is failed; this step needs it to be succeeded")
    with studio.platform.work(studio.people["legal"]) as work:
        consents.revoke_consent(work, consent=studio.consent, reason="asked for")
    refused = greenlight("release", "propose", studio.job, "--json")
    assert (refused.code, refused.json["state"]) == (4, "refused")
    assert greenlight("policy", "check", studio.job).code == 4


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = (
        mount
        and not subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    )
    if not made:
        pytest.skip("a disk of three megabytes needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@SQLITE
def test_a_full_disk_is_told_and_the_record_stays_whole(
    studio: Studio, at: Any, greenlight: Command, small_disk: Path, monkeypatch: pytest.MonkeyPatch, database_kind: str
):
    studio.platform.close()
    home = shutil.copytree(studio.platform.settings.home, small_disk / "home")
    monkeypatch.setenv("GREENLIGHT_HOME", str(home))
    noise = np.random.default_rng(0).integers(0, 255, (12, 256, 384, 3), np.uint8)
    big = studio.folder / "big"
    big.mkdir()
    shutil.copy(studio.clip / "prompt.json", big)
    write_video(noise, big / "input_video.mp4", 12.0, lossless=True)
    write_video(np.full((12, 256, 384), 255, np.uint8), big / "quadmask_0.mp4", 12.0, lossless=True)
    slip(greenlight("asset", "add", big, "--project", PILOT), 6, "disk is full; free space and run the command again")
    assert list(home.rglob(".incoming-*")) == []
    assert "big" not in greenlight("asset", "list", "--json").out
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(8 << 20))
    slip(greenlight("model", "create", "new"), 6, "is full or failing; free space and run the command again")
    filler.unlink()
    assert greenlight("model", "create", "new").code == 0
    assert greenlight("audit", "verify").code == 0


def test_the_installed_command_is_this_one(empty: Path):
    # As a shell sees it: no traceback, the sentence on standard error, the exit code.
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    program = Path(sys.executable).with_name("greenlight")
    done = subprocess.run([program, "release", "list"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        "Error: there is no Greenlight at .greenlight; run 'greenlight init' or set GREENLIGHT_HOME.\n"
    )


def test_settings_that_cannot_be_used_are_told(empty: Path, greenlight: Command, monkeypatch: pytest.MonkeyPatch):
    (empty / "greenlight.toml").write_text("lease = 1", encoding="utf-8")
    slip(greenlight("release", "list"), 2, "unknown setting 'lease'")
    (empty / "greenlight.toml").unlink()
    monkeypatch.setenv("GREENLIGHT_MAX_FRAMES", "many")
    slip(greenlight("release", "list"), 2, "'max_frames' cannot be 'many'")
    monkeypatch.delenv("GREENLIGHT_MAX_FRAMES")
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", "mysql://host/studio")
    slip(greenlight("release", "list"), 6, "correct GREENLIGHT_DATABASE_URL")
