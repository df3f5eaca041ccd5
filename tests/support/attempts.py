"""Attempts at a study, each in a process of its own that can be killed at any step."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.runners.base import RunSpecification
from core.runners.scientist.graph.build import NODES
from support.chat_server import carry_out

LOADED = [
    "support.attempts", "core.runners.scientist.graph.outputs", "langgraph.graph", "langchain.chat_models",
    "langchain_openai", "langgraph.checkpoint.sqlite", "langgraph.checkpoint.postgres",
    "sklearn.datasets", "scipy.stats",
]  # fmt: skip
"""Imported once; the processes of the attempts are forked from there."""


def child(specification: RunSpecification, folder: Path, pipe: Connection, environ: dict[str, str]) -> None:
    """Run the study in a process of its own; each step of progress waits for the parent's word."""
    os.environ.update(environ)

    def progress(_done: float, what: str) -> None:
        if what in NODES:
            pipe.send(what)
            pipe.recv()

    manifest = carry_out(specification, folder, progress)
    pipe.send({"study": manifest.facts["study"], "roles": [item.role for item in manifest.outputs]})


class Attempts:
    """Attempts at one study, each in a process of its own; `seen` are the nodes that each of them began."""

    def __init__(self, specification: RunSpecification, folder: Path, environ: dict[str, str]) -> None:
        self._given = (specification, folder)
        self._environ = environ
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(LOADED)
        self.process: Any = None
        self.seen: list[list[str]] = []

    def run(self, killed_at: str | None) -> dict[str, Any] | None:
        """Run until the node begins, then kill the process; without a node, or killed elsewhere, to its end."""
        ours, theirs = self._context.Pipe()
        self.process = self._context.Process(target=child, args=(*self._given, theirs, self._environ))
        self.process.start()
        theirs.close()
        self.seen.append([])
        try:
            while True:
                told = ours.recv()
                if isinstance(told, dict):
                    return told
                self.seen[-1].append(told)
                if told == killed_at:
                    os.kill(self.process.pid, signal.SIGKILL)
                ours.send("go on")
        except (EOFError, ConnectionError):
            return None
        finally:
            self.process.join()
