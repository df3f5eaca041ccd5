"""Model versions side by side, on both databases: which results count, what is left out, what it costs."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from support.comparing import EVERYBODY, Bench, clip_result

from core.comparison import Comparison, Rates, compare
from core.comparison.costs import declared_price
from core.errors import InputError, NotFound
from core.platform import Platform
from core.registry import clear_licence
from core.tables import Attempt
from evaluators.comparison import Paired, Verdict

PAIR = ("ours@1", "theirs@1")


@pytest.fixture
def bench(platform: Platform) -> Bench:
    return Bench.set_up(platform)


def run(bench: Bench, **wishes: object) -> Comparison:
    with bench.platform.reading() as session:
        return compare(session, bench.platform.store, PAIR, **wishes)  # type: ignore[arg-type]


def pair(found: Comparison, measure: str) -> Paired:
    return next(question.pairs[0] for question in found.questions if question.measure == measure)


def test_a_model_that_is_ahead_on_every_asset_is_named_with_figures_and_cost(bench: Bench):
    bench.shots(6, price={"amount": "12.50", "currency": "EUR"})
    found = run(bench, rates=Rates(cpu_hour=36.0, currency="EUR"))
    removal = pair(found, "removal")
    assert (removal.verdict, removal.wins, removal.p_adjusted) == (Verdict.FIRST, 6, 2 / 2**6)
    assert removal.interval is not None
    assert 0.3 <= removal.interval.low <= removal.difference <= removal.interval.high <= 0.33
    assert pair(found, "motion_ratio").verdict is Verdict.FIRST
    assert pair(found, "own_flow").verdict is Verdict.NOT_JUDGED
    assert found.sentences[0] == "ours@1 and theirs@1 were set side by side over 6 assets."
    assert found.sentences[1].startswith("Removal: ours@1 is better than theirs@1 on 6 of 6 assets, by 0.31")
    assert "theirs@1 costs 12.50 EUR per asset (price declared by whoever ingested the output)." in found.sentences
    with bench.platform.reading() as session:
        attempts = {row.job_id: row for row in session.scalars(sa.select(Attempt))}
    for row in found.rows:
        cell = row.cells["ours@1"]
        lasted = attempts[cell.job].finished_at - attempts[cell.job].started_at  # type: ignore[operator]
        assert cell.cost.amount == pytest.approx(lasted.total_seconds() * 0.01)
        assert "at 36 EUR per CPU hour" in cell.cost.basis


def test_an_unknown_cost_is_said_and_never_zero(bench: Bench):
    bench.shots(2)
    found = run(bench)
    assert {cost.amount for cost in found.costs.values()} == {None}
    assert "give --cpu-rate" in str(found.costs["ours@1"].reason)
    assert "no price is declared" in str(found.costs["theirs@1"].reason)


@pytest.mark.parametrize(
    "price", [{"amount": -1, "currency": "EUR"}, {"amount": "NaN", "currency": "EUR"}, {"amount": 3}, "free", [], True]
)
def test_a_price_that_cannot_be_used_is_not_guessed(price: object):
    cost = declared_price(price)
    assert cost.amount is None
    assert "not usable" in cost.basis


def test_two_currencies_are_not_set_against_each_other(bench: Bench):
    bench.shots(3, price={"amount": 2, "currency": "EUR"})
    found = run(bench, rates=Rates(cpu_hour=1.0, currency="USD"))
    assert any("no exchange rate is on record" in note for note in found.notes)


def test_a_run_that_held_a_gpu_is_priced_at_the_gpu_rate(bench: Bench):
    asset = bench.asset("shot")
    bench.job("ours", asset, clip_result({"removal": 0.5}), environment={"gpu": {"name": "GPU-1"}})
    bench.job("theirs", asset, clip_result({"removal": 0.5}))
    cells = run(bench, rates=Rates(gpu_hour=2.5, cpu_hour=0.5)).rows[0].cells
    assert "2.5 USD per GPU hour" in cells["ours@1"].cost.basis
    assert "0.5 USD per CPU hour" in cells["theirs@1"].cost.basis


def test_the_newest_measured_job_counts(bench: Bench):
    asset = bench.asset("shot")
    bench.job("ours", asset, clip_result({"removal": 0.1}))
    newest = bench.job("ours", asset, clip_result({"removal": 0.8}))
    bench.job("ours", asset, None)
    bench.job("theirs", asset, clip_result({"removal": 0.5}))
    found = run(bench)
    assert found.rows[0].cells["ours@1"].job == newest
    assert pair(found, "removal").differences == (pytest.approx(0.3),)


def test_the_same_clip_in_two_projects_is_one_asset(bench: Bench):
    other = Bench.set_up(bench.platform, (), "Trial of a vendor")
    bench.job("ours", bench.asset("shot", "clip"), clip_result({"removal": 0.5}))
    other.job("theirs", other.asset("plate 7", "clip"), clip_result({"removal": 0.4}))
    assert len(run(bench).rows) == 1
    with pytest.raises(NotFound, match="no asset has a measured result of two"):
        run(bench, project="Pilot")


def test_figures_of_another_evaluator_version_are_left_out_with_the_reason(bench: Bench):
    bench.shots(2)
    asset = bench.asset("odd one")
    bench.job("ours", asset, clip_result({"removal": 0.1, "motion_ratio": 3.0, "own_flow": 0.1}))
    bench.job("theirs", asset, clip_result({"removal": 0.9, "motion_ratio": 1.0, "own_flow": 0.1}, version="2"))
    found = run(bench)
    assert found.evaluators == {"summary": "1 of temporal 1", "temporal": "1"}
    for measure in ("removal", "motion_ratio"):
        assert "odd one" not in pair(found, measure).assets
    assert any("measured by temporal 2, the comparison uses temporal 1" in note for note in found.notes)
    assert any("odd one does not count for removal" in note for note in found.notes)


def test_figures_taken_with_other_settings_are_left_out(bench: Bench):
    bench.shots(2)
    asset = bench.asset("odd one")
    bench.job("ours", asset, clip_result({"removal": 0.1, "motion_ratio": 3.0}))
    bench.job("theirs", asset, clip_result({"removal": 0.9, "motion_ratio": 1.0}, settings={"flow": "raft"}))
    found = run(bench)
    assert "odd one" not in pair(found, "motion_ratio").assets
    assert any("the settings" in note and "raft" in note for note in found.notes)


def test_an_absent_measurement_is_named_and_never_filled_in(bench: Bench):
    bench.shots(2)
    asset = bench.asset("short one")
    bench.job("ours", asset, clip_result({"removal": 0.9, "motion_ratio": "the clip has one frame"}))
    bench.job("theirs", asset, clip_result({"removal": 0.5, "motion_ratio": 1.0}))
    found = run(bench)
    assert len(pair(found, "removal").assets) == 3
    assert len(pair(found, "motion_ratio").assets) == 2
    note = "short one does not count for motion_ratio, as ours@1 has no value there: the clip has one frame."
    assert note in found.notes


def test_an_asset_that_only_one_ran_is_named(bench: Bench):
    bench.shots(2)
    bench.job("ours", bench.asset("lonely"), clip_result({"removal": 0.9}))
    found = run(bench)
    assert [one.asset for one in found.excluded] == ["lonely"]
    assert "lonely was left out: only ours@1 has a measured result for it." in found.notes


def test_few_assets_name_no_winner_and_say_how_many_would(bench: Bench):
    bench.shots(3)
    found = run(bench)
    assert pair(found, "removal").verdict is Verdict.CANNOT_TELL
    assert any("With 6 or more assets a clean sweep would be beyond chance; there are 3" in one for one in found.notes)


def test_only_the_asked_assets_and_measures_are_compared(bench: Bench):
    bench.shots(3)
    found = run(bench, assets=["shot 1", "shot 2"], measures=["removal"])
    assert [row.name for row in found.rows] == ["shot 1", "shot 2"]
    assert [question.measure for question in found.questions] == ["removal"]
    with pytest.raises(InputError, match="use one of removal, motion_ratio, own_flow"):
        run(bench, measures=["beauty"])


def test_a_licence_that_nobody_cleared_is_said(bench: Bench):
    bench.shots(2)
    with bench.platform.work(EVERYBODY) as work:
        clear_licence(work, version="theirs@1", cleared=False)
    assert any("licence of theirs@1 (Apache-2.0) is not cleared" in note for note in run(bench).notes)


def test_fewer_than_two_versions_and_odd_rates_are_refused(bench: Bench):
    bench.shots(1)
    with bench.platform.reading() as session, pytest.raises(InputError, match="two different model versions"):
        compare(session, bench.platform.store, ["ours@1", "ours@1"])
    for rates in ({"gpu_hour": -1.0}, {"cpu_hour": float("nan")}, {"currency": "euro"}):
        with pytest.raises(InputError):
            Rates(**rates)  # type: ignore[arg-type]


def test_the_record_is_json_and_the_same_each_time(bench: Bench):
    bench.shots(3, price={"amount": 5, "currency": "USD"})
    first, again = run(bench).to_json(), run(bench).to_json()
    assert json.dumps({**first, "at": 0}, allow_nan=False) == json.dumps({**again, "at": 0}, allow_nan=False)
    assert first["schema"] == "greenlight.comparison/1"
