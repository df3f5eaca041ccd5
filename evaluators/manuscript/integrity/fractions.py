"""Percentages beside their counts: "45/50 (90 %)", "45 of 50 patients (90 %)", "120 (45 %)" under n = 267."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evaluators.manuscript.document import Cell, Manuscript, Place, Table
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.counts import plain
from evaluators.manuscript.integrity.reported import Band, band, passages, says

MOST = 60
_WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
_SHARE = r"(?P<share>\d{1,3}(?:\.\d+)?)\s?%(?!\s?-?(?:C\.?I|Cr\.?I|confidence|credible|(?:\w+ )?interval))"
_START, _STOP = r"(?<![\d./,-])", r"(?![\d/]|\.\d|,\d)"
_SLASH = rf"{_START}(?P<k>{_WHOLE})\s?/\s?(?P<n>{_WHOLE}){_STOP}"
_OF = rf"{_START}(?P<k>{_WHOLE})\s(?:out )?of\s(?:the\s|all\s)?(?P<n>{_WHOLE}){_STOP}"
_WORDS, _CLOSED = r"(?:\s(?!split)[a-z-]+){0,4}?", r"(?=\s?[)\],;])"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_SLASH}{_WORDS}\s?[(\[]\s?{_SHARE}{_CLOSED}",
        rf"{_OF}{_WORDS}\s?[(\[]\s?{_SHARE}{_CLOSED}",
        rf"{_SLASH}\s?[,=:]\s?{_SHARE}",
        rf"{_SHARE}\s?[(\[]\s?{_SLASH}{_WORDS}{_CLOSED}",
        rf"{_SHARE}\s?[(\[]\s?{_OF}{_WORDS}{_CLOSED}",
        rf"{_START}(?P<k>{_WHOLE})\s?\(\s?{_SHARE}\s?\)\s(?:out )?of\s(?:the\s|all\s)?(?P<n>{_WHOLE}){_STOP}",
    )
)
SMALL = 10
"""A fraction of fewer ("2/3 majority") may be a way of speaking."""
_CELL = re.compile(rf"\s*(?P<k>{_WHOLE})\s?\(\s?(?P<share>\d{{1,3}}(?:\.\d+)?)\s?%?\s?\)\s*[*†‡a-e]?\s*")
_N_TOLD = re.compile(rf"\b[nN]\s?=\s?(?P<n>{_WHOLE})")
_COUNTS_AND_SHARES = re.compile(r"\b(?:n|no\.|number|count)s?\s?\(\s?%\s?\)|\(%\)", re.IGNORECASE)
_MISSING = re.compile(r"\bmissing\b|\bunknown\b|not (?:available|reported|assessed)|incomplete|weighted", re.IGNORECASE)


class Fraction(NamedTuple):
    """A count of a whole with the percentage printed beside it. `near`: both counts stand beside it."""

    k: int
    n: int
    share: str
    quote: str
    place: Place
    near: bool


def fractions_in(text: str, place: Place) -> Iterator[Fraction]:
    """The counts with percentages of a sentence or cell."""
    taken: list[tuple[int, int]] = []
    for form in _FORMS:
        for match in form.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            taken.append(match.span())
            k, n = plain(match["k"]), plain(match["n"])
            if k <= n and not ("/" in match[0] and _is_date(k, n, text[: match.start()])):
                yield Fraction(k, n, match["share"], match[0], place, True)


def _is_date(k: int, n: int, before: str) -> bool:
    """ "3/2019", "2019/2020" and "on 12/31"."""
    years = range(1950, 2051)
    day = k <= 12 and n <= 31 and re.search(r"\b(?:on|by|until|since|from|before|after)\s$", before, re.I) is not None
    return (n in years and (k <= 12 or (k in years and n - k <= 1))) or day


def _in_table(table: Table) -> Iterator[Fraction]:
    """Cells "120 (45.0)" in columns whose header tells n."""
    header = [row for row in table.cells if any(cell.header for cell in row)]
    said = " ".join([table.caption, *(cell.text for row in header for cell in row)])
    for row in table.cells[table.header_rows :]:
        for cell in row[1:]:
            match = _CELL.fullmatch(cell.text)
            if match is None or not ("%" in cell.text or _COUNTS_AND_SHARES.search(f"{said} {row[0].text}")):
                continue
            told = _N_TOLD.findall(" ".join(line[cell.column].text for line in header))
            if len(told) == 1 and not row[0].text.startswith((" ", "\u2003")):
                found = Fraction(
                    plain(match["k"]), plain(told[0]), match["share"], cell.text.strip(), cell.place, False
                )
                # "2331 (80.4)" of the 2900 men of its row: a share of the row, not of its column.
                across = (found._replace(n=n) for n in _row_totals(row))
                yield next((one for one in across if not agrees(found) and agrees(one)), found)


def _row_totals(row: Sequence[Cell]) -> tuple[int, ...]:
    """What a row's counts can be shares of: their sum, or a bare whole number among them."""
    counts = [plain(match["k"]) for cell in row[1:] if (match := _CELL.fullmatch(cell.text))]
    bare = [plain(cell.text.strip()) for cell in row[1:] if re.fullmatch(rf"\s*(?:{_WHOLE})\s*", cell.text)]
    return tuple(n for n in (sum(counts), *bare) if n >= max(counts, default=1))


def agrees(fraction: Fraction) -> bool:
    """Whether the percentage is that of the counts, rounded or cut off."""
    decimals = len(fraction.share.partition(".")[2])
    exact = 100 * fraction.k / fraction.n
    return band(float(fraction.share), decimals, cut=True).meets(Band(exact, exact))


def _examine(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    holes = says(manuscript, _MISSING)
    for fraction in _all(manuscript):
        looked += 1
        if fraction.n and not agrees(fraction):
            found.append(_finding(rule, fraction, holes))
    if not looked:
        return rule.not_checked("the paper prints no percentage beside its counts")
    return rule.checked(looked, found[:MOST], f"compared {looked} percentages with their counts")


def _all(manuscript: Manuscript) -> Iterator[Fraction]:
    for text, place in passages(manuscript):
        yield from fractions_in(text, place)
    for table in manuscript.tables:
        yield from _in_table(table)


def _finding(rule: Rule, fraction: Fraction, holes: bool) -> Finding:
    decimals = len(fraction.share.partition(".")[2])
    right = f"{100 * fraction.k / fraction.n:.{decimals}f} %"
    off = abs(float(fraction.share) - 100 * fraction.k / fraction.n) * 10**decimals
    slip = decimals > 0 and off < 1.5
    if fraction.near:
        severity, sure = (Severity.MEDIUM, 0.7) if slip or fraction.n < SMALL else (Severity.HIGH, 0.9)
        more = ""
    else:
        severity, sure = (Severity.LOW, 0.4) if holes or slip else (Severity.MEDIUM, 0.6)
        more = ", unless values are missing"
    message = f"{fraction.k} of {fraction.n} is {right}, not {fraction.share} %{more}."
    evidence = {"k": fraction.k, "n": fraction.n, "stated": fraction.share}
    return Finding(rule.name, severity, message, fraction.place, fraction.quote, right, sure, evidence)


RULES = (
    Rule(
        "stated-fractions",
        "Percentages fit their counts",
        "1",
        "Plain arithmetic",
        "A percentage printed beside its counts is computed again.",
        _examine,
    ),
)
