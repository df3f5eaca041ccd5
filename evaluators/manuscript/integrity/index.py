"""The logged numbers of a run arranged so that the words beside a printed number find what it could be.

Every logged number is a leaf of a tree of names. Leaves of one quantity of one run are a family (its mean, its
deviation, one value for each seed); leaves that differ in one name only (run, dataset, model ...) are a group.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from evaluators.manuscript.integrity.vocabulary import BY_NAME, words
from evaluators.manuscript.logged import Logged, RunLog

SPREAD = frozenset({"sd", "se", "variance", "halfwidth", "margin"})
LOW, HIGH = frozenset({"low", "q1", "lo"}), frozenset({"high", "q3", "hi"})
CENTRE = frozenset({"mean", "median", "estimate", "point", "central"})
STATISTIC = SPREAD | LOW | HIGH | CENTRE | {"ci"}
WEAK = frozenset({"final", "best", "total", "overall", "info", "dict", "log", "output", "list", "number"}) | frozenset(
    {"count", "share", "proportion", "fraction", "percent", "percentage"}
)
"""Words of a key that a paper leaves out."""

Words = frozenset[str]


class Leaf(NamedTuple):
    """A logged number with what it is called. `role` is "centre", "spread", "low" or "high"."""

    value: float
    pointer: str
    route: tuple[str, ...]
    role: str
    member: bool
    """Whether it is one of several repetitions (a place in a list without a name)."""
    family: int
    quantity: int
    """The place in `route` that names what was measured; -1 where nothing does."""


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    names: tuple[Words, ...] = ()
    leaves: list[int] = field(default_factory=list)
    called: dict[Words, list[str]] = field(default_factory=dict)
    """The children by their names."""
    below: set[Words] = field(default_factory=set)
    """Every name of the children, of their children and so on."""


class _Found(NamedTuple):
    named: int
    leaf: int


class Index:
    """The tree, the families and the groups of a run's numbers."""

    def __init__(self, run: RunLog) -> None:
        self.leaves: list[Leaf] = []
        self.families: list[list[int]] = []
        self.vocabulary: set[str] = set()
        self._root = _Node()
        self._known: dict[tuple[Words, Words], tuple[int, ...]] = {}
        families: dict[tuple[object, ...], int] = {}
        for logged in run.numbers:
            self._add(logged, families)

    def _add(self, logged: Logged, families: dict[tuple[object, ...], int]) -> None:
        *folders, file = logged.file.split("/")
        called = (*logged.names[: len(folders)], (), *logged.names[len(folders) :])
        route = (*folders, file, *logged.path)
        names = tuple(_alternatives(texts, part) for part, texts in zip(route, called, strict=True))
        told = frozenset[str]().union(*(first for first in (_stated(part) for part in route)))
        member = any(not alternatives and part.isdigit() for part, alternatives in zip(route, names, strict=True))
        key = (file, *(frozenset(name) for name in names if name))
        family = families.setdefault(key, len(families))
        if family == len(self.families):
            self.families.append([])
        quantity = max((i for i, name in enumerate(names) if name), default=-1)
        self.families[family].append(len(self.leaves))
        self._plant(route, names, len(self.leaves))
        self.leaves.append(Leaf(logged.value, logged.pointer, route, _role(told), member, family, quantity))

    def _plant(self, route: tuple[str, ...], names: tuple[tuple[Words, ...], ...], leaf: int) -> None:
        node, passed = self._root, list[_Node]()
        for part, alternatives in zip(route, names, strict=True):
            passed.append(node)
            if part not in node.children:
                node.children[part] = _Node(names=alternatives)
                for alternative in alternatives:
                    node.called.setdefault(alternative, []).append(part)
                    self.vocabulary |= alternative
                for above in passed:
                    above.below.update(alternatives)
            node = node.children[part]
        node.leaves.append(leaf)

    def named(self, strict: Words, loose: Words = frozenset()) -> tuple[int, ...]:
        """Leaves whose quantity the words name; where a name among several is given, only leaves under that name.

        `strict` are the words nearest to the number, `loose` those around; the first decide where they can.
        """
        key = (strict, loose)
        if key not in self._known:
            # Only the names among the given words can be hit; whole branches without one are passed over.
            near = {name for name in self._root.below if name <= strict}
            wide = {name for name in self._root.below if name <= loose}
            found = _Search(strict, loose, near, wide, near | wide).descend(self._root, 0, False)
            most = max((one.named for one in found), default=0)
            self._known[key] = tuple(one.leaf for one in found if one.named == most)
        return self._known[key]

    def siblings(self) -> list[list[int]]:
        """Groups of leaves (no repetitions) that differ in exactly one name, unlike measures apart.

        A time and a loss of one run differ in one name too, but nobody adds or compares them.
        """
        groups: dict[tuple[int, object, object], list[int]] = defaultdict(list)
        for number, leaf in enumerate(self.leaves):
            if leaf.member:
                continue
            for i in range(len(leaf.route)):
                groups[(i, leaf.route[:i], leaf.route[i + 1 :])].append(number)
        alike = [like for (i, _, _), group in groups.items() if len(group) > 1 for like in self._alike(i, group)]
        return [group for group in alike if len(group) > 1]

    def measures(self, leaf: int) -> Words:
        """The field's measures that the names of a leaf state."""
        return frozenset[str]().union(*(_measured(part) for part in self.leaves[leaf].route))

    def _alike(self, place: int, group: list[int]) -> list[list[int]]:
        """The group by the measure that the names at `place` state, where they state any."""
        found: dict[frozenset[str], list[int]] = defaultdict(list)
        for leaf in group:
            found[_measured(self.leaves[leaf].route[place])].append(leaf)
        return list(found.values())


