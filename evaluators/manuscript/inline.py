"""Marks inside a line of Markdown taken off, the source line of every character kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from evaluators.manuscript.latex.render import Names, render
from evaluators.manuscript.latex.tokens import tokenise


@dataclass(frozen=True)
class Mapped:
    """Text with the source line of each character and the citations at their offsets."""

    text: str
    lines: tuple[int, ...]
    cited: tuple[tuple[int, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, text: str, line: int) -> Mapped:
        """A piece of source that begins on a line."""
        lines: list[int] = []
        for char in text:
            lines.append(line)
            line += char == "\n"
        return cls(text, tuple(lines))

    def line(self, at: int) -> int | None:
        """The source line at an offset."""
        return self.lines[at] if at < len(self.lines) else None

    def sub(self, pattern: re.Pattern[str], to: str | Callable[[re.Match[str]], str]) -> Mapped:
        """Replace as `re.sub` does; what is put in has the line of what it replaces."""
        parts: list[str] = []
        lines: list[int] = []
        at = 0
        for match in pattern.finditer(self.text):
            new = to(match) if callable(to) else match.expand(to)
            parts += [self.text[at : match.start()], new]
            lines += self.lines[at : match.start()]
            lines += [self.lines[min(match.start(), len(self.lines) - 1)]] * len(new) if self.lines else []
            at = match.end()
        return Mapped("".join([*parts, self.text[at:]]), (*lines, *self.lines[at:]), self.cited)

    def split(self, opens: re.Pattern[str]) -> list[Mapped]:
        """The parts that begin at lines which `opens` matches; that mark is taken off."""
        cuts = [0]
        offset = 0
        for line in self.text.split("\n"):
            if offset and opens.match(line):
                cuts.append(offset)
            offset += len(line) + 1
        ends = [*cuts[1:], len(self.text)]
        parts = [Mapped(self.text[a:b], self.lines[a:b]) for a, b in zip(cuts, ends, strict=True)]
        bulleted = re.compile(r"\A\s*[-*+•]\s+")
        return [part.sub(bulleted, "") for part in parts]


_MATHS = re.compile(r"(?<![\\$\w])\$(?!\s)([^$\n]{1,400}?)(?<![\s\\])\$(?!\d)|\\\((.{1,400}?)\\\)")
_CITE = re.compile(r"\[(?:[^\[\]]*?)(@[\w:.#$%&+?<>~/-]+[^\[\]]*)\]|(?<![\w@])@([A-Za-z_][\w:.-]*\w)")
_KEY = re.compile(r"@([\w:.#$%&+?<>~/-]*\w)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)|\[([^\[\]]+)\]\[[^\[\]]*\]")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\[\^[^\]\s]{1,60}\]"), ""),
    (re.compile(r"<(https?://[^\s<>]+)>"), r"\1"),
    (re.compile(r"<su([bp])>(.{0,60}?)</su\1>"), r"^\2"),
    (re.compile(r"</?[A-Za-z][^<>\n]{0,200}>"), ""),
    (re.compile(r"(\*\*\*|___)(?=\S)(.+?)(?<=\S)\1", re.DOTALL), r"\2"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?![\w_])"), r"\1"),
    (re.compile(r"~~(.+?)~~"), r"\1"),
    (re.compile(r"(`+)(.+?)\1"), r"\2"),
    (re.compile(r"(?m)^\s*>\s?"), ""),
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~$@^%&])"), r"\1"),
    (re.compile(r"&nbsp;"), " "),
    (re.compile(r"&plusmn;"), "±"),
    (re.compile(r"&lt;"), "<"),
    (re.compile(r"&gt;"), ">"),
    (re.compile(r"&amp;"), "&"),
    (re.compile(r"\s+"), " "),
    (re.compile(r"^\s+|\s+$"), ""),
)


def printed(source: Mapped) -> Mapped:
    """The text as it is shown: formulas in characters, links as their words, citations as "[key]" with their keys."""
    text = source.sub(_MATHS, lambda m: render(tokenise(f"${m[1] or m[2]}$")[0], Names()).text)
    text = text.sub(_LINK, lambda m: m[1] if m[1] is not None else m[2])
    text = text.sub(_CITE, lambda m: "[" + "; ".join(_KEY.findall(m[0])) + "]\ue000")
    for pattern, to in _RULES:
        text = text.sub(pattern, to)
    cited: list[tuple[int, tuple[str, ...]]] = []
    for match in re.finditer(r"\[([^\[\]]*)\]\ue000", text.text):
        cited.append((match.start() - text.text.count("\ue000", 0, match.start()), tuple(match[1].split("; "))))
    text = text.sub(re.compile("\ue000"), "")
    return Mapped(text.text, text.lines, tuple(cited))


_COMMENT = re.compile(
    r"<!--(.*?)(?:-->|\Z)|^\[(?://|comment|_)\]:\s*#?\s*[(\"'](.*?)[)\"']\s*$", re.DOTALL | re.MULTILINE
)
_UNSEEN = re.compile(
    r"<(?P<tag>span|div|p|font|small)\b(?P<how>[^<>]{0,300}?(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d]*[1-9])"
    r"|font-size\s*:\s*[01](?:px|pt|em)?\b|color\s*[:=]\s*[\"']?(?:white|#fff(?:fff)?)\b|\bhidden\b)[^<>]{0,300})>"
    r"(?P<text>.{0,5000}?)</(?P=tag)>",
    re.DOTALL | re.IGNORECASE,
)
_FEWEST_WORDS = 3


def without_comments(source: str) -> tuple[str, list[tuple[str, str, int]]]:
    """The source without what a page does not show, line ends kept; and that with its reason and line."""
    found: list[tuple[str, str, int]] = []

    def take(match: re.Match[str], text: str, why: str) -> str:
        if len(text.split()) >= _FEWEST_WORDS:
            found.append((" ".join(text.split())[:4000], why, source.count("\n", 0, match.start()) + 1))
        return "\n" * match[0].count("\n")

    plain = _COMMENT.sub(lambda m: take(m, m[1] or m[2] or "", "A comment of the source, which no page shows."), source)
    source = plain
    plain = _UNSEEN.sub(lambda m: take(m, m["text"], "Text that its style hides from the page."), plain)
    return plain, found
