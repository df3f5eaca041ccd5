"""VOID as a whole with tiny real components: both passes and modes, equal to a plain run on stock diffusers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel, DDIMScheduler
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from numpy.typing import NDArray
from safetensors.torch import load_file
from support.clips import wall
from support.void_models import SIZE, TRANSFORMER, VAE, parameters, registered, write_version

from core.errors import RunFailed
from core.jobs.child import Finished, launch
from core.runners.base import Cancelled, Manifest, RunContext, RunSpecification
from core.runners.frames import clip_format, read_grey, read_planes
from core.runners.registry import runner
from core.runners.void import checkpoint, memory
from core.runners.void.clips import read_clip
from core.runners.void.runner import VoidRunner
from core.settings import Settings
from evaluators.qualification.encoding import write_video

FPS, HEIGHT, WIDTH = 24.0, 48, 64
LENGTHS = {46: 85, 85: 85, 93: 93, 197: 197}
PROMPT = "a grey wall"


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("void") / "version")


@pytest.fixture(scope="module")
def warm() -> VoidRunner:
    """One runner for all tests, as a warm worker has it."""
    return VoidRunner()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, Path]]:
    """Clips of any length with all four mask values, each made once."""
    folder = tmp_path_factory.mktemp("cases")

    def inputs(frames: int, name: str = "") -> dict[str, Path]:
        place = folder / f"{frames}{name}"
        if not place.exists():
            write_quad_case(place, frames, shade=len(name))
        files = {"video": "input_video.mp4", "quadmask": "quadmask_0.mp4", "prompt": "prompt.json"}
        return {role: place / file for role, file in files.items()}

    return inputs


def write_quad_case(folder: Path, frames: int, shade: int = 0) -> None:
    folder.mkdir()
    video = np.repeat(wall(WIDTH, HEIGHT)[None], frames, axis=0)
    mask = np.full((frames, HEIGHT, WIDTH), 255, np.uint8)
    for frame in range(frames):
        left = 4 + frame % 30
        video[frame, 16:32, left : left + 16] = 30 + shade
        mask[frame, 16:32, left : left + 16] = 0
        mask[frame, 28:32, left : left + 16] = 63
        mask[frame, 32:40, left : left + 16] = 127 if frame else 255
    write_video(video, folder / "input_video.mp4", FPS)
    write_video(mask, folder / "quadmask_0.mp4", FPS, lossless=True)
    (folder / "prompt.json").write_text(json.dumps({"bg": PROMPT}), encoding="utf-8")


def ignore(_done: float, _message: str) -> None:
    pass


def run(
    chosen: VoidRunner,
    version: Path,
    inputs: dict[str, Path],
    folder: Path,
    progress: Callable[[float, str], None] = ignore,
    seed: int = 42,
    **changes: Any,
) -> Manifest:
    folder.mkdir(exist_ok=True)
    given = RunSpecification("void", inputs, parameters(version, **changes), seed, registered(version))
    return chosen.run(given, RunContext(folder, progress))


def frame_count(path: Path) -> int:
    return sum(1 for _ in read_grey(path))


class Plain:
    """A straightforward run with nothing of ours but the stored files: stock classes, upstream's rules, one loop."""

    def __init__(self, folder: Path, embeddings: Callable[[list[str]], list[torch.Tensor]]) -> None:
        self.vae = AutoencoderKLCogVideoX(**VAE).eval()
        self.vae.load_state_dict(load_file(folder / "vae" / "diffusion_pytorch_model.safetensors"))
        self.models = {}
        for number in (1, 2):
            self.models[number] = CogVideoXTransformer3DModel(**TRANSFORMER).eval()
            self.models[number].load_state_dict(load_file(folder / f"void_pass{number}.safetensors"))
        self.embeddings = embeddings

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return (self.vae.encode(pixels).latent_dist.mode() * 0.7).permute(0, 2, 1, 3, 4)

    @torch.no_grad()
    def latents(self, number: int, inputs: dict[str, Path], start: torch.Tensor, seed: int) -> torch.Tensor:
        clip = read_clip(inputs["video"], inputs["quadmask"], (SIZE, SIZE), True, 197, lambda _: None)
        quad = torch.from_numpy(clip.values).float()
        removed = (255 - quad) / 255
        if number == 1:
            removed = torch.where(removed > 0.75, 1.0, torch.where(removed < 0.25, 0.0, 127 / 255))
        else:
            removed = (removed > 0.5).float()
        mask = self.encode((1 - removed)[None, None].repeat(1, 3, 1, 1, 1))
        pixels = clip.video[0].permute(1, 0, 2, 3).contiguous()[None].permute(0, 2, 1, 3, 4) * 2 - 1
        torch.manual_seed(seed)
        drawn = torch.randn_like(pixels) * 0.0563
        video = self.encode(pixels + torch.where(pixels == -1, torch.zeros_like(drawn), drawn))
        shared = {
            "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False,
            "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
        }  # fmt: skip
        scheduler = DDIMScheduler(**shared) if number == 1 else CogVideoXDDIMScheduler(**shared, snr_shift_scale=1.0)
        scheduler.set_timesteps(2)
        text = torch.cat(self.embeddings([PROMPT] if number == 1 else ["", PROMPT]))
        latents, length = start, start.shape[1]
        for timestep in scheduler.timesteps:
            total, mass, begin = torch.zeros_like(latents), torch.zeros(1, length, 1, 1, 1), 0
            while True:
                end = min(begin + 22, length)
                part = torch.cat([value[:, begin:end] for value in (latents, mask, video)], dim=2)
                rope = get_3d_rotary_pos_embed(
                    16, None, grid_size=(2, 2), temporal_size=(end - begin) // 2, grid_type="slice", max_size=(192, 340)
                )
                guess = self.models[number](
                    part.repeat(len(text), 1, 1, 1, 1), text, timestep.repeat(len(text)), image_rotary_emb=rope
                ).sample
                if number == 2:
                    guess = guess[:1] + 6.0 * (guess[1:] - guess[:1])
                after = scheduler.step(guess, timestep, latents[:, begin:end]).prev_sample
                ramp = torch.ones(1, end - begin, 1, 1, 1)
                if begin:
                    ramp[0, :4, 0, 0, 0] = torch.linspace(0, 1, 6)[1:-1]
                if end < length:
                    ramp[0, -4:, 0, 0, 0] = torch.linspace(1, 0, 6)[1:-1]
                total[:, begin:end] += after * ramp
                mass[:, begin:end] += ramp
                if end == length:
                    break
                begin = end - 4
            latents = total / mass
        return latents


