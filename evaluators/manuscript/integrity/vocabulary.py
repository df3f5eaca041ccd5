"""The field's words: measures under all their names, which way each is better, and the words of a setup.

A text and a key of a results file are brought to the same words: "Best Val. Loss" and `best_val_loss_mean` meet.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class MeasureWord(NamedTuple):
    """A measure of the field. `better` is "higher", "lower" or "" (a target, or none)."""

    name: str
    pattern: str
    better: str
    share: bool = False
    """Whether it is a count of correct cases over all cases, so that it lies on k/n."""


MEASURES: tuple[MeasureWord, ...] = (
    MeasureWord("balanced_accuracy", r"balanced[ -]acc(uracy|\b)|\bbacc\b|\bbal\.? acc\b", "higher"),
    MeasureWord("average_precision", r"average precision|\bau-?prc?\b|\bpr[ -]auc\b|\bauc[ -]pr\b", "higher"),
    MeasureWord("map", r"\bm-?ap(@[\d.:]+)?\b|mean average precision", "higher"),
    MeasureWord(
        "auc",
        r"\b(macro|micro)?-?au-?roc\b|\broc[ -]?auc\b|\bauc([ -]?roc)?s?\b|area under (the )?(receiver operating "
        r"characteristics?( \(roc\))? )?(roc )?curve|\bc[ -](statistic|index)\b",
        "higher",
    ),
    MeasureWord("kappa", r"\bqwk\b|(quadratic(ally)?[ -])?(weighted )?(cohen'?s )?kappa", "higher"),
    MeasureWord("mcc", r"\bmcc\b|matthews correlation( coefficient)?", "higher"),
    MeasureWord("f1", r"\bf[ -]?1([ -]?scores?)?\b|\bf-?measure\b|\bf-?scores?\b", "higher"),
    MeasureWord("accuracy", r"\baccurac(y|ies)\b|\bacc\b\.?", "higher", True),
    MeasureWord("npv", r"negative predictive values?|\bnpv\b", "higher"),
    MeasureWord("ppv", r"positive predictive values?|\bppv\b", "higher"),
    MeasureWord("precision", r"\bprecision\b|\bprec\b\.?", "higher"),
    MeasureWord("sensitivity", r"\bsensitivit(y|ies)\b|\bsens\b\.?|\btpr\b|true[ -]positive rate", "higher"),
    MeasureWord("recall", r"\brecall\b|\brec\b\.?", "higher"),
    MeasureWord("specificity", r"\bspecificit(y|ies)\b|\bspec\b\.?|\btnr\b|true[ -]negative rate", "higher"),
    MeasureWord("dice", r"\bdice( (score|coefficient|similarity coefficient))?\b|\bdsc\b", "higher"),
    MeasureWord("iou", r"\bm?iou\b|jaccard( index)?|intersection over union", "higher"),
    MeasureWord("hausdorff", r"\bhd ?95\b|hausdorff( distance)?", "lower"),
    MeasureWord("psnr", r"\bpsnr\b", "higher"),
    MeasureWord("ssim", r"\b(ms-)?ssim\b", "higher"),
    MeasureWord("lpips", r"\blpips\b", "lower"),
    MeasureWord("fid", r"\bfid\b|fr[eé]chet inception distance", "lower"),
    MeasureWord("bleu", r"\bbleu(-?\d)?\b", "higher"),
    MeasureWord("rouge", r"\brouge(-?[\dl])?\b", "higher"),
    MeasureWord("perplexity", r"\bperplexit(y|ies)\b|\bppl\b", "lower"),
    MeasureWord("brier_scaled", r"scaled brier( score)?|brier skill( score)?", "higher"),
    MeasureWord("brier", r"\bbrier( scores?)?\b", "lower"),
    MeasureWord("ece", r"\bece\b|expected calibration error", "lower"),
    MeasureWord("calibration_intercept", r"calibration[ -]in[ -]the[ -]large|calibration intercept", ""),
    MeasureWord("calibration_slope", r"calibration slope", ""),
    MeasureWord("rmse", r"\brmse\b|root[ -]mean[ -]squared? error", "lower"),
    MeasureWord("mse", r"\bmse\b|mean[ -]squared? error", "lower"),
    MeasureWord("mae", r"\bmae\b|mean absolute error", "lower"),
    MeasureWord("mean_error", r"\bmean error\b|mean of observed less predicted", ""),
    MeasureWord(
        "r2", r"\br ?squared\b|\br\^?\{?2\}?(?= |$|\))|\br²|explained variance|coefficient of determination", "higher"
    ),
    MeasureWord("kl", r"\bkl([ -]div(ergence)?)?\b|kullback[ -–]leibler( divergence)?", "lower"),
    MeasureWord("nll", r"\bnll\b|negative log[ -]likelihood", "lower"),
    MeasureWord(
        "speed",
        r"\b(tokens|samples|images|frames|steps)( ?/ ?s(ec(ond)?)?| per second)\b|\bspeeds?\b|\bthroughput\b|\bfps\b",
        "higher",
    ),
    MeasureWord("latency", r"\blatenc(y|ies)\b", "lower"),
    MeasureWord("time", r"\b(run)?times?\b|\bdurations?\b", "lower"),
    MeasureWord("loss", r"\bloss(es)?\b", "lower"),
    MeasureWord("error_rate", r"\berror rates?\b|\b[wc]er\b", "lower"),
)
TO_TARGET = MeasureWord(
    "steps_to_target",
    r"\b(steps?|epochs?|iterations?|updates?|rounds?|time)\s+(\w+ )?(to|until|till|before)\s+(\w+ ){0,3}"
    r"\d[\d.]*\s?%?\s*(\w+[. -]+){0,3}?(accuracy|acc\b\.?|loss|auc|f1|dice|error)",
    "lower",
)
"""How long it took to reach a value of a measure ("steps to 99 % accuracy"): no value of that measure."""
BY_NAME = {measure.name: measure for measure in (*MEASURES, TO_TARGET)}
_EACH = tuple((re.compile(measure.pattern, re.IGNORECASE), measure) for measure in MEASURES)

SAME = {
    "val": "validation", "valid": "validation", "dev": "validation", "training": "train", "trained": "train",
    "evaluation": "eval", "eval": "eval", "testing": "test", "avg": "mean", "average": "mean", "averaged": "mean",
    "std": "sd", "stddev": "sd", "stdev": "sd", "stds": "sd", "deviation": "sd", "stderr": "se", "stderrs": "se",
    "sem": "se", "means": "mean", "lr": "learningrate", "num": "number", "n": "number", "params": "parameter",
    "inf": "inference", "init": "initial", "operations": "operation", "lower": "low", "upper": "high",
}  # fmt: skip
"""Words that mean the same in keys and prose."""

STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from in is it its of on or over the this that to was were which with we our per "
        "than their these those has have had s score value metric result performance",
    )
)

SETUP = re.compile(
    r"learning[ -]?rate|\blr\b|weight decay|dropout|momentum|batch size|hyper-?parameter|warm-?up|\bbeta|β|\bseeds?\b|"
    r"temperature|significance (level|threshold)|\balpha\b|α\s*=|λ|lambda|\bweight(s|ed)? of\b|loss weight|"
    r"coefficient of|"
    r"penalty (weight|strength|coefficient)|initiali[sz]|gradient clip|\bclip(ped|ping)?\b|\bepsilon\b|ε\s*=|"
    r"label smoothing|threshold(s|ed)? (of|at|is|was|=)|risk of|image size|resolution|padding|stride|kernel|"
    r"noise (level|schedule)|schedule|optimi[sz]er|\badamw?\b|configur|\bsettings?\b|\bstep size\b|\bratio of\b|"
    r"regulari[sz]ation (weight|strength|parameter|coefficient)|η|"
    r"\bgamma\b|γ|σ\s*=|\bdecay|\bscal(ed|ing) (by|factor)|initial value|embedding dimension|hidden size|margin of",
    re.IGNORECASE,
)
"""Words around a number that was chosen, not measured."""
CHOSEN = re.compile(
    r"\b(is|are|was|were|been?|being|we) (\w+ )?(set|fixed|initiali[sz]ed|weighted|clipped|scaled)\s+(to|at|as|by)\s*$|"
    r"\b(is|are|was|were) (kept|held)\s+(at least )?$|"
    r"(∈|∼|~)\s*\w{0,2}\s*[\[({][^\])}]{0,24}$",
    re.IGNORECASE,
)
"""Words right before a number that was chosen, and the bounds of the range or distribution of one."""


@lru_cache(maxsize=20_000)
def measures_in(text: str, more: tuple[MeasureWord, ...] = ()) -> tuple[tuple[int, int, MeasureWord], ...]:
    """Every measure named in a text with its start and end, in order; of overlapping ones the more specific.

    `more` are a paper's own measures, looked for first.
    """
    return _named((TO_TARGET, *more), text)


def _named(first: tuple[MeasureWord, ...], text: str) -> tuple[tuple[int, int, MeasureWord], ...]:
    """The measures named in a text; those in `first` are looked for before the field's."""
    found: list[tuple[int, int, MeasureWord]] = []
    own = tuple((re.compile(measure.pattern, re.IGNORECASE), measure) for measure in first)
    for pattern, measure in (*own, *_EACH):
        for match in pattern.finditer(text):
            if match.end() > match.start() and not any(
                match.start() < end and start < match.end() for start, end, _ in found
            ):
                found.append((match.start(), match.end(), measure))
    return tuple(sorted(found, key=lambda one: one[:2]))


@lru_cache(maxsize=20_000)
def words(text: str) -> frozenset[str]:
    """The words that name things in a text or key: measures under one name, plain words, numbers with their names."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("\\_", "_").replace("_", " ")).lower()
    text = re.sub(r"\b(run|seed|fold|layer|epoch|stage|level|step|grade|class) (\d+)\b", r"\1\2", text)
    pieces: list[str] = []
    at = 0
    for start, end, measure in _named((), text):
        pieces += [text[at:start], f" {measure.name} "]
        at = end
    pieces.append(text[at:])
    rest = re.findall(r"[^\W\d]\w*|(?<![\w.])\d+(?![\w.])", "".join(pieces))
    return frozenset(_root(word) for word in rest) - STOP


def _root(word: str) -> str:
    if word in BY_NAME:
        return word
    word = SAME.get(word, word)
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return SAME.get(word, word)
