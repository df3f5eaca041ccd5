"""The numbers that LaTeX would give: sections, tables, figures and equations, and the labels that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.manuscript.latex.tokens import Stream, Token, plain

TABLES = {"table", "sidewaystable", "longtable", "wraptable", "SCtable", "longtblr", "margintable"}
FIGURES = {"figure", "sidewaysfigure", "wrapfigure", "SCfigure", "marginfigure", "floatingfigure"}
EQUATIONS = {
    "equation",
    "align",
    "gather",
    "multline",
    "eqnarray",
    "displaymath",
    "math",
    "flalign",
    "alignat",
    "dmath",
}
ALGORITHMS = {"algorithm", "algorithm2e"}
HEADINGS = {
    "part": 0,
    "chapter": 1,
    "section": 1,
    "subsection": 2,
    "subsubsection": 3,
    "paragraph": 4,
    "subparagraph": 5,
}
_KINDS = {
    **dict.fromkeys(TABLES, "Table"),
    **dict.fromkeys(FIGURES, "Figure"),
    **dict.fromkeys(ALGORITHMS, "Algorithm"),
}


@dataclass
class _Counters:
    sections: list[int] = field(default_factory=lambda: [0] * 4)
    counts: dict[str, int] = field(default_factory=dict)
    appendix: bool = False
    current: tuple[str, str] = ("Section", "")
    environments: list[str] = field(default_factory=list)
    panels: int = 0

    def count(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.panels = 0
        self.current = (kind, str(self.counts[kind]))

    def part(self) -> None:
        """A panel of the float that is open, which its own caption will count: "2a"."""
        kind = _floating(self)
        self.panels += 1
        self.current = (kind, f"{self.counts.get(kind, 0) + 1}{chr(96 + min(self.panels, 26))}")

    def heading(self, level: int) -> None:
        if not 1 <= level <= 3:
            return
        self.sections[level] += 1
        self.sections[level + 1 :] = [0] * (len(self.sections) - level - 1)
        first = chr(64 + self.sections[1]) if self.appendix and 0 < self.sections[1] < 27 else str(self.sections[1])
        number = ".".join([first, *(str(n) for n in self.sections[2 : level + 1])])
        self.current = ("Appendix" if self.appendix else "Section", number)


def number_labels(tokens: Sequence[Token]) -> dict[str, tuple[str, str]]:
    """Per label its kind and number: {"tab:main": ("Table", "2")}."""
    stream = Stream(tokens)
    labels: dict[str, tuple[str, str]] = {}
    counters = _Counters()
    while stream:
        token = stream.next()
        if token.kind != "cmd":
            continue
        if token.text == "label":
            labels.setdefault(plain(stream.group()), counters.current)
        else:
            _step(token.text, stream, counters)
    return labels


def _step(name: str, stream: Stream, counters: _Counters) -> None:
    if name == "appendix":
        counters.appendix, counters.sections = True, [0] * 4
    elif name in HEADINGS:
        counters.heading(HEADINGS[name])
    elif name in {"begin", "end"}:
        environment = plain(stream.group())
        _environment(name, environment, counters)
    elif name == "caption" and any(e.startswith("sub") and e[3:] in {"figure", "table"} for e in counters.environments):
        counters.part()
    elif name in {"caption", "captionof"}:
        kind = plain(stream.group()).title() if name == "captionof" else _floating(counters)
        if kind:
            counters.count(kind)
    elif name == "\\" and counters.environments[-1:] in (["align"], ["gather"], ["eqnarray"]):
        counters.count("Eq.")


def _environment(name: str, environment: str, counters: _Counters) -> None:
    if name == "begin":
        counters.environments.append(environment)
        if environment in EQUATIONS - {"displaymath", "math"}:
            counters.count("Eq.")
    elif environment in counters.environments:
        while counters.environments.pop() != environment:
            pass


def _floating(counters: _Counters) -> str:
    names = (name.rstrip("*") for name in reversed(counters.environments))
    return next((_KINDS[name] for name in names if name in _KINDS), "")