class _Search(NamedTuple):
    """One question to the tree: the words, and the names of the tree that lie among them."""

    strict: Words
    loose: Words
    near: set[Words]
    wide: set[Words]
    any: set[Words]

    def descend(self, node: _Node, named: int, quantity: bool) -> list[_Found]:
        """The leaves below a node that the words name, with how many names they hit on the way."""
        if not node.children:
            return [_Found(named, leaf) for leaf in node.leaves] if quantity else []
        chosen = _named_children(node, self.strict, self.near) or _named_children(node, self.loose, self.wide)
        under, beside = list[_Found](), list[_Found]()
        for part, child in node.children.items():
            unnamed = not child.names
            hit = part in chosen
            counts = quantity if unnamed else hit
            if counts or not child.below.isdisjoint(self.any):
                (under if hit or unnamed else beside).extend(self.descend(child, named + hit, counts))
        return under or beside


def _named_children(node: _Node, given: Words, hit: set[Words]) -> set[str]:
    """The children that the words name, without those that a longer name among them covers."""
    parts = {part for name in hit & node.called.keys() for part in node.called[name]}
    hits = [(part, _longest(node.children[part].names, given)) for part in parts]
    named = [(part, name) for part, name in hits if name]
    return {part for part, name in named if not any(name < other for _, other in named)}


@lru_cache(maxsize=100_000)
def _longest(names: tuple[Words, ...], given: Words) -> Words | None:
    """The longest of the names whose words are all given."""
    return max((name for name in names if name <= given), key=len, default=None)


@lru_cache(maxsize=100_000)
def _alternatives(texts: tuple[str, ...], part: str) -> tuple[Words, ...]:
    """The sets of words that name a part of a route; none for a bare place in a list or a statistic's name."""
    found = []
    for text in texts:
        if text.startswith(("#", "@")) and text[1:].isalnum():
            continue
        plain = words(text) - STATISTIC
        found.append(plain - WEAK or plain)
    if part.isdigit() and not any(found):
        return ()
    if not texts:
        return ()
    own = [name for name in found if name]
    first = words(part) - STATISTIC
    return tuple(dict.fromkeys(own)) if not first or first - WEAK or len(own) > 1 else ()


@lru_cache(maxsize=100_000)
def _measured(part: str) -> Words:
    """The field's measures that a name states."""
    return frozenset(word for word in words(part) if word in BY_NAME)


@lru_cache(maxsize=100_000)
def _stated(part: str) -> Words:
    return words(part.lstrip("@")) & STATISTIC


def _role(told: Words) -> str:
    if told & SPREAD:
        return "spread"
    if told & LOW:
        return "low"
    return "high" if told & HIGH else "centre"
