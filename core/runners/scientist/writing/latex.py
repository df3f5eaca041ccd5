"""A draft as LaTeX: the article class and packages of every distribution, everything escaped."""

from __future__ import annotations

from core.runners.scientist.writing.draft import Block, Bullets, Draft, Figure, Grid, Paragraph, Parts, Reference

PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=25mm]{geometry}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{array}
\usepackage{graphicx}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt plus 2pt}
\raggedbottom
"""
ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "[": "{[}",
    "]": "{]}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "…": r"\ldots{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "²": r"$^{2}$",
    "°": r"$^{\circ}$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "β": r"$\beta$",
    "\u00a0": "~",
}

# A bracket after a line's end or an item would be read as its option, so both are escaped above.
NO_GLYPH = frozenset("ĦħĸĿŀŉŦŧſ")
"""Latin letters that the T1 fonts lack."""


def to_latex(draft: Draft) -> str:
    """Return the manuscript as a complete LaTeX document; the figures' files stand beside it."""
    lines = [
        PREAMBLE,
        f"\\title{{{_inline(draft, draft.title)}}}",
        f"\\author{{{_inline(draft, draft.byline)}}}",
        "\\date{}",
        "\\begin{document}",
        "\\maketitle",
        "\\begin{abstract}",
        *(_block(draft, paragraph) for paragraph in draft.abstract),
        "\\end{abstract}",
    ]
    for section in draft.sections:
        lines.append(f"\\{'sub' * (section.level - 1)}section{{{escape(section.title)}}}")
        lines += [_block(draft, block) for block in section.blocks]
    if draft.references:
        lines.append("\\begin{thebibliography}{99}")
        lines += [_reference(one) for one in draft.references]
        lines.append("\\end{thebibliography}")
    return "\n\n".join([*lines, "\\end{document}"]) + "\n"


def escape(text: str) -> str:
    """Escape every character that LaTeX reads as a command; letters that its fonts lack become their code."""
    return "".join(ESCAPES.get(one) or (one if _has_glyph(one) else _code(one)) for one in text)


def _has_glyph(character: str) -> bool:
    return character.isprintable() and ord(character) < 0x180 and character not in NO_GLYPH


def _code(character: str) -> str:
    return " " if character.isspace() else f"[U+{ord(character):04X}]"


def _inline(draft: Draft, parts: Parts) -> str:
    return escape(draft.words(parts))


def _block(draft: Draft, block: Block) -> str:
    if isinstance(block, Paragraph):
        lead = f"\\textbf{{{escape(block.lead)}}} " if block.lead else ""
        body = lead + _inline(draft, block.parts)
        return f"\\begin{{quote}}{body}\\end{{quote}}" if block.quoted else body
    if isinstance(block, Bullets):
        items = "\n".join(f"\\item {_inline(draft, item)}" for item in block.items)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    return _figure(draft, block) if isinstance(block, Figure) else _table(draft, block)


def _figure(draft: Draft, block: Figure) -> str:
    # The label is written out, as in the other renderings, so that "Figure 2" is the same everywhere.
    caption = f"\\textbf{{{draft.label_of(block)}.}} {_inline(draft, block.caption)}"
    return (
        "\\begin{center}\n"
        f"\\includegraphics[width={block.width:.2f}\\linewidth]{{{block.file}}}\n\n{caption}\n\\end{{center}}"
    )


def _table(draft: Draft, block: Grid) -> str:
    shares = block.widths or (1.0,) * len(block.head)
    total = sum(shares)
    room = 1 - 0.025 * len(shares)
    columns = [
        f"p{{{room * share / total:.3f}\\linewidth}}" if number < block.text_columns
        else f">{{\\raggedleft\\arraybackslash}}p{{{room * share / total:.3f}\\linewidth}}"
        for number, share in enumerate(shares)
    ]  # fmt: skip
    caption = f"\\textbf{{{draft.label_of(block)}.}} {_inline(draft, block.caption)}"
    rows = [" & ".join(_inline(draft, cell) for cell in row) + r" \\" for row in (block.head, *block.rows)]
    note = f"\n{{\\footnotesize {_inline(draft, block.note)}}}\n" if block.note else ""
    body = "\n".join(rows[1:])
    return (
        f"{caption}\n\n{{\\small\n\\begin{{longtable}}{{{''.join(columns)}}}\n\\toprule\n{rows[0]}\n\\midrule\n"
        f"\\endhead\n{body}\n\\bottomrule\n\\end{{longtable}}}}\n{note}"
    )


def _reference(one: Reference) -> str:
    where = f" doi:{escape(one.doi)}" if one.doi else f" {escape(one.url)}" if one.url else ""
    return f"\\bibitem{{{''.join(c for c in one.key if c.isalnum())}}} {escape(one.text)}{where}"
