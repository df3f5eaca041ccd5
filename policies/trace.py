"""The trace of an evaluation: which clause read what, and what decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.logic import Truth

DECIDED_BY_ALL = {"all": Truth.TRUE, "every": Truth.TRUE, "any": Truth.FALSE, "some": Truth.FALSE}


@dataclass(frozen=True)
class TraceNode:
    """One clause evaluated once.

    `path` is where it read (list entries written `[]`), `value` the plain value found, None if none was.
    `binding` and `item` name the list entry that a quantifier judged. `limit` says what was asked for.
    """

    clause: str
    result: Truth
    sentence: str
    path: str | None = None
    value: object = None
    limit: str | None = None
    binding: str | None = None
    item: str | None = None
    children: tuple[TraceNode, ...] = ()
    reason: str | None = None
    """A plain sentence for the reader, from the pack or from the measurement."""

    def to_json(self) -> dict[str, object]:
        """The node and what is below it as plain JSON values; empty fields are left out."""
        fields: dict[str, object] = {
            "clause": self.clause,
            "result": self.result.value,
            "sentence": self.sentence,
            "path": self.path,
            "value": self.value,
            "limit": self.limit,
            "binding": self.binding,
            "item": self.item,
            "reason": self.reason,
        }
        shown = {key: value for key, value in fields.items() if value is not None}
        if self.children:
            shown["children"] = [child.to_json() for child in self.children]
        return shown


def deciding(node: TraceNode) -> Iterator[TraceNode]:
    """Yield the node and those below it that made its result what it is, outermost first."""
    yield node
    for child in _deciding_children(node):
        yield from deciding(child)


def _deciding_children(node: TraceNode) -> tuple[TraceNode, ...]:
    if node.clause in ("not", "entry") or not node.children:
        return node.children
    if DECIDED_BY_ALL.get(node.clause) is node.result:
        return node.children
    return tuple(child for child in node.children if child.result is node.result)
