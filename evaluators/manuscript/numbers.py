"""Numbers in running text and in table cells: value, decimals, sign, unit, uncertainty, relation and role.

    find_numbers("AUC 0.91 ± 0.02 (95% CI 0.87-0.95), p < .05")

Numbers that state no quantity (years, citations, labels, parts of names) are kept with a role that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from evaluators.manuscript.document import Number
from evaluators.manuscript.roles import Spot, protected_spans, role_of

MINUS = "-−–﹣－‐‑"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_NUMBER = re.compile(
    r"(?P<digits>\d{1,3}(?:[,\u2009\u202f\u00a0]\d{3})+(?![\d,])(?:\.\d+)?|0,\d+(?![\d,.]\d)"
    r"|(?<![\d,.])\d{1,3},\d{1,2}(?=\s?[%±])|(?<=±)\d{1,3},\d{1,2}(?![\d,])|(?<=±\s)\d{1,3},\d{1,2}(?![\d,])"
    r"|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<power>[eE][+{MINUS}]?\d{{1,3}}(?!\w|\.\d)"
    rf"|\s?[×x·*⋅]\s?10\s?(?:\^\s?\{{?\s?[+{MINUS}]?\s?\d{{1,3}}\}}?|[⁻⁺]?[⁰¹²³⁴-⁹]+|[{MINUS}]\d{{1,2}}(?!\w|\.\d)))?"
)
_TEN = re.compile(rf"10(?:\^\{{?\s?[+{MINUS}]?\s?\d{{1,3}}\}}?|[⁻⁺]?[⁰¹²³⁴-⁹]+)")
_SPACED_UNITS = (
    r"per\s?cent(?:age)?[- ](?:points?|pts?)|percent(?:age)?|per\s?cent|pp\b|p\.p\.|"
    r"tokens/s(?:ec)?|frames/s|images/s|samples/s|it/s|fps|"
    r"m[gs]/d[lL]|mmol/L|mmol/mol|mol/L|µmol/L|μmol/L|ng/mL|pg/mL|µg/mL|μg/mL|mg/kg|g/dL|g/L|"
    r"kg/m2|kg/m²|kg/m\^2|mL/min|mmHg|mm Hg|"
    r"milliseconds?|microseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|"
    r"ms|µs|μs|ns|s|min|h|nm|µm|μm|mm|cm|km|m|kg|mg|µg|μg|ng|g|mL|µL|μL|dL|L|kHz|MHz|GHz|Hz|bpm|dB|kV|mV|V|mA|"
    r"GFLOPs|GFLOPS|TFLOPs|FLOPs|KB|MB|GB|TB|kB|GiB|MiB|kPa|Pa|°C|°|K\b(?<=\dK)|million|billion|thousand"
)
_UNIT = re.compile(
    r"\s?%[-\s]?(?:points?|pts?)\b(?!\s(?:to|towards?|at|out)\b)|%|\s%|[kKMBG](?![\w])|[×x](?![\w\s]*\d)(?!\w)"
    rf"|-?fold\b|[-\s]?(?:{_SPACED_UNITS})(?![\w/])"
)
_PLUS_MINUS = re.compile(r"\s*[_^]?\{?\s*(?:±|\+/[-−]|\+[-−](?=\s?[\d.]))\s*")
_SPREAD = re.compile(r"\s*[(\[]\s*(?:(?:SD|SE|SEM|s\.d\.|s\.e\.|std\.?|stderr|σ)\s*[:=]?\s*)", re.IGNORECASE)
_BRACKET = re.compile(r"\s*\(\s*")
_SUBSCRIPT = re.compile(r"_\{?\s*")
_IN_CELLS = ((_BRACKET, True), (_SUBSCRIPT, False))
"""What leads a deviation in a table's cell, and whether a bracket closes it."""
_CLOSES = re.compile(r"\s*[)\]]")
_RELATION_SIGN = re.compile(r"(<=|>=|[=<>≤≥≈~∼≃≲≳])\s*[($]*\s*$")
_RELATION_WORD = re.compile(
    r"\b(less than|fewer than|lower than|below|more than|greater than|higher than|above|exceeding|exceeds"
    r"|at least|at most|up to|approximately|approx\.|about|around|roughly|nearly|almost|circa|ca\.)\s+$",
    re.IGNORECASE,
)
_SIGN_RELATIONS = {"≤": "<=", "≥": ">=", "≈": "~", "∼": "~", "≃": "~", "≲": "<=", "≳": ">="}
_WORD_RELATIONS = {
    **dict.fromkeys(("less than", "fewer than", "lower than", "below"), "<"),
    **dict.fromkeys(("more than", "greater than", "higher than", "above", "exceeding", "exceeds"), ">"),
    "at least": ">=",
    "at most": "<=",
    "up to": "<=",
}
_UNIT_NAMES = {"percent": "%", "percentage": "%", "percent age": "%", "per cent": "%", "p.p.": "pp", "fold": "fold"}
_CONTEXT = 80
"""Characters looked at on either side of a number: enough for "with a statistical significance level of"."""
_LONGEST = 400
"""A longer run of digits is no number of a paper; it is passed over."""


