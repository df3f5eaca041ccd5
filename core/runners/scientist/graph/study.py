"""One study at work: what its nodes share, and the human gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core.errors import RunFailed
from core.runners.base import RunOutput, Waiting
from core.runners.scientist.graph.asking import Asker, as_text
from core.runners.scientist.graph.brief import Brief
from core.runners.scientist.graph.ledger import Ledger
from core.runners.scientist.graph.models import Piece
from core.runners.scientist.graph.options import Gate, Options


@dataclass
class Progress:
    """How far the study is, in [0, 1], told whenever something happens; `report` may raise `Cancelled`."""

    report: Callable[[float, str], None]
    share: float = 0.0

    def tell(self, what: str) -> None:
        """Say what is being done."""
        self.report(self.share, what)


class Document(NamedTuple):
    """Something to read before a decision."""

    role: str
    name: str
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Study:
    """The brief, the choices, the models and the ledger of one study; its `progress` may raise `Cancelled`."""

    brief: Brief
    options: Options
    asker: Asker
    ledger: Ledger
    folder: Path
    progress: Progress

    def begin(self, node: str, share: float) -> None:
        """Say which node runs from now on, and which share of the study lies behind it."""
        self.progress.share = share
        self.progress.tell(node)

    def material(self, **more: object) -> list[Piece]:
        """The brief and further values as material for a question."""
        pieces = [Piece("study", as_text(self.brief.shown()))]
        return pieces + [Piece(name.replace("_", " "), as_text(value)) for name, value in more.items() if value]

    def pass_gate(self, gate: Gate, number: int, question: str, documents: Sequence[Document]) -> None:
        """Stop for a person's decision where the study has this gate; `number` tells its repetitions apart.

        Raises `Waiting` while nobody has decided and `RunFailed` after a rejection.
        """
        if gate not in self.options.gates:
            return
        name = f"{gate}-{number + 1}" if number else gate
        decided = self.options.decisions.get(name)
        if decided is None:
            raise Waiting(name, question, [self._laid_out(document) for document in documents])
        if decided.get("decision") != "approve":
            who, why = decided.get("by") or "a person", decided.get("reason") or "no reason given"
            raise RunFailed(f"the study was stopped before its {gate} by {who}: {why}", "submit a changed study")

    def _laid_out(self, document: Document) -> RunOutput:
        path = self.folder / document.name
        path.write_bytes(document.data)
        return RunOutput(document.role, path, document.media_type)
