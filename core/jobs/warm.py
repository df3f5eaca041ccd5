"""The process that a worker keeps between jobs, so that the next job of a model version finds it loaded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from core.jobs.child import Child, Finished, Outcome, launch
from core.runners.base import RunSpecification, keeps_models
from core.runners.registry import runner
from core.settings import Settings

Held = tuple[str, ...]


class WarmProcess:
    """At most one process and the version that it holds. For one thread, the one that all attempts are watched from.

    It is trusted with the next job only after a success: a failure, a cancellation, too much memory or a crash end it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._child: Child | None = None
        self._held: Held = ()
        self._idle_since = 0.0

    def launch(self, specification: RunSpecification, folder: Path, checkpoints: Path | None = None) -> Child:
        """Start an attempt: in the kept process where that holds the version, else in a new one.

        A process that holds another version is ended first. A runner that keeps no models leaves it alone.
        """
        if not keeps_models(runner(specification.runner)):
            return launch(specification, folder, self._settings, checkpoints=checkpoints)
        held = _version_of(specification)
        child = self._child.next(specification, folder, checkpoints) if self._child and self._held == held else None
        if child is None:
            self.drop()
            child = launch(specification, folder, self._settings, stays=True, checkpoints=checkpoints)
        self._child, self._held = child, held
        return child

    def ended(self, child: Child, outcome: Outcome | None) -> None:
        """Learn how an attempt ended; None means that its supervisor gave it up."""
        if child is not self._child:
            return
        if not isinstance(outcome, Finished) or child.cancelled:
            self.drop()
        self._idle_since = time.monotonic()

    def drop_when_idle(self) -> None:
        """End the process once no job has used it for `warm_s` seconds."""
        if self._child and time.monotonic() - self._idle_since >= self._settings.warm_s:
            self.drop()

    def drop(self) -> None:
        """End the process and give its memory back."""
        child, self._child, self._held = self._child, None, ()
        if child is not None:
            child.end()


def _version_of(specification: RunSpecification) -> Held:
    model: Mapping[str, object] = specification.model
    return (specification.runner, *(str(model.get(name)) for name in ("name", "version", "digest")))