@pytest.fixture(scope="module")
def plain(version: Path, warm: VoidRunner) -> Plain:
    return Plain(version, warm.session.embeddings)


@pytest.mark.parametrize(("frames", "padded"), LENGTHS.items())
def test_the_first_pass_equals_a_plain_run_at_every_length(
    frames: int, padded: int, version: Path, warm: VoidRunner, plain: Plain, case: Any, tmp_path: Path
) -> None:
    inputs = case(frames)
    made = run(warm, version, inputs, tmp_path / "out", compat="upstream", passes=1)
    found = load_file(tmp_path / "out" / "latents.safetensors")["pass1"]
    latents = (padded - 1) // 4 + 1
    start = torch.randn((1, latents, 16, 4, 4), generator=torch.Generator().manual_seed(42))
    assert float((found - plain.latents(1, inputs, start, 42)).abs().max()) == 0.0
    assert (made.facts["frames"], made.facts["padded_frames"], made.facts["latents"]) == (frames, padded, latents)
    assert frame_count(tmp_path / "out" / "output.mp4") == frames
    assert frame_count(tmp_path / "out" / "upstream.mp4") == padded


@pytest.mark.parametrize("frames", [46, 85])
def test_the_second_pass_equals_a_plain_run_from_the_same_noise(
    frames: int, version: Path, warm: VoidRunner, plain: Plain, case: Any, tmp_path: Path
) -> None:
    noise = np.random.default_rng(frames).standard_normal((22, 16, 4, 4)).astype(np.float32)
    np.save(tmp_path / "noise.npy", noise)
    inputs = case(frames)
    made = run(warm, version, inputs | {"noise": tmp_path / "noise.npy"}, tmp_path / "out", compat="upstream")
    found = load_file(tmp_path / "out" / "latents.safetensors")["pass2"]
    assert float((found - plain.latents(2, inputs, torch.from_numpy(noise)[None], 42)).abs().max()) == 0.0
    assert made.facts["passes"]["2"] == {"steps": 2, "guidance": 6.0, "mask": "binary"}


