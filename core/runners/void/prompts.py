"""Prompt embeddings: made once by T5, then kept by digest so that T5 need not be in memory."""

from __future__ import annotations

import hashlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LONGEST, KEPT = 226, 256
"""Tokens that the model reads, and embeddings that are remembered (each 1.8 MB at full size)."""


class PromptReader:
    """A tokenizer, and the embeddings of the prompts that one text encoder has read."""

    def __init__(self, tokenizer: Path) -> None:
        from transformers import T5Tokenizer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._tokenizer: Any = T5Tokenizer.from_pretrained(str(tokenizer), local_files_only=True)
        self._known: OrderedDict[str, torch.Tensor] = OrderedDict()

    def tokens(self, prompt: str) -> int:
        """How many tokens a prompt has; the model reads the first 226."""
        return len(self._tokenizer(prompt).input_ids)

    def embeddings(
        self, prompts: Sequence[str], encoder: Callable[[], AbstractContextManager[Any]], device: torch.device
    ) -> list[torch.Tensor]:
        """Embeddings of each prompt, (1, 226, width) on the CPU; `encoder` is opened only when one is unknown."""
        unknown = [prompt for prompt in dict.fromkeys(prompts) if _key(prompt) not in self._known]
        if unknown:
            with encoder() as model:
                for prompt in unknown:
                    self._known[_key(prompt)] = self._embed(prompt, model, device)
        for prompt in prompts:
            self._known.move_to_end(_key(prompt))
        found = [self._known[_key(prompt)] for prompt in prompts]
        while len(self._known) > max(KEPT, len(set(prompts))):
            self._known.popitem(last=False)
        return found

    def _embed(self, prompt: str, model: Any, device: torch.device) -> torch.Tensor:
        """T5's last hidden states of the prompt, padded or cut to 226 tokens; padding is attended to."""
        import torch

        ids = self._tokenizer(
            [prompt], padding="max_length", max_length=LONGEST, truncation=True, return_tensors="pt"
        ).input_ids
        with torch.no_grad():
            return torch.as_tensor(model(ids.to(device))[0]).to("cpu", copy=True)


def _key(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()
