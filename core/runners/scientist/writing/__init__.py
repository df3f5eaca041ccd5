"""A manuscript as values: every number in it knows where it comes from; written as Markdown, LaTeX and PDF."""

from core.runners.scientist.writing.draft import (
    Block,
    Bullets,
    Cite,
    Draft,
    DraftError,
    Figure,
    Grid,
    Name,
    Num,
    Paragraph,
    Part,
    Reference,
    Section,
    See,
    Transform,
    Untraced,
    fill,
    para,
    told,
)
from core.runners.scientist.writing.latex import to_latex
from core.runners.scientist.writing.markdown import to_markdown
from core.runners.scientist.writing.pdf import to_pdf
from core.runners.scientist.writing.provenance import provenance, unresolved
from core.runners.scientist.writing.sources import Source, marked, pointer, resolve, words

__all__ = [
    "Block",
    "Bullets",
    "Cite",
    "Draft",
    "DraftError",
    "Figure",
    "Grid",
    "Name",
    "Num",
    "Paragraph",
    "Part",
    "Reference",
    "Section",
    "See",
    "Source",
    "Transform",
    "Untraced",
    "fill",
    "marked",
    "para",
    "pointer",
    "provenance",
    "resolve",
    "to_latex",
    "to_markdown",
    "to_pdf",
    "told",
    "unresolved",
    "words",
]
