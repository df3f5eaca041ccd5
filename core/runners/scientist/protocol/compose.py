"""The manuscript of a protocol study: its sentences are fixed here, its numbers come from the recorded results."""

from __future__ import annotations

from core.runners.scientist.protocol.compose_methods import introduction, methods
from core.runners.scientist.protocol.compose_results import results
from core.runners.scientist.protocol.references import references
from core.runners.scientist.protocol.study import Study
from core.runners.scientist.protocol.wording import Parts, Teller, number_at
from core.runners.scientist.writing import Cite, Draft, Name, Paragraph, Section, para, words


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
    byline = ("Composed by a program from recorded results. Protocol ", Name(study.plan.protocol.id), ", digest ",
              Name(study.plan.sha256[:16]), ".")  # fmt: skip
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
    names = [plan.name for plan in t.protocol.models]
    first, primary = names[0], t.protocol.statistics.primary
    did = para(
        *t.p.quote("/datasets/0/title"), ": ", *t.count("/flow/analysed", "row", "rows"), " of ",
        *t.count("/flow/patients", "patient", "patients"), ", ",
        *t.count("/predictors/declared", "predictor", "predictors"), ". ",
        "Nested cross-validation of ", *t.count("/settings/models", "pre-specified model", "pre-specified models"), ".",
        lead="Methods.",
    )  # fmt: skip
    if t.study.predictions is None:
        found = para(
            "The study was stopped before any model was fitted: ", *t.r.quote("/stopped"), ".", lead="Results."
        )
        return Paragraph(t.p.quote("/question"), "Question."), did, found
    place = f"/models/{first}/performance"
    found = para(
        *words(t.measures[primary].title), " of ", *t.title(first), " was ",
        *t.estimate(f"{place}/{primary}", t.decimals(primary)), ", its calibration slope ",
        *t.estimate(f"{place}/calibration_slope", 2), ".", *_at_threshold(t, first),
        lead="Results.",
    )  # fmt: skip
    ends = para(
        "These figures describe patients of the same source. They do not show that use of the model helps a patient.",
        lead="Conclusion.",
    )
    return Paragraph(t.p.quote("/question"), "Question."), did, found, ends


def _at_threshold(t: Teller, name: str) -> Parts:
    if not t.protocol.binary:
        return ()
    place = f"/models/{name}/operating_point"
    return (
        " At a risk threshold of ", t.r.exact(f"{place}/threshold"), ", sensitivity was ",
        *t.estimate(f"{place}/sensitivity", 3), " and specificity ", *t.estimate(f"{place}/specificity", 3), ".",
    )  # fmt: skip


def _discussion(t: Teller) -> tuple[Paragraph, ...]:
    if t.study.predictions is None:
        return (para("Nothing can be concluded about the models: none was fitted."),)
    first, primary = t.protocol.models[0].name, t.protocol.statistics.primary
    told = para(
        "In rows that took no part in fitting, ", *t.title(first), " reached a primary measure of ",
        *t.estimate(f"/models/{first}/performance/{primary}", t.decimals(primary)), ". ", _slope(t, first), " ",
        _against(t), " ", _baseline(t, first),
    )  # fmt: skip
    return (told,)


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
    found: list[Parts] = [
        ("The models were validated on the source that they were fitted on; how they perform elsewhere is unknown.",),
        ("The intervals show the chance of drawing these patients and take the fitted models as given; they leave "
        "out what "
         "another sample to fit on would change.",),
    ]  # fmt: skip
    if t.protocol.card.not_recorded:
        found.append(("Performance by characteristics that the data do not record could not be examined.",))
    if t.r.num("/missing/values").value:
        found.append(("A single imputation by the median understates the uncertainty that missing values bring.",))
    if t.protocol.card.split_by.column is None:
        found.append(("That each row is another patient rests on the dataset's description and could not be checked.",))
    counts = t.study.results["leakage_counts"]
    if isinstance(counts, dict) and counts["fail"]:
        found.append((*t.count("/leakage_counts/fail", "check", "checks"), " for leakage failed: the performance may "
        "be "
                      "too good, and should not be relied on before that is explained."))  # fmt: skip
    if t.protocol.binary:
        found.append(("Predictive values and net benefit hold for the share of events in these data only.",))
    return tuple(Paragraph(parts) for parts in found)


def _availability() -> Paragraph:
    return para(
        "The protocol, the data's digest, every recorded result, the predictions for each row, the program that "
        "repeats the "
        "analysis and a list of the installed software are kept beside this manuscript. A record of provenance names, "
        "for each number printed here, the place in these files that it was read from."
    )


def _automation() -> Paragraph:
    return para(
        "This manuscript was composed by a program from recorded results; no language model took part. Its sentences "
        "are "
        "the same for every study of this kind, apart from the words of the protocol."
    )


def _authors() -> Paragraph:
    return para(
        "No author, funding, competing interest or involvement of patients is stated in the protocol. Those who "
        "publish this "
        "work name its authors, who take responsibility for it; a program is no author."
    )
