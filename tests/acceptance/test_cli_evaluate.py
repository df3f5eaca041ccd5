"""`greenlight evaluate clip`: any output is measured from the shell, with no registry, no server and no weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.video import boxed, panning, wall, write_case, write_exact

from core.cli.main import run
from evaluators import video_measures
from evaluators.video.summary import SUMMARIES

FRAMES = 12


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run `greenlight evaluate clip` in an empty folder, where no registry has ever been."""
    monkeypatch.setenv("GREENLIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no-weights"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["greenlight", "evaluate", "clip", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        shown = capsys.readouterr()
        return Said(int(ended.value.code or 0), shown.out, shown.err)

    return command


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A textured box on a panning wall, and beside the folder the wall alone and a copy of the input."""
    clean = panning(FRAMES, 96, 64, [(frame, 0) for frame in range(FRAMES)])
    video = clean.copy()
    video[:, 20:44, 30:60] = wall(64, 64, 7)[:24, :30]
    write_exact(tmp_path / "clean.mp4", clean)
    write_exact(tmp_path / "copy.mp4", video)
    return write_case(tmp_path / "case", video, boxed(FRAMES, (28, 18, 62, 46)))


def measured(said: Said) -> dict[str, Any]:
    assert said.code == 0, said.err
    document = json.loads(said.out)
    rows = [row for e in (*document["evaluations"], document["summary"]) for row in e["measurements"]]
    return {row["measure"]["name"]: row for row in rows}


def test_a_table_for_people_names_every_measure_or_why_it_is_not_there(evaluate: Command, case: Path) -> None:
    said = evaluate(case, "--output", "clean.mp4")
    assert said.code == 0
    shown = " ".join(said.out.split())
    scores = {measure.name for measure in SUMMARIES}
    for measure in video_measures():
        assert (measure.name if measure.name in scores else measure.title) in shown, measure.name
    assert "no reference clip was given" in shown
    assert "weights missing" in shown
    assert "100 dB" in shown


def test_json_for_machines_holds_value_or_reason(evaluate: Command, case: Path) -> None:
    found = measured(evaluate(case, "--output", "clean.mp4", "--json"))
    assert list(found) == [measure.name for measure in video_measures()]
    assert all((row["value"] is None) != (row["reason"] is None) for row in found.values())
    assert found["preservation_psnr"]["value"] == 100
    assert found["removal_residue"]["measure"]["unit"] == "share of its edges"


def test_the_clean_wall_beats_the_copy_and_the_truth_counts_where_it_is_known(evaluate: Command, case: Path) -> None:
    clean = measured(evaluate(case, "--output", "clean.mp4", "--reference", "clean.mp4", "--json"))
    copy = measured(evaluate(case, "--output", "copy.mp4", "--reference", "clean.mp4", "--json"))
    assert clean["removal"]["value"] > copy["removal"]["value"]
    assert copy["removal_residue"]["value"] == pytest.approx(1)
    assert clean["reference_psnr"]["value"] == 100
    assert copy["reference_psnr"]["value"] < 40


def test_what_a_reader_must_know_is_said(evaluate: Command, case: Path, tmp_path: Path) -> None:
    write_exact(tmp_path / "long.mp4", panning(20, 96, 64, [(0, 0)] * 20))
    said = evaluate(case, "--output", "long.mp4")
    assert "Note: The output has 20 frames, the input 12; the first 12 were compared." in " ".join(said.out.split())


def test_no_registry_is_made(evaluate: Command, case: Path, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    assert evaluate(case, "--output", "clean.mp4").code == 0
    assert {path.name for path in tmp_path.iterdir()} == before


def test_slips_are_told_in_one_sentence(evaluate: Command, case: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    mask = boxed(FRAMES, (28, 18, 62, 46))
    mask[3, 20, 30] = 1
    write_exact(tmp_path / "case" / "noisy.mp4", mask)
    slips = [
        ("nowhere", "clean.mp4", "give a folder in VOID's format"),
        (case, "none.mp4", "check the path"),
        (case, "text.mp4", "cannot be read as a video"),
    ]
    for folder, output, said in slips:
        answer = evaluate(folder, "--output", output)
        assert answer.code == 2
        assert answer.out == ""
        assert said in answer.err
        assert "Traceback" not in answer.err
    (case / "noisy.mp4").rename(case / "quadmask_0.mp4")
    answer = evaluate(case, "--output", "clean.mp4")
    assert answer.code == 2
    assert "1 pixels that are not 0, 63, 127 or 255, in frames 3" in answer.err


def test_an_output_of_another_kind_is_still_answered(evaluate: Command, case: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1, 33, 47, 3)).astype(np.uint8)
    write_exact(tmp_path / "odd.mp4", noise)
    found = measured(evaluate(case, "--output", "odd.mp4", "--json"))
    assert "one frame" in found["warp_error"]["reason"]
