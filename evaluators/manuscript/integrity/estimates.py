"""Estimates with their intervals as printed: "0.91 (95% CI 0.87-0.95)", in cells also "0.91 (0.87, 0.95)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from evaluators.manuscript.document import Manuscript, Place
from evaluators.manuscript.integrity.reported import Band, band

MINUS = r"\-−–‑"
_NUM = rf"(?:[+{MINUS}]\s?)?(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,9}})?|\d{{1,9}}(?:\.\d{{1,9}})?|\.\d{{1,9}})"
_BETWEEN = rf"\s?%?\s?(?:,|;|to|and|through|—|[{MINUS}]{{1,3}}?)\s?"
_LEVEL = (
    r"(?P<level>9\d(?:\.\d)?)\s?%?[\s-]?(?:C\.?I\.?s?|confidence (?:interval|limit)s?|credible intervals?|CrI|"
    r"(?:bootstrap |percentile |prediction )?intervals?)"
)
_COUNTS = r"(?:[(\[]?\s?(?P<k>\d[\d,]{0,9})\s?(?:/|of)\s?(?P<n>\d[\d,]{0,9})\s?[)\]]?\s?[,;]?\s?)?"
_ESTIMATE = rf"(?<![\w.,/{MINUS}])(?P<estimate>{_NUM})\s?(?P<percent>%)?(?:\s?(?:pp|percentage points?|points?)\b)?"
_ENDS = rf"(?P<low>{_NUM}){_BETWEEN}(?P<high>{_NUM})(?![\d/]|\.\d|,\d)\s?%?"
_LABELLED = re.compile(
    rf"{_ESTIMATE}\s?[,;]?\s?[(\[]?\s?{_COUNTS}[(\[]?\s?{_LEVEL}\s?(?:of|=|:|,|was)?\s?[(\[]?\s?{_ENDS}"
)
_SQUARE = re.compile(rf"{_ESTIMATE}\s?\[\s?{_ENDS}\s?\]")
_CELL = re.compile(rf"\s*{_ESTIMATE}\s?[*†‡]?\s?[(\[]\s?(?:{_LEVEL}\s?[:,=]?\s?)?{_ENDS}\s?[)\]]\s*[*†‡]?\s*")
_FRACTION_BEFORE = re.compile(
    r"(?<![\d/.])(?P<k>\d[\d,]{0,9})\s?(?:/|of)\s?(?:the\s)?(?P<n>\d[\d,]{0,9})(?:\s?=|[^\d.;=]{0,40}[(\[])\s?$"
)
_NO_ESTIMATE = re.compile(
    r"(?:±|\b(?:SD|SE|SEM|p|P|n|N|df|[Pp][- ]?values?|threshold|level|Table|Figure|Fig\.|[Mm]odel|[Gg]rade|"
    r"[Ss]tage|per|[Mm]onths?|[Ww]eeks?|[Dd]ays?|[Yy]ears?|[Aa]ged?|[Qq]uartile|[Cc]lass)|[<>≤≥])(?:\s?(?:=|:|of|was|is|<|>|≤|≥))?\s?$"
)
_CALLED = re.compile(r"\bC\.?I\.?s?\b|interval|\brange\b|\bI\.?Q\.?R\b|quartile", re.IGNORECASE)
_COMPARED = re.compile(
    r"\b(?:vs\.?|versus|compared (?:with|to)|than|and|from|to)\s?$|"
    r"\b(?:against|relative to|gain over|above|below|exceed(?:ed|s|ing)?) (?:the )?(?:\w+ (?:of|at) )?$",
    re.IGNORECASE,
)
_RATIO = re.compile(
    r"\b(?:a?[OH]R|IRR|a?RR|SHR|PR|odds ratios?|hazard ratios?|(?:risk|rate|prevalence) ratios?|relative risks?)\b"
)
_DIFFERENCE = re.compile(
    r"differ(?:ence|ed)\b|\bMD\b|\bmean change\b|\bβ\b|\bbeta\b|\bcoefficient|\bregression slope", re.I
)


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval. Values are as printed; `scale` is 100 where they are percentages."""

    value: float
    low: float
    high: float
    decimals: tuple[int, int, int]
    level: float
    """0 to 1."""
    labelled: bool
    """Whether the paper calls it an interval there, or in the header or caption of its table."""
    percent: bool
    k: int | None
    n: int | None
    before: str
    """What stands in front: up to 80 characters, or the names of the cell's row and column."""
    after: str
    quote: str
    place: Place
    compared: bool
    """Whether it is the second of two compared values, so that the interval may be that of their difference."""

    @property
    def kind(self) -> str:
        """ "ratio", "difference" or "" by the words in front."""
        near = self.before[-60:]
        return "ratio" if _RATIO.search(near) else "difference" if _DIFFERENCE.search(near) else ""

    def bands(self) -> tuple[Band, Band, Band]:
        """What estimate, low and high can have been before rounding."""
        values = (self.value, self.low, self.high)
        one, two, three = (
            band(value, decimals, cut=True) for value, decimals in zip(values, self.decimals, strict=True)
        )
        return one, two, three


