"""Fitting VOID into a machine: 8-bit weights, compiled layers, T5 only for new prompts, needs checked first."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file
from support.clips import write_case
from support.void_models import TEXT, TRANSFORMER, VAE, parameters, registered, write_version

from core.errors import RunFailed, TransientFailure
from core.runners.base import Manifest, RunContext, RunSpecification
from core.runners.void import loading, memory, quantise
from core.runners.void.runner import VoidRunner
from core.runners.void.schedule import PassPlan
from core.runners.void.session import Placing, Session

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("void") / "version")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    case = write_case(tmp_path_factory.mktemp("case") / "shot")
    files = {"video": "input_video.mp4", "quadmask": "quadmask_0.mp4", "prompt": "prompt.json"}
    return {role: case / name for role, name in files.items()}


def opened(version: Path, placing: Placing) -> Session:
    session = Session()
    session.open(parameters(version), registered(version), (1, 2))
    session.place(placing, "full")
    return session


def run(version: Path, inputs: dict[str, Path], folder: Path, runner: VoidRunner, **changes: Any) -> Manifest:
    folder.mkdir()
    given = RunSpecification("void", inputs, parameters(version, steps=1, **changes), 3, registered(version))
    return runner.run(given, RunContext(folder, lambda _done, _said: None))


@pytest.mark.parametrize(("kind", "stored"), [("int8", torch.int8), ("fp8", torch.float8_e4m3fn)])
def test_quantised_weights_are_stored_in_8_bits_and_hardly_change_the_result(
    version: Path, inputs: dict[str, Path], tmp_path: Path, kind: str, stored: torch.dtype
) -> None:
    whole = run(version, inputs, tmp_path / "whole", VoidRunner(), passes=1)
    runner = VoidRunner()
    made = run(version, inputs, tmp_path / kind, runner, passes=1, quantisation=kind)
    with runner.session.transformer(1) as model:
        weights = [model.transformer_blocks[0].attn1.to_q.weight, model.transformer_blocks[1].ff.net[2].weight]
        assert [weight.qdata.dtype for weight in weights] == [stored] * 2
        assert model.proj_out.weight.dtype == torch.float32
    assert (whole.facts["quantisation"], made.facts["quantisation"]) == ("none", kind)
    before, after = (load_file(tmp_path / name / "latents.safetensors")["pass1"] for name in ("whole", kind))
    assert 0 < float((before - after).norm() / before.norm()) < 0.05


def test_without_the_library_8_bits_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "find_spec", lambda _name: None)
    with pytest.raises(RunFailed, match="int8 weights need the library torchao; install torchao"):
        quantise.require("int8")
    quantise.require("none")


def test_every_block_is_compiled_on_request_only(version: Path) -> None:
    for wanted in (False, True):
        with opened(version, Placing("cpu", "float32", compile=wanted)).transformer(1) as model:
            compiled = [block._compiled_call_impl is not None for block in model.transformer_blocks]
        assert compiled == [wanted, wanted]


def test_t5_is_loaded_for_a_new_prompt_only_and_never_kept(version: Path) -> None:
    session = opened(version, Placing("cpu", "float32"))
    first = session.embeddings(["a wall", "a table"])
    assert session.loads == 1
    assert "text_encoder" not in session._models
    again = session.embeddings(["a table", "a wall"])
    assert session.loads == 1
    assert torch.equal(first[0], again[1])
    session.embeddings(["a scene"])
    assert session.loads == 2


def test_a_cold_run_of_both_passes_loads_each_model_once(
    version: Path, inputs: dict[str, Path], tmp_path: Path
) -> None:
    runner = VoidRunner()
    assert run(version, inputs, tmp_path / "cold", runner).facts["models_loaded"] == 4
    assert run(version, inputs, tmp_path / "warm", runner).facts["models_loaded"] == 0


SIZES = memory.Sizes((11_142_925_568,) * 2, 431_167_814, 9_524_621_312, 42, 384 * 672, 2 * 11_314, 3072, 2)


def test_the_fastest_mode_that_fits_is_chosen_and_too_little_memory_is_a_failure_that_may_pass() -> None:
    needs = [memory.need(mode, SIZES) for mode in memory.MODES]
    assert needs == sorted(needs, reverse=True)
    assert needs[0] < 38e9
    assert needs[2] < 12e9
    for mode, need in zip(memory.MODES, needs, strict=True):
        assert memory.choose("auto", SIZES, need) == mode
    with pytest.raises(TransientFailure, match=r"'sequential_offload' needs about \d+ MiB on the GPU and 512 are free"):
        memory.choose("auto", SIZES, 512 << 20)
    with pytest.raises(TransientFailure, match="'full' needs"):
        memory.choose("full", SIZES, needs[1])


def test_running_out_of_memory_falls_back_once_and_says_so() -> None:
    def attempt(mode: str) -> str:
        if mode in short_of:
            raise torch.OutOfMemoryError
        return f"made in {mode}"

    short_of = {"full"}
    result, mode, note = memory.with_fallback("full", attempt)
    assert (result, mode) == ("made in model_offload", "model_offload")
    assert "ran out in the mode 'full'" in str(note)
    short_of = set(memory.MODES)
    with pytest.raises(RunFailed, match="ran out in the mode 'model_offload'"):
        memory.with_fallback("full", attempt)
    with pytest.raises(RunFailed, match="ran out in the mode 'sequential_offload'"):
        memory.with_fallback("sequential_offload", attempt)


def test_too_little_main_memory_is_told_before_anything_is_loaded(
    version: Path, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = VoidRunner()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1 << 16))
    with pytest.raises(TransientFailure, match=r"need about \d+ MiB of main memory and 0 are free"):
        run(version, inputs, tmp_path / "out", runner)
    assert runner.session.loads == 0


@pytest.mark.parametrize(
    ("mode", "device", "wanted"), [("full", "cuda", 12), ("full", "cpu", 34), ("model_offload", "cuda", 34)]
)
def test_main_memory_holds_what_does_not_stay_on_the_gpu(mode: str, device: str, wanted: int) -> None:
    sizes = memory.Sizes((10, 10), 2, 12, 2, 1, 1, 1, 2)
    assert memory.host_need(mode, torch.device(device), sizes) == wanted


def test_a_run_that_ran_out_of_memory_goes_on_in_the_next_mode_and_says_so(
    version: Path, inputs: dict[str, Path], tmp_path: Path
) -> None:
    def short_of_memory(part: Any, home: Any, dtype: Any, adapters: Any) -> Any:
        residence = session._residence
        if part.name == "transformer" and residence is not None and residence.mode == "full":
            raise torch.OutOfMemoryError
        return loading.load(part, home, dtype, adapters)

    session = Session(load=short_of_memory)
    made = run(version, inputs, tmp_path / "short", VoidRunner(session), passes=1)
    run(version, inputs, tmp_path / "whole", VoidRunner(), passes=1)
    assert made.facts["memory_mode"] == "model_offload"
    assert "The GPU's memory ran out in the mode 'full'; the pass ran again in 'model_offload'." in made.notes
    latents = [load_file(tmp_path / name / "latents.safetensors")["pass1"] for name in ("short", "whole")]
    assert torch.equal(*latents)


def test_the_gpu_benchmark_says_when_there_is_no_gpu() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = subprocess.run(
        [sys.executable, "benchmarks/void_gpu.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "no GPU here: VOID was not measured\n"


def test_the_gpu_benchmark_times_each_stage_and_counts_the_work(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("void_gpu", ROOT / "benchmarks" / "void_gpu.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    bundle = benchmark.random_bundle(tmp_path, TRANSFORMER, VAE, TEXT)
    plan = PassPlan(2, 3, 6.0, "binary")
    found = benchmark.measured(bundle, "model_offload", plan, torch.device("cpu"), (32, 32), "float32")
    stages = ("encoding the clip", *(f"pass 2: {name}" for name in ("prompt", "encode", "denoise", "decode")))
    for attempt in ("cold", "warm"):
        assert sum(found[f"{attempt}: {stage}"] for stage in stages) <= found[f"{attempt}: whole"]
    tokens, width, layers = 11 * 2 * 2 + 226, 32, 2
    assert found["work"] == 3 * 2 * layers * (24 * tokens * width**2 + 4 * tokens**2 * width)