@pytest.mark.parametrize("frames", [93, 197])
def test_upstreams_second_pass_is_refused_where_upstream_fails(
    frames: int, version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    with pytest.raises(RunFailed, match=f"fails on a clip of {LENGTHS[frames]} padded frames"):
        run(warm, version, case(frames), tmp_path / "out", compat="upstream")


def test_ours_takes_clips_longer_than_upstreams_limit_whole(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    made = run(warm, version, case(205), tmp_path / "out", passes=1)
    assert (made.facts["frames"], made.facts["padded_frames"]) == (205, 205)
    assert frame_count(tmp_path / "out" / "output.mp4") == 205


@pytest.mark.parametrize(("frames", "padded"), LENGTHS.items())
def test_ours_keeps_length_rate_size_and_every_kept_pixel(
    frames: int, padded: int, version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    inputs = case(frames)
    made = run(warm, version, inputs, tmp_path / "out")
    output = tmp_path / "out" / "output.mp4"
    form = clip_format(output)
    assert (form.width, form.height, float(form.fps)) == (WIDTH, HEIGHT, FPS)
    assert frame_count(output) == frames
    assert made.facts["padded_frames"] == padded
    assert made.facts["picture_box"] == [0, 4, 32, 24]
    assert made.facts["pass2_noise"]["deviation"] == pytest.approx(1.0, abs=0.06)
    assert {item.role for item in made.outputs} == {"video", "pass1", "latents"}
    before = next(read_planes(inputs["video"], form))[0][:8].astype(int)
    after = next(read_planes(output, form))[0][:8].astype(int)
    assert np.abs(before - after).mean() < 1.5
    assert json.loads(json.dumps(made.facts, allow_nan=False))


def test_results_follow_from_seed_and_clip_and_a_warm_runner_loads_nothing_again(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    def latents(chosen: VoidRunner, name: str, folder: str, seed: int = 42) -> torch.Tensor:
        run(chosen, version, case(46, name), tmp_path / folder, seed=seed)
        return load_file(tmp_path / folder / "latents.safetensors")["pass2"]

    first, second = latents(warm, "", "a"), latents(warm, "b", "b")
    fresh = VoidRunner()
    again_second, loads = latents(fresh, "b", "c"), fresh.session.loads
    again_first = latents(fresh, "", "d")
    assert fresh.session.loads == loads
    assert torch.equal(first, again_first)
    assert torch.equal(second, again_second)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first, latents(warm, "", "e", seed=43))


def test_every_memory_mode_gives_the_same_result(version: Path, case: Any, tmp_path: Path) -> None:
    found = {}
    for mode in memory.MODES:
        made = run(VoidRunner(), version, case(46), tmp_path / mode, memory=mode, passes=1)
        assert made.facts["memory_mode"] == mode
        found[mode] = load_file(tmp_path / mode / "latents.safetensors")["pass1"]
    assert torch.equal(found["full"], found["model_offload"])
    assert torch.equal(found["full"], found["sequential_offload"])


class Stopper:
    """A progress that asks to stop when it hears a phrase, and remembers what it heard."""

    def __init__(self, phrase: str = "") -> None:
        self.phrase, self.heard, self.shares = phrase, [], []

    def __call__(self, done: float, message: str) -> None:
        self.heard.append(message)
        self.shares.append(done)
        if self.phrase and self.phrase in message:
            raise Cancelled


def test_it_stops_between_steps_and_leaves_no_output(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    stopper = Stopper("pass 1: step 2 of 3")
    with pytest.raises(Cancelled):
        run(warm, version, case(46), tmp_path / "out", stopper, steps=3)
    assert stopper.heard[-2] == "pass 1: step 1 of 3"
    assert list((tmp_path / "out").iterdir()) == []


def test_progress_names_every_step_and_never_goes_back(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    listener = Stopper()
    run(warm, version, case(46), tmp_path / "out", listener)
    for number in (1, 2):
        assert [f"pass {number}: step {step} of 2" in listener.heard for step in (1, 2)] == [True, True]
    assert listener.shares == sorted(listener.shares)
    assert listener.shares[-1] == 1.0


def test_a_retried_attempt_starts_at_the_second_pass(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    run(warm, version, case(46), tmp_path / "whole")
    with pytest.raises(Cancelled):
        run(warm, version, case(46), tmp_path / "first", Stopper("pass 2: step 1"))
    listener = Stopper()
    inputs = case(46) | {"checkpoint": tmp_path / "first"}
    made = run(warm, version, inputs, tmp_path / "second", listener)
    assert made.facts["resumed"] is True
    assert not any(message.startswith("pass 1: step") for message in listener.heard)
    whole, resumed = (load_file(tmp_path / name / "latents.safetensors") for name in ("whole", "second"))
    assert torch.equal(whole["pass1"], resumed["pass1"])
    assert torch.equal(whole["pass2"], resumed["pass2"])


def test_a_checkpoint_of_other_work_or_damaged_is_not_used(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    run(warm, version, case(46), tmp_path / "first")
    inputs = case(46) | {"checkpoint": tmp_path / "first" / checkpoint.NAME}
    made = run(warm, version, inputs, tmp_path / "second", seed=43)
    assert made.facts["resumed"] is False
    assert any("other work or damaged" in note for note in made.notes)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((tmp_path / "first" / checkpoint.NAME).read_bytes()[:-9])
    assert checkpoint.load(damaged, "any") is None
    assert checkpoint.load(tmp_path, "any") is None


def spoil_mask(inputs: dict[str, Path], folder: Path, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Any:
    mask = np.stack([grey.copy() for grey in read_grey(inputs["quadmask"])])
    target = folder / "quadmask_0.mp4"
    write_video(change(mask), target, FPS, lossless=True)
    return inputs | {"quadmask": target}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda mask: mask[:-1], "the video has 46 frames and the quadmask 45"),
        (lambda mask: mask[:, :, :-2], "differ in size"),
        (lambda mask: np.where(mask == 63, np.uint8(66), mask), "64 pixels of the quadmask's frame 0 are none of"),
    ],
)
def test_a_wrong_mask_is_refused(
    change: Any, said: str, version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    with pytest.raises(RunFailed, match=said):
        run(warm, version, spoil_mask(case(46), tmp_path, change), tmp_path / "out")


def test_a_mask_of_the_opposite_polarity_is_refused_by_its_name(
    version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    wrong = shutil.copyfile(case(46)["quadmask"], tmp_path / "mask_0.mp4")
    with pytest.raises(RunFailed, match="opposite polarity"):
        run(warm, version, case(46) | {"quadmask": wrong}, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stepz": 3}, "no parameter 'stepz'"),
        ({"passes": 3}, "'passes' cannot be '3'"),
        ({"steps": [2]}, "'steps' is no number for each pass"),
        ({"steps": 0}, "'steps' cannot hold 0"),
        ({"guidance": "much"}, "'guidance' is no number for each pass"),
        ({"height": 30}, "'height' cannot be '30'"),
        ({"memory": "little"}, "'memory' cannot be 'little'"),
        ({"composite": "yes"}, "'composite' cannot be 'yes'"),
        ({"quantisation": "int4"}, "'int4' is no quantisation"),
        ({"compat": "sideways"}, "'compat' cannot be 'sideways'"),
    ],
)
def test_an_unusable_parameter_is_named(
    changes: dict[str, Any], said: str, version: Path, warm: VoidRunner, case: Any, tmp_path: Path
) -> None:
    with pytest.raises(RunFailed, match=said):
        run(warm, version, case(46), tmp_path / "out", **changes)


def test_a_noise_of_the_wrong_size_is_refused(version: Path, warm: VoidRunner, case: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", np.zeros((22, 16, 4, 5), np.float32))
    with pytest.raises(RunFailed, match=r"the noise has the shape \(22, 16, 4, 5\), the clip needs \(22, 16, 4, 4\)"):
        run(warm, version, case(46) | {"noise": tmp_path / "noise.npy"}, tmp_path / "out")


def test_it_runs_as_a_job_in_its_own_process(version: Path, case: Any, tmp_path: Path) -> None:
    assert runner("void").name == "void"
    given = RunSpecification("void", case(46), parameters(version, steps=1), 1, registered(version))
    child = launch(given, tmp_path / "attempt", Settings(home=tmp_path))
    outcome = child.wait(600)
    assert isinstance(outcome, Finished), outcome
    assert {item.role: item.path.name for item in outcome.manifest.outputs} == {
        "video": "output.mp4", "pass1": "pass1.mp4", "latents": "latents.safetensors",
    }  # fmt: skip
    assert outcome.manifest.facts["frames"] == 46
