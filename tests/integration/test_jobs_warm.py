"""A process that stays: the next job of a version finds it loaded, and whatever went wrong once never serves again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file
from support.clips import write_case
from support.void_models import parameters, registered, write_version

from core.jobs.child import Child, Failed, Finished, Outcome, Stopped, Vanished
from core.jobs.warm import WarmProcess, _version_of
from core.runners.base import RunSpecification
from core.settings import Settings

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two versions and a clip."""
    folder = tmp_path_factory.mktemp("void")
    write_case(folder / "case")
    return write_version(folder / "one"), write_version(folder / "two", seed=9)


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmProcess]:
    process = WarmProcess(Settings(home=tmp_path))
    yield process
    process.drop()


def asked(version: Path, **changes: Any) -> RunSpecification:
    """A run of one pass and one step of a version."""
    case = version.parent / "case"
    files = {"video": "input_video.mp4", "quadmask": "quadmask_0.mp4", "prompt": "prompt.json"}
    model = {**registered(version), "digest": version.name}
    given = parameters(version, steps=1, passes=1, **changes)
    return RunSpecification("void", {role: case / name for role, name in files.items()}, given, 42, model)


def ran(warm: WarmProcess, wanted: RunSpecification, folder: Path) -> tuple[int, Outcome]:
    """Run to the end; returns the process and the outcome."""
    child = warm.launch(wanted, folder)
    outcome = child.wait(PATIENCE_S)
    warm.ended(child, outcome)
    assert outcome is not None
    return child.pid, outcome


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def loaded(outcome: Outcome) -> int:
    assert isinstance(outcome, Finished), outcome
    return int(str(outcome.manifest.facts["models_loaded"]))


def test_the_second_job_of_a_version_loads_nothing_and_makes_the_same(
    versions: tuple[Path, Path], warm: WarmProcess, tmp_path: Path
) -> None:
    one, two = versions
    first, cold = ran(warm, asked(one), tmp_path / "a")
    second, ready = ran(warm, asked(one), tmp_path / "b")
    assert first == second
    assert (loaded(cold), loaded(ready)) == (3, 0)
    bytes_of = [(tmp_path / name / "out" / "output.mp4").read_bytes() for name in "ab"]
    assert bytes_of[0] == bytes_of[1]
    latents = [load_file(tmp_path / name / "out" / "latents.safetensors")["pass1"] for name in "ab"]
    assert latents[0].equal(latents[1])
    told = [(tmp_path / name / "progress.jsonl").read_text().splitlines() for name in "ab"]
    assert [json.loads(line) for lines in told for line in (lines[0], lines[-1])] == [
        {"done": 0.0, "message": "starting"},
        {"done": 1.0, "message": "done"},
    ] * 2
    plate = replace(asked(one), runner="plate", parameters={})
    assert isinstance(ran(warm, plate, tmp_path / "c")[1], Finished)
    assert not gone(second)
    other, again = ran(warm, asked(two), tmp_path / "d")
    assert gone(second)
    assert other != second
    assert loaded(again) == 3


def test_a_process_that_failed_or_was_stopped_serves_no_more(
    versions: tuple[Path, Path], warm: WarmProcess, tmp_path: Path
) -> None:
    wanted = asked(versions[0])
    pid, outcome = ran(warm, replace(wanted, inputs={}), tmp_path / "a")
    assert outcome == Failed("the runner 'void' has no video", "submit an asset with a video", transient=False)
    assert gone(pid)
    child = warm.launch(wanted, tmp_path / "b")
    child.cancel()
    stopped = child.wait(PATIENCE_S)
    warm.ended(child, stopped)
    assert stopped == Stopped()
    assert gone(child.pid)
    assert child.pid != pid


def test_a_process_that_was_killed_is_replaced(versions: tuple[Path, Path], warm: WarmProcess, tmp_path: Path) -> None:
    wanted = asked(versions[0])
    child = warm.launch(wanted, tmp_path / "a")
    os.kill(child.pid, 9)
    outcome = child.wait(PATIENCE_S)
    warm.ended(child, outcome)
    assert outcome == Vanished(signal=9, exit_code=None)
    second, fine = ran(warm, wanted, tmp_path / "b")
    os.kill(second, 9)
    os.waitid(os.P_PID, second, os.WEXITED | os.WNOWAIT)
    third, again = ran(warm, wanted, tmp_path / "c")
    assert second != third
    assert (loaded(fine), loaded(again)) == (3, 3)


def test_a_process_that_no_longer_listens_is_replaced(
    versions: tuple[Path, Path], warm: WarmProcess, tmp_path: Path
) -> None:
    deaf = [sys.executable, "-c", "import os, time; os.close(0); print('up', flush=True); time.sleep(600)"]
    process = subprocess.Popen(deaf, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"up\n"
    wanted = replace(asked(versions[0]), inputs={})
    warm._child, warm._held = Child(process, tmp_path / "old", Settings(home=tmp_path), stays=True), _version_of(wanted)
    pid, outcome = ran(warm, wanted, tmp_path / "a")
    assert isinstance(outcome, Failed)
    assert outcome.what == "the runner 'void' has no video"
    assert pid != process.pid
    assert gone(process.pid)


def test_a_process_beyond_the_memory_limit_ends(versions: tuple[Path, Path], tmp_path: Path) -> None:
    warm = WarmProcess(Settings(home=tmp_path, max_rss=8 << 20))
    pid, outcome = ran(warm, asked(versions[0]), tmp_path / "a")
    assert isinstance(outcome, Failed)
    assert "8 MiB" in outcome.what
    assert gone(pid)


def test_a_model_that_no_job_uses_is_let_go(versions: tuple[Path, Path], tmp_path: Path) -> None:
    warm = WarmProcess(Settings(home=tmp_path))
    pid, outcome = ran(warm, asked(versions[0]), tmp_path / "a")
    assert isinstance(outcome, Finished)
    warm.drop_when_idle()
    assert not gone(pid)
    warm._settings = replace(warm._settings, warm_s=1e-9)
    warm.drop_when_idle()
    assert gone(pid)
