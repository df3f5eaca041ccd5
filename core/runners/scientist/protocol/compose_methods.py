"""Introduction and methods of the manuscript, in the order of TRIPOD+AI; all of it follows from the protocol."""

from __future__ import annotations

from core.runners.scientist.protocol.wording import KINDS, Parts, Teller, listed
from core.runners.scientist.writing import (
    Block,
    Bullets,
    Cite,
    Name,
    Paragraph,
    Section,
    fill,
    para,
    pointer,
    told,
    words,
)

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
CITED: dict[str, Parts] = {
    "sklearn:breast_cancer": (" ", Cite("street1993"), Cite("wdbc")),
    "sklearn:diabetes": (" ", Cite("efron2004")),
    "file": (),
}
SHA = Name("SHA-256")


def introduction(t: Teller) -> tuple[Section, ...]:
    """Background, question and context of use, in the protocol's own words."""
    background = [Paragraph(t.p.quote("/background"))] if t.protocol.background else []
    blocks = (
        *background,
        Paragraph(t.p.quote("/question"), "Question of interest."),
        Paragraph(t.p.quote("/context_of_use"), "Context of use."),
        told(
            "This report follows the order of TRIPOD+AI {tripod}. Its sentences are the same for every study of "
            "this kind; its numbers are read from recorded results.",
            tripod=Cite("tripod"),
        ),
    )
    return (Section("Introduction", blocks),)


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
    return told(
        "The protocol {id} was carried out as it is written; the {sha} digest of its content is {digest}.",
        id=Name(t.protocol.id),
        sha=SHA,
        digest=Name(t.study.plan.sha256),
    )


def _source(t: Teller) -> tuple[Block, ...]:
    card = t.protocol.card
    described = told(
        "{title}{cited} ({modality}). {description}",
        title=t.p.quote("/datasets/0/title"),
        cited=CITED[card.source],
        modality=MODALITIES.get(card.modality, card.modality),
        description=t.p.quote("/datasets/0/description"),
    )
    setting = [Paragraph(t.p.quote("/datasets/0/setting"), "Setting.")] if card.setting else []
    data = told(
        "The data hold {rows} of {columns}. Their {sha} digest is {digest}.",
        rows=t.count("/data/rows", "row", "rows"),
        columns=t.count("/data/columns", "column", "columns"),
        sha=SHA,
        digest=Name(str(t.r.get("/data/sha256"))),
    )
    return described, *setting, data


def _eligibility(t: Teller) -> tuple[Block, ...]:
    by = t.protocol.card.split_by
    patients: Parts = (
        fill("Patients are told apart by the column {column}.", column=tuple(words(by.column)))
        if by.column
        else t.p.quote("/datasets/0/split_by/row_is_patient")
    )
    if not t.protocol.eligibility:
        return (told("Every row with a recorded outcome was eligible. {patients}", patients=patients),)
    first = told("Rows were eligible that met all of these rules. {patients}", patients=patients)
    return first, Bullets(_rules(t, "eligibility", len(t.protocol.eligibility)))


def _rules(t: Teller, part: str, count: int) -> tuple[Parts, ...]:
    """Rules of the protocol, each with its condition."""
    return tuple(
        fill("{name} ({condition})", name=t.p.quote(f"/{part}/{k}/name"), condition=t.condition(part, k, "where"))
        for k in range(count)
    )


def _variables(t: Teller) -> tuple[Block, ...]:
    outcome = t.p.quote("/outcome/definition")
    if t.protocol.binary:
        event = fill(" The event is {event}; every other level is none.", event=t.p.quote("/outcome/event"))
        outcome = (*outcome, *event)
    predictors = told(
        "The protocol declares {predictors}, which give {columns} of the models' input: a number is one column, a "
        "category one column for each level but its first. All of them were given to every model.",
        lead="Predictors.",
        predictors=t.count("/predictors/declared", "predictor", "predictors"),
        columns=t.count("/predictors/columns", "column", "columns"),
    )
    return Paragraph(outcome, "Outcome."), predictors


def _size(t: Teller) -> tuple[Block, ...]:
    binary = t.protocol.binary
    size = told(
        "The data are of a given size; no sample size was calculated beforehand, and the intervals show what "
        "precision they allow. There are {count} {rows}, {each} for each candidate column.",
        lead="Sample size.",
        count=t.r.num("/outcome/rarer" if binary else "/flow/analysed"),
        rows="rows of the rarer class" if binary else "rows",
        each=t.r.num("/outcome/rarer_per_column" if binary else "/outcome/rows_per_column", 1),
    )
    fewest = t.r.num("/settings/fewest_events") if binary else None
    stopping = told(
        "The study was to end before any model was fitted with fewer than {patients} patients{events}{leakage}.",
        lead="Stopping rule.",
        patients=t.r.num("/settings/fewest_patients"),
        events=(" or fewer than ", fewest, " rows of the rarer class") if fewest else "",
        leakage=" or if a check for leakage failed" if t.protocol.stopping.on_leakage == "stop" else "",
    )
    missing = para(
        "Inside each fold, a missing number was replaced by the median of the rows that the model was fitted on; a "
        "missing category is a level of its own. Rows without an outcome were left out.",
        lead="Missing data.",
    )
    return size, stopping, missing


