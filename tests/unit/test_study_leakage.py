"""Each check for leakage finds the leak that is put in, and is quiet without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.runners.scientist.protocol import leakage, schema
from core.runners.scientist.protocol.analysis import FoldRecord, outer_folds
from core.runners.scientist.protocol.cohort import Cohort, select
from core.runners.scientist.protocol.data import load
from core.runners.scientist.protocol.leakage import Check
from core.runners.scientist.protocol.schema import Protocol, read_protocol

EXAMPLES = Path(schema.__file__).parent / "examples"


@pytest.fixture(params=["breast-cancer", "diabetes"])
def case(request: pytest.FixtureRequest) -> tuple[Protocol, Cohort]:
    protocol = read_protocol(EXAMPLES / f"{request.param}.yaml").protocol
    return protocol, select(protocol, load(protocol.card, None))


def checked(protocol: Protocol, cohort: Cohort) -> dict[str, Check]:
    found = leakage.before_fitting(protocol, cohort, outer_folds(protocol, cohort))
    return {check.check: check for check in found}


def column(cohort: Cohort, values: np.ndarray) -> Cohort:
    """The cohort with its last column replaced."""
    x = cohort.x.copy()
    x[:, -1] = values
    return replace(cohort, x=x)


def test_clean_data_pass_and_what_cannot_be_seen_is_not_claimed(case: tuple[Protocol, Cohort]) -> None:
    found = checked(*case)
    assert {name for name, check in found.items() if check.status == "fail"} == set()
    assert all(check.detail.endswith(".") for check in found.values())


def test_a_patient_on_both_sides_is_found(case: tuple[Protocol, Cohort]) -> None:
    protocol, cohort = case
    folds = outer_folds(protocol, cohort)
    shared = replace(cohort, patient=cohort.patient // 2)
    assert leakage.patient_overlap(protocol, shared, folds).status == "fail"
    assert leakage.patient_overlap(protocol, shared, outer_folds(protocol, shared)).status == "pass"


def test_a_row_that_returns_as_another_patient_is_found_with_its_number(case: tuple[Protocol, Cohort]) -> None:
    protocol, cohort = case
    folds = outer_folds(protocol, cohort)
    train, test = folds[0][0]
    x = cohort.x.copy()
    x[test[0]] = x[train[0]]
    check = leakage.duplicates(replace(cohort, x=x), folds)
    assert check.status == "fail"
    for row in (test[0], train[0]):
        assert str(row + 1) in check.detail
    # Rows of one patient may repeat: they stay on one side.
    patient = cohort.patient.copy()
    patient[test[0]] = patient[train[0]]
    same = replace(cohort, x=x, patient=patient)
    assert leakage.duplicates(same, outer_folds(protocol, same)).status == "pass"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_predictor_that_tells_the_outcome_is_suspected_by_name(case: tuple[Protocol, Cohort], sign: int) -> None:
    protocol, cohort = case
    noise = np.random.default_rng(1).normal(scale=0.05 * cohort.y.std(), size=cohort.n)
    check = leakage.target_leakage(protocol, column(cohort, sign * cohort.y + noise))
    assert check.status == "fail"
    assert cohort.names[-1] in check.detail


def test_missing_values_that_tell_the_outcome_are_suspected() -> None:
    protocol = read_protocol(EXAMPLES / "breast-cancer.yaml").protocol
    cohort = select(protocol, load(protocol.card, None))
    values = np.where(cohort.y == 1, np.nan, cohort.x[:, -1])
    check = leakage.target_leakage(protocol, column(cohort, values))
    assert check.status == "fail"
    assert f"{cohort.names[-1]} missing" in check.detail


@pytest.mark.parametrize("unit", ["sd", "sample sd", "length"])
def test_data_that_came_standardised_are_found(case: tuple[Protocol, Cohort], unit: str) -> None:
    _, cohort = case
    x = cohort.x[:, 0] - cohort.x[:, 0].mean()
    scale = {"sd": x.std(), "sample sd": x.std(ddof=1), "length": np.linalg.norm(x)}[unit]
    check = leakage.scaling_before_split(column(cohort, x / scale))
    assert check.status == "fail"
    assert cohort.names[-1] in check.detail


def test_the_default_diabetes_data_of_scikit_learn_came_scaled() -> None:
    from sklearn.datasets import load_diabetes

    protocol = read_protocol(EXAMPLES / "diabetes.yaml").protocol
    cohort = select(protocol, load(protocol.card, None))
    scaled = load_diabetes().data
    assert leakage.scaling_before_split(replace(cohort, x=scaled)).status == "fail"


def test_data_that_came_stretched_are_found_but_a_single_share_is_not(case: tuple[Protocol, Cohort]) -> None:
    _, cohort = case
    low, high = np.nanmin(cohort.x, axis=0), np.nanmax(cohort.x, axis=0)
    stretched = (cohort.x - low) / (high - low)
    assert leakage.scaling_before_split(replace(cohort, x=stretched)).status == "fail"
    assert leakage.scaling_before_split(column(cohort, stretched[:, 0])).status == "pass"


def test_a_predictor_that_comes_too_late_is_found_where_the_card_tells() -> None:
    protocol = read_protocol(EXAMPLES / "diabetes.yaml").protocol

    def told(*late: str) -> str:
        card = protocol.card.model_copy(update={"known_after_use": late})
        return leakage.time(protocol.model_copy(update={"datasets": (card,)})).status

    assert [told(), told("progression"), told("progression", "s5")] == ["not_checked", "pass", "fail"]


def test_preparation_that_saw_other_rows_is_found() -> None:
    good = FoldRecord("m", 0, 0, 80, 20, {}, 0, 80, 1.0, 0.5, True)
    assert leakage.preparation([good]).status == "pass"
    assert leakage.preparation([good, replace(good, scaled_rows=100)]).status == "fail"
    assert leakage.preparation([]).status == "not_checked"
