"""From YAML to a checked `Pack`: unknown keys, wrong types and repeated ids are refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path

from policies.clauses import Clause, bindings, parse_clause, paths
from policies.digests import digest
from policies.errors import PackError
from policies.pack import (
    GATES,
    PACK_FILE,
    PACK_ID,
    Citation,
    Confidence,
    Control,
    Pack,
    PackStatus,
    Severity,
    Standing,
)
from policies.reading import Fields, parse_yaml, read_yaml

PACK_KEYS = frozenset(
    {
        *("id", "version", "title", "short_title", "status", "signed_by", "governs", "in_force_by"),
        *("effective_from", "effective_to", "extends", "definitions", "controls"),
    }
)
CONTROL_KEYS = frozenset(field.name for field in fields(Control))
CITATION_KEYS = frozenset(field.name for field in fields(Citation))
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
VERIFIED_ON = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")
CONTROL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
MAX_CHAIN = 5
ALWAYS: Mapping[str, object] = {"always": True}


def load(path: Path) -> Pack:
    """Read the pack at `path`; packs that it extends are looked for in neighbouring folders."""
    return _build(read_yaml(path), path.name if path.name != PACK_FILE else _shown(path), path.parent, 0)


def loads(text: str, name: str = PACK_FILE) -> Pack:
    """Read a pack from text; it cannot extend another one."""
    return _build(parse_yaml(text.encode(), name), name, None, 0)


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _build(raw: Mapping[str, object], name: str, folder: Path | None, depth: int) -> Pack:
    fields_ = Fields(raw, name, PACK_KEYS)
    pack_id = fields_.text("id")
    if not PACK_ID.fullmatch(pack_id):
        raise PackError(f"{name} has the id {pack_id!r}; write lower-case letters, digits and hyphens.")
    parent_raw, parent = _parent(fields_, folder, depth) if "extends" in raw else ({}, ())
    definitions = {**parent_raw, **_definitions(raw.get("definitions", {}), name)}
    own = _controls(fields_.items("controls"), name, definitions)
    controls = _merged(parent, own)
    start, end = _dates(fields_)
    status = PackStatus(fields_.choice("status", tuple(PackStatus)))
    signed_by = fields_.text("signed_by") if "signed_by" in raw else None
    if (signed_by is not None) != (status is PackStatus.SIGNED):
        raise PackError(f"{name} must name 'signed_by' exactly when its status is '{PackStatus.SIGNED}'; correct one.")
    head = {
        "id": pack_id,
        "version": _version(fields_),
        "title": fields_.text("title"),
        "short_title": fields_.text("short_title"),
        "status": status.value,
        "governs": fields_.text("governs"),
        "in_force_by": fields_.text("in_force_by"),
        "signed_by": signed_by,
    }
    content = {**head, "from": start, "to": end, "controls": [control_json(control) for control in controls]}
    return Pack(
        id=pack_id,
        version=head["version"] or "",
        title=head["title"] or "",
        short_title=head["short_title"] or "",
        status=status,
        governs=head["governs"] or "",
        in_force_by=head["in_force_by"] or "",
        effective_from=start,
        effective_to=end,
        controls=controls,
        digest=digest(content),
        signed_by=signed_by,
        folder=folder,
    )


def _parent(fields_: Fields, folder: Path | None, depth: int) -> tuple[Mapping[str, object], tuple[Control, ...]]:
    parent_id = fields_.text("extends")
    if folder is None or not PACK_ID.fullmatch(parent_id):
        raise PackError(f"{fields_.where} extends {parent_id!r}, which cannot be found; name a neighbouring pack.")
    if depth >= MAX_CHAIN:
        raise PackError(f"{fields_.where} extends packs in a circle or too deep; end the chain.")
    path = folder.parent / parent_id / PACK_FILE
    raw = read_yaml(path)
    pack = _build(raw, _shown(path), path.parent, depth + 1)
    return _definitions(raw.get("definitions", {}), _shown(path)), pack.controls


def _merged(parent: tuple[Control, ...], own: tuple[Control, ...]) -> tuple[Control, ...]:
    replaced = {control.id: control for control in own}
    kept = [replaced.pop(control.id, control) for control in parent]
    return (*kept, *replaced.values())


def _definitions(raw: object, name: str) -> Mapping[str, object]:
    if not isinstance(raw, Mapping) or any(not isinstance(item, Mapping) for item in raw.values()):
        raise PackError(f"{name} has no mapping of names to clauses as 'definitions'; write 'name: clause'.")
    if any(_uses_definition(item) for item in raw.values()):
        raise PackError(f"{name} has a definition that uses another one; write it out.")
    return raw


def _uses_definition(raw: object) -> bool:
    if isinstance(raw, Mapping):
        return "defined" in raw or any(_uses_definition(item) for item in raw.values())
    return isinstance(raw, list) and any(_uses_definition(item) for item in raw)


def _inlined(raw: object, definitions: Mapping[str, object], where: str) -> object:
    """Put each definition in the place of `defined: NAME`; an `otherwise` beside it goes before its own."""
    if isinstance(raw, list):
        return [_inlined(item, definitions, where) for item in raw]
    if not isinstance(raw, Mapping):
        return raw
    if "defined" not in raw:
        return {key: _inlined(item, definitions, where) for key, item in raw.items()}
    meant = definitions.get(str(raw["defined"]))
    if not isinstance(meant, Mapping) or not set(raw) <= {"defined", "otherwise"}:
        known = ", ".join(definitions) or "none"
        raise PackError(f"{where} uses the definition {raw['defined']!r}; use one of those that exist: {known}.")
    return {**meant, **{key: item for key, item in raw.items() if key == "otherwise"}}


def _version(fields_: Fields) -> str:
    value = fields_.get("version")
    if not isinstance(value, str):
        raise PackError(f"{fields_.where} has {value!r} as 'version'; put it between quotation marks.")
    return fields_.text("version")


def _dates(fields_: Fields) -> tuple[date | None, date | None]:
    start, end = fields_.day("effective_from"), fields_.day("effective_to")
    if start and end and start > end:
        raise PackError(f"{fields_.where} ends before it starts; correct effective_from or effective_to.")
    return start, end


def _controls(raw: Iterable[object], name: str, definitions: Mapping[str, object]) -> tuple[Control, ...]:
    controls = [
        _control(item, f"{name}, control {position + 1}", name, definitions) for position, item in enumerate(raw)
    ]
    seen: set[str] = set()
    for control in controls:
        if control.id in seen:
            raise PackError(f"{name} has the control {control.id} twice; give each control its own id.")
        seen.add(control.id)
    return tuple(controls)


def _control(raw: object, place: str, name: str, definitions: Mapping[str, object]) -> Control:
    control_id = Fields(raw, place, CONTROL_KEYS).text("id")
    if not CONTROL_ID.fullmatch(control_id):
        raise PackError(f"{place} has the id {control_id!r}; write letters, digits, dots and hyphens.")
    where = f"{name}, control {control_id}"
    fields_ = Fields(raw, where, CONTROL_KEYS)
    gates = fields_.texts("gates")
    for gate in gates:
        if gate not in GATES:
            raise PackError(f"{where} names the gate {gate!r}; use {', '.join(GATES)}.")
    start, end = _dates(fields_)
    applies = parse_clause(
        _inlined(fields_.raw.get("applies_when", ALWAYS), definitions, where), f"{where}, applies_when"
    )
    passes = parse_clause(_inlined(fields_.get("passes_when"), definitions, where), f"{where}, passes_when")
    control = Control(
        id=control_id,
        version=_version(fields_),
        title=fields_.text("title"),
        gates=gates,
        severity=Severity(fields_.choice("severity", tuple(Severity))),
        applies_when=applies,
        passes_when=passes,
        evidence=fields_.texts("evidence"),
        waivable_by=fields_.texts("waivable_by", ()),
        citations=tuple(_citation(item, f"{where}, citation") for item in fields_.items("citations")),
        plain_text=fields_.text("plain_text"),
        fails_text=fields_.text("fails_text"),
        next_step=fields_.text("next_step"),
        effective_from=start,
        effective_to=end,
        block_on_secondary=fields_.flag("block_on_secondary"),
        block_on_draft=fields_.flag("block_on_draft"),
    )
    _check_placeholders(control, where)
    return control


def _check_placeholders(control: Control, where: str) -> None:
    known = {*bindings(control.applies_when), *bindings(control.passes_when)}
    known |= {path for clause in (control.applies_when, control.passes_when) for path in paths(clause)}
    for text in (control.fails_text, control.next_step):
        for named in PLACEHOLDER.findall(text):
            if named not in known:
                raise PackError(f"{where} names {{{named}}} in a text; use a bound name or a path that it reads.")


def _citation(raw: object, where: str) -> Citation:
    fields_ = Fields(raw, where, CITATION_KEYS)
    confidence = Confidence(fields_.choice("confidence", tuple(Confidence)))
    verified = fields_.raw.get("verified_on")
    text = verified.isoformat() if isinstance(verified, date) else verified
    if text is not None and (not isinstance(text, str) or not VERIFIED_ON.fullmatch(text)):
        raise PackError(f"{where} has {verified!r} as 'verified_on'; write a day or a month, such as 2026-11.")
    if text is None and confidence is Confidence.VERIFIED:
        raise PackError(f"{where} is called verified and has no 'verified_on'; say when it was read.")
    return Citation(
        instrument=fields_.text("instrument"),
        pinpoint=fields_.text("pinpoint"),
        status=Standing(fields_.choice("status", tuple(Standing))),
        confidence=confidence,
        verified_on=text,
        valid_until=fields_.day("valid_until"),
    )


def control_json(control: Control) -> dict[str, object]:
    """The control as plain JSON values, sentences for readers included: what the pack's digest covers."""
    shown: dict[str, object] = {}
    for field in fields(control):
        value = getattr(control, field.name)
        if isinstance(value, Clause):
            value = {"clause": value.to_json(), "told": _told(value)}
        elif field.name == "citations":
            value = [citation_json(citation) for citation in control.citations]
        shown[field.name] = value
    return shown


def _told(clause: Clause) -> list[object]:
    return [clause.otherwise, *(_told(part) for part in clause.parts)]


def citation_json(citation: Citation) -> dict[str, object]:
    """The citation as plain JSON values."""
    return {
        "instrument": citation.instrument,
        "pinpoint": citation.pinpoint,
        "status": citation.status.value,
        "confidence": citation.confidence.value,
        "verified_on": citation.verified_on,
        "valid_until": citation.valid_until.isoformat() if citation.valid_until else None,
    }
