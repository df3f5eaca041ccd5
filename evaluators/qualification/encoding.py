"""Encode videos: fine for pictures, lossless for masks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import EvaluatorError

_LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv444p")
_FINE = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-pix_fmt", "yuv420p")
_COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
_CONVERT = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int+full_chroma_inp"


def write_video(video: NDArray[np.uint8], path: Path, fps: float, *, lossless: bool = False) -> Path:
    """Encode RGB (frames, height, width, 3) or grey (frames, height, width) as H.264 in an mp4.

    `lossless` keeps 4:4:4 and every quadmask value exact after decoding. Raises EvaluatorError when the encoder
    refuses; nothing is left at `path` then.
    """
    import imageio_ffmpeg

    grey = video.ndim == 3
    height, width = video.shape[1:3]
    temporary = path.with_name(f".{path.name}.part.mp4")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo",
        "-pix_fmt", "gray" if grey else "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-",
        "-vf", _CONVERT, *(_LOSSLESS if lossless else _FINE), *_COLOURS, "-threads", "2", str(temporary),
    ]  # fmt: skip
    done = subprocess.run(command, input=np.ascontiguousarray(video).data, capture_output=True, check=False)
    if done.returncode != 0:
        temporary.unlink(missing_ok=True)
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise EvaluatorError(f"The video {path.name} could not be encoded: {reason[-1] if reason else 'no reason'}.")
    temporary.replace(path)
    return path
