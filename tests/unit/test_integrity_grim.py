"""Means and standard deviations of whole numbers: which are possible for n people."""

from __future__ import annotations

import statistics
from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.document import Number
from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity.grim import RULES, decides, sd_possible, sums
from evaluators.manuscript.numbers import find_numbers
from tests.support.manuscripts import paper, table

(GRIM,) = RULES


def number(text: str) -> Number:
    return find_numbers(text)[0]


def check(text: str) -> Check:
    return GRIM(paper(text))


@pytest.mark.parametrize(
    ("mean", "n", "items", "possible"),
    [
        # Brown and Heathers 2017: 28 people cannot have the mean 5.19; their neighbours 5.18 and 5.21 can be.
        ("5.19", 28, 1, False),
        ("5.18", 28, 1, True),
        ("5.21", 28, 1, True),
        ("3.45", 20, 1, True),
        ("3.46", 20, 1, False),
        ("3.47", 17, 1, True),
        ("3.45", 17, 1, False),
        ("5.21", 12, 1, False),
        ("5.21", 12, 4, True),
        ("2.5", 2, 1, True),
        ("2.3", 2, 1, False),
        ("5.19", 100, 1, True),
    ],
)
def test_published_and_hand_made_means(mean: str, n: int, items: int, possible: bool) -> None:
    assert bool(sums(number(mean), n, items)) is possible


@pytest.mark.parametrize(
    ("mean", "sd", "n", "possible"),
    [
        # 3.44 with SD 2.47 for 18 people is Allard's example of what GRIM lets pass and GRIMMER does not.
        ("3.44", "2.47", 18, False),
        ("3.44", "2.48", 18, True),
        ("2.50", "0.71", 2, True),
        ("2.50", "0.80", 2, False),
        ("3.00", "0.00", 5, True),
        ("3.50", "0.00", 2, False),
    ],
)
def test_published_and_hand_made_deviations(mean: str, sd: str, n: int, possible: bool) -> None:
    assert any(sd_possible(total, number(sd), n) for total in sums(number(mean), n)) is possible


def test_every_small_sample_is_possible() -> None:
    for n in (2, 3, 4, 5):
        for values in combinations_with_replacement(range(6), n):
            mean, sd = number(f"{statistics.fmean(values):.2f}"), number(f"{statistics.stdev(values):.2f}")
            assert sum(values) in sums(mean, n)
            assert sd_possible(sum(values), sd, n)
            assert sd_possible(sum(values), number(f"{statistics.pstdev(values):.2f}"), n)


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=90), st.integers(1, 3))
def test_a_sample_of_ratings_is_never_found(ratings: list[int], decimals: int) -> None:
    mean, sd = statistics.fmean(ratings), statistics.stdev(ratings)
    text = (
        f"Patients rated pain on a 7-point scale (M = {mean:.{decimals}f}, SD = {sd:.{decimals}f}, n = {len(ratings)})."
    )
    assert check(text).findings == ()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=2, max_size=25))
def test_means_of_several_items_are_never_found(people: list[list[int]]) -> None:
    each = [statistics.fmean(answers) for answers in people]
    text = (
        f"The 3-item Likert scale had mean {statistics.fmean(each):.2f} (SD = {statistics.stdev(each):.2f}), "
        f"n = {len(people)}."
    )
    assert check(text).findings == ()


@settings(deadline=None)
@given(st.integers(100, 500), st.integers(3, 40))
def test_an_impossible_mean_is_always_found(hundredths: int, n: int) -> None:
    mean = number(f"{hundredths / 100:.2f}")
    assert decides(mean, n)
    made = check(f"The {n} raters rated quality with a mean of {mean.text} (n = {n}).")
    assert made.looked_at == 1
    assert bool(made.findings) is not bool(sums(mean, n))


def test_a_finding_names_the_means_that_are_possible() -> None:
    (finding,) = check("Pain was rated lower (M = 5.19, SD = 1.10, n = 28).").findings
    assert finding.severity is Severity.HIGH
    assert finding.expected == "5.18 or 5.21"
    assert finding.quote.startswith("5.19")


def test_two_groups_keep_their_own_n() -> None:
    made = check("Ratings were higher with the drug (M = 5.18, n = 28) than without (M = 3.46, n = 20).")
    assert [finding.quote for finding in made.findings] == ["3.46"]
    assert made.looked_at == 2


def test_tables_with_n_in_the_header() -> None:
    rows = [["Question", "Ours (n = 20)", "Theirs (n = 28)"], ["Clarity", "3.45 ± 0.60", "5.19 ± 1.10"]]
    made = GRIM(paper("", table(rows, "Mean ratings on a 7-point scale.")))
    assert [finding.quote for finding in made.findings] == ["5.19 ± 1.10"]
    plain = GRIM(paper("", table(rows, "Loss of the models.")))
    assert plain.status == "not_checked"


def test_a_mean_of_several_answers_need_not_lie_on_the_grid_of_the_people() -> None:
    text = "The nurses rated trust on a 5-point Likert scale (M = 4.13, SD = 0.80, n = 10)."
    (finding,) = check(text).findings
    assert finding.severity is Severity.HIGH
    (finding,) = check(f"The questionnaire has three subscales. {text}").findings
    assert finding.severity is Severity.MEDIUM
    rows = [["Question", "Group A (n = 15) mean (SD)"], ["Ease", "4.20 (0.68)"], ["Overall", "4.03 (0.55)"]]
    assert GRIM(paper("", table(rows, "Likert ratings of use."))).findings == ()


def test_people_who_may_have_rated_several_things_make_it_less_certain() -> None:
    (finding,) = check("Experts rated clarity on a 5-point scale (M = 4.13, SD = 0.80, n = 10).").findings
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "text",
    [
        "The mean age was 51.93 years (n = 28).",
        "The 28 raters rated it with a mean of 5.19 averaged over three readers (n = 28).",
        "Five readers rated 40 images each on a 5-point scale; the mean rating was 3.87 (n = 5).",
        "Each of 3 readers graded all scans on a 4-point scale with a mean of 2.34.",
        "The mean loss was 5.19.",
        "The mean rating was 5.19.",
    ],
)
def test_what_need_not_be_whole_or_has_no_n_is_not_checked(text: str) -> None:
    assert check(text).status == "not_checked"


def test_many_people_make_every_mean_possible() -> None:
    made = check("The 900 patients rated their pain with a mean of 5.19 (n = 900).")
    assert made.status == "not_checked"
    assert "every mean" in made.reason
