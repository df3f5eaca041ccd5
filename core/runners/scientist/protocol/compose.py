"""The manuscript of a protocol study: its sentences are fixed here, its numbers come from the recorded results."""

from __future__ import annotations

from core.runners.scientist.protocol.compose_methods import introduction, methods
from core.runners.scientist.protocol.compose_results import results
from core.runners.scientist.protocol.references import references
from core.runners.scientist.protocol.study import Study
from core.runners.scientist.protocol.wording import Parts, Teller, number_at
from core.runners.scientist.writing import Cite, Draft, Name, Paragraph, Section, fill, para, told, words


def compose(study: Study, pictures: dict[str, bytes]) -> Draft:
    """Return the manuscript with the study's figures; every number points into the results or the protocol."""
    t = Teller(study)
    sections = (
        *introduction(t),
        *methods(t),
        *results(t, pictures),
        Section("Discussion", _discussion(t)),
        Section("Limitations", _limitations(t), 2),
        Section("Statements", ()),
        Section("Data and code", (_availability(),), 2),
        Section("Automation", (_automation(),), 2),
        Section("Authors, funding and involvement of patients", (_authors(),), 2),
    )
    byline = fill(
        "Composed by a program from recorded results. Protocol {id}, digest {digest}.",
        id=Name(study.plan.protocol.id),
        digest=Name(study.plan.sha256[:16]),
    )
    abstract = _abstract(t)
    cited = _cited(sections, abstract)
    known = {one.key: one for one in references(study.plan.protocol)}
    kept = tuple(known[key] for key in cited)
    return Draft(t.p.quote("/title"), byline, abstract, sections, kept, f"protocol sha256:{study.plan.sha256}")


def _cited(sections: tuple[Section, ...], abstract: tuple[Paragraph, ...]) -> list[str]:
    """The keys of the literature in the order of their first use."""
    blocks = [*abstract, *(block for section in sections for block in section.blocks)]
    parts = (part for block in blocks if isinstance(block, Paragraph) for part in block.parts)
    return list(dict.fromkeys(part.key for part in parts if isinstance(part, Cite)))


def _abstract(t: Teller) -> tuple[Paragraph, ...]:
    question = Paragraph(t.p.quote("/question"), "Question.")
    did = told(
        "{title}: {rows} of {patients}, {predictors}. Nested cross-validation of {models}.",
        lead="Methods.",
        title=t.p.quote("/datasets/0/title"),
        rows=t.count("/flow/analysed", "row", "rows"),
        patients=t.count("/flow/patients", "patient", "patients"),
        predictors=t.count("/predictors/declared", "predictor", "predictors"),
        models=t.count("/settings/models", "pre-specified model", "pre-specified models"),
    )
    if t.study.predictions is None:
        why = t.r.quote("/stopped")
        return (
            question,
            did,
            told("The study was stopped before any model was fitted: {why}.", lead="Results.", why=why),
        )
    first, primary = t.protocol.models[0].name, t.protocol.statistics.primary
    place = f"/models/{first}/performance"
    found = told(
        "{measure} of {model} was {estimate}, its calibration slope {slope}.{threshold}",
        lead="Results.",
        measure=tuple(words(t.measures[primary].title)),
        model=t.title(first),
        estimate=t.estimate(f"{place}/{primary}", t.decimals(primary)),
        slope=t.estimate(f"{place}/calibration_slope", 2),
        threshold=_at_threshold(t, first),
    )
    ends = para(
        "These figures describe patients of the same source. They do not show that use of the model helps a patient.",
        lead="Conclusion.",
    )
    return question, did, found, ends


def _at_threshold(t: Teller, name: str) -> Parts:
    if not t.protocol.binary:
        return ()
    place = f"/models/{name}/operating_point"
    return fill(
        " At a risk threshold of {threshold}, sensitivity was {sensitivity} and specificity {specificity}.",
        threshold=t.r.exact(f"{place}/threshold"),
        sensitivity=t.estimate(f"{place}/sensitivity", 3),
        specificity=t.estimate(f"{place}/specificity", 3),
    )


