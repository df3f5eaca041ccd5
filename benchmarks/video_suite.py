"""The video suite on one clip, from files to figures, beside its peers in the same rounds.

The clip is simulated: 197 frames of 672x384, an object that is held up and let go. The peers are the straightforward
way to a PSNR, an SSIM and a warp error (torchmetrics, a NumPy warp along the same flow), and ffmpeg's psnr and ssim
filters, which do little but decode. LPIPS is timed apart. Peak memory is that of a process that measures one clip.
Every part runs in a process of its own, so that none pays for another's memory. `--json FILE` also writes the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

FRAMES, SIZE, FPS = 197, (672, 384), 12.0
LARGE_FRAMES, LARGE = 30, (3840, 2160)
PEER_FRAMES = 40
ROUNDS = 3
GRAPH = "[1:v]split[c][d];[0:v][c]psnr[p];[p][d]ssim"
PAIRS = 4

Figures = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part](chosen.folder)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        figures = {part: run_part(part, folder) for part in PARTS}
    figures["machine"] = machine()
    report(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def run_part(part: str, folder: str) -> Figures:
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, "--folder", folder], stdout=subprocess.PIPE, check=True, text=True
    )
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> Figures:
    return {"cores": os.cpu_count(), "system": platform.platform(), "load_at_the_end": os.getloadavg()[0]}


def build(folder: Path) -> Figures:
    """Write the clip with two candidates, and the first frames of all three blown up to 4K."""
    import cv2
    import numpy as np

    from evaluators.qualification.encoding import write_video
    from evaluators.qualification.scenes import make_scene, write_scene

    scene = make_scene("held", 3, FRAMES, SIZE, FPS)
    write_scene(scene, folder / "case")
    write_video(scene.counterfactual, folder / "first.mp4", FPS)
    flicker = np.random.default_rng(0).integers(-3, 4, (FRAMES, 1, 1, 1))
    second = np.clip(scene.counterfactual + flicker, 0, 255).astype(np.uint8)
    write_video(second, folder / "second.mp4", FPS)

    large = folder / "large"
    large.mkdir()

    def blown_up(video: Any, how: int) -> Any:
        return np.stack([cv2.resize(frame, LARGE, interpolation=how) for frame in video[:LARGE_FRAMES]])

    write_video(blown_up(scene.video, cv2.INTER_CUBIC), large / "input_video.mp4", FPS)
    write_video(blown_up(scene.counterfactual, cv2.INTER_CUBIC), folder / "large.mp4", FPS)
    write_video(blown_up(scene.quadmask, cv2.INTER_NEAREST), large / "quadmask_0.mp4", FPS, lossless=True)
    return {}


def speed(folder: Path) -> Figures:
    """Time everything round by round, so that whatever else runs on the machine meets all alike."""
    from evaluators import FlowCache

    filters, program = decode_limit()
    kept: list[FlowCache] = []

    def first() -> int:
        kept[:] = [FlowCache()]
        return measured(folder, "first.mp4", kept[0])

    runs: dict[str, Callable[[], int]] = {
        "suite": first,
        "suite, second candidate": lambda: measured(folder, "second.mp4", kept[0]),
        "torchmetrics and NumPy": lambda: straightforward(folder, PEER_FRAMES),
        program: lambda: filters(folder),
    }
    rounds: dict[str, list[Figures]] = {name: [] for name in runs}
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            rounds[name].append(timed(run))
    return {name: summary(found[1:]) for name, found in rounds.items()}


def timed(run: Callable[[], int]) -> Figures:
    load, wall, busy = os.getloadavg()[0], time.perf_counter(), processor_seconds()
    frames = run()
    wall, busy = time.perf_counter() - wall, processor_seconds() - busy
    return {"frames": frames, "per_second": frames / wall, "per_processor_second": frames / busy, "load": load}


def processor_seconds() -> float:
    """Processor time of this process, all threads, and of the programs it has started."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def summary(found: list[Figures]) -> Figures:
    def spread(name: str) -> Figures:
        values = [figures[name] for figures in found]
        return {"median": median(values), "low": min(values), "high": max(values)}

    names = ("per_second", "per_processor_second", "load")
    return {"frames": found[0]["frames"], **{name: spread(name) for name in names}}


