"""How a dossier speaks of a study: labels, codes of the dataset card in words, and what is not known said as that."""

from __future__ import annotations

from core.reports.manuscript import ManuscriptPage
from core.reports.study import (
    Approval,
    Asked,
    Card,
    Check,
    Cost,
    Decision,
    Determination,
    Ethics,
    Result,
    ResultGroup,
    Study,
)
from core.reports.wording import AMBER, BLUE, GREEN, GREY, RUST, Tone, known, moment, number

BACKENDS = {
    "protocol": "carried out by a program from its protocol, without a language model",
    "graph": "carried out by language models within a fixed protocol",
    "elsewhere": "carried out elsewhere and taken in",
}
MODES = {
    "reproduction": "reproduction of a known method",
    "innovation": "a variation of known methods",
    "exploration": "a method of its own",
}
CODES = {
    "ehr": "health records",
    "row_is_patient": "each row is one patient",
    "row is patient": "each row is one patient",
}
CHECK_TONES = {
    "pass": Tone("Passed", "✓", GREEN, "#E3F3EC"),
    "fail": Tone("Failed", "✗", RUST, "#FBE9E0"),
    "not_checked": Tone("Not checked", "?", AMBER, "#FDF1D6"),
}
ETHICS_TONES = {
    "pass": Tone("Reviewed", "✓", GREEN, "#E3F3EC"),
    "fail": Tone("Objections", "✗", RUST, "#FBE9E0"),
    "not_reviewed": Tone("No review in the run", "–", GREY, "#EDF0F3"),
}
DECISION_TONES = {
    "approve": Tone("Approved", "✓", GREEN, "#E3F3EC"),
    "reject": Tone("Rejected", "✗", RUST, "#FBE9E0"),
    None: Tone("Open", "…", BLUE, "#E5EDF8"),
}
UNKNOWN = Tone("Not known", "?", AMBER, "#FDF1D6")
CRITERIA = {
    "no_error": "It ended without an error",
    "loss_falls": "Training improved on the start",
    "no_gradient_explosion": "Training stayed stable",
    "valid_weights": "The fitted models hold valid numbers",
    "quantitative_results": "It recorded quantitative results",
}
FIGURES = {
    "flow": ("Flow of participants", "how many rows and patients were assessed, left out and analysed"),
    "roc": ("Telling the classes apart (ROC curve)", "the share of events found against the share of false alarms"),
    "calibration": ("Calibration", "what was predicted against what was observed"),
    "decision": ("Decision curve", "the net benefit over thresholds of risk"),
    "agreement": ("Agreement", "predictions against observations"),
}
FILES = {
    "manuscript": "The manuscript",
    "manuscript_md": "The manuscript as Markdown",
    "manuscript_tex": "The manuscript as LaTeX",
    "results": "Every recorded number",
    "provenance": "Where each number of the manuscript comes from",
    "protocol": "The protocol that was run",
    "predictions": "What was predicted for each row",
    "code": "The program that computes the results",
    "environment": "Every library with its version",
    "log": "The steps of the run",
    "calls": "Every call of a language model",
    "idea": "The idea and how it was assessed",
    "record": "What was found and what was missing",
    "review": "The framework's own review, which counts for nothing here",
}
NO_APPROVAL = "Nobody's approval of the protocol is on record."
NO_PROTOCOL = "The study had no protocol that was fixed before it ran, or none is on record."
NO_CARDS = "Nobody has said which data were used. That is missing evidence."
NO_CARD = "Nobody has described these data: rights, de-identification and consent are not known."
NO_CHECKS = "No check for leakage is on record."
NO_DEVIATIONS = "No deviation from the protocol is recorded."
UNKNOWN_DEVIATIONS = "Nobody has said whether the study deviated from a protocol."
NO_RESULTS = "No recorded results came with the study."
NO_CALLS = "No call of a language model is on record."
NO_ENVIRONMENT = "Nobody has recorded with which libraries the study was computed."
FIGURES_NOTE = "Drawn by the study itself; reduced copies."
PAGES_NOTE = "Reduced copies, for looking; the manuscript itself is attached to the sealed PDF where its size allows."


