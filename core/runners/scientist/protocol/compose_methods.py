"""Introduction and methods of the manuscript, in the order of TRIPOD+AI; all of it follows from the protocol."""

from __future__ import annotations

from core.runners.scientist.protocol.wording import KINDS, Parts, Teller, listed
from core.runners.scientist.writing import Bullets, Cite, Name, Paragraph, Part, Section, para, pointer, words

CONSENT = {
    "consent": "Consent of the participants",
    "waiver": "A waiver of consent",
    "exempt": "An exemption",
    "public_dataset": "A public dataset",
    "none": "None is stated",
}
DEIDENTIFICATION = {
    "safe_harbor": "Removal of the listed identifiers",
    "expert_determination": "An expert's determination",
    "limited_dataset": "A limited dataset",
    "published_without_identifiers": "Published without identifiers",
    "none": "None is stated",
}
MODALITIES = {"ehr": "health records", "clinical_notes": "clinical notes"}
DATA_CITATIONS = {
    "sklearn:breast_cancer": (Cite("street1993"), Cite("wdbc")),
    "sklearn:diabetes": (Cite("efron2004"),),
    "file": (),
}


def introduction(t: Teller) -> tuple[Section, ...]:
    """Background, question and context of use, in the protocol's own words."""
    background = [Paragraph(t.p.quote("/background"))] if t.protocol.background else []
    return (
        Section(
            "Introduction",
            (
                *background,
                Paragraph(t.p.quote("/question"), "Question of interest."),
                Paragraph(t.p.quote("/context_of_use"), "Context of use."),
                para(
                    "This report follows the order of TRIPOD+AI ", Cite("tripod"), ". Its sentences are the same "
                    "for every study of this kind; its numbers are read from recorded results.",
                ),
            ),
        ),
    )  # fmt: skip


def methods(t: Teller) -> tuple[Section, ...]:
    """What was done, to whom, and how it was analysed."""
    return (
        Section("Methods", (_protocol(t),)),
        Section("Source of data", _source(t), 2),
        Section("Participants", _eligibility(t), 2),
        Section("Outcome and predictors", _variables(t), 2),
        Section("Sample size and missing data", _size(t), 2),
        Section("Models and validation", _models(t), 2),
        Section("Measures of performance", _measures(t), 2),
        Section("Checks for leakage", _leakage(), 2),
        Section("Fairness", _fairness(t), 2),
        Section("Ethics and data rights", _ethics(t), 2),
    )


def _protocol(t: Teller) -> Paragraph:
    return para(
        "The protocol ", Name(t.protocol.id), " was carried out as it is written; the ", Name("SHA-256"), " digest "
        "of its content is ",
        Name(t.study.plan.sha256), ".",
    )  # fmt: skip


def _source(t: Teller) -> tuple[Paragraph, ...]:
    card = t.protocol.card
    modality = MODALITIES.get(card.modality, card.modality)
    cited: tuple[Part, ...] = tuple(DATA_CITATIONS[card.source])
    first: list[Part] = [*t.p.quote("/datasets/0/title"), *([" ", *cited] if cited else []), " (", modality, "). "]
    setting = [Paragraph(t.p.quote("/datasets/0/setting"), "Setting.")] if card.setting else []
    data = para(
        "The data hold ", *t.count("/data/rows", "row", "rows"), " of ", *t.count("/data/columns", "column", "columns"),
        ". Their ", Name("SHA-256"), " digest is ", Name(str(t.r.get("/data/sha256"))), ".",
    )  # fmt: skip
    return Paragraph((*first, *t.p.quote("/datasets/0/description"))), *setting, data


