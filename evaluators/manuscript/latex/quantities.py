"""Numbers and units of siunitx as they are printed: digit groups, uncertainties in brackets, rounding, ranges, lists.

printed_number("12 345.6(12)", {}) == "12345.6 ± 1.2"
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

from evaluators.manuscript.latex.symbols import POWERS, UNITS
from evaluators.manuscript.latex.tokens import Token

_PARTS = re.compile(
    r"(?P<relation><=|>=|<<|>>|[<>=≤≥≪≫~∼≈])?(?P<sign>[+±−-])?(?P<whole>\d*)(?:[.,](?P<part>\d*))?"
    r"(?:\((?P<digits>\d+(?:\.\d+)?)\)|(?:±|\+-|\+/-)(?P<plain>\d*(?:[.,]\d+)?))?"
    r"(?:(?:[eEdD]|[×x]10\^?)(?P<power>[+−-]?\d{1,3}))?"
)
_OPTION = re.compile(r"([a-z-]+)\s*=\s*\{?\s*([\w.+-]*)")
_PREFIXES = {"milli", "micro", "kilo", "nano", "mega", "giga", "tera", "pico", "centi", "deci", "hecto", "per"}
LONGEST = 100
"""Characters of one number; siunitx itself takes no more that anybody prints."""
MOST_PLACES = 30


class Form(NamedTuple):
    """A command of siunitx: how many arguments are numbers, whether a unit follows, and how they are joined."""

    numbers: int
    unit: bool
    kind: str = ""


QUANTITIES = {
    **dict.fromkeys(("num", "tablenum", "ang"), Form(1, False)),
    **dict.fromkeys(("SI", "qty"), Form(1, True)),
    **dict.fromkeys(("unit", "si"), Form(0, True)),
    "numrange": Form(2, False),
    **dict.fromkeys(("SIrange", "qtyrange"), Form(2, True)),
    "numlist": Form(1, False, "list"),
    **dict.fromkeys(("SIlist", "qtylist"), Form(1, True, "list")),
    "numproduct": Form(1, False, "product"),
    "qtyproduct": Form(1, True, "product"),
}
"""The commands by name."""


def options(written: str) -> dict[str, str]:
    """The options of a siunitx command or of an S column by name."""
    return dict(_OPTION.findall(written[:2000]))


def printed_number(written: str, settings: Mapping[str, str]) -> str:
    """What \\num prints of `written`; text that is no number comes back as it is."""
    compact = re.sub(r"\s", "", written)
    match = _PARTS.fullmatch(compact) if len(compact) <= LONGEST else None
    if match is None or not (match["whole"] or match["part"]):
        return written
    part = match["part"] or ""
    value = Decimal(f"{match['whole'] or '0'}.{part or '0'}") if part else Decimal(match["whole"])
    spread = _spread(match["digits"], match["plain"], len(part))
    value, spread = _rounded(value, spread, settings)
    power = (match["power"] or "").replace("−", "-")
    if power and spread is not None:
        value, spread, power = value.scaleb(int(power)), spread.scaleb(int(power)), ""
    sign = (match["sign"] or "").replace("−", "-")
    told = f"{match['relation'] or ''}{sign}{value:f}"
    return told + (f"e{power}" if power else "") + (f" ± {spread:f}" if spread is not None else "")


def _spread(digits: str | None, plain: str | None, places: int) -> Decimal | None:
    """The uncertainty: digits in brackets count from the last place, unless they have a point of their own."""
    try:
        if digits:
            return Decimal(digits) if "." in digits else Decimal(digits).scaleb(-places)
        return Decimal(plain.replace(",", ".")) if plain else None
    except InvalidOperation:
        return None


def _rounded(value: Decimal, spread: Decimal | None, settings: Mapping[str, str]) -> tuple[Decimal, Decimal | None]:
    mode, precision = settings.get("round-mode", "none"), settings.get("round-precision", "2")
    if mode not in ("places", "figures") or not re.fullmatch(r"\d{1,2}", precision) or int(precision) > MOST_PLACES:
        return value, spread
    places = int(precision) if mode == "places" else int(precision) - 1 - value.adjusted() if value else 0
    if places < 0 or places > MOST_PLACES:
        return value, spread
    step = Decimal(1).scaleb(-places)
    rounded = value.quantize(step, ROUND_HALF_UP)
    return rounded, None if spread is None else spread.quantize(step, ROUND_HALF_UP)


def printed_quantity(form: Form, numbers: Sequence[str], unit: str, settings: Mapping[str, str]) -> str:
    """What a command prints of its numbers: a range, a list with the unit behind each, or factors."""
    if form.kind == "list":
        return ", ".join(printed_number(one, settings) + unit for one in numbers[0].split(";"))
    if form.kind == "product":
        return " × ".join(printed_number(one, settings) for one in re.split(r"\s*[x×]\s*", numbers[0])) + unit
    return "–".join(printed_number(one, settings) for one in numbers) + unit


def printed_unit(tokens: Sequence[Token]) -> str:
    """A unit with what stands between it and the number: nothing before a percent sign, else a blank."""
    told, wait = "", ""
    for token in tokens:
        if token.kind not in {"cmd", "text", "^"}:
            continue
        if token.text in ("square", "cubic"):
            wait = POWERS[token.text]
            continue
        text = UNITS.get(token.text, token.text)
        told += text.replace(".", "·") if token.kind == "text" else text
        if wait and token.text not in _PREFIXES:
            told, wait = told + wait, ""
    return told if told in ("", "%", "°") else f" {told}"
