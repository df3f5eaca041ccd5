"""Tables of facts that the rules look things up in: well-known papers, tortured phrases, left-over phrases."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """The lines of `name`.tsv as tuples of their tab-separated fields; lines that begin with # are remarks."""
    text = (files(__package__) / f"{name}.tsv").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return tuple(tuple(field.strip() for field in line.split("\t")) for line in lines)