def _models(t: Teller) -> tuple[Block, ...]:
    binary = t.protocol.binary
    named = told(
        "The protocol names {models}, and a baseline that predicts the {constant} of the rows it was fitted on:",
        models=t.count("/settings/models", "model", "models"),
        constant="share of events" if binary else "mean outcome",
    )
    items = [
        fill("{title}: {kind}, {part}", title=tuple(words(plan.title)), kind=KINDS[plan.kind], part=part)
        for plan, part in zip(t.protocol.models, ("the primary model", *["a comparator"] * 5), strict=False)
    ]
    validation = told(
        "Performance was estimated by nested cross-validation {varma} with {outer} and {inner}. Folds divide "
        "patients{strata} so that no patient is on both sides. The inner folds chose each model's settings by "
        "{loss}; the outer folds were used for nothing but prediction. Imputation, scaling and model form one "
        "pipeline that was fitted inside each fold.{classes} All random numbers follow from the seed "
        "{seed}.{repetitions} The models were fitted with scikit-learn {sklearn}.",
        varma=Cite("varma2006"),
        outer=t.count("/settings/outer_folds", "outer fold", "outer folds"),
        inner=t.count("/settings/inner_folds", "inner fold", "inner folds"),
        strata=", with about equal shares of events," if binary else "",
        loss="log loss" if binary else "squared error",
        classes=" No class was weighted or drawn anew." if binary else "",
        seed=t.r.num("/settings/seed"),
        repetitions=_repetitions(t),
        sklearn=Cite("sklearn"),
    )
    return named, Bullets(tuple(items)), validation


def _repetitions(t: Teller) -> Parts:
    if t.protocol.validation.repeats == 1:
        return ()
    return fill(
        " There are {repetitions} of the division: the first is analysed, and the others show how much the primary "
        "measure depends on the division.",
        repetitions=t.count("/settings/repetitions", "repetition", "repetitions"),
    )


def _measures(t: Teller) -> tuple[Block, ...]:
    measured = told(
        "All measures are computed on the pooled predictions for rows that the model was not fitted on. The primary "
        "measure is {primary}; all of them are {all}. Calibration is read as in {calster}.",
        primary=t.measure(t.protocol.statistics.primary),
        all=listed([t.measure(name) for name in t.measures], "and"),
        calster=Cite("calster2019"),
    )
    intervals = told(
        "Intervals are of level {level}, by the percentile bootstrap {efron} over patients with {replicates}; all "
        "models see the same resamples, so that differences between them are paired. The intervals take the fitted "
        "models as given.",
        level=t.level(),
        efron=Cite("efron1979"),
        replicates=t.count("/settings/replicates", "resample", "resamples"),
    )
    return measured, intervals, *([_at_threshold(t)] if t.protocol.binary else [])


def _at_threshold(t: Teller) -> Paragraph:
    return told(
        "A predicted risk of at least {threshold} counts as positive, a threshold that was fixed beforehand; "
        "sensitivity, specificity and predictive values have intervals {method}.{curve} Risks were kept {clip} away "
        "from the ends before their log odds were taken.",
        threshold=t.r.exact("/settings/threshold"),
        method=(
            "by the bootstrap over patients, as patients have several rows"
            if t.study.cohort.clustered
            else ("by Wilson's score method ", Cite("wilson1927"))
        ),
        curve=_decision_curve(t),
        clip=t.r.exact("/settings/logit_clip"),
    )


def _decision_curve(t: Teller) -> Parts:
    count = len(t.protocol.statistics.decision_thresholds)
    if not count:
        return ()
    thresholds = [(t.r.exact(f"/settings/decision_thresholds/{k}"),) for k in range(count)]
    return fill(
        " Net benefit {vickers} was computed at {thresholds}.",
        vickers=Cite("vickers2006"),
        thresholds=listed(thresholds, "and"),
    )


def _leakage() -> tuple[Block, ...]:
    return (
        para(
            "Before fitting, the data and the folds were searched for patients on both sides of a split, for equal "
            "rows on both sides, for single predictors that nearly tell the outcome, and for predictors that came "
            "scaled over all rows; after fitting, for preparation that saw other rows than the model."
        ),
    )


def _fairness(t: Teller) -> tuple[Block, ...]:
    missing = t.protocol.card.not_recorded
    gaps: list[Block] = []
    if missing:
        names = listed([t.p.quote(pointer("datasets", 0, "not_recorded", k)) for k in range(len(missing))], "and")
        gaps = [told("The data do not record {names}; performance by these cannot be assessed.", names=names)]
    if not t.protocol.subgroups:
        return para("No subgroup was pre-specified."), *gaps
    first = para("The primary model was examined in these pre-specified subgroups:")
    return first, Bullets(_rules(t, "subgroups", len(t.protocol.subgroups))), *gaps


def _ethics(t: Teller) -> tuple[Block, ...]:
    card = t.protocol.card
    statement = [Paragraph(t.p.quote("/ethics"))] if t.protocol.ethics else []
    rights, evidence = (t.p.quote(f"/datasets/0/rights/{key}") for key in ("licence", "evidence"))
    return (
        *statement,
        told("{licence}. {evidence}.", lead="Rights.", licence=rights, evidence=evidence),
        told(
            "{basis}. {detail}",
            lead="De-identification.",
            basis=DEIDENTIFICATION[card.deidentification.basis],
            detail=t.p.quote("/datasets/0/deidentification/detail"),
        ),
        told(
            "{basis}. {detail}",
            lead="Consent.",
            basis=CONSENT[card.consent.basis],
            detail=t.p.quote("/datasets/0/consent/detail"),
        ),
    )
