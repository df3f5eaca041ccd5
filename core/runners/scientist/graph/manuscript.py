"""The manuscript: the writer's words with their numbers traced, and the parts that no model writes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

from core.runners.scientist.graph.brief import Brief
from core.runners.scientist.graph.ledger import Ledger
from core.runners.scientist.graph.rules import number_at
from core.runners.scientist.graph.state import Record, State
from core.runners.scientist.graph.wording import Recorded, citations, parts, recorded
from core.runners.scientist.writing import (
    Draft,
    Figure,
    Grid,
    Name,
    Paragraph,
    Part,
    Section,
    Source,
    para,
)
from core.runners.scientist.writing.draft import Block

MOST_FIGURES, LARGEST_SIDE, LARGEST_PNG = 8, 4000, 8 << 20
DECIMALS = 4
CHAPTERS = ("Introduction", "Methods", "Results", "Discussion", "Limitations")


def texts(text: Mapping[str, object]) -> list[str]:
    """Every text of a writer's answer, in the order of reading."""
    chapters: list[Record] = list(text["chapters"])  # type: ignore[call-overload]
    abstract: list[str] = list(text["abstract"])  # type: ignore[call-overload]
    return [str(text["title"]), *abstract, *(line for chapter in chapters for line in chapter["paragraphs"])]


def prose(text: Mapping[str, object], sources: Recorded) -> str:
    """The writer's words as they will be read, a paragraph a line, without citations."""
    plain = Draft((), (), (), ())
    return "\n".join(plain.words(parts(line, sources, ())) for line in texts(text))


def compose(brief: Brief, ledger: Ledger, state: State, models: Sequence[str]) -> Draft:
    """Put the whole manuscript together from a finished state."""
    text, execution, cited = state["text"], state["execution"], state["cited"]
    sources = recorded(execution["results"], brief.protocol.raw)
    sections = [
        Section(heading, tuple(Paragraph(parts(line, sources, cited)) for line in lines))
        for heading in CHAPTERS
        if (
            lines := [
                line for chapter in text["chapters"] if chapter["heading"] == heading for line in chapter["paragraphs"]
            ]
        )
    ]
    place = next((n for n, section in enumerate(sections) if section.title == "Results"), len(sections) - 1)
    sections.insert(place + 1, Section("Recorded numbers", tuple(_evidence(state, ledger, sources))))
    sections += [_rights(brief, sources.protocol), _making(state, models)]
    return Draft(
        parts(text["title"], sources, ()),
        ("Written by language models from recorded results. No author has attested it yet.",),
        tuple(Paragraph(parts(line, sources, cited)) for line in text["abstract"]),
        tuple(sections),
        tuple(brief.references[key].reference for key in cited),
        brief.protocol.protocol.title,
    )


def cited_keys(text: Mapping[str, object], known: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """The keys that a text cites: those that were given, and those that were not."""
    found = citations(texts(text))
    return [key for key in found if key in known], [key for key in found if key not in known]


def _evidence(state: State, ledger: Ledger, sources: Recorded) -> list[Block]:
    """The table of planned numbers, and the figures that the program drew."""
    rows: list[tuple[tuple[Part, ...], ...]] = []
    for wanted in state["planned"]["results"]:
        value = number_at(sources.results.document, wanted["pointer"])  # type: ignore[arg-type]
        if value is not None:
            whole = float(value).is_integer() and abs(value) < 1e12
            number = sources.results.num(wanted["pointer"], 0 if whole else DECIMALS)
            rows.append((_named(wanted["meaning"]), (Name(wanted["pointer"]),), (number,)))
    head: tuple[tuple[Part, ...], ...] = (("Quantity",), ("Recorded at",), ("Value",))
    blocks: list[Block] = [
        Grid("planned", ("Every number that was planned beforehand.",), head, tuple(rows), (), (3, 2, 1))
    ]
    for name, data in figures(state, ledger).items():
        blocks.append(
            Figure(
                name,
                ("Drawn by the study's program.",),
                f"figure_{name}.png",
                data,
                "a figure that the study's program drew",
            )
        )
    return blocks


def figures(state: State, ledger: Ledger) -> dict[str, bytes]:
    """The PNG files of the executed program, drawn anew from their pixels; what is no sound picture is left out."""
    found: dict[str, bytes] = {}
    for path, digest in state["execution"]["files"].items():
        name = re.sub(r"[^a-z0-9_]+", "_", path.lower().removesuffix(".png")).strip("_")[:30]
        wanted = path.lower().endswith(".png") and name and name not in found and len(found) < MOST_FIGURES
        data = _redrawn(ledger.file(digest)) if wanted else None
        if data is not None:
            found[name] = data
    return found


def _redrawn(data: bytes) -> bytes | None:
    from PIL import Image

    if len(data) > LARGEST_PNG:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if max(picture.size) > LARGEST_SIDE:
                return None
            drawn = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


def _rights(brief: Brief, protocol: Source) -> Section:
    """Data, rights and consent, quoted from the cards."""
    blocks: list[Block] = []
    for number, card in enumerate(brief.protocol.protocol.datasets):
        place = f"/datasets/{number}"
        for lead, where in (
            ("Data.", f"{place}/description"),
            ("Licence.", f"{place}/rights/licence"),
            ("De-identification.", f"{place}/deidentification/detail"),
            ("Consent.", f"{place}/consent/detail"),
        ):
            blocks.append(Paragraph((Name(card.name), ": ", *protocol.quote(where)), lead))
    if brief.protocol.protocol.ethics:
        blocks.append(Paragraph(protocol.quote("/ethics"), "Ethics."))
    return Section("Data rights and ethics", tuple(blocks))


def _making(state: State, models: Sequence[str]) -> Section:
    """How this came about, in words that are no model's."""
    used: list[Part] = []
    for model in models:
        used += [*([", "] if used else []), Name(model)]
    told = para(
        "The idea, the program and the words were written by language models (", *used, "). A program of fixed rules "
        "decided which of them counted, ran the code without a network, and traced every number to what the code "
        "recorded. No language model is an author.",
    )  # fmt: skip
    kept = para("What was cut, taken out or sent back on the way is noted in the study's record.")
    return Section("How this manuscript was made", (told, kept) if state.get("notes") else (told,))


def _named(text: str) -> tuple[Part, ...]:
    """Words that are nobody's result; those with digits are names."""
    pieces = [piece for piece in re.split(r"(\S*\d\S*)", text) if piece]
    return tuple(Name(piece) if re.search(r"\d", piece) else piece for piece in pieces)
