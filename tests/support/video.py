"""Cases whose every decoded pixel is known, and the evaluation of an output for them.

Pictures are RGB (frames, height, width, 3) uint8, masks grey (frames, height, width) uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators import ClipResult, FlowCache, VideoOptions, evaluate_clip
from evaluators.base import Evaluation
from evaluators.video.step import VideoEvaluator
from support.media import texture

FPS = 12
SIZE = (96, 64)
"""Width and height of most clips."""
Pictures = NDArray[np.uint8]


def write_exact(path: Path, pictures: Pictures, *, times: Sequence[int] | None = None, fps: int = FPS) -> Path:
    """Write RGB or grey pictures so that they decode to the same bytes; `times` are frame times in 1/fps s."""
    colour = np.repeat(pictures[..., None], 3, axis=3) if pictures.ndim == 3 else pictures
    return write_as(path, colour, "libx264rgb", "rgb24", {"qp": "0", "preset": "ultrafast"}, times=times, fps=fps)


def write_as(
    path: Path,
    pictures: NDArray[np.generic],
    codec: str,
    pixels: str,
    options: dict[str, str] | None = None,
    *,
    times: Sequence[int] | None = None,
    fps: int = FPS,
    source: str = "rgb24",
) -> Path:
    """Write pictures in PyAV's `source` format with any codec and pixel format."""
    with av.open(str(path), "w", format=None if path.suffix != ".mp4" else "mp4") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width, stream.pix_fmt = pictures.shape[1], pictures.shape[2], pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=source)
            frame.pts, frame.time_base = number if times is None else times[number], Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wall(width: int = SIZE[0], height: int = SIZE[1], seed: int = 0) -> Pictures:
    """A textured wall, RGB (height, width, 3), with three unlike channels."""
    least = 32  # the texture's own coarsest cell
    planes = [texture(max(height, least), max(width, least), seed + channel)[:height, :width] for channel in range(3)]
    return np.rint(np.stack(planes, axis=2) * 0.8 + 20).astype(np.uint8)


def still(frames: int, picture: Pictures) -> Pictures:
    """The same picture again and again."""
    return np.repeat(picture[None], frames, axis=0)


def panning(frames: int, width: int, height: int, shifts: Sequence[tuple[float, float]], seed: int = 0) -> Pictures:
    """A wall seen through a window that moves: what is at p in frame 0 is at p + shifts[t] in frame t.

    Shifts are (x, y) in pixels, whole ones exact, others cubic; no farther than 24 pixels from 0.
    """
    margin = 32
    big = cv2.GaussianBlur(wall(width + 2 * margin, height + 2 * margin, seed), (0, 0), 0.8)
    views = []
    for x, y in shifts[:frames]:
        moved = cv2.warpAffine(
            big, np.float64([[1, 0, x], [0, 1, y]]), (big.shape[1], big.shape[0]), flags=cv2.INTER_CUBIC
        )
        views.append(moved[margin : margin + height, margin : margin + width])
    return np.stack(views).astype(np.uint8)


def keep_all(frames: int, width: int = SIZE[0], height: int = SIZE[1]) -> Pictures:
    """A quadmask that keeps everything."""
    return np.full((frames, height, width), 255, np.uint8)


def boxed(frames: int, box: tuple[int, int, int, int], value: int = 0, size: tuple[int, int] = SIZE) -> Pictures:
    """A quadmask with one still box (left, top, right, bottom) of a value."""
    mask = keep_all(frames, *size)
    left, top, right, bottom = box
    mask[:, top:bottom, left:right] = value
    return mask


def write_case(folder: Path, video: Pictures, mask: Pictures) -> Path:
    """Write a VOID-format folder, exactly."""
    folder.mkdir(parents=True, exist_ok=True)
    write_exact(folder / "input_video.mp4", video)
    write_exact(folder / "quadmask_0.mp4", mask)
    return folder


def judge(
    folder: Path,
    video: Pictures,
    mask: Pictures,
    output: Pictures,
    evaluator: VideoEvaluator,
    *,
    reference: Pictures | None = None,
    options: VideoOptions | None = None,
) -> Evaluation:
    """Write everything into `folder` and return what one evaluator finds."""
    case = write_case(folder, video, mask)
    written = write_exact(folder / "output.mp4", output)
    truth = None if reference is None else write_exact(folder / "truth.mp4", reference)
    return suite(case, written, truth, options=options, evaluators=(evaluator,)).evaluations[0]


def suite(
    case: Path,
    output: Path,
    reference: Path | None = None,
    *,
    options: VideoOptions | None = None,
    flows: FlowCache | None = None,
    evaluators: Sequence[VideoEvaluator] | None = None,
) -> ClipResult:
    """Measure on one thread, without LPIPS unless asked for."""
    chosen = options or VideoOptions(lpips=False, threads=1)
    return evaluate_clip(case, output, reference, options=chosen, flows=flows, evaluators=evaluators)


def value(evaluation: Evaluation | ClipResult, name: str) -> float:
    """The measure's value; the test fails with the reason where there is none."""
    found = evaluation[name].value
    assert found is not None, evaluation[name].reason
    return found


def reason(evaluation: Evaluation | ClipResult, name: str) -> str:
    """The reason why the measure is absent; the test fails where there is a value."""
    found = evaluation[name]
    assert found.value is None, found.value
    assert found.reason
    return found.reason
