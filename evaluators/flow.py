"""Dense optical flow between neighbouring frames, where it can be trusted, and the camera's share of it.

Flow is (h, w, 2) float32, x then y, in pixels per frame at the working size: pixel p of frame t is seen at
p + flow[p] in frame t + 1. OpenCV's DIS needs no weights; RAFT is used when its weights are given as a file.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import EvaluatorError

Image = NDArray[np.uint8]
Flow = NDArray[np.float32]

DIS_PRESETS = {"ultrafast": 0, "fast": 1, "medium": 2}
SMALLEST_SIDE = 32
"""DIS matches 8-pixel patches down a pyramid; smaller frames leave it nothing to match."""
RAFT_SIDE = 128
"""RAFT compares at an eighth of the size and halves that three times; torchvision refuses less."""
STRIP = 64
WHOLE = slice(None)
_STEPS_PER_PIXEL = 128


class FlowField(NamedTuple):
    """Flow t -> t+1 with `trusted` (h, w) uint8: 1 where neither occlusion rule speaks against it."""

    forward: Flow
    trusted: Image


class FlowMethod(Protocol):
    """Computes flow between two frames; `name` goes into the parameters of every figure made with it."""

    name: str

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the flow from `first` to `second`, both BGR (h, w, 3) or luma (h, w) uint8."""


class DisFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016) on luma, with OpenCV's named preset.

    One instance serves several threads; the figures do not depend on how many there are.
    """

    def __init__(self, preset: str = "fast") -> None:
        if preset not in DIS_PRESETS:
            raise EvaluatorError(f"unknown DIS preset {preset!r}; use one of {', '.join(DIS_PRESETS)}.")
        self.name = f"OpenCV DIS, preset {preset}"
        self._preset = DIS_PRESETS[preset]
        self._local = threading.local()

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the flow from `first` to `second`."""
        if not hasattr(self._local, "engine"):
            self._local.engine = cv2.DISOpticalFlow.create(self._preset)
        return self._local.engine.calc(_luma(first), _luma(second), None)  # type: ignore[no-any-return]