def measured(folder: Path, output: str, flows: Any) -> int:
    from evaluators import VideoOptions, evaluate_clip

    result = evaluate_clip(folder / "case", folder / output, options=VideoOptions(lpips=False), flows=flows)
    return result.case.input.frames


def straightforward(folder: Path, frames: int) -> int:
    """PSNR, SSIM and warp error as one would write them at first."""
    import cv2
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    figures: list[tuple[float, float]] = []
    errors: list[float] = []
    before: tuple[Any, Any] | None = None
    for source, output in zip(decoded(folder / "case" / "input_video.mp4"), decoded(folder / "first.mp4"), strict=True):
        one, other = (torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 for image in (output, source))
        figures.append(
            (
                float(peak_signal_noise_ratio(one, other, data_range=1.0)),
                float(structural_similarity_index_measure(one, other, data_range=1.0)),  # type: ignore[arg-type]
            )
        )
        grey = cv2.cvtColor(source, cv2.COLOR_BGR2GRAY)
        if before is not None:
            forward, backward = flow.calc(before[0], grey, None), flow.calc(grey, before[0], None)
            errors.append(warp_error(before[1], output, forward, backward))
        before = grey, output
        if len(figures) == frames:
            break
    return len(figures)


def decoded(path: Path) -> Iterator[Any]:
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        yield frame
    capture.release()


def warp_error(before: Any, now: Any, forward: Any, backward: Any) -> float:
    """Lai et al.: both occlusion rules, squared difference along the flow, in plain NumPy."""
    import numpy as np

    back = bilinear(backward, forward)
    length = (forward**2).sum(axis=2)
    occluded = ((forward + back) ** 2).sum(axis=2) > 0.01 * (length + (back**2).sum(axis=2)) + 0.5
    gradient = sum((np.gradient(forward[..., i], axis=axis) ** 2) for i in (0, 1) for axis in (0, 1))
    visible = ~(occluded | (gradient > 0.01 * length + 0.002))
    gap = (bilinear(now / 255.0, forward) - before / 255.0) ** 2
    return float(gap[visible].mean())


def bilinear(image: Any, flow: Any) -> Any:
    import numpy as np

    height, width = flow.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    x, y = np.clip(columns + flow[..., 0], 0, width - 1), np.clip(rows + flow[..., 1], 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - across) + image[top, left + 1] * across
    lower = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


def decode_limit() -> tuple[Callable[[Path], int], str]:
    """Return ffmpeg's filters on both clips, and by which program."""
    if program := shutil.which("ffmpeg"):
        return lambda folder: ffmpeg_filters(program, folder), "ffmpeg psnr + ssim (program)"
    return libav_filters, "ffmpeg psnr + ssim (libav through PyAV)"


def ffmpeg_filters(program: str, folder: Path) -> int:
    clips = ["-i", str(folder / "first.mp4"), "-i", str(folder / "case" / "input_video.mp4")]
    subprocess.run([program, "-v", "error", *clips, "-lavfi", GRAPH, "-f", "null", "-"], check=True)
    return FRAMES


def libav_filters(folder: Path) -> int:
    import av
    from av.filter import Graph

    with av.open(str(folder / "first.mp4")) as one, av.open(str(folder / "case" / "input_video.mp4")) as other:
        streams = [container.streams.video[0] for container in (one, other)]
        for stream in streams:
            stream.thread_type = "AUTO"
        graph = Graph()
        sources = [graph.add_buffer(template=stream) for stream in streams]
        split, psnr, ssim, sink = graph.add("split"), graph.add("psnr"), graph.add("ssim"), graph.add("buffersink")
        sources[1].link_to(split)
        sources[0].link_to(psnr, 0, 0)
        split.link_to(psnr, 0, 1)
        psnr.link_to(ssim, 0, 0)
        split.link_to(ssim, 1, 1)
        ssim.link_to(sink)
        graph.configure()
        frames = 0
        for pair in zip(one.decode(video=0), other.decode(video=0), strict=True):
            for source, frame in zip(sources, pair, strict=True):
                source.push(frame)
            frames += 1
            while True:
                try:
                    sink.pull()
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    return frames


