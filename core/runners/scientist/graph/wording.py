"""From a model's words to a manuscript's parts: each number a mark to what was recorded, each citation a known key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from core.runners.scientist.graph.sanitise import plain, sanitise
from core.runners.scientist.writing import Cite, DraftError, Name, Num, Part, Source, Untraced, marked

PIECE = re.compile(r"\{\{\s*p:(?P<protocol>[^{}]*)\}\}|\[@(?P<cite>[\w-]{1,80})\]")
LOOSE = re.compile(r"\d[.,]\d|\d{3}")
"""A word with such digits states a quantity, unless the protocol uses the word."""
CITATION = re.compile(r"\s*\[@([\w-]{1,80})\]")


class Recorded(NamedTuple):
    """What a manuscript may state numbers from."""

    results: Source
    protocol: Source
    words: frozenset[str]
    """Words with digits that the protocol itself uses, such as the names of columns."""
    integers: dict[str, str]
    """Where in the protocol a whole number stands, by its text."""


def recorded(results: object, protocol: object) -> Recorded:
    """Return what numbers may come from."""
    words: set[str] = set()
    integers: dict[str, str] = {}
    for place, value in _leaves(protocol, ""):
        if isinstance(value, int) and not isinstance(value, bool):
            integers.setdefault(str(value), place)
        words |= set(re.split(r"[\s,;()]+", str(value)))
    return Recorded(Source("results", results), Source("protocol", protocol), frozenset(words), integers)


def folded(text: str) -> str:
    """Text with one form of each letter and digit, and without hidden characters."""
    return plain(unicodedata.normalize("NFKC", text))


def parts(text: str, sources: Recorded, cited: Sequence[str] | None = None) -> tuple[Part, ...]:
    """Turn text with marks into parts; `DraftError` for a mark to nothing. Citations not in `cited` are left out.

    A whole number that the protocol states is traced there; any other bare number stays `Untraced`.
    """
    found: list[Part] = []
    end = 0
    for match in PIECE.finditer(text):
        found += marked(text[end : match.start()], sources.results)
        if match["cite"] is not None:
            found += [Cite(match["cite"])] if cited is None or match["cite"] in cited else []
        else:
            found += marked("{{r:" + match["protocol"] + "}}", sources.protocol)
        end = match.end()
    found += marked(text[end:], sources.results)
    return tuple(_traced(part, sources) for part in found)


def _traced(part: Part, sources: Recorded) -> Part:
    place = sources.integers.get(part.text) if isinstance(part, Untraced) else None
    return sources.protocol.num(place) if place else part


def complaint(text: str, sources: Recorded) -> str | None:
    """Why a text may not stand in a manuscript: a number without a mark, or words that speak to a judge; or None."""
    if removed := sanitise(text).removed:
        return f"this speaks to a reviewer or a judge, which a manuscript must not: {removed[0]!r}"
    try:
        found = parts(text, sources)
    except DraftError as error:
        return str(error)
    for part in found:
        if isinstance(part, Untraced):
            return f"the number {part.text!r} has no mark; write it as a mark, or spell a small count out"
        if isinstance(part, Name) and LOOSE.search(part.text) and part.text.strip(".,;:()") not in sources.words:
            return f"{part.text!r} states a number without a mark"
        if isinstance(part, str) and ("{{" in part or "}}" in part):
            return f"a mark cannot be read near {part.strip()[:60]!r}"
    return None


def first_complaint(texts: Sequence[str], sources: Recorded) -> str | None:
    """The first complaint about any of the texts."""
    found: Iterator[str | None] = (complaint(text, sources) for text in texts)
    return next((wrong for wrong in found if wrong), None)


def citations(texts: Sequence[str]) -> list[str]:
    """The keys that texts cite, in order, each once."""
    return list(dict.fromkeys(key for text in texts for key in CITATION.findall(text)))


def numbers(found: Sequence[Part]) -> tuple[int, int]:
    """How many numbers parts state, and how many of them are traced."""
    traced = sum(isinstance(part, Num) for part in found)
    return traced + sum(isinstance(part, Untraced) for part in found), traced


def without_citations(text: str, unknown: Callable[[str], bool]) -> str:
    """Text without the citations whose key is unknown."""
    return CITATION.sub(lambda match: "" if unknown(match[1]) else match[0], text)


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}/{number}")
    else:
        yield place, value
