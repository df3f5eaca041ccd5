"""Where each number of a manuscript comes from, as a record that a program can follow."""

from __future__ import annotations

from collections.abc import Mapping

from core.runners.scientist.writing.draft import Draft, Num, Transform, Untraced
from core.runners.scientist.writing.sources import resolve

SCHEMA = "greenlight.provenance/1"


def provenance(draft: Draft) -> dict[str, object]:
    """Return every number that the manuscript states with its place, value and source, in the order of reading.

    `untraced` lists numbers without a source, with their place; it is empty for a manuscript that a program wrote.
    """
    numbers: list[dict[str, object]] = []
    untraced: list[dict[str, object]] = []
    for where, parts in draft.placed():
        for part in parts:
            if isinstance(part, Num):
                numbers.append(_entry(len(numbers) + 1, part, where))
            elif isinstance(part, Untraced):
                untraced.append({"text": part.text, "where": where})
    return {"schema": SCHEMA, "numbers": numbers, "untraced": untraced}


def _entry(number: int, part: Num, where: dict[str, object]) -> dict[str, object]:
    return {
        "id": f"n{number}",
        "text": part.text,
        "value": part.value,
        "decimals": part.decimals,
        "unit": part.unit,
        "where": where,
        "role": part.role,
        "pointer": part.pointer,
        "transform": part.transform.value,
    }


def unresolved(record: Mapping[str, object], outputs: Mapping[str, object]) -> list[str]:
    """Follow every pointer of a provenance record; return the ids whose source does not give the printed text.

    `outputs` are the recorded documents by role, as plain values.
    """
    numbers = record.get("numbers")
    entries = [entry for entry in numbers if isinstance(entry, dict)] if isinstance(numbers, list) else []
    return [str(entry["id"]) for entry in entries if not _follows(entry, outputs)]


def _follows(entry: Mapping[str, object], outputs: Mapping[str, object]) -> bool:
    try:
        value = resolve(outputs[str(entry["role"])], str(entry["pointer"]))
        if entry["transform"] == Transform.VERBATIM:
            return isinstance(value, str) and str(entry["text"]) in value
        if not isinstance(value, int | float):
            return False
        decimals = int(str(entry["decimals"]))
        return Num(value, "/", decimals, transform=Transform(str(entry["transform"]))).text == entry["text"]
    except (KeyError, ValueError):
        return False
