"""A draft as Markdown (CommonMark with pipe tables)."""

from __future__ import annotations

import re

from core.runners.scientist.writing.draft import Block, Bullets, Draft, Figure, Paragraph, Part, Parts, Reference

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
START = re.compile(r"^(\s*)(\d+(?=[.)](?:\s|$))|[-+=])")
"""What would begin a list or underline a heading at the start of a paragraph."""


def to_markdown(draft: Draft) -> str:
    """Return the manuscript as Markdown; figures are named by their files, every special character is escaped."""
    lines = [f"# {_inline(draft, draft.title)}", f"*{_inline(draft, draft.byline)}*", "## Abstract"]
    lines += [_block(draft, paragraph) for paragraph in draft.abstract]
    for section in draft.sections:
        lines.append(f"{'#' * (section.level + 1)} {escape(section.title)}")
        lines += [_block(draft, block) for block in section.blocks]
    if draft.references:
        lines.append("## References")
        lines.append("\n".join(f"{n}. {_reference(one)}" for n, one in enumerate(draft.references, 1)))
    return "\n\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Escape what Markdown would read as markup; line breaks become spaces."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()) if "\n" in text else text)


def _inline(draft: Draft, parts: Parts) -> str:
    return "".join(_part(draft, part) for part in parts)


def _line(draft: Draft, parts: Parts) -> str:
    """Parts that begin a line."""
    return START.sub(_not_a_list, _inline(draft, parts))


def _not_a_list(match: re.Match[str]) -> str:
    mark = match[2]
    return f"{match[1]}\\{mark}" if not mark.isdigit() else f"{match[1]}{mark}\\"


def _part(draft: Draft, part: Part) -> str:
    return escape(draft.label(part))


def _block(draft: Draft, block: Block) -> str:
    if isinstance(block, Paragraph):
        lead = f"**{escape(block.lead)}** " if block.lead else ""
        return f"{'> ' if block.quoted else ''}{lead}{_line(draft, block.parts)}"
    if isinstance(block, Bullets):
        return "\n".join(f"- {_line(draft, item)}" for item in block.items)
    if isinstance(block, Figure):
        caption = f"**{draft.label_of(block)}.** {_inline(draft, block.caption)}"
        return f"![{escape(block.alt)}]({block.file})\n\n{caption}"
    rows = [block.head, *block.rows]
    cells = [f"| {' | '.join(_inline(draft, cell) for cell in row)} |" for row in rows]
    numbers = len(block.head) - block.text_columns
    rule = f"|{'|'.join([' --- '] * block.text_columns + [' ---: '] * numbers)}|"
    table = "\n".join([cells[0], rule, *cells[1:]])
    caption = f"**{draft.label_of(block)}.** {_inline(draft, block.caption)}"
    note = f"\n\n{_inline(draft, block.note)}" if block.note else ""
    return f"{caption}\n\n{table}{note}"


def _reference(one: Reference) -> str:
    where = f" doi:{escape(one.doi)}" if one.doi else f" {escape(one.url)}" if one.url else ""
    return escape(one.text) + where
