"""Outside programs are judged by what they leave, never by their exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.media import quiet, small_folder, write_flat

from core.errors import RunFailed, TransientFailure
from core.runners.base import Cancelled, Manifest, RunContext, RunSpecification
from core.runners.command import CommandRunner, read_plan

VIDEO = {"role": "video", "pattern": "*.mp4", "media_type": "video/mp4"}
COPY = "import shutil, sys; shutil.copy(sys.argv[1], 'out.mp4')"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_flat(tmp_path / "clip.mp4", 64, 48, 5)


def run(tmp_path: Path, clip: Path, code: str, *arguments: str, progress=quiet, **parameters):
    folder = tmp_path / "run"
    folder.mkdir()
    argv = [sys.executable, "-c", code, *arguments]
    specification = RunSpecification(
        "command", {"video": clip}, {"argv": argv, "artifacts": [VIDEO], **parameters}, seed=7
    )
    manifest: Manifest = CommandRunner().run(specification, RunContext(folder, progress))
    return manifest


def test_exit_code_0_without_artifacts_is_a_failure(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RunFailed, match=r"left no video .*exit code 0"):
        run(tmp_path, clip, "print('done')")


def test_exit_code_1_with_artifacts_is_a_success_and_the_code_a_fact(tmp_path: Path, clip: Path) -> None:
    manifest = run(tmp_path, clip, COPY + "; print('warned'); sys.exit(1)", "{input:video}")
    assert manifest.facts["exit_code"] == 1
    assert manifest.facts["frames"] == 5
    assert [output.role for output in manifest.outputs] == ["video", "log"]
    assert manifest.outputs[1].path.read_text() == "warned\n"
    assert "exit code 1" in manifest.notes[0]


@pytest.mark.parametrize("content", ["", "no video"], ids=["empty", "unreadable"])
def test_an_empty_or_unreadable_artifact_is_a_failure(tmp_path: Path, clip: Path, content: str) -> None:
    with pytest.raises(RunFailed):
        run(tmp_path, clip, f"open('out.mp4', 'w').write({content!r})")


def test_the_side_by_side_preview_is_never_the_output(tmp_path: Path, clip: Path) -> None:
    both = COPY + "; shutil.copy(sys.argv[1], 'out_tuple.mp4')"
    manifest = run(tmp_path, clip, both, "{input:video}")
    assert [output.path.name for output in manifest.outputs if output.role == "video"] == ["out.mp4"]


def test_two_candidates_are_ambiguous(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RunFailed, match="2 files"):
        run(tmp_path, clip, COPY + "; shutil.copy(sys.argv[1], 'other.mp4')", "{input:video}")


def test_a_program_ended_by_a_signal_may_be_tried_again(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(TransientFailure, match="signal 9"):
        run(tmp_path, clip, "import os; os.kill(os.getpid(), 9)")


def test_an_artifact_may_not_be_a_link_out_of_the_folder(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RunFailed, match="left no video"):
        run(tmp_path, clip, "import os, sys; os.symlink(sys.argv[1], 'out.mp4')", "{input:video}")


def test_a_program_over_its_time_is_ended(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RunFailed, match=r"longer than 0\.3 s"):
        run(tmp_path, clip, "import time; time.sleep(600)", wall_s=0.3)


def test_cancelling_ends_the_program(tmp_path: Path, clip: Path) -> None:
    def stop(done: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run(tmp_path, clip, "import time; time.sleep(600)", progress=stop)


def test_progress_is_read_from_what_it_prints(tmp_path: Path, clip: Path) -> None:
    seen: list[tuple[float, str]] = []
    go = tmp_path / "go"

    def watch(done: float, message: str) -> None:
        seen.append((done, message))
        if done > 0:
            go.touch()

    code = (
        "import pathlib, sys, shutil\nprint('step 3/4', flush=True)\n"
        "while not pathlib.Path(sys.argv[2]).exists(): pass\nshutil.copy(sys.argv[1], 'out.mp4')"
    )
    run(
        tmp_path,
        clip,
        code,
        "{input:video}",
        str(go),
        progress=watch,
        progress_pattern=r"step (?P<done>\d+)/(?P<total>\d+)",
    )
    assert (0.95 * 0.75, "step 3/4") in seen


def test_the_environment_is_cleaned_and_the_placeholders_filled(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_API_KEY", "secret")
    code = "import os; print(sorted(os.environ)); print(sys.argv[2:]); print(os.environ['MODE'], os.getcwd())"
    manifest = run(
        tmp_path,
        clip,
        COPY + "; " + code,
        "{input:video}",
        "{seed}",
        "{folder}",
        "{other}",
        environment={"MODE": "{seed}"},
    )
    text = manifest.outputs[1].path.read_text()
    work = str(tmp_path / "run" / "program")
    assert "VENDOR_API_KEY" not in text
    assert str(["7", work, "{other}"]) in text
    assert f"7 {work}" in text
    assert manifest.facts["argv"][3] == "{input:video}"


def test_arguments_are_never_a_shell_line(tmp_path: Path, clip: Path) -> None:
    manifest = run(tmp_path, clip, COPY + "; print(sys.argv[2])", "{input:video}", "$(touch hacked); `touch hacked`")
    assert manifest.outputs[1].path.read_text() == "$(touch hacked); `touch hacked`\n"
    assert not list(tmp_path.rglob("hacked"))


def test_a_chatty_program_fills_no_disk(tmp_path: Path, clip: Path) -> None:
    code = COPY + "; [print('x' * 999) for _ in range(4000)]; print('the end')"
    manifest = run(tmp_path, clip, code, "{input:video}")
    text = manifest.outputs[1].path.read_text()
    assert len(text) < 2 << 20
    assert "bytes left out" in text
    assert text.endswith("the end\n")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"argv": "ls -l", "artifacts": [VIDEO]}, "list of words"),
        ({"argv": [], "artifacts": [VIDEO]}, "list of words"),
        ({"argv": ["x"], "artifacts": []}, "no required artifact"),
        ({"argv": ["x"], "artifacts": [{**VIDEO, "pattern": "../*.mp4"}]}, "leaves the program's folder"),
        ({"argv": ["x"], "artifacts": [{**VIDEO, "pattern": "/etc/*"}]}, "leaves the program's folder"),
        ({"argv": ["x"], "artifacts": [{"role": "video"}]}, "not declared whole"),
        ({"argv": ["x"], "artifacts": [VIDEO], "wall_s": -1}, "not a time"),
        ({"argv": ["x"], "artifacts": [VIDEO], "progress_pattern": "("}, "no regular expression"),
        ({"argv": ["x"], "artifacts": [VIDEO], "progress_pattern": "x"}, "names no group"),
        ({"argv": ["{input:mask}"], "artifacts": [VIDEO]}, "wants the input 'mask'"),
    ],
)
def test_unusable_parameters_are_refused(tmp_path: Path, parameters: dict[str, object], reason: str) -> None:
    with pytest.raises(RunFailed, match=reason):
        read_plan(RunSpecification("command", {}, parameters), tmp_path)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    specification = RunSpecification("command", {}, {"argv": ["no-such-program"], "artifacts": [VIDEO]})
    with pytest.raises(RunFailed, match="no-such-program"):
        CommandRunner().run(specification, RunContext(tmp_path, quiet))


# Stands in for the public repository's program: it takes the same options, looks for a sequence's three files under the
# root folder, and names its output and its preview as that one does.
UPSTREAM = """
import json, pathlib, shutil, sys
options = dict(word.removeprefix("--config.").split("=", 1) for word in sys.argv[1:])
sequence = options["experiment.run_seqs"]
folder = pathlib.Path(options["data.data_rootdir"]) / sequence
assert {path.name for path in folder.iterdir()} == {"input_video.mp4", "quadmask_0.mp4", "prompt.json"}
assert json.loads((folder / "prompt.json").read_text())["bg"]
out = pathlib.Path(options["experiment.save_path"])
out.mkdir()
for name in (f"{sequence}-fg=-1-0001.mp4", f"{sequence}-fg=-1-0001_tuple.mp4"):
    shutil.copy(folder / "input_video.mp4", out / name)
