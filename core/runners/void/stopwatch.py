"""Where a run's time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up seconds by name; work on a GPU is waited for."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what runs in the block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            _wait()
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def record(self) -> dict[str, float]:
        """Rounded to milliseconds."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


def _wait() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
