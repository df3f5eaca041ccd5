"""RAFT from a safetensors file, against torchvision's own model; what is no such file is refused unread."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.clips import write_case, write_output
from support.video import panning
from typer.testing import CliRunner

from core.cli.evaluate import app
from evaluators import FlowCache, VideoOptions, evaluate_clip
from evaluators.base import EvaluatorError
from evaluators.flow import FlowSource, RaftFlow
from evaluators.video.temporal import Temporal

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    return raft_small(weights=None).eval()


@pytest.fixture(scope="module")
def weights(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(model.state_dict(), tmp_path_factory.mktemp("raft") / "small.safetensors")


def save(state: dict[str, Any], path: Path) -> Path:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return path


def constant(model: Any, step: tuple[float, float], path: Path) -> Path:
    """Weights whose every update moves every pixel alike, by `step` (x, y) at an eighth of the size."""
    import torch

    state = dict(model.state_dict())
    state["update_block.flow_head.conv2.weight"] = torch.zeros_like(state["update_block.flow_head.conv2.weight"])
    state["update_block.flow_head.conv2.bias"] = torch.tensor(step)
    return save(state, path)


def test_the_flow_is_torchvisions_from_the_first_frame_to_the_second(model: Any, weights: Path) -> None:
    import torch

    first, second = panning(2, 130, 132, [(0, 0), (2, 1)])

    def tensor(picture: np.ndarray) -> torch.Tensor:
        padded = np.pad(picture, ((0, 4), (0, 6), (0, 0)), mode="edge")
        return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 127.5 - 1

    with torch.inference_mode():
        direct = model(tensor(first), tensor(second))[-1][0, :, :132, :130].permute(1, 2, 0).numpy()
        turned = model(tensor(second), tensor(first))[-1][0, :, :132, :130].permute(1, 2, 0).numpy()
    flow = RaftFlow(weights)(first[..., ::-1], second[..., ::-1])
    assert flow.shape == (132, 130, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow, direct, atol=1e-3)
    assert np.abs(direct - turned).max() > 0.01


@pytest.mark.parametrize(("width", "height"), [(130, 135), (96, 40)])
def test_flow_is_x_then_y_in_pixels_of_the_frame_whatever_its_size(
    model: Any, tmp_path: Path, width: int, height: int
) -> None:
    """Twelve updates, each (0.01, -0.02) at an eighth of the size: 0.96 pixels right and 1.92 up."""
    first, second = panning(2, width, height, [(0, 0), (2, 1)])
    flow = RaftFlow(constant(model, (0.01, -0.02), tmp_path / "constant.safetensors"))(first, second)
    assert flow.shape == (height, width, 2)
    np.testing.assert_allclose(flow, np.broadcast_to(np.float32([0.96, -1.92]), flow.shape), atol=1e-4)


def test_other_weights_do_not_share_a_cached_field(model: Any, tmp_path: Path) -> None:
    first, second = panning(2, 128, 128, [(0, 0), (2, 1)])
    cache, found = FlowCache(), []
    for step in (0.01, 0.03):
        method = RaftFlow(constant(model, (step, 0.0), tmp_path / f"{step}.safetensors"))
        found.append(float(FlowSource(method, "clip", cache).between(0, first, second).forward[..., 0].mean()))
    assert found == pytest.approx([0.96, 2.88], abs=0.01)


def test_the_suite_measures_along_it_and_names_it(model: Any, tmp_path: Path) -> None:
    case = write_case(tmp_path / "case", frames=2)
    output = write_output(tmp_path / "output.mp4", frames=2)
    options = VideoOptions(
        raft_weights=constant(model, (0.0, 0.0), tmp_path / "still.safetensors"), lpips=False, threads=1
    )
    (found,) = evaluate_clip(case, output, options=options, evaluators=[Temporal()]).evaluations
    assert str(found.parameters["flow"]).startswith("RAFT small, weights sha256:")
    assert found["warp_error"].value == pytest.approx(0, abs=1e-4)
    assert found["warp_error"].evidence["valid_fraction"] > 0.2


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_what_holds_no_raft_weights_is_refused_without_running_it(model: Any, tmp_path: Path) -> None:
    import torch

    state = dict(model.state_dict())
    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(_Hostile()))
    torch.save(state, tmp_path / "state.pth")
    (tmp_path / "garbage.safetensors").write_bytes(b"\xff" * 64)
    (tmp_path / "empty.safetensors").write_bytes(b"")
    save({"some": torch.zeros(1)}, tmp_path / "other.safetensors")
    first = next(iter(state))
    save({name: value for name, value in state.items() if name != first}, tmp_path / "less.safetensors")
    save({**state, "more": torch.zeros(1)}, tmp_path / "more.safetensors")
    save({**state, first: torch.zeros(1)}, tmp_path / "shape.safetensors")
    whole = save(state, tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    for name, said in (
        ("pickle.safetensors", "is no safetensors file"),
        ("state.pth", "is no safetensors file"),
        ("garbage.safetensors", "is no safetensors file"),
        ("empty.safetensors", "is no safetensors file"),
        ("cut.safetensors", "cannot be read as weights"),
        ("other.safetensors", "does not hold torchvision's RAFT weights"),
        ("less.safetensors", "does not hold torchvision's RAFT weights"),
        ("more.safetensors", "does not hold torchvision's RAFT weights"),
        ("shape.safetensors", "does not hold torchvision's RAFT weights"),
        ("nothing.safetensors", "weights missing"),
    ):
        with pytest.raises(EvaluatorError, match=said):
            RaftFlow(tmp_path / name)


def test_raft_weights_are_given_on_the_command_line(weights: Path, tmp_path: Path) -> None:
    case = write_case(tmp_path / "case", frames=2)
    output = write_output(tmp_path / "output.mp4", frames=2)
    command = ["clip", str(case), "--output", str(output), "--json", "--raft"]
    done = CliRunner().invoke(app, [*command, str(weights)])
    assert done.exit_code == 0, done.output
    assert "RAFT small, weights sha256:" in done.output
    refused = CliRunner().invoke(app, [*command, str(output)])
    assert refused.exit_code != 0
    assert "is no safetensors file" in f"{refused.output}{refused.exception}"