def coded(value: str | None) -> str:
    """A code of the dataset card in words."""
    return known(value and CODES.get(value, value.replace("_", " ")))


def check_tone(check: Check) -> Tone:
    """How a check is marked."""
    return CHECK_TONES.get(check.status, UNKNOWN)


def ethics_tone(one: Ethics) -> Tone:
    """How the review for ethics is marked."""
    return ETHICS_TONES.get(one.status, UNKNOWN)


def decision_tone(one: Decision) -> Tone:
    """How a decision on the way is marked."""
    return DECISION_TONES.get(one.decision, Tone(str(one.decision).capitalize(), "–", GREY, "#EDF0F3"))


def how_made(study: Study) -> str:
    """How the study came about, in one line."""
    made = BACKENDS.get(study.backend, study.backend)
    return f"{made} ({study.framework})" if study.framework else made


def question_facts(study: Study) -> tuple[tuple[str, str], ...]:
    """What was asked and how, as labels and values."""
    return (
        ("Question", known(study.question)),
        ("Context of use", known(study.context_of_use)),
        ("Kind of study", known(study.mode and MODES.get(study.mode, study.mode))),
        ("How it was made", how_made(study)),
    )


def protocol_facts(study: Study) -> tuple[tuple[str, str], ...]:
    """The protocol's digest and its approval, as labels and values."""
    if study.protocol_sha256 is None and study.approval is None:
        return ()
    return (("Protocol digest", known(study.protocol_sha256)), ("Approval", approval(study.approval)))


def approval(one: Approval | None) -> str:
    """Who approved the protocol, when, and whether it is the one that was run."""
    if one is None:
        return NO_APPROVAL
    covers = {
        True: "It is the protocol that was run.",
        False: "WARNING: another protocol was run.",
        None: "Which protocol was run is not known.",
    }[one.covers]
    return f"Approved by {one.by}, {one.role}, {moment(one.at)}. {covers} Statement: {one.statement}"


def card_facts(card: Card) -> tuple[tuple[str, str], ...]:
    """A dataset card as labels and values; one sentence where it says nothing."""
    said = (card.modality, card.rights, card.deidentification, card.consent_basis, card.split_by, card.rows)
    if all(one is None for one in (*said, card.patients)):
        return (("Card", NO_CARD),)
    evidence = f" ({card.rights_evidence})" if card.rights_evidence else ""
    size = f"{_count(card.rows)} rows, {_count(card.patients)} patients"
    pairs = (
        ("Kind of data", coded(card.modality)),
        ("Size", size if card.rows is not None or card.patients is not None else known(None)),
        ("Rights", f"{known(card.rights)}{evidence}"),
        ("De-identification", coded(card.deidentification)),
        ("Consent basis", coded(card.consent_basis)),
        ("Split by", coded(card.split_by)),
    )
    return (*pairs, ("Not recorded", ", ".join(card.not_recorded))) if card.not_recorded else pairs


def value(row: Result) -> str:
    """A result's number, or why there is none."""
    if row.value is None:
        return f"no value: {row.reason}"
    return number(row.value) if row.low is None else steady(row.value)


def spread(row: Result) -> str:
    """A result's interval in words, or what else is told of it; how it was made stands with its group."""
    if row.low is None or row.high is None:
        return row.how or ""
    return f"{steady(row.low)} to {steady(row.high)}"


def steady(value: float) -> str:
    """A number with as many decimals as its neighbours in a table have."""
    size = abs(value)
    written = f"{value:,.{3 if size < 10 else 1 if size < 1000 else 0}f}"
    return number(value) if value and not float(written.replace(",", "")) else written


