"""On real clips an honest clean plate ranks above what a lazy remover would hand in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.media import quiet

from core.runners.base import RunContext, RunSpecification
from core.runners.plate import PlateRunner
from evaluators.flow import FlowCache
from evaluators.qualification.baselines import fill
from evaluators.qualification.encoding import write_video
from evaluators.qualification.scenes import OVERLAP
from evaluators.video.preservation import Preservation
from evaluators.video.removal import Removal
from evaluators.video.step import VideoOptions
from evaluators.video.suite import evaluate_clip
from evaluators.video.summary import overall
from evaluators.video.temporal import Temporal

Pictures = NDArray[np.uint8]
FRAMES, WIDTH, FPS = 24, 448, 12
CLIPS = ("BigBen", "ducky-float", "lime", "moving_ball", "pillow")
EVALUATORS = (Temporal(), Preservation(), Removal())


def read(path: Path, *, mask: bool = False) -> Pictures:
    """Every other frame of the last part of a clip, no wider than `WIDTH`: RGB, or the mask's grey values."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = set(range(count - 2 * FRAMES, count, 2))
    pictures = []
    for number in range(count):
        if not capture.grab() or number not in wanted:
            continue
        frame = capture.retrieve()[1]
        scale = min(WIDTH / frame.shape[1], 1.0)
        size = tuple(round(side * scale) // 2 * 2 for side in (frame.shape[1], frame.shape[0]))
        how = cv2.INTER_NEAREST if mask else cv2.INTER_AREA
        small = cv2.resize(frame, size, interpolation=how)
        pictures.append(small[..., 0] if mask else small[..., ::-1])
    capture.release()
    return np.stack(pictures)


def plate(case: Path, folder: Path) -> Path:
    inputs = {"video": case / "input_video.mp4", "quadmask": case / "quadmask_0.mp4"}
    return PlateRunner().run(RunSpecification("plate", inputs), RunContext(folder, quiet)).outputs[0].path


def frozen(video: Pictures, _mask: Pictures) -> Pictures:
    return np.repeat(video[:1], len(video), axis=0)


def smeared(video: Pictures, mask: Pictures) -> Pictures:
    return np.stack([fill(frame, grey <= OVERLAP) for frame, grey in zip(video, mask, strict=True)])


LAZY: dict[str, Callable[[Pictures, Pictures], Pictures]] = {
    "copied": lambda video, _mask: video,
    "frozen": frozen,
    "smeared": smeared,
}


@pytest.mark.parametrize("name", CLIPS)
def test_an_honest_removal_ranks_above_every_lazy_one(name: str, samples: Path, tmp_path: Path) -> None:
    folder = samples / "void" / name
    masks = [folder / file for file in ("quadmask_0.mp4", "trimask_quadmask.mp4")]
    video, mask = read(folder / "input_video.mp4"), read(next(m for m in masks if m.is_file()), mask=True)
    case = tmp_path / "case"
    case.mkdir()
    write_video(video, case / "input_video.mp4", FPS)
    write_video(mask, case / "quadmask_0.mp4", FPS, lossless=True)
    outputs = {"plate": plate(case, tmp_path)}
    outputs |= {how: write_video(make(video, mask), tmp_path / f"{how}.mp4", FPS) for how, make in LAZY.items()}
    flows = FlowCache()

    def ranked(output: Path) -> dict[str, float | None]:
        options = VideoOptions(threads=1)
        found = evaluate_clip(case, output, options=options, flows=flows, evaluators=EVALUATORS).summary
        return {m.measure.name: m.value for m in found.measurements}

    scores = {how: ranked(path) for how, path in outputs.items()}
    places = {how: overall(score) for how, score in scores.items()}
    best = places.pop("plate")
    assert best is not None
    for how, place in places.items():
        assert place is not None
        assert place < best / 1.2, f"{how}: {scores[how]}, the plate: {scores['plate']}"
    assert scores["copied"]["removal"] < scores["plate"]["removal"] / 2
