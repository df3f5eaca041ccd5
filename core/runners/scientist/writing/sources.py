"""Where numbers are recorded: JSON pointers into an output, and the numbers and quotations made from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.runners.scientist.writing.draft import (
    DIGIT,
    MOST_DECIMALS,
    DraftError,
    Name,
    Num,
    Part,
    Parts,
    Transform,
    Untraced,
)

NUMERAL = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
MARK = re.compile(r"\{\{\s*r:(?P<pointer>/[^|{}\s]+)\s*(?:\|\s*(?P<decimals>\d{1,2})\s*(?P<percent>%)?\s*)?\}\}")
STATED = re.compile(r"(?<![\w.])[-−]?\d+(?:[.,]\d+)*(?![\w])")


def resolve(document: object, pointer: str) -> object:
    """Return what an RFC 6901 pointer names; `DraftError` where there is nothing."""
    found = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, Sequence) and not isinstance(found, str) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise DraftError(f"nothing was recorded at '{pointer}'")
    return found


def pointer(*keys: str | int) -> str:
    """Write keys as a JSON pointer."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


class Source:
    """One recorded document (`results`, `protocol`): numbers and quotations out of it carry its role."""

    def __init__(self, role: str, document: object) -> None:
        self.role, self.document = role, document

    def get(self, place: str) -> object:
        """Return the recorded value."""
        return resolve(self.document, place)

    def known(self, place: str) -> bool:
        """Whether a finite number is recorded there."""
        try:
            value = self.get(place)
        except DraftError:
            return False
        return isinstance(value, int | float) and not isinstance(value, bool)

    def num(self, place: str, decimals: int = 0, transform: Transform = Transform.VALUE, unit: str = "") -> Num:
        """Return the number recorded at a pointer; `DraftError` where none is recorded."""
        value = self.get(place)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DraftError(f"'{place}' records {value!r}, which is no number")
        return Num(value, place, decimals, self.role, transform, unit)

    def percent(self, place: str, decimals: int = 0) -> Num:
        """Return the share recorded at a pointer as a percentage; the per cent sign is not part of it."""
        return self.num(place, decimals, Transform.PERCENT, "%")

    def exact(self, place: str) -> Num:
        """Return the number recorded at a pointer with all the decimals that it was written with."""
        value = self.num(place).value
        written = f"{value:.{MOST_DECIMALS}f}".rstrip("0")
        return self.num(place, len(written.partition(".")[2]))

    def quote(self, place: str) -> Parts:
        """Return the text recorded at a pointer, its numerals as verbatim numbers and other digits as names."""
        text = self.get(place)
        if not isinstance(text, str):
            raise DraftError(f"'{place}' records {text!r}, which is no text")
        return tuple(self._split(" ".join(text.split()), place))

    def _split(self, text: str, place: str) -> list[Part]:
        parts: list[Part] = []
        end = 0
        for match in NUMERAL.finditer(text):
            parts += words(text[end : match.start()])
            shown = match.group()
            parts.append(Num(float(shown), place, 0, self.role, Transform.VERBATIM, "", shown))
            end = match.end()
        return parts + words(text[end:])


def words(text: str) -> list[Part]:
    """Return text as parts, words that hold digits as names: for titles and columns, which state no quantity."""
    pieces: list[Part] = []
    for piece in re.split(r"(\S*\d\S*)", text):
        if piece:
            pieces.append(Name(piece) if DIGIT.search(piece) else piece)
    return pieces


def marked(text: str, source: Source) -> Parts:
    """Turn text with marks such as `{{r:/models/logistic/auc|3}}` or `{{r:/share|1%}}` into parts.

    The mark names a pointer, the decimals (3 unless told) and whether the share is shown as a percentage. A mark to
    nothing is a `DraftError`. A bare number of the text becomes `Untraced`; other words with digits are names.
    """
    parts: list[Part] = []
    end = 0
    for match in MARK.finditer(text):
        parts += _bare(text[end : match.start()])
        whole = match["decimals"] is None and isinstance(source.get(match["pointer"]), int)
        decimals = 0 if whole else int(match["decimals"] or 3)
        transform = Transform.PERCENT if match["percent"] else Transform.VALUE
        parts.append(source.num(match["pointer"], decimals, transform, "%" if match["percent"] else ""))
        end = match.end()
    return tuple(parts + _bare(text[end:]))


def _bare(text: str) -> list[Part]:
    parts: list[Part] = []
    end = 0
    for match in STATED.finditer(text):
        parts += [*words(text[end : match.start()]), Untraced(match.group())]
        end = match.end()
    return parts + words(text[end:])
