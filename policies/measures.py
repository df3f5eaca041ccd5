"""The two operators that read measurements: `measured` against a threshold, and `taken`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from policies.clauses import Clause
from policies.errors import OperandError
from policies.logic import Truth, conjunction
from policies.scope import Scope
from policies.trace import TraceNode
from policies.values import number
from policies.wording import shown, words

SPOKEN_UNITS = ("dB", "%", "pixels", "pixels per frame", "grey levels", "frames", "seconds")
NO_INTERVAL = "it has no uncertainty interval, and the rule asks for its cautious end"


def evaluate_taken(clause: Clause, scope: Scope) -> TraceNode:
    """TRUE when the measure has a value; FALSE when it abstained; UNKNOWN when nobody has tried to take it.

    A measurement that is left out must not be able to count as one that abstained.
    """
    name = clause.text("name")
    title, path = words(name), f"measurements.{name}"
    taken = scope.read("measurements")
    record = scope.read(path)
    if not taken.known:
        return TraceNode(clause.op, Truth.UNKNOWN, "It is not known what was measured", path)
    if not record.known:
        return TraceNode(clause.op, Truth.UNKNOWN, f"Nobody has tried to take the measure '{title}'", path)
    value = scope.read(f"{path}.value")
    if value.known:
        number(value.value, path)
        return TraceNode(clause.op, Truth.TRUE, f"The measure '{title}' was taken", path, value.value)
    why = scope.read(f"{path}.reason")
    told = f": {shown(why.value)}" if why.known else ""
    sentence = f"the measure '{title}' was not taken{told}"
    return TraceNode(clause.op, Truth.FALSE, sentence, path, reason=clause.otherwise or sentence)


def evaluate_measured(clause: Clause, scope: Scope) -> TraceNode:
    """Compare a measurement with its limit; an absent one is UNKNOWN with the measurement's own reason.

    With `conservative: true` the worse end of the interval is compared, and without an interval the result is
    UNKNOWN. A threshold that runs against the measure's declared direction or unit is an OperandError.
    """
    name = clause.text("name")
    path, title, limit = f"measurements.{name}", words(name), limit_words(clause)
    value = scope.read(f"{path}.value")
    if not value.known:
        why = scope.read(f"{path}.reason")
        reason = shown(why.value) if why.known else "nobody has measured it"
        return _unknown(clause, path, title, limit, reason)
    _check_declaration(clause, scope, path)
    found = number(value.value, path)
    ends = _ends(clause, scope, path, found)
    if ends is None:
        return _unknown(clause, path, title, limit, NO_INTERVAL)
    result = conjunction(_truths(clause, *ends))
    unit = scope.read(f"{path}.unit")
    suffix = f" {unit.value}" if unit.value in SPOKEN_UNITS else ""
    cautious = f", with {shown(ends[0])} to {shown(ends[1])} as its interval" if ends[0] != ends[1] else ""
    sentence = f"the {title} is {shown(found)}{suffix}{cautious}, and {limit}{suffix} is asked for"
    return TraceNode(clause.op, result, sentence, path, found, limit, reason=sentence)


def limit_words(clause: Clause) -> str:
    """Write the threshold of a `measured` clause in words."""
    if "between" in clause.args:
        low, high = cast(tuple[float, float], clause.args["between"])
        return f"between {shown(low)} and {shown(high)}"
    if "at_least" in clause.args:
        return f"at least {shown(clause.args['at_least'])}"
    return f"at most {shown(clause.args['at_most'])}"


def _unknown(clause: Clause, path: str, title: str, limit: str, reason: str) -> TraceNode:
    sentence = f"the {title} is not there: {reason}"
    return TraceNode(clause.op, Truth.UNKNOWN, sentence, path, None, limit, reason=sentence)


def _check_declaration(clause: Clause, scope: Scope, path: str) -> None:
    direction, unit = scope.read(f"{path}.direction"), scope.read(f"{path}.unit")
    wrong = {"at_least": "lower_is_better", "at_most": "higher_is_better"}
    for key, opposite in wrong.items():
        if key in clause.args and direction.value == opposite:
            raise OperandError(f"{path} is better the other way round than the rule's limit supposes")
    if "unit" in clause.args and unit.known and unit.value != clause.args["unit"]:
        raise OperandError(f"{path} is given in {shown(unit.value)} and the rule asks in {clause.args['unit']}")


def _ends(clause: Clause, scope: Scope, path: str, found: float) -> tuple[float, float] | None:
    if not clause.args.get("conservative", False):
        return found, found
    record = scope.read(path).value
    low, high = (record.get("low"), record.get("high")) if isinstance(record, Mapping) else (None, None)
    if low is None or high is None:
        return None
    ends = number(low, f"{path}.low"), number(high, f"{path}.high")
    if not ends[0] <= found <= ends[1]:
        raise OperandError(f"{path} lies outside its own interval")
    return ends


def _truths(clause: Clause, low: float, high: float) -> list[Truth]:
    truths = []
    bottom, top = cast(tuple[float, float], clause.args.get("between", (None, None)))
    bottom = clause.number("at_least") if "at_least" in clause.args else bottom
    top = clause.number("at_most") if "at_most" in clause.args else top
    if bottom is not None:
        truths.append(Truth.of(low >= bottom))
    if top is not None:
        truths.append(Truth.of(high <= top))
    return truths
