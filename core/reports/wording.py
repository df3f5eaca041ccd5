"""How a dossier says things: the words, icons, colours and number formats that every rendering shares.

Text that came from outside passes `inert` first, so that no control or direction mark reaches a page.
Colours follow Okabe and Ito's colour-blind-safe set, darkened until they read on white (contrast of 4.5 and
more); none of them carries a meaning alone: a word and an icon always stand beside it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from core.reports.document import (
    Asset,
    Attempt,
    AuditProof,
    Citation,
    Coverage,
    FrameRow,
    Job,
    MeasurementRow,
    Model,
    Outcome,
    Score,
    SignatureRow,
    Status,
    VerdictRow,
)

SIGNIFICANT_ZEROS, SHORT = 1e-4, 100
URGENCY = (Status.FAIL, Status.ERROR, Status.INDETERMINATE, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Tone:
    """One way to mark a state: a word, an icon that DejaVu Sans holds, a dark colour and its tint."""

    word: str
    icon: str
    colour: str
    tint: str


GREEN, RUST, AMBER, GREY, BLUE, PLUM = "#00694E", "#A83600", "#7D5200", "#55606E", "#1F4E8C", "#73286A"

STATUS_TONES: dict[Status, Tone] = {
    Status.PASS: Tone("Pass", "✓", GREEN, "#E3F3EC"),
    Status.FAIL: Tone("Fail", "✗", RUST, "#FBE9E0"),
    Status.INDETERMINATE: Tone("Evidence missing", "?", AMBER, "#FDF1D6"),
    Status.NOT_APPLICABLE: Tone("Does not apply", "–", GREY, "#EDF0F3"),
    Status.WAIVED: Tone("Waived", "⚑", BLUE, "#E5EDF8"),
    Status.ERROR: Tone("Error", "!", PLUM, "#F5E8F3"),
}

OUTCOME_TONES: dict[Outcome, Tone] = {
    Outcome.APPROVED: Tone("Approved", "✓", GREEN, "#E3F3EC"),
    Outcome.REFUSED: Tone("Not released", "✗", RUST, "#FBE9E0"),
    Outcome.OPEN: Tone("Undecided", "?", AMBER, "#FDF1D6"),
    Outcome.SUSPENDED: Tone("Suspended", "!", PLUM, "#F5E8F3"),
    Outcome.REVOKED: Tone("Revoked", "✗", PLUM, "#F5E8F3"),
}

MEETS_TONES: dict[bool | None, Tone] = {
    True: Tone("Within limit", "✓", GREEN, "#E3F3EC"),
    False: Tone("Outside limit", "✗", RUST, "#FBE9E0"),
    None: Tone("Not judged", "–", GREY, "#EDF0F3"),
}
NOT_MEASURED = Tone("Not measured", "?", AMBER, "#FDF1D6")

SPOKEN_UNITS = frozenset(
    ("dB", "%", "pixels", "pixels per frame", "grey levels", "m/s²", "frames", "seconds", "points", "×10⁻²")
)
"""The others name what a number without a unit is: a ratio, an index, a share of something."""

DIRECTIONS = {
    "higher_is_better": "higher is better",
    "lower_is_better": "lower is better",
    "target_is_best": "nearest the target is best",
    "diagnostic": "shown to explain, never judged",
}

PERSONS_UNKNOWN = "Nobody has said who is visible in this work. That is missing evidence, not the absence of people."
NO_PERSONS = "It is on record that nobody is visible in this work."
NOTHING_COVERS = "Nothing on record covers this."
SIGNATURES_BIND = "Each signature names the digest of the record that it signs, and counts for no other record."


def inert(value: object) -> str:
    """Return a value as text that cannot act: control, direction and private characters become visible.

    Line breaks and tabs stay, as a line feed and a space. A character that would be invisible or steer its
    neighbours is written as its code, such as [U+202E], so that a reader sees that it was there.
    """
    text = str(value).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(one if one == "\n" or _harmless(one) else f"[U+{ord(one):04X}]" for one in text)


def _harmless(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")


def clip(value: str, limit: int) -> str:
    """Shorten to `limit` characters, saying how many were left out; the sealed record holds them all."""
    if len(value) <= limit:
        return value
    if limit < SHORT:
        return f"{value[:limit]}…"
    return f"{value[:limit]} … [{len(value) - limit:,} more characters in the attached record]"


def number(value: float) -> str:
    """Write a number with up to four significant digits, without an exponent where it can be helped."""
    size = abs(value)
    if value == int(value) and size < 1e6:
        return f"{int(value):,}"
    if size < SIGNIFICANT_ZEROS:
        return f"{value:.2e}"
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 4
    written = f"{value:,.{places}f}"
    return written.rstrip("0").rstrip(".") if places else written


def quantity(value: float, unit: str) -> str:
    """Write a number with its unit, where that is one to be spoken; what a share is of stands with the measure."""
    return f"{number(value)} {unit}" if unit in SPOKEN_UNITS else number(value)


def measured(row: MeasurementRow) -> str:
    """The value with its unit, or why there is none."""
    return quantity(row.value, row.unit) if row.value is not None else f"not measured: {row.reason}"


def interval(row: MeasurementRow) -> str:
    """The interval in words, empty where there is none."""
    if row.low is None or row.high is None:
        return ""
    words = f"{number(row.low)} to {number(row.high)}"
    return f"{words} ({row.interval})" if row.interval else words


def limit(row: MeasurementRow) -> str:
    """The threshold in words, by the measure's direction."""
    if row.threshold is None:
        return "no limit set"
    words = {"higher_is_better": "at least", "lower_is_better": "at most"}.get(row.direction, "limit")
    return f"{words} {quantity(row.threshold, row.unit)}"


