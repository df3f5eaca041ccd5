"""What a reader looked for and what it found: every expected part is found, missing or unreadable, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from core.runners.scientist.runs.reading import JSON_BYTES, TEXT_BYTES, decode, parse_json
from core.runners.scientist.runs.results import Runs
from core.runners.scientist.runs.tree import Tree, Unreadable

Status = Literal["found", "missing", "unreadable"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Part:
    """One thing that a run of its kind is expected to hold."""

    part: str
    status: Status
    path: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, object]:
        """The part as plain JSON."""
        return {"part": self.part, "status": self.status, "path": self.path, "reason": self.reason}

    @property
    def sentence(self) -> str:
        """What is wrong with a part that is not found."""
        where = f" ({self.path})" if self.path else ""
        return f"{self.part}{where}: {self.reason}"


class Search:
    """Looks for parts in a tree and keeps account of each."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.parts: list[Part] = []
        self.notes: list[str] = []

    def json(self, part: str, *patterns: str, want: type | tuple[type, ...] = (dict, list)) -> object | None:
        """The first readable JSON among the matches; what is of another kind than `want` counts as unreadable."""

        def parsed(data: bytes) -> object:
            value = parse_json(data)
            if not isinstance(value, want):
                raise Unreadable("it holds something else than expected")
            return value

        return self.read(part, patterns, JSON_BYTES, parsed)

    def text(self, part: str, *patterns: str) -> str | None:
        """The first readable text among the matches."""
        return self.read(part, patterns, TEXT_BYTES, decode)

    def read(self, part: str, patterns: tuple[str, ...], most: int, parse: Callable[[bytes], Value]) -> Value | None:
        """The first match that can be parsed; the account says which, or why none."""
        failed: Part | None = None
        for path in self._in_order(patterns):
            try:
                value = parse(self.tree.read(path, most))
            except Unreadable as error:
                failed = failed or Part(part, "unreadable", path, str(error))
                continue
            self.found(part, path)
            return value
        self.parts.append(failed or Part(part, "missing", None, f"no {' or '.join(patterns)}"))
        return None

    def file(self, part: str, *patterns: str) -> str | None:
        """The path of the first match that holds something; its content is not looked at."""
        for path in self._in_order(patterns):
            if self.tree.sizes[path]:
                self.found(part, path)
                return path
        self.missing(part, f"no {' or '.join(patterns)}")
        return None

    def found(self, part: str, path: str) -> None:
        """Keep that a part is there."""
        self.parts.append(Part(part, "found", path))

    def missing(self, part: str, reason: str) -> None:
        """Keep that a part is not there."""
        self.parts.append(Part(part, "missing", None, reason))

    def _in_order(self, patterns: tuple[str, ...]) -> list[str]:
        return [path for pattern in patterns for path in self.tree.match(pattern)]


@dataclass(frozen=True)
class Cost:
    """What a framework says that its models cost; None where it says nothing, or cannot know."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None


@dataclass(frozen=True)
class Account:
    """What a reader makes of a run. Paths are below the run; nothing in it is believed."""

    framework: str | None
    manuscripts: tuple[str, ...]
    """PDFs that may be the manuscript, the likeliest first."""
    runs: Runs
    raw: Mapping[str, object]
    """What the result files hold, by path, long texts shortened."""
    idea: Mapping[str, object] | None = None
    tex: str | None = None
    code: str | None = None
    figures: tuple[str, ...] = ()
    reviews: tuple[Mapping[str, object], ...] = ()
    """`{source, content}` each: the framework's own opinion of its paper."""
    steps: tuple[Mapping[str, object], ...] = ()
    calls: tuple[Mapping[str, object], ...] = ()
    cost: Cost = field(default_factory=Cost)
    no_error: bool | None = None
