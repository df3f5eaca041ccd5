"""Which lines are headings: told by number, weight, size and name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.manuscript.pdf.lines import Line

_NUMBERED = re.compile(r"(?P<number>(?:\d{1,2}|[A-Z]|[IVX]{1,5})(?:\.\d{1,2}){0,3})(?P<dot>\.?)\s+(?P<title>\S.*)")
_APPENDIX = re.compile(
    r"(?:Appendix|APPENDIX|Supplementary (?:Material|Information)s?)\s*(?:[A-Z](?:\.\d)?)?[.:]?\s*(?P<title>.*)"
)
_NAMES = (
    "abstract", "summary", "keywords?", "introduction", "background", "related works?", "literature review",
    "preliminaries",
    "methods?", "methodology", "materials? and methods?", "methods and materials", "approach", "experiments?",
    "experimental (?:setup|results|settings?)", "results?", "results and discussions?", "findings", "evaluation",
    "discussions?", "limitations?", "conclusions?", "conclusions? and future work", "references", "bibliography",
    "literature cited", "acknowledge?ments?", "funding", "author contributions?", "ethics(?: statement)?",
    "competing interests?", "conflicts? of interests?", "data availability(?: statement)?", "code availability",
    "appendix",
    "appendices", "reproducibility statement", "supplementary materials?", "broader impacts?", "declarations?",
    "disclosure of interests?",
)  # fmt: skip
_KNOWN = re.compile("|".join(_NAMES), re.IGNORECASE)
REFERENCES = re.compile(r"references|bibliography|literature cited|works cited", re.IGNORECASE)
_LONGEST = 140


@dataclass(frozen=True)
class Heading:
    """A heading: its title without the number, its level from 1, and how many lines it takes."""

    title: str
    level: int
    lines: int


class Headings:
    """Tells headings from text, by what the body of this document looks like."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes: Counter[float] = Counter()
        fonts: Counter[str] = Counter()
        for line in lines:
            sizes[line.run.size] += len(line.text)
            fonts.update(letter.char.font.name for letter in line.run.letters[:40])
        self.body = sizes.most_common(1)[0][0] if sizes else 10.0
        self.font = fonts.most_common(1)[0][0] if fonts else ""
        self._levels = self._by_size(lines)

    def _by_size(self, lines: Sequence[Line]) -> dict[float, int]:
        """Levels of headings without a number, by size: the largest is 1."""
        sizes = {
            round(line.run.largest, 1)
            for line in lines
            if self._marked(line) and len(line.text) < 80 and line.run.largest < 1.7 * self.body
        }
        return {size: min(level, 3) for level, size in enumerate(sorted(sizes, reverse=True)[:6], 1)}

    def read(self, lines: Sequence[Line], at: int) -> Heading | None:
        """The heading that begins at a line, or None."""
        line = lines[at]
        text = line.text.strip()
        letters = [x for x in line.run.letters if x.text.isalpha()]
        if not 2 < len(text) <= _LONGEST or 2 * sum(x.char.font.maths for x in letters) >= len(letters):
            return None
        known = _KNOWN.fullmatch(text.rstrip(".:—- "))
        numbered = _NUMBERED.fullmatch(text)
        marked = self._marked(line)
        plain = text[:1].isupper() and line.run.size >= self.body - 0.1 and self._apart(lines, at)
        if known and (marked or text.isupper() or plain):
            return Heading(_title(line, 0), 1, 1)
        if numbered and self._is_numbered(line, numbered, marked):
            count = self._more(lines, at)
            title = " ".join(
                [_title(line, numbered.start("title")), *(_title(x, 0) for x in lines[at + 1 : at + count])]
            )
            known_title = _KNOWN.fullmatch(title.strip())
            level = 1 if known_title and "." not in numbered["number"] else numbered["number"].count(".") + 1
            return Heading(title, min(level, 4), count)
        appendix = _APPENDIX.fullmatch(text)
        if appendix and marked:
            return Heading(text, 1, 1)
        titled = marked and not text.endswith((".", ",", ";")) and self._reads_as_title(text)
        if titled and self._apart(lines, at):
            count = self._more(lines, at)
            title = " ".join(_title(x, 0) for x in lines[at : at + count])
            return Heading(title, self._levels.get(round(line.run.largest, 1), 2), count)
        return None

    def _marked(self, line: Line) -> bool:
        """Bold throughout, larger than the body, or capitals in a size of their own."""
        run = line.run
        letters = [letter.text for letter in run.letters if letter.text.isalpha()]
        if len(letters) < 3:
            return False
        capitals = all(c.isupper() for c in letters) and len(letters) > 4
        return run.bold > 0.9 or run.largest > self.body + 0.9 or (capitals and run.largest >= self.body - 0.2)

    def _is_numbered(self, line: Line, match: re.Match[str], marked: bool) -> bool:
        title = match["title"]
        if (
            title.endswith((",", ";"))
            or re.search(r"[.!?]\s+[A-Z]", title[:-1])
            or not re.match(r"[^\W\d_]|[“\"(]", title)
        ):
            return False
        if marked:
            return title[:1].isupper() or title[:1].isdigit()
        fonts = {letter.char.font.name for letter in line.run.letters if letter.text.isalpha()}
        styled = self.font not in fonts and not title.endswith(".")
        return styled and title[:1].isupper() and len(title) < 90

    def _reads_as_title(self, text: str) -> bool:
        words = text.split()
        return text[:1].isupper() and len(words) <= 14 and not re.search(r"\d\.\d|[=@]|https?:", text)

    def _apart(self, lines: Sequence[Line], at: int) -> bool:
        """Whether the line begins a block: space above, or the top of a column."""
        if at == 0 or lines[at - 1].page != lines[at].page:
            return True
        step = lines[at].run.base - lines[at - 1].run.base
        return step < 0 or step > 1.25 * max(lines[at].run.largest, lines[at - 1].run.size)

    def _more(self, lines: Sequence[Line], at: int) -> int:
        """How many lines the heading takes: those right below in the same type."""
        count = 1
        while at + count < len(lines) and count < 4:
            last, line = lines[at + count - 1], lines[at + count]
            step = line.run.base - last.run.base
            alike = abs(line.run.largest - last.run.largest) < 0.3 and (line.run.bold > 0.9) == (last.run.bold > 0.9)
            if not (alike and self._marked(line) and 0 < step < 1.5 * line.run.largest):
                break
            if _NUMBERED.fullmatch(line.text.strip()) or _KNOWN.fullmatch(line.text.strip()):
                break
            count += 1
        return count


