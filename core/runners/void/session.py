"""One model version, kept loaded between runs: what a warm worker holds on to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import RunFailed
from core.runners.void import loading
from core.runners.void.memory import Residence, release
from core.runners.void.prompts import PromptReader
from core.runners.void.quantise import quantised
from core.runners.void.weights import Adapter, Bundle, Part, Verifier, find

if TYPE_CHECKING:
    import torch


Loader = Callable[[Part, "torch.device", "torch.dtype", tuple[Adapter, ...]], Any]


@dataclass(frozen=True)
class Placing:
    """Where and how models are loaded: another placing means loading anew."""

    device: str
    dtype: str
    quantisation: str = "none"
    compile: bool = False


class Session:
    """Holds at most one model version in memory. For one thread."""

    def __init__(self, load: Loader = loading.load) -> None:
        """`load` makes a part's model; a benchmark gives one that needs no files."""
        self._load = load
        self._verifier = Verifier()
        self._bundle: Bundle | None = None
        self._checked = ""
        self._placing: Placing | None = None
        self._residence: Residence | None = None
        self._models: dict[str, Any] = {}
        self._prompts: PromptReader | None = None
        self.loads = 0
        """How many models were loaded from files since the session began."""

    def open(self, parameters: Mapping[str, object], model: Mapping[str, Any], passes: tuple[int, ...]) -> Bundle:
        """Find and check a version's files; models of another version are dropped. Takes no memory for models.

        Raises `RunFailed` for missing, foreign, unregistered or unfit files.
        """
        bundle = self._verifier.verified(find(parameters, passes), model)
        if bundle.key != self._checked:
            loading.check(bundle)
            self.use(bundle)
        return bundle

    def use(self, bundle: Bundle) -> None:
        """Take a checked bundle; models of another are dropped."""
        self.close()
        self._prompts = PromptReader(bundle.tokenizer)
        self._bundle, self._checked = bundle, bundle.key

    def place(self, placing: Placing, mode: str) -> Residence:
        """Choose where models live; a change drops those that are loaded."""
        import torch

        if self._residence is None or (self._placing, self._residence.mode) != (placing, mode):
            self._drop()
            self._placing, self._residence = placing, Residence(mode, torch.device(placing.device))
        return self._residence

    @contextmanager
    def transformer(self, number: int) -> Iterator[Any]:
        """The transformer of a pass, ready on the device."""
        with self._residing().using(self._model(f"transformer of pass {number}"), "block_level") as model:
            yield model

    @contextmanager
    def vae(self) -> Iterator[Any]:
        """The VAE, ready on the device."""
        with self._residing().using(self._model("vae")) as model:
            yield model

    @property
    def prompts(self) -> PromptReader:
        """The open version's prompt reader."""
        if self._prompts is None:
            raise RunFailed("no model version is open", "open one first")
        return self._prompts

    def embeddings(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        """Prompt embeddings, (1, 226, width) on the CPU; T5 is loaded when one is unknown, and dropped again."""
        return self.prompts.embeddings(prompts, self._encoder, self._residing().device)

    @contextmanager
    def _encoder(self) -> Iterator[Any]:
        try:
            with self._residing().using(self._model("text_encoder"), "leaf_level") as model:
                yield model
        finally:
            self._models.pop("text_encoder", None)
            release()

    def held(self, kind: str) -> int:
        """Bytes that loaded models take now on a kind of device, `cuda` or `cpu`."""
        tensors = (tensor for model in self._models.values() for tensor in (*model.parameters(), *model.buffers()))
        return sum(tensor.nbytes for tensor in tensors if tensor.device.type == kind)

    def close(self) -> None:
        """Drop all models."""
        self._drop()
        self._placing = self._residence = None
        self._checked, self._prompts = "", None

    def _drop(self) -> None:
        self._models.clear()
        release()

    def _residing(self) -> Residence:
        if self._residence is None:
            raise RunFailed("the models have no place yet", "choose a memory mode first")
        return self._residence

    def _model(self, name: str) -> Any:
        import torch

        if name not in self._models:
            if self._bundle is None or self._placing is None:
                raise RunFailed("no model version is open", "open one first")
            residence, part = self._residing(), loading.parts_of(self._bundle)[name]
            dtype: torch.dtype = getattr(torch, self._placing.dtype)
            adapters = self._bundle.adapters if part.name == "transformer" else ()
            model = self._load(part, residence.home, dtype, adapters)
            if part.name == "transformer":
                model = quantised(model, self._placing.quantisation, residence)
                if self._placing.compile:
                    for block in model.transformer_blocks:
                        block.compile()
            self._models[name] = model
            self.loads += 1
        return self._models[name]
