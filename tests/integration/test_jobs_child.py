"""Real attempts in real child processes: every way that one can end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.media import small_folder

from core.jobs.attempt import write_whole
from core.jobs.child import Child, Failed, Finished, Stopped, Vanished, launch
from core.jobs.process import session_members, without_secrets
from core.runners.base import RunSpecification
from core.settings import Settings

SETTINGS = Settings()
ARTIFACTS = [{"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"}]
PATIENCE_S = 60.0


def program(code: str, **parameters: object) -> RunSpecification:
    """A `command` run of a Python program."""
    return RunSpecification("command", {}, {"argv": [sys.executable, "-c", code], "artifacts": ARTIFACTS, **parameters})


def until(child: Child, ready: Callable[[], bool]) -> None:
    """Watch a child until something is true; fails when the child ends first."""
    while not ready():
        assert child.wait(0.0) is None


def started(child: Child, marker: Path) -> None:
    until(child, marker.exists)


def test_a_finished_attempt_gives_its_manifest_and_progress(tmp_path: Path) -> None:
    case = small_folder(tmp_path / "case")
    inputs = {"video": case / "input_video.mp4", "quadmask": case / "quadmask_0.mp4"}
    child = launch(RunSpecification("plate", inputs, seed=3), tmp_path / "attempt", SETTINGS)
    outcome = child.wait(PATIENCE_S)
    assert isinstance(outcome, Finished)
    (output,) = outcome.manifest.outputs
    assert (output.role, output.media_type) == ("video", "video/mp4")
    assert output.path.is_relative_to((tmp_path / "attempt").resolve())
    assert outcome.manifest.facts["frames"] == 6
    progress = child.progress()
    assert progress is not None
    assert progress.done == 1.0
    assert child.progress() is None


def test_a_runner_that_says_no_has_failed(tmp_path: Path) -> None:
    outcome = launch(RunSpecification("plate", {}), tmp_path / "a", SETTINGS).wait(PATIENCE_S)
    assert outcome == Failed("the runner 'plate' has no video", "submit an asset with a video", transient=False)
    outcome = launch(RunSpecification("nobody", {}), tmp_path / "b", SETTINGS).wait(PATIENCE_S)
    assert isinstance(outcome, Failed)
    assert "command, ingest" in outcome.next_step


def test_a_killed_attempt_has_vanished_and_is_not_failed(tmp_path: Path) -> None:
    child = launch(
        program(f"open({str(tmp_path / 'up')!r}, 'w'); import time; time.sleep(600)"), tmp_path / "a", SETTINGS
    )
    started(child, tmp_path / "up")
    os.kill(child.pid, 9)
    assert child.wait(PATIENCE_S) == Vanished(signal=9, exit_code=None)
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_cancelling_ends_the_program_and_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], process_group=0)\n"
        f"open({str(tmp_path / 'up')!r}, 'w')\n"
        "time.sleep(600)\n"
    )
    child = launch(program(code), tmp_path / "a", SETTINGS)
    started(child, tmp_path / "up")
    family = session_members(child.pid)
    assert len(family) >= 3
    child.cancel(grace_s=0.5)
    assert child.wait(PATIENCE_S) == Stopped()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_an_attempt_over_the_memory_limit_is_ended_with_the_reason(tmp_path: Path) -> None:
    code = "import time; block = bytearray(400 << 20); time.sleep(600)"
    child = launch(program(code), tmp_path / "a", replace(SETTINGS, max_rss=300 << 20))
    outcome = child.wait(PATIENCE_S)
    assert isinstance(outcome, Failed)
    assert "300 MiB" in outcome.what


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_a_child_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    ready = tmp_path / "up"
    code = f"open({str(ready)!r}, 'w'); import time; time.sleep(600)"
    supervisor = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from core.jobs.child import launch\n"
        "from core.runners.base import RunSpecification\n"
        "from core.settings import Settings\n"
        f"parameters = {{'argv': [sys.executable, '-c', {code!r}], 'artifacts': {ARTIFACTS!r}}}\n"
        "run = RunSpecification('command', {}, parameters)\n"
        f"print(launch(run, Path({str(tmp_path / 'a')!r}), Settings()).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with psutil.Popen([sys.executable, "-c", supervisor], stdout=-1) as process:
        pid = int(process.stdout.readline())
        while not ready.exists():
            assert process.poll() is None
        family = session_members(pid)
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_child_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", "sqlite:///x.db")
    monkeypatch.setenv("VENDOR_API_KEY", "secret-1")
    monkeypatch.setenv("PROXY", "http://me:secret-2@proxy/")
    child = launch(program("import time; time.sleep(600)"), tmp_path / "a", SETTINGS)
    environment = psutil.Process(child.pid).environ()
    child.kill()
    child.wait(PATIENCE_S)
    assert not {"GREENLIGHT_DATABASE_URL", "VENDOR_API_KEY", "PROXY"} & environment.keys()


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "PGPASSWORD_FILE_PASSWORD", "DB_DSN", "KEY", "AWS_ACCESS_KEY_ID"]
)
def test_secret_names_are_dropped(name: str) -> None:
    assert without_secrets({name: "x", "PATH": "/bin", "KEYBOARD": "de", "MONKEY_TOKENS_MAX": "1"}) == {
        "PATH": "/bin",
        "KEYBOARD": "de",
        "MONKEY_TOKENS_MAX": "1",
    }


def test_a_manifest_that_names_a_file_elsewhere_is_not_believed(tmp_path: Path) -> None:
    from core.jobs import child as module

    (tmp_path / "out").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "out" / "link.mp4").symlink_to(secret)
    for name in ("../secret", "link.mp4", "absent.mp4", str(secret)):
        record = {"outputs": [{"role": "video", "path": name, "media_type": "video/mp4"}], "facts": {}, "notes": []}
        write_whole(tmp_path / module.MANIFEST, record)
        assert isinstance(module._finished(tmp_path), Failed)