def measurement_tone(row: MeasurementRow) -> Tone:
    """How a measurement is marked: absent, judged or not judged."""
    return NOT_MEASURED if row.value is None else MEETS_TONES[row.meets]


def moment(at: datetime | None) -> str:
    """Write a moment to the second with its zone, which is always UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "not recorded"


def is_digest(value: object) -> bool:
    """Whether a value is a SHA-256 in lowercase hexadecimal, to be set in the fixed-width face."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def known(value: object) -> str:
    """Write a value, a yes or no, or that it is not known."""
    if value is None or value == "":
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def size_in_words(size: int | None) -> str:
    """Write a size in bytes the way people read it."""
    if size is None:
        return "size not recorded"
    if size < 1024:
        return f"{size} bytes"
    return f"{size / 1024:,.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):,.1f} MiB"


def severity(row: VerdictRow) -> str:
    """What this verdict means for the gate."""
    if row.blocks:
        return "keeps the gate closed"
    return {"block": "blocking control"}.get(row.severity, f"{row.severity} control")


def by_urgency(verdicts: tuple[VerdictRow, ...]) -> list[VerdictRow]:
    """The verdicts with those that keep the gate closed first, then by how much they ask of a reader."""
    return sorted(verdicts, key=lambda row: (not row.blocks, URGENCY.index(row.status)))


def citation(one: Citation) -> str:
    """Where a control comes from and how sure its pack is."""
    checked = f", checked {one.verified_on}" if one.verified_on else ""
    return f"{one.instrument}, {one.pinpoint} ({one.confidence}{checked})"


def coverage(one: Coverage) -> str:
    """What a consent covers, who gave it and whether it holds, in one sentence."""
    signed = f"signed {moment(one.signed_at)}" if one.signed_at else "not signed on record"
    until = f", until {one.expires}" if one.expires else ""
    name = f" ({one.consent_id})" if one.consent_id else ""
    given = f"{one.given_by}, {one.given_by_role.replace('_', ' ')}"
    return f"{one.instrument}{name}: {one.state}{until}. {one.scope}. Given by {given}; {signed}."