def _title(line: Line, skip: int) -> str:
    """The words of a heading; capitals that are smaller than their initials are small capitals."""
    lead = len(line.text) - len(line.text.lstrip())
    letters = line.run.letters[lead + skip :]
    capital = max((letter.char.size for letter in letters if letter.text.isupper()), default=0.0)
    small = [letter for letter in letters if letter.text.isupper() and letter.char.size < 0.88 * capital]
    if len(small) >= 3:
        return "".join(x.text.lower() if x.char.size < 0.88 * capital else x.text for x in letters).strip(" .:")
    return "".join(letter.text for letter in letters).strip(" .:")


_JOURNAL = re.compile(
    r"JSS|(The )?([A-Z]\w+ ){0,3}(Journal|Annals|Transactions|Proceedings|Archives|Bulletin|Acta|Reviews?) "
    r"(of|on|in|for)( \w+| &){1,6}"
    r"|(The)?(Journal|Annals|Transactions|Proceedings)o[fn][A-Z]\w+|(The )?([A-Z]\w+ ){1,4}(Journal|Letters|Bulletin)",
)


def title_of(lines: Sequence[Line], body: float) -> tuple[str, int]:
    """The paper's title and the place of the line behind it: the largest lines in the upper half of the first page."""
    first = [i for i, line in enumerate(lines) if line.page == lines[0].page][:40] if lines else []
    named = [i for i in first if _KNOWN.fullmatch(lines[i].text.strip(" .:"))]
    large = [i for i in first if lines[i].run.largest > body + 1.2 and len(lines[i].text) > 3 and i not in named]
    # The banner of a journal is set larger than the title below it.
    large = [i for i in large if not _JOURNAL.fullmatch(lines[i].text.strip())] or large
    if not large:
        return _first_line(lines)
    most = max(lines[i].run.largest for i in large if sum(c.isalpha() for c in lines[i].text) > 3 or len(large) == 1)
    start = next(i for i in large if lines[i].run.largest >= most - 0.3)
    end = start + 1
    while (
        end in first
        and lines[end].run.largest >= most - 0.3
        and lines[end].run.base - lines[end - 1].run.base < 2.2 * most
    ):
        end += 1
    return " ".join(_title(line, 0) for line in lines[start:end]), end


def _first_line(lines: Sequence[Line]) -> tuple[str, int]:
    """The title of a page in one size: a bold first line, set apart from plain text below it."""
    if len(lines) < 3 or lines[1].page != lines[0].page:
        return "", 0
    first, below, text = lines[0], lines[1], lines[0].text.strip()
    bold = first.run.bold > 0.9 and below.run.bold < 0.5
    apart = below.run.base - first.run.base > 1.5 * first.run.largest
    heading = _KNOWN.fullmatch(text.strip(" .:")) or text[:1].isdigit() or text.endswith(".")
    return (_title(first, 0), 1) if bold and apart and not heading and len(text.split()) >= 3 else ("", 0)