"""
LAYOUT = {
    "data/shot/input_video.mp4": "video",
    "data/shot/quadmask_0.mp4": "quadmask",
    "data/shot/prompt.json": "prompt",
}


def run_upstream(folder: Path, layout: dict[str, str]) -> Manifest:
    case = small_folder(folder / "case")
    names = {"video": "input_video.mp4", "quadmask": "quadmask_0.mp4", "prompt": "prompt.json"}
    options = ("data.data_rootdir=data", "experiment.run_seqs=shot", "experiment.save_path=out")
    parameters = {
        "argv": [sys.executable, "-c", UPSTREAM, *(f"--config.{option}" for option in options)],
        "layout": layout,
        "artifacts": [{"role": "video", "pattern": "out/shot-fg=-1-*.mp4", "media_type": "video/mp4"}],
    }
    (folder / "run").mkdir()
    inputs = {role: case / name for role, name in names.items()}
    return CommandRunner().run(RunSpecification("command", inputs, parameters), RunContext(folder / "run", quiet))


def test_a_program_finds_its_inputs_in_upstreams_layout_and_its_output_is_known_by_upstreams_name(
    tmp_path: Path,
) -> None:
    made = run_upstream(tmp_path, LAYOUT)
    (video,) = (output.path for output in made.outputs if output.role == "video")
    assert video.name == "shot-fg=-1-0001.mp4"
    assert video.read_bytes() == (tmp_path / "case" / "input_video.mp4").read_bytes()
    assert made.facts["exit_code"] == 0


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"../up/prompt.json": "prompt"}, "leaves the program's folder"),
        ({"/prompt.json": "prompt"}, "leaves the program's folder"),
        ({"data/prompt.json": "words"}, "wants the input 'words'"),
        (["prompt.json"], "'layout' is not a table"),
        ({name: role for name, role in LAYOUT.items() if role != "prompt"}, "left no video"),
    ],
)
def test_a_layout_that_cannot_be_or_does_not_suffice_is_told(tmp_path: Path, layout: dict[str, str], said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        run_upstream(tmp_path, layout)
