"""A study in both renderings, its results read from files of any shape, and pages drawn within limits."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image
from report_example import study_example
from support.runs import pdf as small_pdf
from support.runs import png

from core.reports import study_wording as say
from core.reports import wording
from core.reports.document import Dossier
from core.reports.html import render_html
from core.reports.pdf import render_pdf
from core.reports.study import Card, Study
from core.reports.study_pages import draw_figures, draw_pages
from core.reports.study_results import MOST_ROWS, flow_sentences, result_groups


def squeeze(text: str) -> str:
    return "".join(text.split())


def printed(document: Dossier) -> str:
    return squeeze("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(render_pdf(document))).pages))


def shown(document: Dossier) -> str:
    from html.parser import HTMLParser

    words: list[str] = []
    parser = HTMLParser()
    parser.handle_data = words.append  # type: ignore[method-assign]
    parser.feed(render_html(document))
    return squeeze("".join(words))


def study_of(document: Dossier) -> Study:
    assert document.study is not None
    return document.study


def facts(study: Study) -> list[str]:
    """What a clinical lead must find in every rendering."""
    found = [str(study.title), say.traced(study), say.other_runs(study), *study.flow, *study.missing]
    assert study.cards is not None
    pairs = [say.question_facts(study), say.protocol_facts(study), say.cost_facts(study.cost), study.environment]
    pairs += [say.card_facts(card) for card in study.cards]
    found += [value for rows in pairs for _, value in rows]
    for group in study.results:
        found += [group.title, say.intervals(group)]
        for row in group.rows:
            found += [row.what, row.measure, say.value(row), say.spread(row)]
    for check in study.checks or ():
        found += [check.detail, say.check_tone(check).word]
    found += [part for one in study.deviations or () for part in (one.what, one.why)]
    found += [say.criterion(name) for name, _ in study.success]
    found += [*study.ethics.notes, str(study.ethics.by), say.ethics_tone(study.ethics).word]
    found += [part for one in study.determinations for part in (one.statement, say.determination(one))]
    found += [part for one in study.decisions for part in (say.decision(one), say.decision_tone(one).word)]
    found += [part for one in study.untraced for part in (one.text, one.where)]
    found += [part for one in study.asked for part in (one.role, one.model, say.tokens(one), say.price(one.usd))]
    return [*found, *(one.caption for one in (*study.pages, *study.figures))]


@pytest.mark.parametrize("render", [printed, shown])
def test_every_fact_of_a_study_is_in_both_renderings(render):
    document = study_example()
    text = render(document)
    assert [fact for fact in facts(study_of(document)) if squeeze(fact) not in text] == []


def test_equal_studies_give_equal_bytes_and_the_json_holds_the_study():
    document, again = study_example(), study_example.__wrapped__()
    assert render_pdf(document) == render_pdf(again)
    assert render_html(document) == render_html(again)
    plain = document.to_json()["study"]
    assert isinstance(plain, dict)
    assert (plain["traced"], plain["pages"][0]["caption"]) == (40, "Page 1")


def test_the_first_page_shows_the_manuscript_and_how_many_numbers_are_traced():
    first = pypdf.PdfReader(BytesIO(render_pdf(study_example()))).pages[0]
    text = squeeze(first.extract_text())
    assert "40of41" in text
    assert "1of3" in text
    assert len(first.images) == 2


def test_a_first_page_that_runs_over_is_gone_on_with_instead_of_leaving_a_page_nearly_empty():
    known = study_example()
    long = [replace(row, sentence="It is not known. " * 22) for row in known.blocking]
    pack = replace(known.packs[0], verdicts=tuple(long * 2))
    pages = pypdf.PdfReader(BytesIO(render_pdf(replace(known, packs=(pack, *known.packs[1:]))))).pages
    texts = [squeeze(page.extract_text()) for page in pages[:2]]
    assert ["Jurisdictions" in text for text in texts] == [False, True]
    assert squeeze(known.study.question)[:40] in texts[1]


@pytest.mark.parametrize("render", [printed, shown])
def test_what_nobody_knows_of_a_study_is_said(render):
    known = study_of(study_example())
    unknown = replace(
        known, approval=None, protocol_sha256=None, cards=None, checks=None, deviations=None, results=(), flow=(),
        numbers=None, traced=None, untraced=(), asked=(), figures=(), pages=(), unseen="it is encrypted",
        success=(), environment=(),
    )  # fmt: skip
    text = render(replace(study_example(), study=unknown))
    sentences = (
        say.NO_PROTOCOL, say.NO_CARDS, say.NO_CHECKS, say.UNKNOWN_DEVIATIONS, say.NO_RESULTS, say.NO_CALLS,
        say.NO_ENVIRONMENT,
        say.traced(unknown), "The manuscript cannot be shown: it is encrypted.",
    )  # fmt: skip
    assert [one for one in sentences if squeeze(one) not in text] == []
    assert "not known" in say.traced_share(unknown, None)
    warned = replace(known, approval=replace(known.approval, covers=False))  # type: ignore[type-var]
    assert squeeze("WARNING: another protocol was run.") in render(replace(study_example(), study=warned))


def test_a_study_speaks_of_neither_frames_nor_persons():
    text = printed(study_example())
    assert squeeze(wording.PERSONS_UNKNOWN) not in text
    assert "framesnotknown" not in text


def test_a_card_that_says_nothing_is_one_sentence():
    named = Card("cohort", None, None, None, None, None, None, None, None, None)
    assert say.card_facts(named) == (("Card", say.NO_CARD),)
    known = dict(say.card_facts(replace(named, rows=3)))
    assert (known["Size"], known["Rights"]) == ("3 rows, an unknown number of patients", "not known")


def estimate(value: float | None, **more: object) -> dict[str, object]:
    usual = {"estimate": value, "low": 0.7, "high": 0.9, "level": 0.95, "method": "bootstrap", "n": 40, "reason": None}
    return {**usual, **more}


def test_a_protocols_results_answer_its_question_first():
    results = {
        "schema": "greenlight.study-results/1",
        "settings": {"primary": "roc_auc", "threshold": 0.2},
        "flow": {"assessed": 50, "excluded": [{"reason": "too young", "rows": 10}, {"reason": "x", "rows": 0}],
                 "analysed": 40, "patients": 38},
        "models": {
            "a": {"title": "Model A", "performance": {"roc_auc": estimate(0.8), "brier": estimate(0.1)},
                  "operating_point": {"sensitivity": estimate(0.75)}},
            "b": {"title": "Model B", "performance": {"roc_auc": estimate(None, low=None, reason="one class only")}},
        },
        "comparisons": [{"model": "b", "against": "a", "measure": "roc_auc", **estimate(-0.1)}],
        "subgroups": [{"name": "women", "rows": 3, "model": None, "performance": None, "reason": "too few rows"}],
    }  # fmt: skip
    first, differ, point, subgroups = result_groups(results)
    assert first.title == "Primary measure: ROC AUC"
    one, other = first.rows
    assert (one.what, one.value, one.low, one.how, one.count) == ("Model A", 0.8, 0.7, "95% bootstrap", 40)
    assert (other.value, other.reason, other.how) == (None, "one class only", None)
    assert differ.rows[0].what == "Model B less model A"
    assert (point.title, point.rows[0].measure) == ("Where a risk of 0.2 or more counts as positive", "Sensitivity")
    assert (subgroups.rows[0].value, subgroups.rows[0].reason) == (None, "too few rows")
    told = ("50 rows were assessed.", "10 were left out: too young.", "40 rows of 38 patients were analysed.")
    assert flow_sentences(results) == told


def test_numbers_of_a_run_made_elsewhere_keep_their_errors_and_seeds():
    metrics = {
        "loss": {"mean": 0.5, "stderr": 0.1, "seeds": [0.4, 0.6]},
        "one": {"mean": None, "stderr": None, "seeds": [3]},
        "two": {"mean": None, "stderr": None, "seeds": [1, 2]},
    }
    (group,) = result_groups({"schema": "greenlight.run-results/1", "runs": {"run_1": {"rings": metrics}}})
    loss, one, two = group.rows
    assert (loss.value, loss.how, loss.pointer) == (0.5, "mean, standard error 0.1, 2 values", "/runs/run_1/rings/loss")
    assert (one.value, two.value) == (3.0, None)
    assert two.reason is not None


plain = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(
        some.sampled_from(["estimate", "low", "models", "runs", "a/b", "flow", "n", "seeds", "performance"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(plain, some.sampled_from([None, "greenlight.study-results/1", "greenlight.run-results/1"]))
def test_results_of_any_shape_give_finite_numbers_or_reasons(content, schema):
    results = {**content, "schema": schema} if isinstance(content, dict) else content
    for group in result_groups(results):
        assert 0 < len(group.rows) <= MOST_ROWS
        for row in group.rows:
            assert row.value is None or math.isfinite(row.value)
            assert say.value(row)
    assert all(isinstance(one, str) for one in flow_sentences(results))


@settings(deadline=None)
@given(some.floats(allow_nan=False, allow_infinity=False))
def test_a_rounded_number_is_never_zero_unless_it_is(value: float):
    assert (float(say.steady(value).replace(",", "")) == 0) == (value == 0)


def test_the_pages_of_a_manuscript_are_drawn_and_none_past_its_end(tmp_path: Path):
    path = tmp_path / "paper.pdf"
    path.write_bytes(small_pdf("A manuscript"))
    found = draw_pages(path, [0, 1], 210)
    (page,) = found.pictures
    assert (found.count, found.unseen) == (1, None)
    assert page is not None
    picture = Image.open(BytesIO(page))
    assert picture.width == 210
    assert picture.convert("L").getextrema()[0] < 200


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\nnot one", b"\x89PNG\r\n\x1a\n"], ids=["empty", "broken", "other"])
def test_what_is_no_pdf_is_said_to_be_unseen(tmp_path: Path, data: bytes):
    path = tmp_path / "paper.pdf"
    path.write_bytes(data)
    found = draw_pages(path, [0], 210)
    assert (found.pictures, found.count) == ((), None)
    assert found.unseen


def test_a_locked_pdf_is_unseen(tmp_path: Path):
    writer = pypdf.PdfWriter(BytesIO(small_pdf("secret")))
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    assert draw_pages(tmp_path / "locked.pdf", [0], 210).unseen


def test_figures_are_drawn_anew_cropped_and_bounded(tmp_path: Path):
    figure = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    figure.paste((200, 30, 30, 255), (100, 100, 300, 200))
    figure.info["comment"] = "hidden"
    figure.save(tmp_path / "good.png")
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000))
    (tmp_path / "text.png").write_text("no picture")
    good, huge, text = draw_figures([tmp_path / f"{name}.png" for name in ("good", "bomb", "text")], 450).pictures
    assert (huge, text) == (None, None)
    assert good is not None
    picture = Image.open(BytesIO(good))
    assert picture.mode == "RGB"
    assert 100 <= picture.width <= 120
    assert picture.info == {}