@dataclass(frozen=True)
class _Raw:
    """A number before its role is told: what `_NUMBER` matched with sign and unit. `stop` is behind the unit."""

    start: int
    end: int
    stop: int
    value: float
    decimals: int
    unit: str
    sign: str


def find_numbers(text: str, *, cell: bool = False, sentence: bool = True) -> tuple[Number, ...]:
    """Every number of `text` in order, none overlapping; deviations are inside the number they belong to.

    In a table's `cell` a bracketed number behind a value is its deviation. Where `sentence` is false, a leading "1."
    is no list mark.
    """
    spans = protected_spans(text)
    found: list[Number] = []
    at = 0
    while (raw := _next(text, at)) is not None:
        number, at = _with_uncertainty(text, raw, cell)
        found.append(replace(number, role=role_of(_spot(text, raw, number, found, cell, sentence), spans)))
    return tuple(_as_ranges(text, found))


def _next(text: str, at: int) -> _Raw | None:
    while (
        match := (_TEN.match(text, at) if text.startswith("10", at) else None) or _NUMBER.search(text, at)
    ) is not None:
        ten = _TEN.match(text, match.start())
        match = ten or match
        raw = _read(text, match.start(), match.end())
        if raw is not None:
            return raw
        at = match.end()
    return None


def _read(text: str, start: int, end: int) -> _Raw | None:
    if end - start > _LONGEST:
        return None
    try:
        value = _decimal(text[start:end])
    except InvalidOperation:
        return None
    exponent = value.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    sign = _sign(text, start)
    unit, stop = _unit(text, end)
    number = float(value) if sign != "-" else -float(value)
    return _Raw(start - len(sign), end, stop, number, decimals, unit, sign)


def _decimal(written: str) -> Decimal:
    plain = re.sub(r"[\s{}^\u2009\u202f\u00a0]", "", written.translate(_SUPERSCRIPTS))
    plain = re.sub(f"[{MINUS}]", "-", plain)
    if _TEN.fullmatch(written):
        return Decimal("1e" + plain[2:])
    mantissa, _, power = re.sub(r"[×x·*⋅]10", "e", plain).replace("E", "e").partition("e")
    mantissa = (
        mantissa.replace(",", ".") if re.fullmatch(r"0,\d+|\d{1,3},\d{1,2}", mantissa) else mantissa.replace(",", "")
    )
    return Decimal(mantissa + (f"e{power}" if power else ""))


def _sign(text: str, start: int) -> str:
    """The sign in front of `start`: a dash behind a letter, digit or bracket is a hyphen or a range."""
    before = text[start - 1] if start else ""
    if before not in {*MINUS, "+"} or before == "":
        return ""
    earlier = text[start - 2] if start > 1 else ""
    if earlier and (earlier.isalnum() or earlier in ")]}%'’/" or (before in "-+" and earlier in "/+")):
        return ""
    # "0.81 – 0.92" has its dash apart from the second number; "0.81 -0.92" is a list with a negative number.
    return "+" if before == "+" else "-"


def _unit(text: str, end: int) -> tuple[str, int]:
    match = _UNIT.match(text, end)
    if match is None:
        return "", end
    written = match[0].strip(" -").replace("\u00a0", "")
    name = " ".join(written.lower().replace("-", " ").split())
    if re.search(r"(%|cent|age) ?(points?|pts?)$", name):
        return "pp", match.end()
    return _UNIT_NAMES.get(name, written), match.end()


