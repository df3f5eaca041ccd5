"""A manuscript's sentences by the part of the paper they stand in, told by headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from evaluators.manuscript.document import Manuscript, Place

Part = Literal["title", "abstract", "introduction", "methods", "results", "discussion", "closing", "captions", "tables"]
PARTS: tuple[Part, ...] = (
    "title", "abstract", "introduction", "methods", "results", "discussion", "closing", "captions", "tables",
)  # fmt: skip
"""Every part, in the order in which evidence is looked for."""
HEADINGS: tuple[tuple[Part, str], ...] = (
    ("abstract", r"^(abstract|summary)\b"),
    ("closing", r"acknowledg|funding|availab|ethic|competing|conflict|contribution|appendix|supplement|declaration"
                r"|registration|involvement|disclosure|statement|consent"),
    ("discussion", r"discuss|conclu|limitation|future|outlook|implication|broader impact|societal|interpretation"),
    ("results", r"result|finding|ablation|performance|comparison|analysis of|evaluation results"),
    ("introduction", r"introduc|background|related|prior work|motivation|preliminar|^(study )?(objective|aim)s?\b"),
    ("methods", r"method|material|data|cohort|participant|patient|experiment|implement|setup|set-up|model|approach"
                r"|architecture|training|statistic|protocol|design|framework|pipeline|task|outcome|predictor|validation"),
)  # fmt: skip


class Passage(NamedTuple):
    """One sentence with its part of the paper."""

    part: Part
    text: str
    place: Place


def passages(manuscript: Manuscript) -> Iterator[Passage]:
    """Yield title, abstract, sentences, captions and table rows; hidden text is never among them.

    A heading that tells nothing continues the part above it; before any telling heading it is the introduction.
    """
    if manuscript.title:
        yield Passage("title", manuscript.title, Place("Title"))
    above: list[tuple[int, Part]] = []
    part: Part = "introduction"
    named_abstract = False
    for section in manuscript.sections:
        while above and above[-1][0] >= section.level:
            above.pop()
        part = part_of(section.title) or (above[-1][1] if above else part)
        above.append((section.level, part))
        named_abstract |= part == "abstract"
        for sentence in section.sentences:
            yield Passage(part, sentence.text, sentence.place)
    if manuscript.abstract and not named_abstract:
        yield Passage("abstract", manuscript.abstract, Place("Abstract"))
    for caption in manuscript.captions:
        yield Passage("captions", caption.text, caption.place)
    for table in manuscript.tables:
        for row in table.cells:
            yield Passage("tables", " | ".join(cell.text for cell in row), table.place)


def part_of(heading: str) -> Part | None:
    """Return the part that a heading names, None when it tells none."""
    plain = re.sub(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.|[IVXLC]+\.)\s+", "", heading).casefold()
    return next((part for part, pattern in HEADINGS if re.search(pattern, plain)), None)
