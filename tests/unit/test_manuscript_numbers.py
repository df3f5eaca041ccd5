"""Numbers of running text and cells: value, decimals, unit, deviation, relation and role."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.document import Number
from evaluators.manuscript.numbers import find_numbers
from evaluators.manuscript.sentences import split_sentences


def only(text: str, **how: bool) -> Number:
    numbers = find_numbers(text, **how)
    assert len(numbers) == 1, numbers
    return numbers[0]


@pytest.mark.parametrize(
    ("text", "value", "decimals"),
    [
        ("a score of 0.81 here", 0.81, 2),
        ("of .8267 now", 0.8267, 4),
        ("all 12,345 images", 12345, 0),
        ("a sum of 1,234,567.25", 1234567.25, 2),
        ("about 1\u2009234 rows", 1234, 0),
        ("a rate of 3e-4", 3e-4, 4),
        ("a rate of 1.5e-4.", 1.5e-4, 5),
        ("a rate of 5 × 10^-4", 5e-4, 4),
        ("a rate of 5 × 10−4 then", 5e-4, 4),
        ("a rate of 2 x 10^{3} steps", 2000, 0),
        ("a rate of 10^{-3}", 1e-3, 3),
        ("a rate of 10⁻³", 1e-3, 3),
        ("fell by −3.2", -3.2, 1),
        ("fell by –3.2", -3.2, 1),
        ("rose by +3.2", 3.2, 1),
        ("0,85 in the old style", 0.85, 2),
    ],
)
def test_values(text: str, value: float, decimals: int) -> None:
    number = only(text)
    assert (number.value, number.decimals, number.role) == (pytest.approx(value), decimals, "")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("81.3%", "%"),
        ("68.7 %", "%"),
        ("81 percent", "%"),
        ("1.5 percentage points", "pp"),
        ("1.5 pp more", "pp"),
        ("1.5%-points", "pp"),
        ("1.5 percent points", "pp"),
        ("1.5 % points to the loss", "%"),
        ("12 ms", "ms"),
        ("16GB", "GB"),
        ("1.2M parameters", "M"),
        ("7.4 mmol/L", "mmol/L"),
        ("3x faster", "x"),
        ("400 tokens/s", "tokens/s"),
        ("0.5 accuracy", ""),
    ],
)
def test_units(text: str, unit: str) -> None:
    assert only(text).unit == unit


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("x = 5", "="),
        ("less than 5", "<"),
        ("≥ 5", ">="),
        ("at most 5", "<="),
        ("approximately 400", "~"),
        ("≈ 5", "~"),
        ("the 5", ""),
    ],
)
def test_relations(text: str, relation: str) -> None:
    assert only(text).relation == relation


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("(p < .05)", "p"),
        ("P value = 0.03", "p"),
        ("n = 150", "n"),
        ("(N=150)", "n"),
        ("in 2020 it was", "year"),
        ("Smith et al. (2020)", "year"),
        ("as in Section 3.1", "label"),
        ("Table 2 shows", "label"),
        ("Eq. (3) holds", "label"),
        ("grade 2 patients", "label"),
        ("1. First item", "label"),
        ("see [12] for it", "citation"),
        ("ResNet-50 was", "name"),
        ("the 2D case", "name"),
        ("COVID-19 was", "name"),
        ("x_1 is", "index"),
        ("R^2 is", "index"),
        ("the 3rd run", "ordinal"),
        ("Python 3.11 was", "identifier"),
        ("arXiv:2402.17139", "identifier"),
        ("the 95% confidence interval", "level"),
        ("at a significance level of 0.05", "level"),
        ("on 12 March 2021", "date"),
    ],
)
def test_roles(text: str, role: str) -> None:
    numbers = find_numbers(text)
    assert numbers
    assert {number.role for number in numbers} == {role}
    assert all(number.is_result == (role in {"p", "n"}) for number in numbers)


def test_a_value_with_its_range_is_no_citation() -> None:
    assert not [n for n in find_numbers("The median was 38 [28-52] points, or 41% [30, 55].") if n.role == "citation"]
    assert [n.role for n in find_numbers("It was so in 12 [3, 4] trials.")] == ["", "citation", "citation"]


def test_years_are_not_counts() -> None:
    assert only("on 2000 images").role == ""
    assert only("2,020 were left").role == ""
    assert only("1999", cell=True, sentence=False).role == ""


def test_numbers_of_a_bracket_with_decimals_are_an_interval_not_citations() -> None:
    assert [n.role for n in find_numbers("weights in [0.1, 0.9]")] == ["low", "high"]
    assert [n.role for n in find_numbers("as shown in [3, 5-7]")] == ["citation"] * 3
    assert [n.role for n in find_numbers("scaled to [0, 1]")] == ["low", "high"]
    assert [n.role for n in find_numbers("on a scale [1, 5]")] == ["low", "high"]
    assert [n.role for n in find_numbers("as in [1, 2]")] == ["citation"] * 2


def test_a_deviation_belongs_to_its_number() -> None:
    for text in ("0.91 ± 0.02", "0.91±0.02", "0.91 +/- 0.02", "0.91 (SD 0.02)", "0.91_± 0.02"):
        number = only(text)
        assert number.uncertainty is not None, text
        assert (number.text, number.uncertainty.text) == ("0.91", "0.02")
        assert text[number.uncertainty.start : number.uncertainty.end] == "0.02"
    assert only("81.3 ± 0.5%").unit == "%"


def test_a_bracket_in_a_cell_is_a_deviation_only_when_it_can_be_one() -> None:
    deviation = only("94.2 (1.1)", cell=True).uncertainty
    assert deviation is not None
    assert deviation.value == 1.1
    assert [n.uncertainty for n in find_numbers("120 (45.0%)", cell=True)] == [None, None]
    assert [n.uncertainty for n in find_numbers("12 (5)", cell=True)] == [None, None]
    assert [n.uncertainty for n in find_numbers("0.91 (0.02)")] == [None, None]


def test_intervals_and_ranges_have_two_ends() -> None:
    for text in ("(95% CI 0.87-0.95)", "[95% CI, 0.87–0.95]", "(95% CI: 0.87 to 0.95)", "95% CI [0.87, 0.95]"):
        assert [(n.value, n.role) for n in find_numbers(text)][-2:] == [(0.87, "low"), (0.95, "high")], text
    assert [(n.value, n.role) for n in find_numbers("(−0.08, −0.02)")] == [(-0.08, "low"), (-0.02, "high")]


def test_two_values_are_no_range() -> None:
    assert [n.role for n in find_numbers("improved from 0.81 to 0.92")] == ["", ""]
    assert [n.role for n in find_numbers("0.9488, and 0.9145")] == ["", ""]


@settings(deadline=None)
@given(
    number=st.decimals(min_value=-99999, max_value=99999, places=3, allow_nan=False),
    thousands=st.booleans(),
    minus=st.sampled_from("-−–"),
)
def test_what_was_written_is_read_back(number: Decimal, thousands: bool, minus: str) -> None:
    written = f"{abs(number):,.3f}" if thousands else f"{abs(number):.3f}"
    text = f"the mean was {minus if number < 0 else ''}{written} in all"
    found = only(text)
    assert found.value == pytest.approx(float(number))
    assert found.decimals == 3
    assert text[found.start : found.end] == found.text


@settings(deadline=None)
@given(st.text(alphabet="0123456789.,-−±()[]%eE^ pnxCI=<ab×", max_size=60), st.booleans())
def test_numbers_stand_where_they_say_and_never_overlap(text: str, cell: bool) -> None:
    end = 0
    for number in find_numbers(text, cell=cell):
        assert number.start >= end
        assert text[number.start : number.end] == number.text
        assert number.decimals >= 0
        end = number.uncertainty.end if number.uncertainty else number.end


@settings(deadline=None)
@given(st.text(max_size=200))
def test_sentences_hold_every_character(text: str) -> None:
    kept = "".join(text[a:b] for a, b in split_sentences(text))
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The value was 0.85. The rest was less.", 2),
        ("See Fig. 2 and e.g. Smith et al. (2020) for it.", 1),
        ("It took 400 vs. 670 s. J. Smith saw it.", 2),
        ("1. Flexibility is first.", 1),
        ("Did it work? It did!", 2),
        ("We met Dr. Roe. He left.", 2),
    ],
)
def test_sentences_end_at_full_stops_only(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count
