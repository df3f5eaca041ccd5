"""LPIPS and tLP from a trunk file, against the `lpips` package called directly; absent without the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.video import Pictures, boxed, judge, keep_all, panning, reason, still, value, wall

from evaluators import VideoOptions
from evaluators.base import Evaluation, EvaluatorError
from evaluators.video.perceptual import LEAST_SIDE, MEASURES, Perceptual

FRAMES = 9
WIDTH, HEIGHT = 96, 72
Judge = Callable[..., Evaluation]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AlexNet's convolutions with random weights, as torchvision would name them."""
    import torch
    from safetensors.torch import save_file
    from torchvision.models import alexnet

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "alexnet.safetensors"
    state = {k: v.contiguous() for k, v in alexnet(weights=None).state_dict().items() if k.startswith("features.")}
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def direct(trunk: Path) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The same distances from the package itself: RGB pictures in, a map out."""
    import lpips
    import torch
    from safetensors.torch import load_file
    from torchvision.models import alexnet

    model: Any = lpips.LPIPS(net="alex", version="0.1", spatial=True, pnet_rand=True, verbose=False)
    features = alexnet(weights=None).features
    features.load_state_dict({k.removeprefix("features."): v for k, v in load_file(trunk).items()})
    with torch.no_grad():
        for number, layer in enumerate(features):
            for part in (getattr(model.net, f"slice{i}") for i in range(1, 6)):
                if str(number) in dict(part.named_children()) and hasattr(layer, "weight"):
                    own = dict(part.named_children())[str(number)]
                    own.weight.copy_(layer.weight)
                    own.bias.copy_(layer.bias)
    model.eval()

    def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        tensors = [torch.from_numpy(np.ascontiguousarray(p)).permute(2, 0, 1)[None].float() for p in (first, second)]
        with torch.inference_mode():
            found: np.ndarray = model(*(tensor / 127.5 - 1 for tensor in tensors))[0, 0].numpy()
        return found

    return distance


@pytest.fixture
def perceptual(tmp_path: Path, trunk: Path) -> Judge:
    def run(video: Pictures, output: Pictures, mask: Pictures | None = None, **options: Any) -> Evaluation:
        chosen = VideoOptions(threads=1, **{"lpips_trunk": trunk, "lpips_every": 3, **options})
        kept = keep_all(len(video), video.shape[2], video.shape[1]) if mask is None else mask
        return judge(tmp_path, video, kept, output, Perceptual(), options=chosen)

    return run


def pan() -> Pictures:
    return panning(FRAMES, WIDTH, HEIGHT, [(frame, 0) for frame in range(FRAMES)])


def flickering() -> Pictures:
    noise = np.random.default_rng(0).normal(0, 14, (FRAMES, HEIGHT, WIDTH, 3))
    return np.asarray(np.clip(pan() + noise, 0, 255), np.uint8)


def test_lpips_equals_the_package_over_kept_pixels(perceptual: Judge, direct: Callable[..., np.ndarray]) -> None:
    video, output = pan(), flickering()
    mask = boxed(FRAMES, (30, 20, 60, 50), size=(WIDTH, HEIGHT))
    kept = np.ones((HEIGHT, WIDTH), bool)
    kept[17:53, 27:63] = False
    maps = [direct(output[frame], video[frame]) for frame in (0, 3, 6)]
    found = perceptual(video, output, mask)
    expected = float(np.mean([m[kept].mean() for m in maps]))
    assert expected > 1e-4
    assert value(found, "preservation_lpips") == pytest.approx(expected, rel=1e-4)
    assert found["preservation_lpips"].series.frames == (0, 3, 6)
    assert found.parameters["every"] == 3


def test_tlp_is_the_gap_between_the_perceived_changes(perceptual: Judge, direct: Callable[..., np.ndarray]) -> None:
    video, output = pan(), flickering()
    gaps = [
        abs(float(direct(output[f - 1], output[f]).mean()) - float(direct(video[f - 1], video[f]).mean()))
        for f in (3, 6)
    ]
    found = perceptual(video, output)
    assert value(found, "tlp") == pytest.approx(np.mean(gaps), rel=1e-3)
    assert found["tlp"].count == 2


def test_a_copy_looks_the_same(perceptual: Judge) -> None:
    found = perceptual(pan(), pan())
    assert value(found, "preservation_lpips") == pytest.approx(0, abs=1e-7)
    assert value(found, "tlp") == pytest.approx(0, abs=1e-7)


def test_without_weights_the_measures_are_absent(
    perceptual: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    found = perceptual(pan(), pan(), lpips_trunk=None)
    assert all("weights missing" in reason(found, measure.name) for measure in MEASURES)
    found = perceptual(pan(), pan(), lpips=False)
    assert all("switched off" in reason(found, measure.name) for measure in MEASURES)


def test_a_trunk_in_torchs_cache_is_found(perceptual: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from torchvision.models import alexnet

    cache = tmp_path / "home" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    features = {f"features.{name}": weight for name, weight in alexnet(weights=None).features.state_dict().items()}
    torch.save(features, cache / "alexnet-owt-0000.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    assert value(perceptual(pan(), flickering(), lpips_trunk=None), "preservation_lpips") > 0


def test_files_that_hold_no_trunk_are_refused(perceptual: Judge, tmp_path: Path, trunk: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    state = load_file(trunk)
    save_file({**state, "features.0.weight": torch.zeros(2, 2)}, tmp_path / "shape.safetensors")
    del state["features.3.bias"]
    save_file(state, tmp_path / "part.safetensors")
    (tmp_path / "text.pth").write_text("not weights")
    for name, said in (
        ("shape.safetensors", "does not fit AlexNet"),
        ("part.safetensors", "does not hold AlexNet's trunk"),
        ("text.pth", "cannot be read as weights"),
        ("nothing.pth", "weights missing"),
    ):
        with pytest.raises(EvaluatorError, match=said):
            perceptual(pan(), pan(), lpips_trunk=tmp_path / name)


def test_frames_too_small_for_the_network_are_absent(perceptual: Judge) -> None:
    video = still(3, wall(96, LEAST_SIDE - 2))
    found = perceptual(video, video)
    assert all("too small for AlexNet" in reason(found, measure.name) for measure in MEASURES)


def test_nothing_kept_is_absent(perceptual: Judge) -> None:
    found = perceptual(pan(), pan(), np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8))
    assert all("too little of the picture is kept" in reason(found, measure.name) for measure in MEASURES)
