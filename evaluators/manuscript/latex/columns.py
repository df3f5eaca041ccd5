"""The column specification of a tabular, as far as it changes what the cells print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from evaluators.manuscript.latex.quantities import options, printed_number
from evaluators.manuscript.latex.tokens import Stream, Token, plain

MOST_COLUMNS = 200
_BESIDE = frozenset("@!><")
_WITH_WIDTH = frozenset("pmbw")
_MARKS = re.compile(r"\s*[*†‡§¶]+$")


class Column(NamedTuple):
    """How the numbers of a column are set: by siunitx with its options, or with another decimal mark (dcolumn)."""

    settings: Mapping[str, str] | None = None
    comma: bool = False

    def printed(self, text: str) -> str:
        """What the column prints of a cell's text."""
        if self.settings is not None:
            marks = _MARKS.search(text)
            number = text[: marks.start()] if marks else text
            return printed_number(number, self.settings) + (marks[0] if marks else "")
        return re.sub(r"(?<=\d),(?=\d)", ".", text) if self.comma else text


PLAIN = Column()


def columns_of(specification: Sequence[Token], settings: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns of `l*{2}{c}S[table-format=2.1]`; `settings` are those of siunitx around the table."""
    return tuple(_columns(Stream(specification), settings, 0))[:MOST_COLUMNS]


def _columns(stream: Stream, settings: Mapping[str, str], depth: int) -> Iterator[Column]:
    while stream:
        token = stream.next()
        if token.kind != "text":
            continue
        letter = token.text[:1]
        if token.text[1:]:
            stream.push([token._replace(text=token.text[1:])])
        if letter == "*":
            yield from _repeated(stream, settings, depth)
        elif letter in _BESIDE:
            stream.group()
        elif letter == "S":
            yield Column({**settings, **options(plain(stream.option() or []))})
        elif letter == "D":
            mark = plain(stream.group())
            stream.group()
            stream.group()
            yield Column(comma=mark == ",")
        elif letter.isalpha():
            stream.option()
            if letter in _WITH_WIDTH or _is_group(stream):
                stream.group()
            if letter == "w":
                stream.group()
            yield PLAIN


def _is_group(stream: Stream) -> bool:
    token = stream.peek()
    return token is not None and token.kind == "{"


def _repeated(stream: Stream, settings: Mapping[str, str], depth: int) -> Iterator[Column]:
    count, inner = plain(stream.group()), stream.group()
    if depth < 3 and re.fullmatch(r"\d{1,3}", count):
        one = list(_columns(Stream(inner), settings, depth + 1))[:MOST_COLUMNS]
        yield from (one * min(int(count), MOST_COLUMNS))[:MOST_COLUMNS]
