"""How a dossier speaks of a manuscript's findings and reviews."""

from __future__ import annotations

from core.reports.manuscript import ChecklistItem, ChecklistRow, CheckRow, FindingRow, FormRow, ItemRow, ManuscriptPage
from core.reports.wording import AMBER, BLUE, GREEN, GREY, RUST, Tone, number

SEVERITY_TONES = {
    "high": Tone("High", "✗", RUST, "#FBE9E0"),
    "medium": Tone("Medium", "!", AMBER, "#FDF1D6"),
    "low": Tone("Low", "–", BLUE, "#E5EDF8"),
    "note": Tone("Note", "i", GREY, "#EDF0F3"),
}
MEANS = {
    "high": "contradicts arithmetic, itself or its own run",
    "medium": "a reader must ask",
    "low": "a weakness of reporting",
    "note": "something to know",
}
NOT_CHECKED = Tone("Not checked", "?", AMBER, "#FDF1D6")
CLEAN = Tone("Nothing found", "✓", GREEN, "#E3F3EC")
NO_FINDING = "The rules that could be checked found nothing. What was not checked is listed below and is not clean."
NO_REVIEW = "Nobody has reviewed it on a form."
FINDINGS_NOTE = (
    "Each finding quotes the line it rests on. The copy of the manuscript with the findings highlighted is attached to "
    "this file where there are any."
)
CHECKLIST_NOTE = (
    "A rule can only find what is reported; what it did not find waits for a reviewer and is not missing. What people "
    "say goes before it; an item on which they differ waits until a clinical lead decides."
)
STANDS = {
    "reported": Tone("Reported", "✓", GREEN, "#E3F3EC"),
    "not_reported": Tone("Not reported", "✗", RUST, "#FBE9E0"),
    "not_applicable": Tone("Not applicable", "–", GREY, "#EDF0F3"),
    "disputed": Tone("In dispute", "!", AMBER, "#FDF1D6"),
}
JUDGES_NOTE = "A language model's score stands beside people's and opens nothing."


def finding_tone(row: FindingRow) -> Tone:
    """How a finding is marked."""
    return SEVERITY_TONES.get(row.severity, SEVERITY_TONES["note"])


def counts(page: ManuscriptPage) -> str:
    """How many findings of each severity, in one sentence; why there is none where nothing was measured."""
    if page.unread:
        return f"Not measured: {page.unread.rstrip('.')}."
    found = [f"{page.count(name)} {name}" for name in SEVERITY_TONES if page.count(name)]
    shown = ", ".join(found) if found else "none"
    more = f", and {page.left_out} more that are not shown" if page.left_out else ""
    checked = len(page.checks) - len(page.unchecked)
    return f"Findings: {shown}{more}. {checked} of {len(page.checks)} rules had what they need."


def traced(page: ManuscriptPage) -> str:
    """The share of numbers that lead to the run, or why that is not known."""
    if page.traced_share is None:
        return f"Numbers traced to the run: not checked, as {page.traced_reason or 'nobody has measured it'}."
    return (
        f"{page.traced_share:.1%} of {page.traced_of:,} numbers of two or more decimals come from what the run logged."
    )


def about(row: FindingRow) -> str:
    """Where a finding stands, by which rule, and how sure it is."""
    return f"{row.where}  ·  {row.rule}  ·  confidence {row.confidence:.0%}"


def check_tone(row: CheckRow) -> Tone:
    """How a rule is marked: not checked, nothing found, or the number of findings."""
    if row.status != "checked":
        return NOT_CHECKED
    if not row.findings:
        return CLEAN
    return Tone(f"{row.findings} finding{'s' if row.findings > 1 else ''}", "!", AMBER, "#FDF1D6")


def coverage(row: ChecklistRow) -> str:
    """How much of a checklist is reported, by whose word, and what waits."""
    dispute = f", {row.disputed} of them in dispute" if row.disputed else ""
    waiting = f"{row.waiting} wait{'s' if row.waiting == 1 else ''} for a reviewer{dispute}"
    if not row.said:
        return f"{row.by_rule} of {row.items} items found by rule, {waiting}"
    reported = f"{row.by_rule + row.by_people} of {row.items} items reported"
    words = {"said by people": row.by_people, "found by rule alone": row.by_rule}
    who = ", ".join(f"{count} {word}" for word, count in words.items() if count)
    others = {"not reported": row.not_reported, "not applicable": row.not_applicable}
    rest = [f"{count} {word}" for word, count in others.items() if count]
    return "; ".join([f"{reported} ({who})" if who else reported, *rest, waiting])


def coverage_from(row: ChecklistRow) -> str:
    """The coverage with the guideline's DOI, where it has one."""
    return f"{coverage(row)} (doi {row.doi})" if row.doi else coverage(row)


def stands(row: ChecklistItem) -> Tone:
    """How an item of a checklist is marked."""
    return STANDS[row.status]


def item_asks(row: ChecklistItem) -> str:
    """An item with the guideline's own number."""
    return f"{row.id}. {row.text}"


def item_found(row: ChecklistItem) -> str:
    """Where an item was found and why it stands as it does; who said what where it is in dispute."""
    quote = f"“{row.quote}”" if row.quote else f"A rule found: {row.by_rule}" if row.by_rule else ""
    nothing = "no place given" if row.status == "reported" else "no reason given"
    return " ".join(part for part in (quote, row.reason) if part) or nothing


def raters(form: FormRow) -> str:
    """How many people and judges filled a form."""
    people = f"{form.people} {'person' if form.people == 1 else 'people'}"
    judges = f" and {form.judges} language model{'s' if form.judges > 1 else ''}" if form.judges else ""
    return f"Filled by {people}{judges}."


def agreement(form: FormRow) -> str:
    """How far people agree, with the interval, or why that cannot be told."""
    if form.agreement is None:
        return f"Agreement cannot be told: {form.agreement_how}."
    spread = (
        f" ({number(form.agreement_low)} to {number(form.agreement_high)})"
        if form.agreement_low is not None and form.agreement_high is not None
        else ""
    )
    return f"Agreement: {number(form.agreement)}{spread}; {form.agreement_how}."


def disputed(form: FormRow) -> str:
    """What people differ on, empty where nothing is open."""
    return f"In dispute, and not settled: {', '.join(form.disputed)}." if form.disputed else ""


def item_mean(row: ItemRow) -> str:
    """The value that stands: settled, else the mean."""
    if row.settled is not None:
        return f"{row.settled:g} (settled)"
    return f"{row.mean:.3g}"


def item_spread(row: ItemRow) -> str:
    """The interval of the mean, or why there is none."""
    if row.low is None or row.high is None:
        return row.how
    return f"{row.low:.2f} to {row.high:.2f} ({row.how})"


def item_values(row: ItemRow) -> str:
    """What each person said, and each judge."""
    people = ", ".join(f"{value:g}" for value in row.values)
    judges = f"; language models: {', '.join(f'{value:g}' for value in row.judges)}" if row.judges else ""
    return f"{people}{judges}  (scale {row.scale[0]:g} to {row.scale[1]:g})"


def open_reviews(page: ManuscriptPage) -> str:
    """How many reviews are still asked for, empty where none is."""
    if not page.open_reviews:
        return ""
    return f"{page.open_reviews} review{'s are' if page.open_reviews > 1 else ' is'} still asked for."