def attempt(one: Attempt) -> str:
    """One try of the job in one sentence."""
    where = f" on {one.worker}" if one.worker else ""
    note = f" ({one.note})" if one.note else ""
    return f"Attempt {one.number}{where}: {one.status}{note}, {moment(one.started_at)} to {moment(one.ended_at)}."


def signature_tone(row: SignatureRow) -> Tone:
    """How a signature is marked; anything but signed or declined counts as not signed."""
    if row.decision == "signed":
        return Tone("Signed", "✓", GREEN, "#E3F3EC")
    return Tone("Declined" if row.decision == "declined" else "Not signed", "✗", RUST, "#FBE9E0")


def signature_match(row: SignatureRow, record: str) -> str:
    """Whether the signature is for the record in hand."""
    if row.record_sha256 == record:
        return "Signs the record of this dossier, sha256"
    return "WARNING: signs another record than this dossier's, sha256"


def model_facts(model: Model) -> tuple[tuple[str, str], ...]:
    """The model version as labels and values."""
    return (
        ("Model", f"{model.name} {model.version} ({model.id})"),
        ("Weights digest", known(model.digest)),
        ("Weights format", model.weights_format),
        ("Origin", model.origin.replace("_", " ")),
        ("Licence", known(model.licence)),
        ("Licence cleared", known(model.licence_cleared)),
    )


def asset_facts(asset: Asset) -> tuple[tuple[str, str], ...]:
    """The asset as labels and values; what was not probed of a clip is said to be unknown."""
    named = (("Asset", f"{asset.name} ({asset.id}), {asset.kind}"), ("Digest", asset.sha256))
    if asset.kind in ("study", "run"):
        return named
    size = f"{asset.width} × {asset.height}" if asset.width and asset.height else "size not known"
    frames = f"{asset.frames} frames" if asset.frames is not None else "frames not known"
    rate = f"{number(asset.fps)} frames a second" if asset.fps else "rate not known"
    return (
        *named,
        ("Picture", f"{size}, {frames}, {rate}"),
        ("Mask", known(asset.mask)),
        ("Prompt", known(asset.prompt)),
    )


def job_facts(job: Job) -> tuple[tuple[str, str], ...]:
    """The job as labels and values, with what was recorded about its environment."""
    return (
        ("Job", job.id),
        ("Runner", f"{job.runner} {job.runner_version} ({job.origin.replace('_', ' ')})"),
        ("Status", job.status),
        ("Output", known(job.output_sha256)),
        *job.environment,
    )


def audit_facts(audit: AuditProof) -> tuple[tuple[str, str], ...]:
    """The audit proof's short values as labels and values."""
    checked = {True: "recomputed and intact", False: "recomputed and BROKEN", None: "not recomputed"}
    return (
        ("Log", f"{audit.log_size} events, {checked[audit.verified]}"),
        ("Root hash", audit.root_hash),
        ("This event", f"number {known(audit.event_index)}"),
        ("Event hash", known(audit.event_sha256)),
    )


def frame_title(row: FrameRow) -> str:
    """Which frame it is, when, and why it is shown."""
    when = f", {row.seconds:.2f} s" if row.seconds is not None else ""
    return f"Frame {row.frame}{when}: {f'worst for {row.worst_for}' if row.worst_for else 'evenly spaced'}"


def score(one: Score) -> str:
    """One criterion of a review in one line."""
    return f"{one.criterion}: {one.score}" + (f". {one.remark}" if one.remark else "")


def curve_in_words(row: MeasurementRow) -> str:
    """What a curve shows, for somebody who cannot see it."""
    taken = [value for value in row.curve.values if value is not None] if row.curve else []
    if row.curve is None or not taken:
        return "No value could be taken in any frame."
    words = f"From {number(min(taken))} to {quantity(max(taken), row.unit)}; {limit(row)}."
    if row.curve.worst:
        words += f" Worst frames: {', '.join(str(frame) for frame in row.curve.worst[:3])}."
    missing = len(row.curve.values) - len(taken)
    return words + (f" No value in {missing} frames." if missing else "")
