"""Characters that print nothing but change what is read: zero-width marks, direction overrides, tag characters."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]+"
)
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_FEW = 3
"""Zero-width marks in a row that word processors and web pages leave; more are a message or a disguise."""


def strip_marks(text: str) -> str:
    """The text without them."""
    return _INVISIBLE.sub("", text)


def is_mark(char: str) -> bool:
    """Whether a character is one of them; soft hyphens are not, since readers see them at line ends."""
    return char != "\u00ad" and _INVISIBLE.fullmatch(char) is not None


def telling_marks(text: str) -> list[tuple[int, str, str]]:
    """Offset, message and reason of each run that is more than a word processor's leftovers."""
    found: list[tuple[int, str, str]] = []
    for match in _INVISIBLE.finditer(text):
        run = match[0]
        if _TAGS.search(run):
            message = "".join(chr(ord(c) - 0xE0000) for c in run if 0xE0020 <= ord(c) <= 0xE007E)
            found.append((match.start(), message or "(tags)", "Tag characters, which print nothing, spell a text."))
        elif _TURNS.search(run):
            around = strip_marks(text[max(0, match.start() - 20) : match.end() + 40])
            found.append((match.start(), around, "A mark that turns the reading direction stands in the text."))
        elif len(run) > _FEW:
            around = strip_marks(text[max(0, match.start() - 20) : match.end() + 20])
            found.append((match.start(), around, f"{len(run)} characters without width stand in a row."))
    return found
