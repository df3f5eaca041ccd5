"""The references of a LaTeX source: .bib files, files held in the source, printed entries (\\bibitem, .bbl)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluators.manuscript.citations import parse_reference
from evaluators.manuscript.document import Place, Reference
from evaluators.manuscript.latex.bibtex import references_of
from evaluators.manuscript.latex.files import Folder
from evaluators.manuscript.latex.render import Names, render
from evaluators.manuscript.latex.tokens import Stream, Token, plain, tokenise

SECTION = "References"


def read_bibliography(
    folder: Folder, named: Sequence[str], lines: Mapping[str, int], notes: list[str]
) -> list[Reference]:
    """The entries of the named bibliographies; what the source holds itself comes first, a key counts once per file."""
    found: list[Reference] = []
    for name in dict.fromkeys(named):
        known = {reference.key for reference in found}
        for text, line in _texts(folder, name, lines):
            entries = references_of(text, place=Place(SECTION), first_line=line)
            found += [entry for entry in entries if entry.key not in known]
            known = {reference.key for reference in found}
    if found or not named:
        return found
    printed = [path for path in folder.base.glob("*.bbl") if folder.find(path.name, ())]
    for path in sorted(printed)[:1]:
        tokens, _ = tokenise(folder.text(path.name, ()) or "")
        return [replace(reference, place=Place(SECTION)) for reference in printed_entries(tokens, Names())]
    notes.append(
        f"The bibliography {', '.join(named)[:80]!r} was not found beside the source, so no reference was read."
    )
    return found


def _texts(folder: Folder, name: str, lines: Mapping[str, int]) -> list[tuple[str, int | None]]:
    texts: list[tuple[str, int | None]] = []
    for ending in ("", ".bib"):
        if name + ending in folder.held:
            texts.append((folder.held[name + ending], lines.get(name + ending)))
    path = folder.find(name, (".bib",))
    if path is not None and path.name not in folder.held:
        text = folder.text(name, (".bib",))
        texts += [(text, None)] if text is not None else []
    return texts


def printed_entries(tokens: Sequence[Token], names: Names) -> list[Reference]:
    """The entries of a thebibliography environment."""
    entries: list[tuple[str, int, list[Token]]] = []
    stream = Stream(tokens)
    while stream:
        token = stream.next()
        if token.kind == "cmd" and token.text == "bibitem":
            stream.option()
            entries.append((plain(stream.group()), token.line, []))
        elif entries and not (token.kind == "cmd" and token.text in {"newblock", "end", "begin"}):
            entries[-1][2].append(token)
    return [parse_reference(key, render(body, names).text, Place(SECTION, None, line)) for key, line, body in entries]
