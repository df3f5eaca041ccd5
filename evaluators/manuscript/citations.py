"""Entries of a reference list as they are printed: authors, title, year, venue and identifiers, as far as told.

Four printed forms are known: a quoted title (IEEE), the year in brackets behind the authors (APA), a colon behind the
authors (Springer), and sentences (natbib, Vancouver). What fits none has its whole text and no title.
"""

from __future__ import annotations

import re

from evaluators.manuscript.document import Place, Reference

LONGEST_ENTRY = 2_000
"""Characters; consortium papers list hundreds of authors, nothing lists more than this."""

_DOI = re.compile(
    r"\b(10\.\d{4,9}/[^\s\"<>,;{}]+(?:(?<=[./_-])\s(?!10\.\d{4})(?=[a-z]{0,4}\d+[./_-]\w)[^\s\"<>,;{}]+)?)"
)
"""A DOI, also one that a line break parts behind a point: "10.18637/jss. v020.i02"."""
_ARXIV = re.compile(
    r"(?:arXiv[:.\s]*(?:preprint\s*)?(?:arXiv:)?|arxiv\.org/(?:abs|pdf)/|abs/)\s?(\d{4}\.\d{4,5})", re.IGNORECASE
)
_ARXIV_OLD = re.compile(r"(?:arXiv[:\s]+|arxiv\.org/abs/)([a-z-]+(?:\.[A-Z]{2})?/\d{7})", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"{}]+")
_YEAR = re.compile(r"(?<![\d./:-])((?:19|20)\d\d)[a-z]?(?![\d/])")
_QUOTED = re.compile(r"[“\"„]\s*(?P<title>[^”\"]{8,}?)[,.]?\s*[”\"]")
_APA = re.compile(
    r"^(?P<authors>.{3,}?)\s*\((?P<year>(?:19|20)\d\d)[a-z]?(?:,[^)]*)?\)[.,:]?\s*(?P<title>[^.?!]{8,}[.?!])"
)
_SPRINGER = re.compile(
    r"^(?P<authors>(?:[^\W\d_][\w'’-]+(?: [\w'’-]+)?, (?:[A-Z]\.[ -]?)+(?:, |: )|et al\.?: )+)"
    r"(?P<title>[^.?!]{8,}[.?!])"
)
_VANCOUVER = re.compile(
    r"^(?P<authors>(?:[^\W\d_][\w'’-]+(?: [\w'’-]+)? [A-Z]{1,3}(?:,? |(?=\.)))+(?:et al)?)\.\s+"
    r"(?P<title>[^.?!]{8,}[.?!])"
)
_TRAILING = re.compile(r"(?:,\s*(?:19|20)\d\d[a-z]?|,\s*volume \d+)+$")
_EDITED = re.compile(r"^.*?\((?:[Ee]ds?\.?)\),?\s*")
_INITIAL = re.compile(r"(?:^|[\s.,-])[A-Z]$|\b(?:Jr|Sr|St|vol|no|pp|ed|eds|Proc|Int|Conf|vs)$")
_BODY = re.compile(
    r"\b(?:Hospital|Institute|Group|University|Organi[sz]ation|Association|Consortium|Team|Committee|College|Society|Agency"
    r"|Administration|Foundation|Network|Collaboration|Council|Department|Ministry|Center|Centre)s?\b"
)
"""Words that name a body, whose "and" parts no people."""
_AND = re.compile(r",?\s+(?:and|&)\s+|;\s*")


def identifiers(text: str) -> tuple[str, str, str]:
    """The first DOI, arXiv number and address in a text, each empty when there is none."""
    doi = _DOI.search(text)
    arxiv = _ARXIV.search(text) or _ARXIV_OLD.search(text)
    url = _URL.search(text)
    return (
        "".join(doi[1].split()).rstrip(".)") if doi else "",
        arxiv[1] if arxiv else "",
        url[0].rstrip(".,)") if url else "",
    )


def parse_reference(key: str, text: str, place: Place) -> Reference:
    """One printed entry, its number or label taken off."""
    text = " ".join(text.split())[:LONGEST_ENTRY]
    doi, arxiv, url = identifiers(text)
    authors, title, rest = _parts(text)
    title = _TRAILING.sub("", title.strip(' .,;“”"'))
    return Reference(key, text, title, _names(authors), year_of(text, title), doi, arxiv, url, _venue(rest), place)


def year_of(text: str, title: str = "") -> int | None:
    """The year an entry names: the last one outside its title and its arXiv number, else the one in the title."""
    outside = text.replace(title, " ") if title else text
    outside = _URL.sub(" ", _DOI.sub(" ", outside))
    years = [int(year) for year in _YEAR.findall(outside)] or [int(year) for year in _YEAR.findall(text)]
    return years[-1] if years else None


def _parts(text: str) -> tuple[str, str, str]:
    """Authors, title and the rest."""
    for pattern in (_QUOTED, _APA, _SPRINGER, _VANCOUVER):
        match = pattern.search(text)
        if match is not None:
            authors = match.groupdict().get("authors") or text[: match.start()]
            return authors, match["title"], text[match.end() :]
    pieces = _sentences(text)
    if len(pieces) >= 2 and len(pieces[1].strip()) >= 8:
        return pieces[0], pieces[1], " ".join(pieces[2:])
    return "", "", text