def intervals(group: ResultGroup) -> str:
    """How the intervals of a group were made; empty where it has none."""
    made = dict.fromkeys(row.how for row in group.rows if row.how and row.low is not None)
    return f"Intervals: {', '.join(str(one) for one in made)}." if made else ""


def traced(study: Study) -> str:
    """How many of the manuscript's numbers lead to a recorded result."""
    if study.numbers is None or study.traced is None:
        return "The run does not say where its manuscript's numbers come from; the integrity rules trace them."
    return f"{study.traced:,} of {study.numbers:,} numbers in the manuscript lead to a recorded result."


def traced_share(study: Study, page: ManuscriptPage | None) -> str:
    """The same as a figure for the first page; what was measured where the run itself says nothing."""
    if study.numbers is not None and study.traced is not None:
        return f"{study.traced:,} of {study.numbers:,}"
    return "not known" if page is None or page.traced_share is None else f"{page.traced_share:.0%}"


def checks_share(study: Study) -> str:
    """How many checks for leakage passed."""
    if study.checks is None:
        return "not known"
    return f"{sum(one.status == 'pass' for one in study.checks)} of {len(study.checks)}"


def criterion(name: str) -> str:
    """A criterion of success as a sentence."""
    return CRITERIA.get(name, name.replace("_", " "))


def cost_facts(cost: Cost) -> tuple[tuple[str, str], ...]:
    """What the study took, as labels and values."""
    return (("Tokens", tokens(cost)), ("Price", price(cost.usd)), ("Time", seconds(cost.seconds)))


def tokens(one: Cost | Asked) -> str:
    """Tokens in words."""
    if one.tokens_in is None and one.tokens_out is None:
        return known(None)
    return f"{_count(one.tokens_in)} in, {_count(one.tokens_out)} out"


def price(usd: float | None) -> str:
    """A price in US dollars."""
    return known(None) if usd is None else f"{usd:,.2f} USD" if usd == 0 or usd >= 0.01 else f"{usd:.6f} USD"


def seconds(taken: float | None) -> str:
    """A duration the way people read it."""
    if taken is None:
        return known(None)
    return f"{taken:.1f} s" if taken < 120 else f"{taken / 60:,.1f} min"


def determination(one: Determination) -> str:
    """Who determined what, in one line."""
    return f"{one.by}, {one.role}, {moment(one.at)}"


def decision(one: Decision) -> str:
    """Who decided at a gate, in one line."""
    return f"{one.by}, {known(one.role)}, {moment(one.at)}" if one.by else "nobody has decided"


def other_runs(study: Study) -> str:
    """How often else the same files were run."""
    count = study.other_runs
    if not count:
        return "No other run of the same files is on record here."
    return (
        f"{count} other {'run' if count == 1 else 'runs'} of the same files {'is' if count == 1 else 'are'} on record."
    )


def pages_title(study: Study) -> str:
    """How many pages of the manuscript are shown."""
    shown, count = len(study.pages), study.page_count
    if count is None or shown == count:
        return f"All {shown} pages" if shown > 1 else "Its only page"
    return f"{shown} of {count} pages"


def file_title(role: str) -> str:
    """What a file of a study is, by its role."""
    if role.startswith("figure_"):
        return f"Figure: {figure_caption(role.removeprefix('figure_'))}"
    return FILES.get(role, role.replace("_", " ").capitalize())


def figure_caption(name: str) -> str:
    """A figure's caption by the name of its output."""
    return FIGURES[name][0] if name in FIGURES else name.replace("-", " ").replace("_", " ").capitalize()


def figure_alt(name: str) -> str:
    """A figure in words, for somebody who cannot see it."""
    if name in FIGURES:
        title, shows = FIGURES[name]
        return f"{title}: {shows}. The numbers stand in the results."
    return f"{figure_caption(name)}: a figure that the study drew; its numbers, where recorded, stand in the results."


def _count(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"