def _eligibility(t: Teller) -> tuple[Paragraph | Bullets, ...]:
    by = t.protocol.card.split_by
    unit: Parts = (
        ("Patients are told apart by the column ", *words(by.column), ".")
        if by.column
        else t.p.quote("/datasets/0/split_by/row_is_patient")
    )
    if not t.protocol.eligibility:
        return (Paragraph(("Every row with a recorded outcome was eligible. ", *unit)),)
    rules = [
        (*t.p.quote(f"/eligibility/{k}/name"), " (", *t.condition("eligibility", k, "where"), ")")
        for k in range(len(t.protocol.eligibility))
    ]
    return Paragraph(("Rows were eligible that met all of these rules. ", *unit)), Bullets(tuple(rules))


def _variables(t: Teller) -> tuple[Paragraph, ...]:
    event: Parts = (
        (" The event is ", *t.p.quote("/outcome/event"), "; every other level counts as no event.")
        if t.protocol.binary
        else ()
    )
    predictors = para(
        "The protocol declares ", *t.count("/predictors/declared", "predictor", "predictors"), ", which give ",
        *t.count("/predictors/columns", "column", "columns"), " of the models' input: a number is one column, a "
        "category "
        "one column for each level but its first. No predictor was selected by its relation to the outcome.",
        lead="Predictors.",
    )  # fmt: skip
    return Paragraph((*t.p.quote("/outcome/definition"), *event), "Outcome."), predictors


def _size(t: Teller) -> tuple[Paragraph, ...]:
    per: Parts = (
        ("rows of the rarer class, ", t.r.num("/outcome/rarer_per_column", 1))
        if t.protocol.binary
        else ("rows, ", t.r.num("/outcome/rows_per_column", 1))
    )
    count = t.r.num("/outcome/rarer" if t.protocol.binary else "/flow/analysed")
    events: Parts = (
        (" or fewer than ", t.r.num("/settings/fewest_events"), " rows of the rarer class") if t.protocol.binary else ()
    )
    leak = " or if a check for leakage failed" if t.protocol.stopping.on_leakage == "stop" else ""
    return (
        para(
            "The data are of a given size; no sample size was calculated beforehand and the intervals show what "
            "precision "
            "they allow. There are ", count, " ", *per, " for each candidate column.",
            lead="Sample size.",
        ),
        para(
            "The study was to end before any model was fitted with fewer than ", t.r.num("/settings/fewest_patients"),
            " patients", *events, leak, ".",
            lead="Stopping rule.",
        ),
        para(
            "Inside each fold, a missing number was replaced by the median of the rows that the model was fitted on; a "
            "missing category is a level of its own. Rows without an outcome were left out.",
            lead="Missing data.",
        ),
    )  # fmt: skip


def _models(t: Teller) -> tuple[Paragraph | Bullets, ...]:
    plans = t.protocol.models
    loss = "log loss" if t.protocol.binary else "squared error"
    stratified = ", with about equal shares of events," if t.protocol.binary else ""
    more: Parts = (
        (
            " There are ", *t.count("/settings/repetitions", "repetition", "repetitions"),
            " of the division, of which the first is analysed and the others show how much the primary measure "
            "depends on the "
            "division.",
        )
        if t.protocol.validation.repeats > 1
        else ()
    )  # fmt: skip
    items = [
        (*words(plan.title), f": {KINDS[plan.kind]}, {'the primary model' if k == 0 else 'a comparator'}")
        for k, plan in enumerate(plans)
    ]
    baseline = "share of events" if t.protocol.binary else "mean outcome"
    return (
        para("The protocol names ", *t.count("/settings/models", "model", "models"), ", and a baseline that predicts "
        "the "
             f"{baseline} of the rows it was fitted on:"),
        Bullets(tuple(items)),
        para(
            "Performance was estimated by nested cross-validation ", Cite("varma2006"), " with ",
            *t.count("/settings/outer_folds", "outer fold", "outer folds"), " and ",
            *t.count("/settings/inner_folds", "inner fold", "inner folds"),
            f". Folds divide patients{stratified} so that no patient is on both sides. The inner folds chose each "
            f"model's "
            f"settings by {loss}; the outer folds were used for nothing but prediction. Imputation, scaling and "
            f"model form "
            "one pipeline that was fitted inside each fold. All random numbers follow from the seed ",
            t.r.num("/settings/seed"), ".", *more, " The models were fitted with scikit-learn ", Cite("sklearn"), ".",
        ),
    )  # fmt: skip


