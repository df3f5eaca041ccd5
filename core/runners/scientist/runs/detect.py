"""Which framework made a run, told by what its folder holds, and where in the given folder the run begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from core.errors import MediaRejected
from core.runners.scientist.runs import researcher, v1, v2
from core.runners.scientist.runs.record import Account, Search
from core.runners.scientist.runs.tree import Tree, shown


class Kind(NamedTuple):
    """A framework: how its runs are told, how they are read, and what was looked for."""

    signs: Callable[[Tree], list[str]]
    read: Callable[[Search], Account]
    looked_for: str


KINDS: Mapping[str, Kind] = {
    v1.FRAMEWORK: Kind(
        v1.signs, v1.read, "AI-Scientist v1 (run_N/final_info.json with ideas.json, prompt.json or notes.txt)"
    ),
    v2.FRAMEWORK: Kind(
        v2.signs,
        v2.read,
        "AI-Scientist v2 (logs/N-run/*_summary.json or journals, with idea.json)",
    ),
    researcher.FRAMEWORK: Kind(researcher.signs, researcher.read, "AI-Researcher (paper.pdf with project/)"),
}
MARKS = frozenset(
    {"ideas.json", "seed_ideas.json", "prompt.json", "notes.txt", "idea.json", "token_tracker.json", "paper.pdf"}
)
MARKED = re.compile(r"(?:(.*)/)?(?:run_\d+|logs|project|workplace)/.*", re.DOTALL)
DEEPEST_START, MOST_STARTS = 3, 500


class Found(NamedTuple):
    """A recognised run: the framework, the folder where it begins (empty for the top) and what told it."""

    framework: str
    start: str
    signs: tuple[str, ...]


def recognise(tree: Tree) -> Found:
    """Tell the framework by content. `MediaRejected` when none fits, or when several runs are there."""
    found = _at(tree, "")
    if found is None:
        starts = _starts(tree)
        below = [one for folder in starts if (one := _at(tree.below(folder), folder))]
        outer = [one for one in below if not any(one.start.startswith(f"{other.start}/") for other in below)]
        if len(outer) > 1:
            names = ", ".join(shown(one.start) for one in outer[:4])
            raise MediaRejected(f"the folder holds {len(outer)} runs ({names} ...)", "give the folder of one of them")
        found = outer[0] if outer else None
    if found is None:
        looked_for = "; ".join(kind.looked_for for kind in KINDS.values())
        raise MediaRejected(
            f"the folder is no run of a known kind: it was searched for {looked_for}",
            "give a run's own folder, or its manuscript as a PDF",
        )
    return found


def read_account(search: Search, framework: str) -> Account:
    """Read a recognised run."""
    return KINDS[framework].read(search)


def _at(tree: Tree, start: str) -> Found | None:
    told = {name: signs for name, kind in KINDS.items() if (signs := kind.signs(tree))}
    if not told:
        return None
    name = max(told, key=lambda one: len(told[one]))
    return Found(name, start, tuple(told[name]))


def _starts(tree: Tree) -> list[str]:
    """The folders where a run may begin: those that hold a file or folder which some framework leaves at its top."""
    found = set()
    for path in tree.sizes:
        place, _, name = path.rpartition("/")
        if name in MARKS:
            found.add(place)
        if match := MARKED.fullmatch(path):
            found.add(match[1] or "")
    return sorted(place for place in found if place and place.count("/") < DEEPEST_START)[:MOST_STARTS]