def _sentences(text: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for end in re.finditer(r"[.?!](?=\s|$)", text):
        if _INITIAL.search(text[start : end.start()][-12:]):
            continue
        pieces.append(text[start : end.end()].strip())
        start = end.end()
    return [*pieces, text[start:].strip()] if text[start:].strip() else pieces


def _names(authors: str) -> tuple[str, ...]:
    if "," not in authors and _BODY.search(authors):
        return (authors.strip(" .,:"),)
    plain = re.sub(r"\bet al\.?|\(?(?:19|20)\d\d[a-z]?\)?", "", authors).strip(" .,:")
    parts = [part.strip(" ,") for part in _AND.split(plain)]
    names: list[str] = []
    for part in parts:
        pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
        # "Ho, J., Jain, A." pairs a name with its initials; "Jonathan Ho, Ajay Jain" has a whole name in each piece.
        paired = len(pieces) > 1 and all(re.fullmatch(r"(?:[A-Z]\.?[ -]?){1,4}", p) for p in pieces[1::2])
        names += [", ".join(pieces[i : i + 2]) for i in range(0, len(pieces), 2)] if paired else pieces
    return tuple(name for name in names if any(c.isalpha() for c in name))


def _venue(rest: str) -> str:
    rest = _EDITED.sub("", _URL.sub("", rest))
    rest = re.sub(r"\bdoi:?.*$|\barXiv.*$", lambda m: m[0] if m.start() < 4 else "", rest, flags=re.IGNORECASE)
    named = re.split(
        r",\s*(?:\d|vol|pp|pages)|\(?(?:19|20)\d\d|(?<=[a-z]{5})\.\s|;\s*\d", rest.strip(" .,"), maxsplit=1
    )[0]
    return re.sub(r"^[Ii]n:?\s+", "", named.strip(" .,"))


def surname(author: str) -> str:
    """The family name of "Ho, J.", "Jonathan Ho" or "Ho J"."""
    if "," in author:
        return author.split(",")[0].strip()
    words = [word for word in author.split() if not re.fullmatch(r"(?:[A-Z]\.?-?){1,3}", word)]
    return words[-1] if words else author


_NAME = r"[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)?"
_AUTHOR_YEAR = re.compile(
    rf"(?P<name>{_NAME})(?:,? et al\.?|,? (?:and|&) {_NAME})?,?"
    r"\s*[(\[]?\s*(?P<year>(?:19|20)\d\d)(?P<letter>[a-z])?"
)
_NUMERIC = re.compile(r"\[(\d{1,3}(?:\s?[-–−]\s?\d{1,3})?(?:\s?[,;]\s?\d{1,3}(?:\s?[-–−]\s?\d{1,3})?)*)\]")


_RAISED = re.compile(r"(?:[^\W\d_]{3}|[.,;:)”’\]])\^(\d{1,3}(?:[,–−-]\d{1,3})*)")
"""Raised numbers behind a word or a mark; behind a letter or a unit they are powers."""


class CitationIndex:
    """Finds in running text which of the references are cited, by number or by author and year."""

    def __init__(self, references: tuple[Reference, ...], *, raised: bool = False) -> None:
        """`raised`: numbers raised above the line ("^3") cite, as in papers without brackets."""
        self._raised = raised
        self._numbers = {reference.key for reference in references if reference.key.isdigit()}
        self._bodies = [
            (reference.authors[0], reference.year, reference.key)
            for reference in references
            if reference.year and len(reference.authors) == 1 and len(reference.authors[0].split()) >= 3
        ]
        self._named: dict[tuple[str, int], list[str]] = {}
        for reference in references:
            if reference.authors and reference.year:
                name = surname(reference.authors[0]).lower()
                self._named.setdefault((name, reference.year), []).append(reference.key)

    def cited(self, text: str) -> tuple[str, ...]:
        """The keys cited; a number that no reference has is kept, since that is a finding of its own."""
        keys = list(self._by_number(text)) if self._numbers else []
        if self._numbers and self._raised:
            keys += [key for match in _RAISED.finditer(text) for key in _listed(match[1]) if key in self._numbers]
        for match in _AUTHOR_YEAR.finditer(text) if self._named else ():
            names = {match["name"].lower(), match["name"].split()[-1].lower()}
            for name in sorted(names):
                keys += self._lettered(self._named.get((name, int(match["year"])), []), match["letter"])
        keys += [key for body, year, key in self._bodies if body in text and str(year) in text]
        return tuple(dict.fromkeys(keys))

    @staticmethod
    def _lettered(keys: list[str], letter: str | None) -> list[str]:
        exact = [key for key in keys if letter and key.endswith(letter)]
        return exact or keys

    @staticmethod
    def _by_number(text: str) -> list[str]:
        from evaluators.manuscript.roles import protected_spans

        keys: list[str] = []
        for span in protected_spans(text):
            match = _NUMERIC.fullmatch(text[span.start : span.end].replace("[ ", "[").replace(" ]", "]"))
            if span.role == "citation" and match:
                keys += _listed(match[1])
        return keys


def _listed(written: str) -> list[str]:
    """The numbers of "1, 3-5"."""
    keys: list[str] = []
    for part in re.split(r"[,;]", written):
        first, _, last = re.sub(r"[–−]", "-", part).partition("-")
        if first.strip().isdigit():
            ends = (int(first), int(last) if last.strip().isdigit() else int(first))
            keys += [str(n) for n in range(ends[0], min(ends[1], ends[0] + 100) + 1)]
    return keys