def _measures(t: Teller) -> tuple[Paragraph, ...]:
    named = [t.measure(name) for name in t.measures]
    first = para(
        "All measures are computed on the pooled predictions for rows that the model was not fitted on. The primary "
        "measure "
        "is ", *t.measure(t.protocol.statistics.primary), "; all of them are ", *listed(named, "and"), ". "
        "Calibration is read as in ",
        Cite("calster2019"), ".",
    )  # fmt: skip
    second = para(
        "Intervals are of level ", *t.level(), ", by the percentile bootstrap ", Cite("efron1979"), " over patients "
        "with ",
        *t.count("/settings/replicates", "resample", "resamples"), "; all models see the same resamples, so that "
        "differences between them are paired. The intervals take the fitted models as given.",
    )  # fmt: skip
    return (first, second, *([_binary_measures(t)] if t.protocol.binary else []))


def _binary_measures(t: Teller) -> Paragraph:
    wilson: Parts = (
        ("by the bootstrap over patients, as patients have several rows",)
        if t.study.cohort.clustered
        else ("by Wilson's score method ", Cite("wilson1927"))
    )
    curve: Parts = (
        (" Net benefit ", Cite("vickers2006"), " was computed at ",
         *listed([(t.r.exact(f"/settings/decision_thresholds/{k}"),)
                  for k in range(len(t.protocol.statistics.decision_thresholds))], "and"), ".")
        if t.protocol.statistics.decision_thresholds
        else ()
    )  # fmt: skip
    return para(
        "A predicted risk of at least ", t.r.exact("/settings/threshold"), " counts as positive, a threshold that was "
        "fixed beforehand; sensitivity, specificity and predictive values have intervals ", *wilson, ".", *curve,
        " Risks were kept ", t.r.num("/settings/logit_clip", 6), " away from the ends before their log odds were "
        "taken.",
    )  # fmt: skip


def _leakage() -> tuple[Paragraph, ...]:
    return (
        para(
            "Before fitting, the data and the folds were searched for patients on both sides of a split, for equal "
            "rows on "
            "both sides, for single predictors that nearly tell the outcome, and for predictors that came scaled "
            "over all "
            "rows; after fitting, for preparation that saw other rows than the model."
        ),
    )


def _fairness(t: Teller) -> tuple[Paragraph | Bullets, ...]:
    missing = t.protocol.card.not_recorded
    gaps: list[Paragraph] = []
    if missing:
        names = listed([t.p.quote(pointer("datasets", 0, "not_recorded", k)) for k in range(len(missing))], "and")
        gaps = [para("The data do not record ", *names, "; performance by these cannot be assessed.")]
    if not t.protocol.subgroups:
        return para("No subgroup was pre-specified."), *gaps
    items = [
        (*t.p.quote(f"/subgroups/{k}/name"), " (", *t.condition("subgroups", k, "where"), ")")
        for k in range(len(t.protocol.subgroups))
    ]
    return para("The primary model was examined in these pre-specified subgroups:"), Bullets(tuple(items)), *gaps


def _ethics(t: Teller) -> tuple[Paragraph, ...]:
    card = t.protocol.card
    statement = [Paragraph(t.p.quote("/ethics"))] if t.protocol.ethics else []
    return (
        *statement,
        Paragraph(
            (*t.p.quote("/datasets/0/rights/licence"), ". ", *t.p.quote("/datasets/0/rights/evidence"), "."), "Rights."
        ),
        Paragraph(
            (DEIDENTIFICATION[card.deidentification.basis], ". ", *t.p.quote("/datasets/0/deidentification/detail")),
            "De-identification.",
        ),
        Paragraph((CONSENT[card.consent.basis], ". ", *t.p.quote("/datasets/0/consent/detail")), "Consent."),
    )
