"""LPIPS: how different pictures look to a network trained on people's judgements. Needs AlexNet's trunk weights.

The `lpips` package ships the learned heads; the trunk is a file the user names, or the one in torch's cache.
Nothing is downloaded and no score stands in: without the file the measures are absent.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, EvaluatorError, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Image
from evaluators.video.intervals import mean_interval, series
from evaluators.video.step import Outcome, Step, VideoOptions

VERSION = "1"
LEAST_PIXELS = 200
LEAST_SIDE = 64
"""AlexNet's five stages leave nothing of smaller frames."""
LPIPS = Measure(
    "preservation_lpips", "Perceived difference of kept pixels (LPIPS)", "distance", Direction.LOWER, 0, None,
    "Zhang et al., CVPR 2018, AlexNet, v0.1, spatial map averaged over K", VERSION,
    "How different the kept area looks to a network trained on people's judgements.",
)  # fmt: skip
TLP = Measure(
    "tlp", "Perceived change against the input's", "distance", Direction.LOWER, 0, None,
    "tLP, Chu et al., TecoGAN, ACM ToG 2020, over K", VERSION,
    "Whether the kept area changes from frame to frame as visibly as the input's does.",
)  # fmt: skip
MEASURES = (LPIPS, TLP)
MISSING = "weights missing: AlexNet's trunk is neither given as a file nor in the torch cache"
Distance = Callable[[Image, Image], NDArray[np.float32]]


class Perceived(NamedTuple):
    """One sampled frame; None where it could not be taken."""

    frame: int
    distance: float | None
    change_gap: float | None


class Perceptual:
    """Evaluator of perceived differences, on every n-th frame."""

    name = "perceptual"
    version = VERSION
    measures = MEASURES

    def watch(self, case: Case, options: VideoOptions) -> PerceptualWatcher:
        """Return a fresh watcher; raises EvaluatorError when the named weights do not fit."""
        return PerceptualWatcher(*_distance(case, options), max(options.lpips_every, 1), options.seed)


class PerceptualWatcher:
    """Collects the sampled frames' distances."""

    def __init__(self, distance: Distance | None, missing: str, every: int, seed: int) -> None:
        self._distance, self._missing, self._every, self._seed = distance, missing, every, seed
        self._frames: list[Perceived] = []

    def observe(self, step: Step) -> Perceived | None:
        """Measure one frame, or return None for a frame that is not sampled."""
        if self._distance is None or step.index % self._every:
            return None
        now, before, kept = step.current, step.previous, step.current.regions.kept
        if cv2.countNonZero(kept) < LEAST_PIXELS:
            return Perceived(step.index, None, None)
        gap = None
        if before is not None:
            changes = [
                cv2.mean(self._distance(first.bgr, second.bgr), kept)[0]
                for first, second in ((before.output, now.output), (before.input, now.input))
            ]
            gap = abs(changes[0] - changes[1])
        return Perceived(step.index, cv2.mean(self._distance(now.output.bgr, now.input.bgr), kept)[0], gap)

    def absorb(self, _step: Step, observation: Perceived | None) -> None:
        """Keep a sampled frame's figures."""
        if observation is not None:
            self._frames.append(observation)

    def conclude(self, _outcome: Outcome) -> Evaluation:
        """Return both measurements."""
        if self._distance is None:
            return Evaluation(Perceptual.name, VERSION, tuple(absent(m, self._missing) for m in MEASURES))
        frames = [f.frame for f in self._frames]
        measurements = (
            _mean(LPIPS, frames, [f.distance for f in self._frames], self._seed),
            _mean(TLP, frames, [f.change_gap for f in self._frames], self._seed),
        )
        return Evaluation(Perceptual.name, VERSION, measurements, parameters={"every": self._every, "trunk": "AlexNet"})


class LpipsDistance:
    """LPIPS (AlexNet, v0.1) with a trunk from a local file; on the GPU when there is one. Thread-safe.

    Raises EvaluatorError when the file does not hold AlexNet's convolutions.
    """

    def __init__(self, trunk: Path) -> None:
        from evaluators.weights import load_state, torch_device

        self._device = torch_device()
        self._model = _build(load_state(trunk), trunk.name).to(self._device)
        self._lock = threading.Lock()

    def __call__(self, first: Image, second: Image) -> NDArray[np.float32]:
        """Return the (h, w) map of distances between two BGR uint8 images."""
        import torch

        with self._lock, torch.inference_mode():
            distances = self._model(self._tensor(first), self._tensor(second))
        return np.asarray(distances[0, 0].float().cpu().numpy(), np.float32)

    def _tensor(self, image: Image) -> Any:
        import torch

        rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).to(self._device)
        return rgb.permute(2, 0, 1)[None].float() / 127.5 - 1.0


def _build(state: dict[str, Any], name: str) -> Any:
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision by a name that the latter is phasing out
        model = lpips.LPIPS(net="alex", version="0.1", spatial=True, pnet_rand=True, verbose=False)
    slices = {key.split(".", 1)[1]: key for key in model.net.state_dict()}
    trunk = {slices[key.removeprefix("features.")]: value for key, value in state.items() if key[9:] in slices}
    if set(trunk) != set(slices.values()):
        raise EvaluatorError(f"{name} does not hold AlexNet's trunk; give torchvision's alexnet state dict.")
    try:
        model.net.load_state_dict(trunk)
    except RuntimeError as problem:
        raise EvaluatorError(f"{name} does not fit AlexNet; give torchvision's alexnet state dict.") from problem
    return model.eval()


def _distance(case: Case, options: VideoOptions) -> tuple[Distance | None, str]:
    if not options.lpips:
        return None, "LPIPS was switched off"
    if min(case.working) < LEAST_SIDE:
        return None, f"frames under {LEAST_SIDE} pixels are too small for AlexNet"
    trunk = options.lpips_trunk or _cached_trunk()
    return (None, MISSING) if trunk is None else (LpipsDistance(Path(trunk)), "")


def _cached_trunk() -> Path | None:
    import os

    home = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch")
    return next(iter(sorted((home / "hub" / "checkpoints").glob("alexnet-owt-*.pth"))), None)


def _mean(measure: Measure, frames: Sequence[int], values: Sequence[float | None], seed: int) -> Measurement:
    present = [value for value in values if value is not None]
    if not present:
        return absent(measure, "too little of the picture is kept, or too few frames, to compare")
    return Measurement(
        measure,
        float(np.mean(present)),
        interval=mean_interval(present, seed),
        count=len(present),
        series=series(frames, values, measure.direction),
    )
