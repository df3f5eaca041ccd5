"""The drawn tree of exceptions is the real one, and every error speaks one sentence that says what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from core import errors
from core.errors import GreenlightError

EXIT_CODES = {
    "GreenlightError": 1,
    "InputError": 2,
    "NotFound": 2,
    "MediaRejected": 2,
    "Denied": 3,
    "Refused": 4,
    "Conflict": 5,
    "Unavailable": 6,
    "TamperingFound": 7,
    "RunFailed": 8,
    "TransientFailure": 8,
}
"""What a pipeline gates on: changing one of these breaks somebody's script."""


def drawn() -> dict[str, tuple[str, int]]:
    """The docstring's tree: each name with its parent's name and exit code."""
    tree, path = {}, []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([ │├└─]*)(\w+) +exit (\d)", line):
            depth = (len(found[1]) - 4) // 4
            path = [*path[:depth], found[2]]
            tree[found[2]] = (path[depth - 1] if depth else "Exception", int(found[3]))
    return tree


def classes(root: type[GreenlightError] = GreenlightError) -> Iterator[type[GreenlightError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from classes(child)


def test_the_drawn_tree_is_the_real_one():
    assert drawn() == {one.__name__: (one.__base__.__name__, one.exit_code) for one in classes()}


def test_the_exit_codes_stand():
    assert {one.__name__: one.exit_code for one in classes()} == EXIT_CODES


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_an_error_is_one_sentence_with_a_next_step(kind: type[GreenlightError]):
    error = kind("the clip is empty.", "export it again.", clip="a.mp4")
    assert str(error) == "the clip is empty; export it again."
    assert json.loads(json.dumps(error.diagnostics())) == {
        "error": kind.__name__,
        "what": "the clip is empty",
        "next_step": "export it again",
        "exit_code": kind.exit_code,
        "details": {"clip": "a.mp4"},
    }


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__name__)
def test_every_error_says_in_its_docstring_when_it_is_raised(kind: type[GreenlightError]):
    assert (kind.__doc__ or "").strip()