class RaftFlow:
    """RAFT (Teed & Deng, ECCV 2020) as torchvision builds it, with weights from a local safetensors file.

    Whether they are those of `raft_small` or `raft_large` is read from the file; all must fit. Runs on the GPU where
    there is one. Frames are padded to multiples of 8 by repeating the border, and to 128 where they are smaller, as
    RAFT halves its matches four times. Raises EvaluatorError for another file.
    """

    def __init__(self, weights: Path | str) -> None:
        from evaluators.weights import torch_device

        path = Path(weights)
        self._model, size = _build_raft(path)
        self._device = torch_device()
        self._model.to(self._device)
        self._lock = threading.Lock()
        self.name = f"RAFT {size}, weights sha256:{_digest(path)[:12]}"

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the flow from `first` to `second`."""
        import torch

        height, width = first.shape[:2]
        with self._lock, torch.inference_mode():
            flow = self._model(self._tensor(first), self._tensor(second))[-1][0, :, :height, :width]
        return np.ascontiguousarray(flow.permute(1, 2, 0).float().cpu().numpy())

    def _tensor(self, image: Image) -> Any:
        import torch
        from torch.nn import functional

        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
        planes = torch.from_numpy(rgb).to(self._device).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        down, across = (max(-(-side // 8) * 8, RAFT_SIDE) - side for side in rgb.shape[:2])
        return functional.pad(planes, (0, across, 0, down), mode="replicate")


def _build_raft(path: Path) -> tuple[Any, str]:
    """Return torchvision's RAFT with the file's weights, and `small` or `large`."""
    from torchvision.models.optical_flow import raft_large, raft_small

    from evaluators.weights import load_safetensors

    state = load_safetensors(path)
    large = any(key.startswith("context_encoder.") and ".running_mean" in key for key in state)
    model = (raft_large if large else raft_small)(weights=None)
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as problem:
        raise EvaluatorError(
            f"{path.name} does not hold torchvision's RAFT weights; give a raft_small or raft_large file."
        ) from problem
    return model.eval(), "large" if large else "small"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def warp_back(later: NDArray[Any], flow: Flow) -> NDArray[Any]:
    """Return the later frame sampled where `flow` says each pixel went: W(later, flow) of Lai et al. (bilinear)."""
    return sample(later, targets(flow))


def sample(image: NDArray[Any], where: Flow) -> NDArray[Any]:
    """Return `image` read bilinearly at the (h, w, 2) positions `where`, the border repeated outside."""
    return _remap(image, where, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def arrival(region: Image, where: Flow) -> Image:
    """Return the uint8 `region` read at the nearest pixel to the positions `where`, 0 outside the frame."""
    return np.asarray(_remap(region, where, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT), np.uint8)


def _remap(image: NDArray[Any], where: Flow, how: int, border: int) -> NDArray[Any]:
    # None, the only spelling OpenCV takes for "no second map", is missing from its type stubs.
    return cv2.remap(image, where, None, how, borderMode=border)  # type: ignore[call-overload,no-any-return]


def targets(flow: Flow, rows: slice = WHOLE) -> Flow:
    """Return where each pixel of these rows goes: its own position plus the flow, (rows, w, 2) float32."""
    return flow[rows] + _positions(*flow.shape[:2])[rows]


def trusted_flow(forward: Flow, backward: Flow) -> Image:
    """Return 1 where the flow passes both occlusion rules of Lai et al. (ECCV 2018) and stays in the frame.

    Occluded: |F + B~|^2 > 0.01 (|F|^2 + |B~|^2) + 0.5, B~ being the backward flow at the target.
    Motion boundary: |grad Fx|^2 + |grad Fy|^2 > 0.01 |F|^2 + 0.002, gradients by central differences.
    """
    trusted = np.empty(forward.shape[:2], np.uint8)
    for rows in strips(len(forward)):
        where = targets(forward, rows)
        there, back = forward[rows], sample(backward, where)
        energy = squared_length(there)
        occluded = squared_length(there + back) > 0.01 * (energy + squared_length(back)) + 0.5
        bounded = motion_boundary(forward, rows, energy)
        trusted[rows] = inside(where, forward.shape) & ~(occluded | bounded)
    return trusted


def motion_boundary(flow: Flow, rows: slice = WHOLE, energy: NDArray[np.float32] | None = None) -> NDArray[np.bool_]:
    """Return where, in these rows, the second rule of `trusted_flow` finds a motion boundary."""
    top, bottom, _ = rows.indices(len(flow))
    start = max(top - 1, 0)
    around, own = flow[start : bottom + 1], slice(top - start, bottom - start)
    energy = squared_length(flow[rows]) if energy is None else energy
    across = cv2.Sobel(around, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)[own]
    down = cv2.Sobel(around, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)[own]
    gradient = squared_length(np.asarray(across, np.float32)) + squared_length(np.asarray(down, np.float32))
    return np.asarray(gradient > 0.01 * energy + 0.002)


def inside(where: Flow, shape: tuple[int, ...] | None = None) -> Image:
    """Return 1 where the positions `where` lie in a frame of this (height, width); None: as large as `where`."""
    height, width = where.shape[:2] if shape is None else shape[:2]
    within: Image = np.asarray(cv2.inRange(where, (0.0, 0.0), (width - 1.0, height - 1.0)), np.uint8)
    return np.right_shift(within, 7, dtype=np.uint8)


def strips(height: int) -> Iterator[slice]:
    """Cut a frame's rows into strips whose temporary arrays stay in the processor's cache."""
    for top in range(0, height, STRIP):
        yield slice(top, min(top + STRIP, height))


def squared_length(field: Flow) -> NDArray[np.float32]:
    """Return the squared length of each vector of an (h, w, 2) field."""
    x, y = field[..., 0], field[..., 1]
    return np.asarray(x * x + y * y, np.float32)


def camera_motion(flow: Flow, region: Image, step: int = 8) -> NDArray[np.float64] | None:
    """Fit the affine motion (2, 3) that explains `flow` over `region`: (u, v) = M @ (x, y, 1).

    Least squares with three rounds of reweighting against whatever moves on its own (Geman-McClure, scale from
    the median residual). None when fewer than 60 sampled pixels are left to fit.
    """
    ys, xs = np.nonzero(region[::step, ::step])
    if len(xs) < 60:
        return None
    motion = flow[::step, ::step][ys, xs].astype(np.float64)
    points = np.stack([xs * step, ys * step, np.ones(len(xs))], axis=1).astype(np.float64)
    weights = np.ones(len(xs))
    model: NDArray[np.float64] = np.zeros((3, 2))
    for _ in range(4):
        weighted = points * weights[:, None]
        model = np.linalg.lstsq(weighted.T @ points, weighted.T @ motion, rcond=None)[0].astype(np.float64)
        gap = points @ model - motion
        residual = np.sqrt(gap[:, 0] ** 2 + gap[:, 1] ** 2)
        scale = max(float(np.median(residual)) * 2.0, 0.02)
        weights = 1.0 / (1.0 + (residual / scale) ** 2) ** 2
    return model.T


def affine_flow(
    model: NDArray[np.float64], height: int, width: int, window: tuple[slice, slice] = (WHOLE, WHOLE)
) -> Flow:
    """Return the flow field of an affine motion from `camera_motion`, in a window (rows, columns) of the frame."""
    x, y = np.arange(width, dtype=np.float32)[window[1]], np.arange(height, dtype=np.float32)[window[0], None]
    m = model.astype(np.float32)
    return np.stack([m[i, 0] * x + m[i, 1] * y + m[i, 2] for i in (0, 1)], axis=-1)


class FlowCache:
    """Flow fields of input clips, kept by clip digest, method, size and frame, to be shared between outputs.

    Holds at most `max_bytes`, oldest first out; thread-safe. A field costs about 4.1 bytes a pixel.
    """

    def __init__(self, max_bytes: int = 320 * 2**20) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._fields: OrderedDict[tuple[object, ...], tuple[NDArray[np.int16], Image]] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0

    def get(self, key: tuple[object, ...], compute: Callable[[], FlowField]) -> FlowField:
        """Return the field stored under `key`, or compute and store it."""
        with self._lock:
            stored = self._fields.get(key)
            self.hits += stored is not None
        if stored is not None:
            steps, packed = stored
            trusted = np.unpackbits(packed, count=steps.shape[0] * steps.shape[1]).reshape(steps.shape[:2])
            return FlowField(_expand(steps), trusted)
        field = compute()
        self._store(key, _compact(field.forward), np.packbits(field.trusted))
        return field

    def _store(self, key: tuple[object, ...], steps: NDArray[np.int16], packed: Image) -> None:
        with self._lock:
            if key in self._fields:
                return
            self._fields[key] = (steps, packed)
            self._bytes += steps.nbytes + packed.nbytes
            while self._bytes > self._max_bytes:
                _, (old_steps, old_packed) = self._fields.popitem(last=False)
                self._bytes -= old_steps.nbytes + old_packed.nbytes


@dataclass(frozen=True)
class FlowSource:
    """Serves the input's flow of one clip, from the cache where it holds it."""

    method: FlowMethod
    digest: str
    cache: FlowCache

    def between(self, index: int, first: Image, second: Image) -> FlowField:
        """Return the trusted flow from input frame `index` to the next one."""
        key = (self.digest, self.method.name, first.shape[:2], index)
        return self.cache.get(key, lambda: compute_field(self.method, first, second))