def _number(text: str, raw: _Raw) -> Number:
    start = raw.start
    return Number(text[start : raw.end], raw.value, raw.decimals, raw.unit, start, raw.end, raw.sign)


def _with_uncertainty(text: str, raw: _Raw, cell: bool) -> tuple[Number, int]:
    """The number with what follows ± or stands in brackets, and where to go on."""
    number = replace(_number(text, raw), relation=_relation(text, raw.start))
    for lead, closed in ((_PLUS_MINUS, False), (_SPREAD, True), *(_IN_CELLS if cell else ())):
        mark = lead.match(text, raw.stop)
        spread = _starting_at(text, mark.end()) if mark else None
        if mark is None or spread is None:
            continue
        if lead in (_BRACKET, _SUBSCRIPT) and not _is_deviation(number, spread):
            continue
        if closed and not _CLOSES.match(text, spread.stop):
            continue
        unit = number.unit or (spread.unit if lead is _PLUS_MINUS else "")
        return replace(number, unit=unit, uncertainty=_number(text, spread)), spread.stop
    return number, raw.stop


def _starting_at(text: str, at: int) -> _Raw | None:
    match = _NUMBER.match(text, at)
    return _read(text, match.start(), match.end()) if match else None


def _is_deviation(number: Number, spread: _Raw) -> bool:
    """Whether a bare bracket in a cell is a deviation: "0.91 (0.02)" is, "120 (45%)" and "12 (5)" are not."""
    same = number.decimals > 0 and spread.decimals > 0 and abs(number.decimals - spread.decimals) <= 1
    return same and spread.unit in {"", number.unit} and abs(spread.value) < max(abs(number.value), 1e-300)


def _relation(text: str, start: int) -> str:
    before = text[max(0, start - _CONTEXT) : start]
    if sign := _RELATION_SIGN.search(before):
        return _SIGN_RELATIONS.get(sign[1], "~" if sign[1] == "~" else sign[1])
    if word := _RELATION_WORD.search(before):
        return _WORD_RELATIONS.get(word[1].lower(), "~")
    return ""


def _spot(text: str, raw: _Raw, number: Number, found: list[Number], cell: bool, sentence: bool) -> Spot:
    before = text[max(0, number.start - _CONTEXT) : number.start]
    after = text[raw.stop : raw.stop + _CONTEXT]
    tail = text[number.end : number.end + _CONTEXT]
    previous = found[-1] if found else None
    gap = text[previous.end : number.start] if previous else None
    return Spot(number, before, after, tail, previous, gap, cell=cell, opens=sentence and number.start == 0)


_RANGE_DASH = re.compile(rf"\s?(?:%|[a-zµ]{{1,3}})?\s?(?:[{MINUS}—]|--)\s?")
_BRACKETED_PAIR = re.compile(rf"\s*%?\s*(?:,|;|to|[{MINUS}—]|--)\s*")
_INTERVAL_WORD = re.compile(r"(?:\bC[Ii]s?|\binterval|\bI\.?Q\.?R\.?|\brang(?:e|ing)(?: (?:of|from))?)\W*$")


def _as_ranges(text: str, found: list[Number]) -> Iterator[Number]:
    """Give the two ends of a range or interval their roles."""
    low = False
    for index, number in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else None
        if low:
            low = False
            yield replace(number, role="high") if number.role == "" else number
        elif following is not None and number.role == following.role == "" and _spans(text, number, following):
            low = True
            yield replace(number, role="low")
        else:
            yield number


def _spans(text: str, low: Number, high: Number) -> bool:
    if low.value > high.value or low.uncertainty is not None:
        return False
    gap = text[low.end : high.start]
    before = text[max(0, low.start - 40) : low.start]
    if _RANGE_DASH.fullmatch(gap):
        return True
    in_brackets = before.rstrip()[-1:] in {"[", "("} and text[high.end : high.end + 3].lstrip("% ")[:1] in {"]", ")"}
    told = _INTERVAL_WORD.search(before) is not None
    return (in_brackets or told) and _BRACKETED_PAIR.fullmatch(gap) is not None
