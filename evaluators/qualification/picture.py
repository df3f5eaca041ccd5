"""Corruptions and variations of the drawn picture. Each takes the scene, a severity and a generator."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.qualification.scenes import KEEP, Scene
from evaluators.qualification.world import Role

Video = NDArray[np.uint8]
_TRAIL_LAG = 4


def gain_flicker(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Multiply each frame by its own gain; `severity` is the deviation in grey levels at mid grey."""
    gains = 1 + rng.standard_normal(scene.frames) * severity / 128
    return _rounded(scene.counterfactual * gains[:, None, None, None].astype(np.float32))


def jitter(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Shift each frame at random by `severity` pixels (standard deviation)."""
    shifts = rng.standard_normal((scene.frames, 2)) * severity
    return np.stack([_shift(f, s) for f, s in zip(scene.counterfactual, shifts, strict=True)])


def trail(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Mix in the frame four frames older."""
    older = scene.counterfactual[np.maximum(np.arange(scene.frames) - _TRAIL_LAG, 0)]
    return _rounded(scene.counterfactual * np.float32(1 - severity) + older * np.float32(severity))


def temporal_blur(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Average over a centred window of `severity` frames."""
    reach = int(severity) // 2
    index = np.arange(scene.frames)
    total = np.zeros(scene.counterfactual.shape, np.float32)
    for shift in range(-reach, reach + 1):
        total += scene.counterfactual[np.clip(index + shift, 0, scene.frames - 1)]
    return _rounded(total / (2 * reach + 1))


def freeze(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Hold one frame for a share of the clip; the whole share of 1 is a still."""
    length = max(2, round(severity * scene.frames))
    start = int(rng.integers(0, scene.frames - length + 1)) if severity < 1 else 0
    index = np.arange(scene.frames)
    index[start : start + length] = start
    return scene.counterfactual[index]


def shuffle(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Permute the frames within windows of `severity` frames."""
    index = np.arange(scene.frames)
    for start in range(0, scene.frames, int(severity)):
        window = index[start : start + int(severity)]
        index[start : start + int(severity)] = window[::-1] if len(window) == 2 else rng.permutation(window)
    return scene.counterfactual[index]


def residual(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Leave the removed object at an opacity, its shadow gone."""
    names = _primaries(scene)
    poses = {**scene.true_poses, **{name: scene.input_poses[name] for name in names}}
    opacity, none = dict.fromkeys(names, severity), dict.fromkeys(names, 0.0)
    return scene.render(poses, opacity=lambda _frame: opacity, shadows=lambda _frame: none)


def shadow_left(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Leave a share of the removed object's shadow, the object gone."""
    names = _primaries(scene)
    poses = {**scene.true_poses, **{name: scene.input_poses[name] for name in names}}
    share, none = dict.fromkeys(names, severity), dict.fromkeys(names, 0.0)
    return scene.render(poses, opacity=lambda _frame: none, shadows=lambda _frame: share)


def keep_drift(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Let a smooth stain grow over the pixels that should be kept, to `severity` grey levels at the end."""
    height, width = scene.quadmask.shape[1:]
    stain = cv2.resize(
        rng.standard_normal((4, 6, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    level = max(float(np.sqrt((stain**2).mean())), 1e-6)
    growth = np.linspace(0, severity, scene.frames, dtype=np.float32)
    kept = (scene.quadmask == KEEP)[..., None]
    return _rounded(scene.counterfactual + kept * growth[:, None, None, None] * stain / level)


def another_take(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Draw the truth again with other sensor noise."""
    return scene.render(scene.true_poses, take=int(severity))


def noisy(scene: Scene, severity: float, rng: np.random.Generator) -> Video:
    """Add noise to the truth."""
    margin = 64
    height, width = scene.quadmask.shape[1:]
    bank = rng.standard_normal((height + margin, width + margin, 3), dtype=np.float32) * np.float32(severity)
    noisy_frames = []
    for frame in scene.counterfactual:
        y, x = (int(v) for v in rng.integers(0, margin, 2))
        noisy_frames.append(_rounded(frame + bank[y : y + height, x : x + width]))
    return np.stack(noisy_frames)


def reencoded(scene: Scene, severity: float, _rng: np.random.Generator) -> Video:
    """Encode the truth as H.264 at a constant rate factor and decode it."""
    import imageio_ffmpeg

    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    height, width = scene.quadmask.shape[1:]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{scene.fps:g}"]
    code = ["-c:v", "libx264", "-preset", "veryfast", "-crf", f"{severity:g}", "-pix_fmt", "yuv420p"]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "clip.mp4")
        video = np.ascontiguousarray(scene.counterfactual).data
        subprocess.run([ffmpeg, "-v", "error", *raw, "-i", "-", *code, path], input=video, check=True)
        back = [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        decoded = subprocess.run(back, capture_output=True, check=True).stdout
    frames: Video = np.frombuffer(decoded, np.uint8).reshape(scene.counterfactual.shape)
    return frames


def _primaries(scene: Scene) -> list[str]:
    return [body.name for body in scene.layout.world.bodies if body.role is Role.PRIMARY]


def _shift(frame: Video, shift: NDArray[np.float64]) -> Video:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _rounded(values: NDArray[Any]) -> Video:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
