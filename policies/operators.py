"""What each operator of the closed table means; each evaluation returns its trace.

Every operator is three-valued: what is missing makes it UNKNOWN, and a fact of the wrong kind raises
`OperandError`. Three operators read a record as closed: `recorded` (null means that it did not happen),
the far end of `within_window` (null means open) and `taken` (a measurement that is not there was not taken).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

from policies import moments
from policies.clauses import Clause
from policies.errors import OperandError
from policies.logic import Truth, conjunction, disjunction, negation
from policies.measures import evaluate_measured, evaluate_taken
from policies.scope import Reading, Scope, label
from policies.trace import TraceNode
from policies.values import number, same, scalars
from policies.wording import brief, listing, phrase, shown, words

Evaluate = Callable[[Clause, Scope], TraceNode]


def evaluate(clause: Clause, scope: Scope) -> TraceNode:
    """Evaluate a clause against the facts in scope."""
    return OPERATORS[clause.op](clause, scope)


def _leaf(clause: Clause, reading: Reading, result: Truth, limit: str) -> TraceNode:
    subject = phrase(reading.path)
    if result is Truth.UNKNOWN:
        sentence = f"It is not known {subject}" if not reading.known else f"It cannot be told {subject}"
    else:
        sentence = f"On {subject} the record says {shown(reading.value)}; asked for: {limit}"
    return TraceNode(
        clause.op, result, sentence, reading.path, brief(reading.value), limit, reason=_otherwise(clause, result)
    )


def _otherwise(clause: Clause, result: Truth) -> str | None:
    return clause.otherwise if result is Truth.FALSE else None


def _group(clause: Clause, result: Truth, sentence: str, children: tuple[TraceNode, ...]) -> TraceNode:
    return TraceNode(clause.op, result, sentence, children=children, reason=_otherwise(clause, result))


def _missing(clause: Clause, *readings: Reading) -> TraceNode | None:
    for reading in readings:
        if not reading.known:
            return _leaf(clause, reading, Truth.UNKNOWN, "a known value")
    return None


def _always(clause: Clause, _scope: Scope) -> TraceNode:
    result = Truth.of(bool(clause.args["holds"]))
    return _group(clause, result, "This applies always" if result is Truth.TRUE else "This never applies", ())


def _all(clause: Clause, scope: Scope) -> TraceNode:
    children = tuple(evaluate(part, scope) for part in clause.parts)
    return _group(clause, conjunction(child.result for child in children), "All of these hold", children)


def _any(clause: Clause, scope: Scope) -> TraceNode:
    children = tuple(evaluate(part, scope) for part in clause.parts)
    return _group(clause, disjunction(child.result for child in children), "At least one of these holds", children)


def _not(clause: Clause, scope: Scope) -> TraceNode:
    child = evaluate(clause.sub("of"), scope)
    return _group(clause, negation(child.result), "This does not hold", (child,))


def _exists(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    return _leaf(clause, reading, Truth.TRUE if reading.known else Truth.UNKNOWN, "any known value")


def _recorded(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    if reading.known:
        return _leaf(clause, reading, Truth.TRUE, "an entry")
    if reading.null:
        sentence = f"On {phrase(reading.path)} the record says none"
        reason = _otherwise(clause, Truth.FALSE)
        return TraceNode(clause.op, Truth.FALSE, sentence, reading.path, None, "an entry", reason=reason)
    return _leaf(clause, reading, Truth.UNKNOWN, "an entry")


def _eq(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    if "other" in clause.args:
        other = scope.read(clause.text("other"))
        limit, wanted = f"the same as {phrase(other.path)}", other.value
    else:
        other, wanted = reading, clause.args["value"]
        limit = shown(wanted)
    missing = _missing(clause, reading, other)
    return missing or _leaf(clause, reading, Truth.of(same(reading.value, wanted, reading.path)), limit)


def _in(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    if "values" in clause.args:
        options, among = cast(tuple[object, ...], clause.args["values"]), reading
    else:
        among = scope.read(clause.text("among"))
        options = scalars(among) if among.known else ()
    missing = _missing(clause, reading, among)
    if missing:
        return missing
    result = Truth.of(any(same(reading.value, option, reading.path) for option in options))
    return _leaf(clause, reading, result, listing((shown(option) for option in options), "or") or "nothing")


def _subset(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    if "values" in clause.args:
        whole, other = cast(tuple[object, ...], clause.args["values"]), reading
    else:
        other = scope.read(clause.text("of"))
        whole = scalars(other) if other.known else ()
    missing = _missing(clause, reading, other)
    if missing:
        return missing
    held = all(any(same(item, option, reading.path) for option in whole) for item in scalars(reading))
    return _leaf(clause, reading, Truth.of(held), f"only {listing(shown(item) for item in whole)}")


def _compare(clause: Clause, scope: Scope, sign: int, limit: str) -> TraceNode:
    reading = scope.read(clause.text("path"))
    other = scope.read(clause.text("other")) if "other" in clause.args else reading
    missing = _missing(clause, reading, other)
    if missing:
        return missing
    bound = number(other.value, other.path) if "other" in clause.args else clause.number("value")
    result = Truth.of(sign * number(reading.value, reading.path) >= sign * bound)
    return _leaf(clause, reading, result, f"{limit} {shown(bound)}")


def _gte(clause: Clause, scope: Scope) -> TraceNode:
    return _compare(clause, scope, 1, "at least")


def _lte(clause: Clause, scope: Scope) -> TraceNode:
    return _compare(clause, scope, -1, "at most")


def _before(clause: Clause, scope: Scope) -> TraceNode:
    reading, than = scope.read(clause.text("path")), scope.read(clause.text("than"))
    missing = _missing(clause, reading, than)
    if missing:
        return missing
    first, second = moments.parse(reading.value, reading.path), moments.parse(than.value, than.path)
    least, greatest = moments.gap(first, second)
    truths = [moments.at_least(least, greatest, 3600 * float(cast(float, clause.args.get("at_least_hours", 0))))]
    limit = f"not after {phrase(than.path)}"
    if "at_least_hours" in clause.args:
        limit = f"at least {shown(clause.args['at_least_hours'])} hours before {phrase(than.path)}"
    if "at_most_minutes" in clause.args:
        minutes = clause.number("at_most_minutes")
        truths.append(moments.at_least(-greatest, -least, -60 * minutes))
        limit += f" and within {shown(minutes)} minutes of it"
    return _leaf(clause, reading, conjunction(truths), limit)


def _within_window(clause: Clause, scope: Scope) -> TraceNode:
    reading, start = scope.read(clause.text("path")), scope.read(clause.text("from"))
    end = scope.read(clause.text("to"))
    missing = _missing(clause, reading, start)
    if missing:
        return missing
    moment, opening = moments.parse(reading.value, reading.path), moments.parse(start.value, start.path)
    started = moments.at_least(*moments.gap(moments.Span(opening.earliest, opening.earliest), moment), 0)
    if not end.known:
        ended = Truth.TRUE if end.null else Truth.UNKNOWN
        shown_end = "open" if end.null else "not known"
    else:
        closing = moments.parse(end.value, end.path).latest
        ended = moments.at_least(*moments.gap(moment, moments.Span(closing, closing)), 0)
        shown_end = shown(end.value)
    result = conjunction((started, ended))
    blamed = end if result is Truth.UNKNOWN and not end.known else reading
    return _leaf(clause, blamed, result, f"from {shown(start.value)} to {shown_end}")


def _attested_by(clause: Clause, scope: Scope) -> TraceNode:
    entries, kind = scope.entries("attestations"), clause.text("kind")
    roles = cast(tuple[str, ...], clause.args.get("roles", ()))
    limit = f"a signed determination '{words(kind)}'"
    if roles:
        limit += f" by the {listing((words(role) for role in roles), 'or')}"
    if entries is None:
        return _leaf(clause, scope.read("attestations"), Truth.UNKNOWN, limit)
    result = disjunction(_attests(entry, kind, roles, scope) for entry in entries)
    found = "There is" if result is Truth.TRUE else "There is not"
    if result is Truth.UNKNOWN:
        found = "It cannot be told whether there is"
    return TraceNode(
        clause.op,
        result,
        f"{found} {limit}",
        "attestations",
        {"entries": len(entries)},
        limit,
        reason=_otherwise(clause, result),
    )


def _attests(entry: object, kind: str, roles: tuple[str, ...], scope: Scope) -> Truth:
    one = scope.bind("attestation", entry, "attestations")
    truths = [_known_equal(one.read("attestation.kind"), (kind,))]
    if roles:
        truths.append(_known_equal(one.read("attestation.role"), roles))
    made, now = one.read("attestation.at"), one.read("at")
    if made.known and now.known:
        gap = moments.gap(moments.parse(made.value, made.path), moments.parse(now.value, now.path))
        truths.append(moments.at_least(*gap, 0))
    else:
        truths.append(Truth.UNKNOWN)
    truths.append(Truth.TRUE if one.read("attestation.by").known else Truth.UNKNOWN)
    return conjunction(truths)


def _known_equal(reading: Reading, options: tuple[str, ...]) -> Truth:
    if not reading.known:
        return Truth.UNKNOWN
    return Truth.of(any(same(reading.value, option, reading.path) for option in options))


def _paid_at_least(clause: Clause, scope: Scope) -> TraceNode:
    reading = scope.read(clause.text("path"))
    other = scope.read(clause.text("other")) if "other" in clause.args else reading
    missing = _missing(clause, reading, other)
    if missing:
        return missing
    owed = other.value if "other" in clause.args else clause.args
    paid, currency = _money(reading.value, reading.path)
    due, due_currency = _money(owed, other.path)
    if currency != due_currency:
        raise OperandError(f"{reading.path} is in {currency} and the sum owed in {due_currency}")
    return _leaf(clause, reading, Truth.of(paid >= due), f"at least {due} {due_currency}")


def _money(value: object, path: str) -> tuple[Decimal, str]:
    if isinstance(value, Mapping) and isinstance(value.get("currency"), str):
        raw = value.get("amount")
        try:
            amount = Decimal(str(raw)) if not isinstance(raw, bool) else None
        except InvalidOperation:
            amount = None
        if amount is not None and amount.is_finite():
            return amount, value["currency"]
    raise OperandError(f"{path} is not a sum of money with an amount and a currency")


def _quantifier(clause: Clause, scope: Scope) -> TraceNode:
    path, name = clause.text("of"), clause.text("as")
    entries = scope.entries(path)
    if entries is None:
        return _leaf(clause, scope.read(path), Truth.UNKNOWN, "a known list")
    children = tuple(
        _entry(clause, scope.bind(name, entry, path), name, label(entry, position))
        for position, entry in enumerate(entries)
    )
    join = conjunction if clause.op == "every" else disjunction
    result = join(child.result for child in children)
    where = scope.read(path).path
    amount = "every entry" if clause.op == "every" else "at least one entry"
    sentence = f"Asked of {amount} of {phrase(where)} ({len(entries)})"
    return TraceNode(
        clause.op,
        result,
        sentence,
        where,
        {"entries": len(entries)},
        binding=name,
        children=children,
        reason=_otherwise(clause, result),
    )


def _entry(clause: Clause, scope: Scope, name: str, title: str) -> TraceNode:
    holds = evaluate(clause.sub("holds"), scope)
    children: tuple[TraceNode, ...] = (holds,)
    result = holds.result
    if "where" in clause.args:
        where = evaluate(clause.sub("where"), scope)
        if clause.op == "every":
            result = disjunction((negation(where.result), holds.result))
        else:
            result = conjunction((where.result, holds.result))
        children = _blamed(result, where, holds)
    return TraceNode("entry", result, f"For {title}", binding=name, item=title, children=children)


def _blamed(result: Truth, where: TraceNode, holds: TraceNode) -> tuple[TraceNode, ...]:
    """Return what decided an entry's result, so that a reader is not told about the other half."""
    if result is Truth.UNKNOWN:
        return tuple(node for node in (where, holds) if node.result is Truth.UNKNOWN)
    if where.result is Truth.FALSE:
        return (where,)
    return (holds,) if result is Truth.FALSE else (where, holds)


OPERATORS: Mapping[str, Evaluate] = {
    "always": _always,
    "all": _all,
    "any": _any,
    "not": _not,
    "exists": _exists,
    "recorded": _recorded,
    "taken": evaluate_taken,
    "eq": _eq,
    "in": _in,
    "gte": _gte,
    "lte": _lte,
    "before": _before,
    "within_window": _within_window,
    "subset": _subset,
    "attested_by": _attested_by,
    "paid_at_least": _paid_at_least,
    "every": _quantifier,
    "some": _quantifier,
    "measured": evaluate_measured,
}
