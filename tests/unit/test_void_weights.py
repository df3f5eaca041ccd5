"""What may be loaded: registered, whole, fitting safetensors; everything else is refused before memory is taken."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel
from safetensors.torch import load_file, save_file
from support.void_models import TRANSFORMER, parameters, registered, store, write_version

from core.errors import RunFailed
from core.runners.void import loading
from core.runners.void.session import Placing, Session
from core.runners.void.weights import Adapter, find

CPU = torch.device("cpu")
PASS1 = "void_pass1.safetensors"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("void") / "version")


@pytest.fixture
def version(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "version")


def opened(folder: Path, **changes: Any) -> Session:
    session = Session()
    session.open(parameters(folder, **changes), registered(folder), (1, 2))
    return session


def test_a_registered_version_opens_without_loading_a_model(version: Path) -> None:
    session = opened(version)
    assert session.loads == 0
    bundle = find(parameters(version), (1, 2))
    counts = loading.check(bundle)
    assert counts["transformer of pass 1"] == sum(value.numel() for value in load_file(version / PASS1).values())


def replace_by_pickle(folder: Path) -> None:
    (folder / PASS1).write_bytes(pickle.dumps({"weight": 1}))


def leave_only_a_pickle(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({}))


def lose(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()

    return spoil


def cut_short(folder: Path) -> None:
    content = (folder / PASS1).read_bytes()
    (folder / PASS1).write_bytes(content[:-100])


def change(**state: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / PASS1)
        for name, value in state.items():
            key = name.replace("__", ".")
            if value is None:
                del tensors[key]
            else:
                tensors[key] = value
        store(tensors, folder / PASS1)

    return spoil


def other_architecture(folder: Path) -> None:
    config = {**TRANSFORMER, "patch_size_t": None}
    (folder / "transformer" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    store(CogVideoXTransformer3DModel(**config).state_dict(), folder / PASS1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lose(PASS1), "weights of pass 1 is missing"),
        (lose("vae/config.json"), "configuration of the vae is missing"),
        (lose("text_encoder/model.safetensors"), "text encoder has no weights"),
        (lose("tokenizer/tokenizer.json"), "tokenizer is missing"),
        (replace_by_pickle, "not a safetensors file, and files that can run code"),
        (leave_only_a_pickle, "not a safetensors file, and files that can run code"),
        (cut_short, "cut short"),
        (change(proj_out__bias=None), "lacks 1 of the model's tensors, 'proj_out.bias'"),
        (change(proj_out__bias=torch.zeros(3)), r"'proj_out.bias' in the shape \(3,\), the model needs"),
        (change(stranger=torch.zeros(3)), "holds 1 tensors that the model does not have, 'stranger'"),
        (other_architecture, "not that of CogVideoX 1.5"),
    ],
)
def test_unfit_files_are_refused_in_one_sentence(version: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(version)
    session = Session()
    with pytest.raises(RunFailed, match=said) as refusal:
        session.open(parameters(version), registered(version), (1, 2))
    assert session.loads == 0
    assert str(refusal.value).count(";") == 1
    assert str(version) not in str(refusal.value)


def test_a_file_that_the_registry_did_not_record_is_refused(version: Path) -> None:
    record = registered(version)
    change(proj_out__bias=torch.ones(128))(version)
    with pytest.raises(RunFailed, match=r"void_pass1.safetensors is not the file that the registry recorded"):
        Session().open(parameters(version), record, (1, 2))


def test_the_two_passes_files_cannot_change_places(version: Path) -> None:
    record = registered(version)
    shutil.copyfile(version / "void_pass2.safetensors", version / PASS1)
    with pytest.raises(RunFailed, match=r"void_pass1.safetensors is not the file that the registry recorded"):
        Session().open(parameters(version), record, (1, 2))


def test_a_registered_file_may_have_another_name(version: Path, tmp_path: Path) -> None:
    record, renamed = registered(version), tmp_path / "first.safetensors"
    shutil.move(version / PASS1, renamed)
    table = {name: str(version / name) for name in ("transformer", "vae", "text_encoder", "tokenizer")}
    Session().open({"weights": {**table, "pass1": str(renamed)}}, record, (1,))


def test_a_swapped_file_is_noticed_by_a_session_that_knew_the_old_one(version: Path) -> None:
    record, session = registered(version), Session()
    session.open(parameters(version), record, (1, 2))
    change(proj_out__bias=torch.ones(128))(version)
    with pytest.raises(RunFailed, match="not the file that the registry recorded"):
        session.open(parameters(version), record, (1, 2))


def test_a_version_without_recorded_weights_is_refused(version: Path) -> None:
    with pytest.raises(RunFailed, match="records no weights"):
        Session().open(parameters(version), {"name": "void", "weights": []}, (1, 2))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (None, "does not say where the weights are"),
        ({"pass1": "x"}, "does not name text_encoder, tokenizer, transformer, vae"),
        ("weights/void", "path 'weights/void' is not absolute"),
        ("hub:netflix/void-model@main", "does not name a fixed revision"),
        ("hub:netflix/void-model@" + "0" * 40, "is not on this machine"),
    ],
)
def test_where_the_weights_are_must_be_said_exactly(weights: object, said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        find({"weights": weights}, (1,))


def test_a_hub_revision_is_taken_from_this_machines_cache(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, cache = "a" * 40, tmp_path / "hub"
    snapshot = cache / "models--someone--void" / "snapshots" / commit
    shutil.copytree(version, snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    revision = f"hub:someone/void@{commit}"
    bundle = find({"weights": revision, "adapters": [f"{revision}//{PASS1}"]}, (1, 2))
    assert bundle.transformers[1].files == (snapshot / PASS1,)
    assert bundle.adapters[0].path == snapshot / PASS1
    with pytest.raises(RunFailed, match="is not on this machine"):
        find({"weights": "hub:someone/void@" + "b" * 40}, (1, 2))
    other = registered(write_version(tmp_path / "other", seed=5))
    with pytest.raises(RunFailed, match="not the file that the registry recorded"):
        Session().open({"weights": revision}, other, (1, 2))


def test_components_may_lie_apart(version: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.safetensors"
    shutil.move(version / PASS1, moved)
    table = {name: str(version / name) for name in ("transformer", "vae", "text_encoder", "tokenizer")}
    bundle = find({"weights": {**table, "pass1": str(moved)}}, (1,))
    assert bundle.transformers[1].files == (moved,)


def test_weights_of_the_base_are_widened_from_33_to_48_channels(version: Path) -> None:
    tensors = load_file(version / PASS1)
    wide = tensors[loading.PATCH]
    base = torch.randn(wide.shape[0], 33 * 8)
    change(**{loading.PATCH.replace(".", "__"): base})(version)
    bundle = find(parameters(version), (1,))
    loading.check(bundle)
    model = loading.load(bundle.transformers[1], CPU, torch.float32)
    made = model.state_dict()[loading.PATCH]
    assert made.shape == wide.shape
    assert torch.equal(made[:, :128], base[:, :128])
    assert torch.equal(made[:, -128:], base[:, -128:])
    for channel in range(16):
        assert torch.equal(made[:, 128 + 8 * channel : 136 + 8 * channel], base[:, 128:136])


@pytest.mark.parametrize("naming", ["dotted", "underscored"])
def test_adapters_are_added_to_the_weights_that_they_name(version: Path, tmp_path: Path, naming: str) -> None:
    module = "transformer_blocks.1.attn1.to_q"
    down, up = torch.randn(4, 32), torch.randn(32, 4)
    name = f"transformer.{module}" if naming == "dotted" else "lora_unet__" + module.replace(".", "_")
    sides = ("lora_A", "lora_B") if naming == "dotted" else ("lora_down", "lora_up")
    tensors = {f"{name}.{sides[0]}.weight": down, f"{name}.{sides[1]}.weight": up, f"{name}.alpha": torch.tensor(2.0)}
    path = tmp_path / "adapter.safetensors"
    save_file(tensors, path)
    before = load_file(version / PASS1)[f"{module}.weight"]
    bundle = find(parameters(version, adapters=[{"file": str(path), "scale": 0.5}]), (1,))
    loading.check(bundle)
    model = loading.load(bundle.transformers[1], CPU, torch.float32, bundle.adapters)
    assert torch.allclose(model.state_dict()[f"{module}.weight"], before + 0.5 * 2 / 4 * up @ down, atol=1e-5)


@pytest.mark.parametrize(
    "tensors",
    [
        {"transformer.nowhere.lora_A.weight": torch.zeros(4, 32)},
        {"transformer_blocks.0.attn1.to_q.lora_A.weight": torch.zeros(4, 32)},
        {
            "transformer_blocks.0.attn1.to_q.lora_A.weight": torch.zeros(4, 31),
            "transformer_blocks.0.attn1.to_q.lora_B.weight": torch.zeros(32, 4),
        },
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    version: Path, tmp_path: Path, tensors: dict[str, torch.Tensor]
) -> None:
    path = version / "adapter.safetensors"
    save_file(tensors, path)
    with pytest.raises(RunFailed, match=r"adapter.safetensors"):
        opened(version, adapters=[str(path)])


def test_an_adapter_must_be_registered_too(version: Path, tmp_path: Path) -> None:
    record, path = registered(version), tmp_path / "adapter.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(RunFailed, match=r"adapter.safetensors is not the file"):
        Session().open(parameters(version, adapters=[str(path)]), record, (1,))


def test_a_session_loads_each_model_once_and_drops_them_for_another_version(version: Path, tmp_path: Path) -> None:
    session = opened(version)
    session.place(Placing("cpu", "float32"), "full")
    for _ in range(2):
        with session.transformer(1) as model, session.vae():
            assert not model.training
        session.embeddings(["a wall", ""])
    assert session.loads == 3
    other = write_version(tmp_path / "other", seed=9)
    session.open(parameters(other), registered(other), (1, 2))
    session.place(Placing("cpu", "float32"), "full")
    with session.transformer(1):
        assert session.loads == 4


def test_the_bundles_key_names_content_not_places(version: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(version, tmp_path / "copy")
    keys = [Session().open(parameters(folder), registered(folder), (1, 2)).key for folder in (version, moved)]
    assert keys[0] == keys[1]
    scaled = version / "adapter.safetensors"
    save_file({"proj_out.lora_A.weight": torch.zeros(1, 32), "proj_out.lora_B.weight": torch.zeros(128, 1)}, scaled)
    given = parameters(version, adapters=[str(scaled)])
    assert Session().open(given, registered(version), (1, 2)).key != keys[0]
    assert Adapter(scaled, 1.0) in find(given, (1,)).adapters
