"""p values recomputed from t, F, chi square, r, z, H and Q, within what rounding allows."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluators.manuscript.document import Place
from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity.pvalues import RULES, recompute, reported_tests
from tests.support.manuscripts import paper, table

RECOMPUTED, POSSIBLE = RULES


def check(text: str) -> Check:
    return RECOMPUTED(paper(text))


@pytest.mark.parametrize(
    ("text", "p"),
    [
        # Student's and Fisher's tables, and the critical values that every textbook prints.
        ("t(28) = 2.048, p = .050", 0.05),
        ("t(10) = −2.228, p = 0.05", 0.05),
        ("F(1, 10) = 4.965, p = .05", 0.05),
        ("F(2, 45) = 3.204, p = .05", 0.05),
        ("χ2(1, N = 90) = 6.635, p = .01", 0.01),
        ("χ^2(2) = 5.991, p = .05", 0.05),
        ("chi-square(4) = 9.488, p = .050", 0.05),
        ("z = 2.576, p = .01", 0.01),
        ("r(8) = .632, p = .05", 0.05),
        ("H(2) = 5.991, p = .05", 0.05),
        ("t_28 = 2.048, p = .05", 0.05),
        ("t = 2.048, df = 28, p-value = 0.05", 0.05),
        ("z = 3.291, p = 1.0 × 10−3", 0.001),
        ("χ2 = 6.635, df = 1, p = .01", 0.01),
        ("χ²_2 = 5.991, p = .05", 0.05),
        ("χ22 = 5.991, p = .05", 0.05),
        ("chi-squared = 9.488; df = 4, P = 0.05", 0.05),
    ],
)
def test_a_tabulated_value_gives_its_p(text: str, p: float) -> None:
    (test,) = reported_tests(text, Place(""))
    two = recompute(test).two
    assert two.low <= p * 1.002
    assert two.high >= p * 0.998
    made = check(f"The groups differed, {text}.")
    assert (made.looked_at, made.findings) == (1, ())


@pytest.mark.parametrize(
    "text",
    [
        "t(28) = 2.20, p = .30",
        "t(28) = 1.20, p = .03",
        "F(1, 58) = 4.50, η2 = .07, p = .21",
        "F(2, 45) = 1.20, p < .05",
        "χ2(1, N = 90) = 7.00, p = .08",
        "χ²(2) = 1.10, p = 0.04",
        "r(48) = .30, p = .34",
        "z = 0.96, p = .03",
        "t(28) = 4.5, n.s.",
        "t(60) = 3.1, p > .05",
    ],
)
def test_a_wrong_p_is_found(text: str) -> None:
    (finding,) = check(f"The groups differed, {text}.").findings
    assert finding.severity is Severity.HIGH
    assert finding.quote.startswith(text[:6])
    assert "0.05" in finding.message


def test_two_tests_in_one_sentence_keep_their_own_p() -> None:
    made = check("We found t(28) = 2.20, p = .036 for age and F(2, 45) = 3.21, p = .60 for dose.")
    assert made.looked_at == 2
    assert [finding.quote for finding in made.findings] == ["F(2, 45) = 3.21, p = .60"]


def test_a_one_sided_p_is_accepted_where_the_paper_says_so_and_asked_about_where_not() -> None:
    text = "The drug helped, t(28) = 1.80, p = .041."
    (finding,) = check(text).findings
    assert finding.severity is Severity.MEDIUM
    assert "one-sided" in finding.message
    assert not check("All tests are one-sided. " + text).findings


def test_a_p_that_a_correction_makes_larger_is_no_contradiction() -> None:
    text = "The drug helped, t(28) = 2.50, p = .055."
    assert check(text).findings[0].severity is Severity.HIGH
    (finding,) = check("p values are Bonferroni-adjusted. " + text).findings
    assert finding.severity is Severity.LOW
    assert not check("The drug helped, t(28) = 2.50, p_adj = .055.").findings
    assert check("The drug helped, t(28) = 2.50, p_adj = .001.").findings


def test_an_impossible_statistic_is_asked_about() -> None:
    (finding,) = check("They correlated, r(28) = 1.30, p = .01.").findings
    assert finding.severity is Severity.MEDIUM


def test_without_a_test_nothing_is_said_to_be_clean() -> None:
    made = check("The groups differed (p = .03); t was set to 5 and F1 was 0.91.")
    assert (made.status, made.looked_at) == ("not_checked", 0)


@pytest.mark.parametrize(
    "text", ["We set t(1) = 1, p = 0.5.", "We set z = 1.0, p = 0.5.", "With t(0) = 0 and p = 0.1."]
)
def test_settings_are_no_tests(text: str) -> None:
    assert check(text).status == "not_checked"


def test_tests_in_table_cells_are_read() -> None:
    rows = [["Outcome", "Test"], ["Age", "t(28) = 2.20, p = .30"], ["Dose", "t(28) = 2.20, p = .04"]]
    made = RECOMPUTED(paper("", table(rows, "Comparisons")))
    assert (made.looked_at, len(made.findings)) == (2, 1)


def test_p_values_outside_their_range() -> None:
    made = POSSIBLE(paper("The t test was significant (p = 1.20), the other test was not (p = 0.31, p = .00)."))
    assert [finding.severity for finding in made.findings] == [Severity.HIGH, Severity.LOW]
    assert made.looked_at == 3
    assert POSSIBLE(paper("We use the norm with p = 2.")).findings == ()
    assert POSSIBLE(paper("Nothing.")).status == "not_checked"


@pytest.mark.parametrize(
    "text",
    [
        "The groups differed (χ2 = 8.31, p = 0.004).",
        "The groups differed by the log-rank test (χ² = 4.90; P = 0.03).",
        "The groups differed (χ^2 = 8.31, p = 0.004).",
        "The quartiles differed, Q1 = 12.50, Q3 = 18.20 (p = 0.30).",
        "Hypothesis H1 = 0.52 was rejected, p = 0.01, a test of t1 = 3.50 and t2 = 1.20 (p = 0.40).",
    ],
)
def test_a_square_or_a_name_is_no_number_of_degrees_of_freedom(text: str) -> None:
    assert check(text).status == "not_checked"


@pytest.mark.parametrize(
    "text",
    [
        "The variables correlated, r12 = 0.30, r13 = 0.42, t value 2.18 with probability < 0.034.",
        "The score differed, z = 2.31, precision = 0.91, power = 0.80.",
    ],
)
def test_an_index_of_r_and_words_that_begin_with_p_are_none(text: str) -> None:
    assert check(text).findings == ()


POWERS = ["{}e-06", "{}E−06", "{} × 10−6", "{}×10^-6", "{}×10⁻⁶", "{} * 10^{{-6}}", "{} x 10", "{} · 10 –6"]
"""Powers of ten as programs print them, as they are set, and with the exponent torn off."""


@pytest.mark.parametrize("form", POWERS)
@given(st.integers(10, 99_999))
def test_a_p_with_a_power_of_ten_is_small(form: str, digits: int) -> None:
    told = form.format(f"{digits // 10**3 % 9 + 1}.{digits % 10**3:03d}")
    made = POSSIBLE(paper(f"The test was significant, p-value = {told}, and so was the effect."))
    assert made.findings == ()


@pytest.mark.parametrize("form", POWERS[:-2])
def test_a_power_of_ten_is_compared_with_the_statistic(form: str) -> None:
    assert check(f"They differed, t(98) = 5.10, p = {form.format('1.7')}.").findings == ()
    assert len(check(f"They differed, t(98) = 2.10, p = {form.format('1.7')}.").findings) == 1


KINDS = st.sampled_from(["t", "F", "chi2", "r", "z"])


@st.composite
def reported(draw: st.DrawFn) -> tuple[str, float, int]:
    """A test as a paper prints it, without its p; its p and the decimals of the statistic."""
    kind, decimals = draw(KINDS), draw(st.integers(2, 3))
    first, second = draw(st.integers(1, 12)), draw(st.integers(3, 400))
    value = draw(st.floats(0.05, 4.5))
    if kind == "t":
        return f"t({second}) = {value:.{decimals}f}", float(2 * stats.t.sf(value, second)), decimals
    if kind == "F":
        return f"F({first}, {second}) = {value:.{decimals}f}", float(stats.f.sf(value, first, second)), decimals
    if kind == "chi2":
        return f"χ2({first}) = {value:.{decimals}f}", float(stats.chi2.sf(value, first)), decimals
    if kind == "z":
        return f"z = {value:.{decimals}f}", float(2 * stats.norm.sf(value)), decimals
    r = value / 5
    at = r * (second / (1 - r * r)) ** 0.5
    return f"r({second}) = {r:.{decimals}f}", float(2 * stats.t.sf(at, second)), decimals


@settings(deadline=None)
@given(reported(), st.integers(2, 4), st.booleans())
def test_a_p_computed_from_its_test_is_never_found(one: tuple[str, float, int], decimals: int, less: bool) -> None:
    text, p, _ = one
    bound = next(level for level in (0.001, 0.01, 0.05, 0.1, 1.1) if p < level)
    told = f"p < {bound:g}" if less and bound < 1 else f"p = {p:.{decimals}f}"
    assert check(f"The groups differed, {text}, {told}.").findings == ()


@settings(deadline=None)
@given(reported(), st.floats(0.3, 0.9))
def test_a_p_far_from_its_test_is_always_found(one: tuple[str, float, int], shift: float) -> None:
    text, p, _ = one
    wrong = round(p + shift if p + shift < 1 else p - shift, 3)
    assume(0 < wrong < 1 and abs(wrong - p) >= 0.25)
    assert check(f"The groups differed, {text}, p = {wrong:.3f}.").findings