def compute_field(method: FlowMethod, first: Image, second: Image) -> FlowField:
    """Return the flow and where it can be trusted, rounded so that a cached field is the same."""
    forward, backward = rounded(method(first, second)), method(second, first)
    return FlowField(forward, trusted_flow(forward, backward))


def rounded(flow: Flow) -> Flow:
    """Return the flow in whole 1/128 pixels, as the cache keeps it, so that equal clips differ by exactly 0."""
    return _expand(_compact(flow))


def _compact(flow: Flow) -> NDArray[np.int16]:
    steps = np.empty(flow.shape, np.int16)
    for rows in strips(len(flow)):
        scaled = flow[rows] * np.float32(_STEPS_PER_PIXEL)
        np.clip(np.rint(scaled, out=scaled), -32768, 32767, out=scaled)
        steps[rows] = scaled
    return steps


def _expand(steps: NDArray[np.int16]) -> Flow:
    return np.multiply(steps, np.float32(1 / _STEPS_PER_PIXEL), dtype=np.float32)


@lru_cache(maxsize=4)
def _positions(height: int, width: int) -> Flow:
    grid = np.empty((height, width, 2), np.float32)
    grid[..., 0] = np.arange(width)
    grid[..., 1] = np.arange(height)[:, None]
    return grid


def _luma(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
