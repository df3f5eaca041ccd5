"""What a reader looked for and what it found: every expected part is found, missing or unreadable, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from core.runners.scientist.runs.reading import JSON_BYTES, TEXT_BYTES, decode, parse_json, require_kind
from core.runners.scientist.runs.results import Runs
from core.runners.scientist.runs.tree import Tree, Unreadable, shown

Status = Literal["found", "missing", "unreadable"]
Value = TypeVar("Value")
MOST_READ = 128 << 20
"""Bytes of JSON and text that are parsed of one run, all files together."""


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
        where = f" ({shown(self.path)})" if self.path else ""
        return f"{self.part}{where}: {self.reason}"


class Search:
    """Looks for parts in a tree and keeps account of each."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.parts: list[Part] = []
        self.notes: list[str] = []
        self._left = MOST_READ

    def load(self, path: str, most: int = JSON_BYTES) -> bytes:
        """A file's bytes, out of the budget that one run has."""
        if (size := self.tree.sizes.get(path, 0)) > self._left:
            raise Unreadable(f"the run holds more than the {MOST_READ:,} bytes of text that are read")
        self._left -= size
        return self.tree.read(path, most)

    def json(self, part: str, *patterns: str, want: tuple[type, ...] = (dict, list)) -> object | None:
        """The first readable JSON among the matches; what is of another kind than `want` counts as unreadable."""
        return self.read(part, patterns, JSON_BYTES, lambda data: require_kind(parse_json(data), want))

    def text(self, part: str, *patterns: str) -> str | None:
        """The first readable text among the matches."""
        return self.read(part, patterns, TEXT_BYTES, decode)

    def read(self, part: str, patterns: tuple[str, ...], most: int, parse: Callable[[bytes], Value]) -> Value | None:
        """The first match that can be parsed; the account says which, or why none."""
        failed: Part | None = None
        for path in self._in_order(patterns):
            try:
                value = parse(self.load(path, most))
            except Unreadable as error:
                failed = failed or Part(part, "unreadable", path, str(error))
                continue
            self.found(part, path)
            return value
        self.parts.append(failed or Part(part, "missing", None, f"no {' or '.join(patterns)}"))
        return None

    def file(self, part: str, *patterns: str) -> str | None:
        """The path of the first match that holds something; its content is not looked at."""
        paths = self._in_order(patterns)
        for path in paths:
            if self.tree.sizes[path]:
                self.found(part, path)
                return path
        if paths:
            self.parts.append(Part(part, "unreadable", paths[0], "it is empty"))
        else:
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