def memory(folder: Path) -> Figures:
    from evaluators import FlowCache

    measured(folder, "first.mp4", FlowCache())
    return {"bytes": peak_bytes(), "frames": FRAMES}


def large_memory(folder: Path) -> Figures:
    from evaluators import VideoOptions, evaluate_clip

    found = timed(
        lambda: evaluate_clip(folder / "large", folder / "large.mp4", options=VideoOptions(lpips=False)).output.frames
    )
    return {"bytes": peak_bytes(), **found}


def peak_bytes() -> int:
    """Peak resident memory of this process; Linux counts in kilobytes, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def torch_parts(folder: Path) -> Figures:
    """RAFT and LPIPS with random weights, which cost what trained ones cost, on the GPU where there is one."""
    import itertools

    import torch
    from safetensors.torch import save_file
    from torchvision.models import alexnet
    from torchvision.models.optical_flow import raft_small

    from evaluators.flow import RaftFlow
    from evaluators.video.perceptual import LpipsDistance
    from evaluators.weights import torch_device

    save_file(raft_small(weights=None).state_dict(), folder / "raft.safetensors")
    trunk = {name: value for name, value in alexnet(weights=None).state_dict().items() if name.startswith("features")}
    save_file(trunk, folder / "alexnet.safetensors")
    pair = list(itertools.islice(decoded(folder / "first.mp4"), 2))
    kinds = {
        "RAFT small": RaftFlow(folder / "raft.safetensors"),
        "LPIPS, AlexNet": LpipsDistance(folder / "alexnet.safetensors"),
    }
    device = str(torch_device())
    name = torch.cuda.get_device_name() if device.startswith("cuda") else "processor"

    def run(part: Callable[[Any, Any], Any]) -> int:
        for _ in range(PAIRS):
            part(pair[0], pair[1])
        return PAIRS

    found = {kind: summary([timed(partial(run, part)) for _ in range(3)][1:]) for kind, part in kinds.items()}
    return {"device": name, **found}


PARTS: dict[str, Callable[[Path], Figures]] = {
    "build": build,
    "speed": speed,
    "memory": memory,
    "large": large_memory,
    "torch": torch_parts,
}


def report(figures: Figures) -> None:
    rows: Figures = figures["speed"]
    where = figures["machine"]
    print(f"{FRAMES} frames of {SIZE[0]}x{SIZE[1]}, {where['cores']} cores, {where['system']}; {ROUNDS} rounds, median")
    print(f"{'':42}{'frames/s':>10}{'(from-to)':>16}{'frames per':>14}{'load':>7}{'suite is':>10}")
    print(f"{'':42}{'':>10}{'':>16}{'processor s':>14}{'':>7}{'faster by':>10}")
    for name, row in rows.items():
        wall, busy = row["per_second"], row["per_processor_second"]
        ratio = rows["suite"]["per_second"]["median"] / wall["median"]
        spread = f"({wall['low']:.1f}-{wall['high']:.1f})"
        print(
            f"{name:42}{wall['median']:10.1f}{spread:>16}{busy['median']:14.1f}{row['load']['median']:7.1f}{ratio:10.2f}"
        )
    print(f"torchmetrics and NumPy were timed over {PEER_FRAMES} frames.")
    print(f"peak memory, {FRAMES} frames: {figures['memory']['bytes'] / 1e9:.2f} GB")
    large = figures["large"]
    print(
        f"peak memory, {LARGE_FRAMES} frames of {LARGE[0]}x{LARGE[1]}: {large['bytes'] / 1e9:.2f} GB "
        f"({large['per_second']:.1f} frames/s)"
    )
    parts = dict(figures["torch"])
    device = parts.pop("device")
    for name, row in parts.items():
        print(f"{name}, random weights, {device}: {row['per_second']['median']:.2f} pairs/s")


if __name__ == "__main__":
    sys.exit(main())
