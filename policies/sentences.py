"""One verdict in one sentence, and what a person should do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from policies.logic import Truth
from policies.pack import Control
from policies.scope import collect
from policies.trace import TraceNode, deciding
from policies.wording import full_stop, listing, phrase, shown

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
MAX_REASONS = 3


def failed(control: Control, trace: TraceNode, facts: Mapping[str, object]) -> str:
    """Say why the control fails, with the persons, values and limits that decided."""
    because = fill(control.fails_text, trace, facts).rstrip(".")
    return full_stop(f"{control.id} fails because {because}{fill(_reasons(trace), trace, facts)}")


def met(control: Control, trace: TraceNode) -> str:
    """Say that the control is met, and by which measured values if it measures."""
    return full_stop(f"{control.id} is met: {_lower(control.plain_text.rstrip('.'))}{_reasons(trace)}")


def not_applicable(control: Control, trace: TraceNode) -> str:
    """Say why the control does not apply."""
    reasons = _told(trace)
    return full_stop(f"{control.id} does not apply: {'; '.join(reasons) or 'what would trigger it is not the case'}")


def unknown(control: Control, trace: TraceNode) -> str:
    """Say what is missing, so that the control cannot be judged."""
    missing = listing(f"it is not known {text}" for text in _missing_facts(trace))
    measures = listing(node.sentence for node in _unknown_leaves(trace) if node.reason)
    unclear = listing(_lower(node.sentence) for node in _unknown_leaves(trace) if _unclear(node))
    return full_stop(f"{control.id} cannot be judged yet: {'; '.join(filter(None, (missing, measures, unclear)))}")


def unknown_step(control: Control, trace: TraceNode) -> str:
    """Say how to supply what is missing."""
    steps = []
    if missing := list(_missing_facts(trace)):
        steps.append(f"Have it recorded {listing(missing)}.")
    if any(node.reason for node in _unknown_leaves(trace)):
        steps.append("Take the missing measure, or mend what kept it from being taken.")
    return " ".join(steps) or full_stop(control.next_step)


def fill(text: str, trace: TraceNode, facts: Mapping[str, object]) -> str:
    """Put names and values into a pack's text; values are inserted as they are, never read as a template."""

    def value(match: re.Match[str]) -> str:
        named = match.group(1)
        items = [node.item for node in deciding(trace) if node.binding == named and node.item]
        if items:
            return listing(items)
        found = [_spoken(item) for item in collect(facts, named)]
        return listing(found) or "somebody"

    return PLACEHOLDER.sub(value, text)


def _spoken(value: object) -> str:
    return shown(value).lower() if isinstance(value, str) and value.isupper() else shown(value)


def _told(trace: TraceNode) -> list[str]:
    told = (node.reason.rstrip(".") for node in deciding(trace) if node.reason and node.result is trace.result)
    return list(dict.fromkeys(told))[:MAX_REASONS]


def _reasons(trace: TraceNode) -> str:
    reasons = _told(trace)
    return f" ({'; '.join(reasons)})" if reasons else ""


def _unknown_leaves(trace: TraceNode) -> Iterator[TraceNode]:
    for node in deciding(trace):
        if node.result is Truth.UNKNOWN and not node.children and node.path:
            yield node


def _unclear(node: TraceNode) -> bool:
    return not node.reason and node.value is not None


def _missing_facts(trace: TraceNode) -> Iterator[str]:
    leaves = (node for node in _unknown_leaves(trace) if not node.reason and not _unclear(node))
    paths = list(dict.fromkeys(node.path for node in leaves if node.path))
    # Where a record's list is missing, the record is: who made it and when is not worth a sentence of its own.
    without_list = {path.removesuffix("list") for path in paths if path.endswith(".list")}
    told = (path for path in paths if path.endswith(".list") or not path.startswith(tuple(without_list)))
    yield from dict.fromkeys(phrase(path) for path in told)


def _lower(sentence: str) -> str:
    """Start with a small letter, unless the first word is a name or an abbreviation."""
    first = sentence.split(" ", 1)[0]
    plain = first[1:].islower() or first in ("A", "I")
    return sentence[:1].lower() + sentence[1:] if plain else sentence