def number(written: str) -> tuple[float, int]:
    """Value and decimals of a number as matched."""
    text = re.sub(f"[{MINUS}]", "-", written.replace(" ", "").replace(",", ""))
    return float(text), len(text.partition(".")[2])


def estimates(manuscript: Manuscript) -> Iterator[Estimate]:
    """Every estimate with an interval, in sentences and then in cells."""
    for sentence in manuscript.sentences():
        yield from in_text(sentence.text, sentence.place)
    for table in manuscript.tables:
        header = [row for row in table.cells if any(cell.header for cell in row)]
        for row in table.cells[table.header_rows :]:
            for cell in row:
                found = in_cell(cell.text, cell.place)
                if found is not None:
                    above = " ".join(line[cell.column].text for line in header)
                    called = found.labelled or _CALLED.search(f"{table.caption} {above} {row[0].text}") is not None
                    yield replace(found, before=f"{row[0].text} {above}", labelled=called)
                else:
                    yield from in_text(cell.text, cell.place)


def in_text(text: str, place: Place) -> Iterator[Estimate]:
    """The estimates of a sentence whose interval is called one or stands in square brackets."""
    taken: list[tuple[int, int]] = []
    for pattern in (_LABELLED, _SQUARE):
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            made = _made(match, text, place)
            if made is not None and (made.labelled or min(made.decimals) > 0):
                taken.append(match.span())
                yield made


def in_cell(text: str, place: Place) -> Estimate | None:
    """The one estimate of a cell, its interval in brackets of any kind."""
    match = _CELL.fullmatch(text)
    made = _made(match, text, place) if match else None
    return made if made is not None and (made.labelled or min(made.decimals) > 0) else None


def _made(match: re.Match[str], text: str, place: Place) -> Estimate | None:
    groups = match.groupdict()
    before = text[max(0, match.start() - 80) : match.start()]
    if _NO_ESTIMATE.search(before):
        return None
    value, low, high = (number(groups[name]) for name in ("estimate", "low", "high"))
    if high[0] < 0 < low[0] <= -high[0] and re.search(f"[{MINUS}]{{2}}", match[0]):
        # "0.87--0.95" has a dash of two signs.
        high = -high[0], high[1]
    counted = groups.get("k") and groups.get("n")
    earlier = None if counted else _FRACTION_BEFORE.search(before)
    k, n = (groups["k"], groups["n"]) if counted else (earlier["k"], earlier["n"]) if earlier else (None, None)
    return Estimate(
        value[0],
        low[0],
        high[0],
        (value[1], low[1], high[1]),
        float(groups.get("level") or 95) / 100,
        groups.get("level") is not None,
        groups["percent"] is not None,
        int(k.replace(",", "")) if k else None,
        int(n.replace(",", "")) if n else None,
        before,
        text[match.end() : match.end() + 60],
        match[0].strip(),
        place,
        _COMPARED.search(before) is not None,
    )
