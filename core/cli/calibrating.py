"""How `greenlight review calibrate` prints: what people reach, then each judge beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import say, show
from core.errors import InputError

if TYPE_CHECKING:
    from evaluators.manuscript.agreement import Estimate
    from evaluators.manuscript.calibration import Calibration
    from evaluators.manuscript.ratings import RatingSet

TITLES = {
    "spearman_one": "Spearman, one reviewer",
    "kappa_one": "Weighted kappa, one reviewer",
    "spearman_rest": "Spearman, mean of the other reviewers",
    "spearman_mean": "Spearman, mean of all reviewers",
    "alpha_interval": "Krippendorff's alpha (interval)",
    "alpha_ordinal": "Krippendorff's alpha (ordinal)",
    "icc_1_1": "ICC(1,1), one rating",
    "icc_1_k": "ICC(1,k), mean of a paper's ratings",
    "icc_2_1": "ICC(2,1), one rating",
    "icc_2_k": "ICC(2,k), mean of a paper's ratings",
    "auc_one": "AUC of one reviewer's score",
    "auc": "AUC of the score against the decision",
    "balanced_accuracy": "Balanced accuracy of the recommendation",
    "bias": "Bias: judge minus people",
    "bias_lowest_third": "Bias on the third that people like least",
    "bias_highest_third": "Bias on the third that people like most",
    "drift": "Drift: bias of newer minus older ratings",
    "drift_repeats": "Drift on papers rated again",
}
SIGNED = ("bias", "drift")
SHARE = "_share"


def ratings_of(files: list[Path], rubric: str | None, dimension: str) -> RatingSet:
    """Return the ratings of files, or those that are on record on a form."""
    from evaluators.manuscript.ratings import rating_set, read_ratings

    if bool(files) == bool(rubric):
        raise InputError("there are two places to take ratings from, or none", "give files, or a form with --rubric")
    if rubric is None:
        return read_ratings(files, dimension)
    from core.cli.session import acting
    from core.reviews.calibrating import recorded_ratings

    with acting() as (platform, actor), platform.reading() as session:
        return rating_set([recorded_ratings(session, actor, rubric, dimension)])


def print_calibration(found: Calibration) -> None:
    """Print tables and, below each, what could not be told and why."""
    papers = "1 paper" if found.papers == 1 else f"{found.papers} papers"
    say(f"People among themselves: {papers}, {found.ratings} ratings", "bold")
    _table(
        [_row(one, None) for one in found.people if one.value is not None], ("figure", "value", "interval", "papers")
    )
    _print_missing(found.people)
    for name, figures in found.judges.items():
        say(f"\nThe judge {name}", "bold")
        shares = {one.name.removesuffix(SHARE): one for one in figures if one.name.endswith(SHARE)}
        own = [one for one in figures if not one.name.endswith(SHARE)]
        rows = [_row(one, shares.get(one.name)) for one in own if one.value is not None]
        _table(rows, ("figure", "value", "interval", "papers", "of_people's"))
        _print_missing(own)
        if found.periods[name]:
            months = [{**one, "bias": f"{one['bias']:+.2f}"} for one in found.periods[name]]
            _table(months, ("month", "papers", "bias"))
    for note in found.notes:
        say(f"Note: {note}", "yellow")
    say(
        "\nIntervals are 95 %, over resampled papers. 'Of people's' is the judge's figure as a share of a reviewer's "
        "on the same papers and pairs: at 100 % it agrees with a reviewer as well as another reviewer does. "
        "A judge's score opens no gate.",
        "dim",
    )


def _table(rows: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    show(rows, columns, as_json=False, empty="Nothing could be told.")


def _row(one: Estimate, share: Estimate | None) -> dict[str, object]:
    form = "{:+.2f}" if one.name.startswith(SIGNED) else "{:.3f}"
    row: dict[str, object] = {
        "figure": TITLES.get(one.name, one.name),
        "value": form.format(one.value),
        "interval": f"{form.format(one.interval.low)} to {form.format(one.interval.high)}" if one.interval else None,
        "papers": one.count,
    }
    if share is not None and share.value is not None:
        width = f" ({share.interval.low:.0%} to {share.interval.high:.0%})" if share.interval else ""
        row["of_people's"] = f"{share.value:.0%}{width}"
    return row


def _print_missing(figures: tuple[Estimate, ...] | list[Estimate]) -> None:
    missing: dict[str, list[str]] = {}
    for one in figures:
        if one.reason is not None:
            missing.setdefault(one.reason, []).append(TITLES.get(one.name, one.name))
    for reason, titles in missing.items():
        say(f"Not told: {'; '.join(titles)}: {reason}.", "dim")
