"""Whether a colour of a LaTeX source is too pale to be seen on paper."""

from __future__ import annotations

import re


def leading_number(text: str, otherwise: float) -> float:
    """The number that a text begins with."""
    match = re.match(r"\s*(\d*\.?\d+)", text)
    return float(match[1]) if match else otherwise


def is_pale(model: str, colour: str, pale: frozenset[str]) -> bool:
    """Whether a colour is white or nearly so: by name, as a mixture ("gray!2") or by its parts."""
    if not model:
        base, *mixed = colour.replace(" ", "").split("!")
        share = leading_number(mixed[0], 100.0) if mixed else 100.0
        rest = mixed[1] if len(mixed) > 1 else "white"
        return base in pale if not mixed else (rest in pale and (share <= 4 or base in pale))
    parts = [leading_number(part, -1.0) for part in colour.split(",")]
    if model == "HTML":
        return bool(re.fullmatch(r"(?:[fF][4-9a-fA-F]){3}", colour.strip()))
    if model == "cmyk":
        return max(parts) <= 0.03
    return min(parts) >= (245 if model == "RGB" else 0.96)
