"""Where sentences end: at a full stop that closes no abbreviation, initial, number or list mark."""

from __future__ import annotations

import re
from typing import NamedTuple

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\^\d[\d,–−-]*)?(?=\s)")
_OPENS = re.compile(r"\s+[\"'“‘(\[]*[A-Z0-9À-ÞΑ-Ω$\\α-ω•†‡]|\s+[a-z]+[A-Z]")
_WORDS = """
al e.g i.e eg ie cf vs fig figs eq eqs eqn eqns tab tabs sec secs ref refs app alg approx resp etc dr prof mr mrs ms st
no nos vol pp ca viz dept univ inc ltd co ed eds proc trans int conf j w.r.t w.l.o.g i.i.d s.d s.e std dev min max avg
a.k.a phd md jr sr ph.d u.s u.k
"""
_AMBIGUOUS_WORDS = "no nos min max avg fig figs eq eqs sec tab vol pp app alg etc ms st co int"
_ABBREVIATIONS = frozenset(_WORDS.split())
_ONLY_BEFORE_NUMBERS = frozenset(_AMBIGUOUS_WORDS.split())
"""Abbreviations that are also words or ends of sentences: they only bind to a number or a lower-case word."""


class Stretch(NamedTuple):
    """The offsets of one sentence, blanks around it left out."""

    start: int
    end: int


def split_sentences(text: str) -> tuple[Stretch, ...]:
    """The sentences of a paragraph, in order; together they hold every character but blanks."""
    found: list[Stretch] = []
    start = 0
    for end in _END.finditer(text):
        if _ends(text, start, end):
            _add(found, text, start, end.end())
            start = end.end()
    _add(found, text, start, len(text))
    return tuple(found)


def _add(found: list[Stretch], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if right > left:
        found.append(Stretch(left, right))


def _ends(text: str, start: int, end: re.Match[str]) -> bool:
    opens = _OPENS.match(text, end.end())
    if opens is None and text[end.end() :].strip():
        return False
    if not end[0].startswith(".") or len(end[0].strip("\"'”’)]")) > 1 or "^" in end[0]:
        return True
    before = text[max(start, end.start() - 24) : end.start()]
    word = re.search(r"[\w.]+$", before)
    if word is None:
        return True
    last = word[0].lower().lstrip("(")
    numbered = re.match(r"\s+[(\[]?[\d]", text[end.end() :]) is not None
    if last in _ABBREVIATIONS and (last not in _ONLY_BEFORE_NUMBERS or numbered):
        return last == "etc" and not numbered
    if len(last) == 1 and last.isalpha() and word[0].isupper():
        # An initial ("J. Ho") goes on; "vitamin C. The" is rarer than initials.
        return re.search(r"\b(?:Model|Class|Group|Appendix|Vitamin|Type)\s$", text[: end.start() - 1][-12:]) is not None
    return not (last.isdigit() and not text[start : end.start() - len(last)].strip())
