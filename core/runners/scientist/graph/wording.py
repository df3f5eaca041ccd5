"""From a model's words to a manuscript's parts: each number a mark to what was recorded, each citation a known key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from core.runners.scientist.graph.sanitise import plain, sanitise
from core.runners.scientist.writing import Cite, DraftError, Name, Part, Source, Untraced, marked

PIECE = re.compile(r"\{\{\s*p:(?P<protocol>[^{}]*)\}\}|\[@(?P<cite>[\w-]{1,80})\]")
LOOSE = re.compile(r"\d[.,]\d|\d{3}")
"""A word with such digits states a quantity, unless the protocol uses the word."""
WORD = re.compile(r"[^\W\d_].*\d|\d.*[^\W\d_]")
CITATION = re.compile(r"\s*\[@([\w-]{1,80})\]")


class Recorded(NamedTuple):
    """What a manuscript may state numbers from."""

    results: Source
    protocol: Source
    words: re.Pattern[str] | None
    """Words of letters and digits that the protocol itself uses, such as the names of columns; None without any."""


def recorded(results: object, protocol: object) -> Recorded:
    """Return what numbers may come from."""
    texts = [value for value in _leaves(protocol) if isinstance(value, str)]
    words = {word.strip(".:?!'\"") for text in texts for word in re.split(r"[\s,;()]+", text)}
    named = sorted((word for word in words if WORD.search(word)), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, named))})(?!\w)") if named else None
    return Recorded(Source("results", results), Source("protocol", protocol), pattern)


def folded(text: str) -> str:
    """Text with one form of each letter and digit, and without hidden characters."""
    return plain(unicodedata.normalize("NFKC", text))


def parts(text: str, sources: Recorded, cited: Sequence[str] | None = None) -> tuple[Part, ...]:
    """Turn text with marks into parts; `DraftError` for a mark to nothing. A bare number becomes `Untraced`.

    Citations not in `cited` are left out.
    """
    found: list[Part] = []
    end = 0
    for match in PIECE.finditer(text):
        found += _words(text[end : match.start()], sources)
        if match["cite"] is not None:
            found += [Cite(match["cite"])] if cited is None or match["cite"] in cited else []
        else:
            found += marked("{{r:" + match["protocol"] + "}}", sources.protocol)
        end = match.end()
    return (*found, *_words(text[end:], sources))


def _words(text: str, sources: Recorded) -> Iterator[Part]:
    """Words and marks; the protocol's own words are names."""
    for number, piece in enumerate(sources.words.split(text) if sources.words else [text]):
        yield from (Name(piece),) if number % 2 else marked(piece, sources.results)


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
        ours = isinstance(part, Name) and sources.words and sources.words.fullmatch(part.text)
        if isinstance(part, Name) and LOOSE.search(part.text) and not ours:
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


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