def _discussion(t: Teller) -> tuple[Paragraph, ...]:
    if t.study.predictions is None:
        return (para("Nothing can be concluded about the models: none was fitted."),)
    first, primary = t.protocol.models[0].name, t.protocol.statistics.primary
    return (
        told(
            "In rows that took no part in fitting, {model} reached a primary measure of {estimate}. {slope} "
            "{against} {baseline}",
            model=t.title(first),
            estimate=t.estimate(f"/models/{first}/performance/{primary}", t.decimals(primary)),
            slope=_slope(t, first),
            against=_against(t),
            baseline=_baseline(t, first),
        ),
    )


def _slope(t: Teller, name: str) -> str:
    low, high = (number_at(t, f"/models/{name}/performance/calibration_slope/{end}") for end in ("low", "high"))
    if low is None or high is None:
        return "Its calibration slope has no interval, so nothing is concluded about it."
    if low > 1:
        return "Its calibration slope lay above one: predictions were not extreme enough."
    if high < 1:
        return "Its calibration slope lay below one: predictions were too extreme."
    return "The interval of its calibration slope includes one: no miscalibration of this kind was shown."


def _against(t: Teller) -> str:
    compared = t.study.results["comparisons"]
    ends = [(one["low"], one["high"]) for one in compared] if isinstance(compared, list) else []
    if not ends:
        return "No other model was compared with it."
    apart = [low for low, high in ends if low is not None and not low <= 0 <= high]
    if not apart:
        return "No difference from the other models was shown."
    return "A difference from at least one other model was shown; its size is in the results."


def _baseline(t: Teller, name: str) -> str:
    measure = "brier" if t.protocol.binary else "rmse"
    high = number_at(t, f"/models/{name}/performance/{measure}/high")
    low = number_at(t, f"/baseline/performance/{measure}/low")
    if high is not None and low is not None and high < low:
        return "Its error lay below that of the constant baseline, the intervals apart."
    return "Its error was not clearly below that of the constant baseline."


def _limitations(t: Teller) -> tuple[Paragraph, ...]:
    counts = t.study.results["leakage_counts"]
    failed = bool(counts["fail"]) if isinstance(counts, dict) else False
    several = len(t.protocol.models) + len(t.protocol.subgroups) > 1
    said = (
        (True, "The models were validated on the source that they were fitted on; elsewhere, nothing is known."),
        (
            True,
            "The intervals show the chance of drawing these patients and take the fitted models as given; they "
            "leave out what another sample to fit on would change.",
        ),
        (several, "Several models and subgroups were looked at, and the intervals are not widened for that."),
        (
            bool(t.protocol.card.not_recorded),
            "Performance by characteristics that the data do not record could not be examined.",
        ),
        (
            bool(t.r.num("/missing/values").value),
            "A single imputation by the median understates the uncertainty that missing values bring.",
        ),
        (
            t.protocol.card.split_by.column is None,
            "That each row is another patient rests on the dataset's description and could not be checked.",
        ),
        (
            failed,
            "A check for leakage failed: the performance may be too good, and should not be relied on before that "
            "is explained.",
        ),
        (t.protocol.binary, "Predictive values and net benefit hold for the share of events in these data only."),
    )
    return tuple(para(sentence) for holds, sentence in said if holds)


def _availability() -> Paragraph:
    return para(
        "The protocol, the data's digest, every recorded result, the predictions for each row, the program that "
        "repeats the analysis and a list of the installed software are kept beside this manuscript. A record of "
        "provenance names, for each number printed here, the place in these files that it was read from."
    )


def _automation() -> Paragraph:
    return para(
        "This manuscript was composed by a program from recorded results; no language model took part. Its "
        "sentences are the same for every study of this kind, apart from the words of the protocol."
    )


def _authors() -> Paragraph:
    return para(
        "No author, funding, competing interest or involvement of patients is stated in the protocol. Those who "
        "publish this work name its authors, who take responsibility for it; a program is no author."
    )
