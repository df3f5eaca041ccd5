"""Runs made elsewhere: recognised by content, read as they really are, exact about what is missing."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.runs import FINAL, IDEA, OTHER, REVIEW, fill, node, pdf, png, write_pdf, write_v1, write_v2

from core.errors import MediaRejected, RunFailed
from core.runners.base import Manifest, RunContext, RunSpecification
from core.runners.scientist.runs.detect import KINDS, recognise
from core.runners.scientist.runs.outputs import ROLE_LENGTH, figure_role, is_picture
from core.runners.scientist.runs.reading import number, numbers, parse_json, shortened
from core.runners.scientist.runs.record import Search
from core.runners.scientist.runs.results import count, datasets_of
from core.runners.scientist.runs.runner import RunIngestRunner
from core.runners.scientist.runs.tree import Unreadable, folder_tree, pack
from core.runners.scientist.runs.v2 import node_metrics


@dataclass(frozen=True)
class Ran:
    manifest: Manifest
    folder: Path

    @property
    def study(self) -> dict[str, Any]:
        study = self.manifest.facts["study"]
        assert isinstance(study, dict)
        return study

    @property
    def roles(self) -> set[str]:
        return {output.role for output in self.manifest.outputs}

    def bytes(self, role: str) -> bytes:
        (path,) = (output.path for output in self.manifest.outputs if output.role == role)
        return path.read_bytes()

    def json(self, role: str) -> Any:
        return json.loads(self.bytes(role))

    def lines(self, role: str) -> list[Any]:
        return [json.loads(line) for line in self.bytes(role).splitlines()]

    def part(self, name: str) -> dict[str, Any]:
        (found,) = (part for part in self.json("record")["parts"] if part["part"] == name)
        return found


def ingest(source: Path, **parameters: object) -> Ran:
    """Pack a folder (or take a PDF) and run the runner on it, in this process."""
    out = Path(tempfile.mkdtemp(dir=source.parent))
    inputs = {"manuscript": source}
    if source.is_dir():
        pack(folder_tree(source), out.with_suffix(".zip"))
        inputs = {"archive": out.with_suffix(".zip")}
    context = RunContext(folder=out, progress=lambda _done, _message: None)
    return Ran(RunIngestRunner().run(RunSpecification("run-ingest", inputs, parameters), context), out)


def metric(mean: float | None = None, stderr: float | None = None, seeds: list[float | None] | None = None) -> dict:
    return {"mean": mean, "stderr": stderr, "seeds": seeds or []}


# AI-Scientist v1


def test_every_expected_part_of_a_whole_run_is_found(tmp_path):
    ran = ingest(write_v1(tmp_path / "run"))
    assert {part["part"] for part in ran.json("record")["parts"] if part["status"] != "found"} == {"plotting code"}
    assert ran.part("plotting code")["reason"] == "it is empty"
    assert ran.study["missing"] == ["plotting code (plot.py): it is empty"]
    assert ran.json("idea")["Name"] == "an_idea"
    assert [step["step"] for step in ran.lines("log")] == ["run_0", "run_1"]
    assert ran.lines("log")[1]["what"] == "Rings\nBetter."
    assert ran.json("results")["raw"]["run_1/final_info.json"] == FINAL


def test_what_is_missing_is_said_part_by_part(tmp_path):
    dropped = dict.fromkeys(["prompt.json", "seed_ideas.json", "experiment.py", "log.txt", "loss.png", "review.txt"])
    notes = "# Title: An Idea\n## Run 0: Baseline\n## Run 1\n## Run 2: Never finished\n"
    changes = {**dropped, "latex/references.bib": None, "plot.py": "x", "notes.txt": notes}
    ran = ingest(write_v1(tmp_path / "run", **changes))
    assert ran.study["missing"] == [
        "prompt: no prompt.json",
        "seed ideas: no seed_ideas.json",
        "experiment code: no experiment.py",
        "framework's log: no log.txt or *_aider.txt",
        "results of run_2: no run_2/final_info.json",
        "references: no latex/references.bib, and none inside the manuscript's source",
        "figures: no PNG",
        "framework's own review (review.txt): no review.txt",
    ]
    assert "code" not in ran.roles
    assert "review" not in ran.roles


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"rings": {"means": {"loss": 0.', "it is cut off at line 1"),
        (b"", "it is empty"),
        (b"loss = 3", "it is no JSON (expecting value) at line 1"),
        (b"null", "it holds nothing (null) instead of a table or a list"),
        (b"[" * 50_000, "it is nested too deeply or holds a number without end"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it is nested too deeply or holds a number without end"),
    ],
)
def test_broken_results_are_unreadable_with_the_reason(tmp_path, content, reason):
    ran = ingest(write_v1(tmp_path / "run", **{"run_1/final_info.json": content}))
    assert ran.part("results of run_1") == {
        "part": "results of run_1", "status": "unreadable", "path": "run_1/final_info.json", "reason": reason,
    }  # fmt: skip
    assert list(ran.json("results")["runs"]) == ["run_0"]


def test_results_that_nobody_can_read_are_not_called_absent(tmp_path):
    broken = {"run_0/final_info.json": b"{", "run_1/final_info.json": b"{"}
    assert ingest(write_v1(tmp_path / "one", **broken)).study["success"]["quantitative_results"] is None
    none = {f"run_{number}/final_info.json": {"rings": {"note": "nothing"}} for number in range(2)}
    assert ingest(write_v1(tmp_path / "two", **none, **{"plot.py": "x"})).study["success"] == {
        "no_error": None, "loss_falls": None, "no_gradient_explosion": None, "valid_weights": None,
        "quantitative_results": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FINAL, {"rings": {"loss": metric(0.5, 0.1, [0.4, 0.6])}}),
        # the 2D diffusion template: means alone
        ({"moons": {"means": {"kl": 0.1}}}, {"moons": {"kl": metric(0.1)}}),
        # one table of means over all, and a list with one table per seed
        (
            {"means": {"f1": 0.2}, "stderrs": {"f1": 0.05}, "final_info_list": [{"f1": 0.1}, {"f1": 0.3, "n": 4}]},
            {"(unnamed)": {"f1": metric(0.2, 0.05, [0.1, 0.3]), "n": metric(seeds=[None, 4.0])}},
        ),
        # nested tables under means and per seed
        (
            {"a": {"means": {"s": {"mean_c": 1}}, "final_info_dict": {"s": [{"mean_c": 1}, {"mean_c": 3}]}}},
            {"a": {"s/mean_c": metric(1.0, None, [1.0, 3.0])}},
        ),
        # flat values, numbers written as text, null, truth values and texts
        (
            {"steps": 4, "loss": None, "rate": "3e-4", "ok": True, "name": "x"},
            {"(unnamed)": {"steps": metric(seeds=[4.0]), "rate": metric(seeds=[0.0003])}},
        ),
        # data sets with plain values; lists over seeds
        (
            {"a": {"acc": 0.5}, "b": [{"acc": 0.6}, {"acc": 0.7}]},
            {"a": {"acc": metric(seeds=[0.5])}, "b": {"acc": metric(seeds=[0.6, 0.7])}},
        ),
        ([0.1, 0.2], {"(unnamed)": {"value": metric(seeds=[0.1, 0.2])}}),
        ("text", {}),
    ],
)
def test_results_of_every_known_shape_take_one_form(content, expected):
    assert datasets_of(content) == expected


def test_values_that_are_no_numbers_stay_out_of_the_results_and_the_json_stays_plain(tmp_path):
    ran = ingest(
        write_v1(tmp_path / "run", **{"run_1/final_info.json": '{"a": {"x": NaN, "y": -Infinity, "z": 1e999, "w": 1}}'})
    )
    assert ran.json("results")["runs"]["run_1"] == {"a": {"w": metric(seeds=[1.0])}}
    assert ran.json("results")["raw"]["run_1/final_info.json"] == {"a": {"x": None, "y": None, "z": None, "w": 1}}


def test_files_of_one_seed_each_stand_in_for_a_missing_summary(tmp_path):
    seeds = {
        f"run_1/final_info_x_div_y_{seed}.json": {"acc": value} for seed, value in ((0, 0.1), (2, None), (10, 0.3))
    }
    ran = ingest(write_v1(tmp_path / "run", **{"run_1/final_info.json": None, **seeds}))
    assert ran.json("results")["runs"]["run_1"] == {"x_div_y": {"acc": metric(seeds=[0.1, None, 0.3])}}
    assert ran.manifest.notes == ("run_1 has no run_1/final_info.json: its values come from 3 files of one seed each.",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(tmp_path, encoding):
    text = json.dumps({"café": {"acc": 1}}, ensure_ascii=False)
    ran = ingest(write_v1(tmp_path / "run", **{"run_1/final_info.json": text.encode(encoding)}))
    assert list(ran.json("results")["runs"]["run_1"]) == ["café"]


def test_the_review_is_kept_as_the_frameworks_word_alone(tmp_path):
    fenced = f"Here it is:\n```json\n{json.dumps(REVIEW)}\n```\n"
    ran = ingest(write_v1(tmp_path / "run", **{"review.txt": fenced}))
    assert ran.json("review") == {
        "schema": "greenlight.run-review/1", "by": "ai-scientist-v1", "trusted": False,
        "reviews": [{"source": "review.txt", "content": REVIEW}],
    }  # fmt: skip
    assert "Accept" not in json.dumps(dict(ran.manifest.facts))


def test_which_idea_the_run_followed_is_not_guessed(tmp_path):
    changes = {"ideas.json": [OTHER], "an_idea.pdf": None, "paper.pdf": pdf()}
    ran = ingest(write_v1(tmp_path / "run", **changes))
    assert "idea" not in ran.roles
    assert ran.part("the run's own idea")["reason"] == "notes and PDF are named after none of the 1 ideas"


def test_an_improved_manuscript_comes_before_the_first_one_and_a_broken_pdf_is_passed_over(tmp_path):
    ran = ingest(write_v1(tmp_path / "run", **{"an_idea_improved.pdf": pdf("better")}))
    assert ran.bytes("manuscript") == pdf("better")
    assert ran.manifest.notes == ("The manuscript is an_idea_improved.pdf; the run also holds an_idea.pdf.",)
    ran = ingest(write_v1(tmp_path / "broken", **{"an_idea_improved.pdf": b"no PDF at all"}))
    assert ran.bytes("manuscript") == pdf()
    parts = [part for part in ran.json("record")["parts"] if part["part"] == "manuscript"]
    assert [(part["path"], part["status"]) for part in parts] == [
        ("an_idea_improved.pdf", "unreadable"), ("an_idea.pdf", "found"),
    ]  # fmt: skip
    ran = ingest(write_v1(tmp_path / "chosen", **{"supplement.pdf": pdf("more")}), manuscript="supplement.pdf")
    assert ran.bytes("manuscript") == pdf("more")


def test_a_run_without_a_manuscript_fails_with_a_sentence(tmp_path):
    with pytest.raises(RunFailed, match=r"the run of ai-scientist-v1 has no readable manuscript \(it holds no PDF\)"):
        ingest(write_v1(tmp_path / "run", **{"an_idea.pdf": None}))
    with pytest.raises(RunFailed, match=r"the run holds no 'other\.pdf'"):
        ingest(write_v1(tmp_path / "other"), manuscript="other.pdf")


def test_a_traceback_tells_of_an_error(tmp_path):
    run = write_v1(tmp_path / "run", **{"run_1/final_info.json": None, "run_1/traceback.log": "Traceback"})
    assert ingest(run).study["success"]["no_error"] is False


# AI-Scientist v2


def test_a_run_of_the_second_version_is_read_whole(tmp_path):
    ran = ingest(write_v2(tmp_path / "run"))
    assert ran.study["framework"] == "ai-scientist-v2"
    assert ran.bytes("manuscript") == pdf("final")
    assert ran.bytes("code") == b"print('best')\n"
    runs = ran.json("results")["runs"]
    assert {name: datasets.get("rings", {}).get("loss") for name, datasets in runs.items()} == {
        "draft": None,
        "baseline/best node": metric(seeds=[0.4]),
        "research/best node": metric(seeds=[0.2]),
        "research/best node with different seeds 0": metric(seeds=[0.21]),
        "research/best node with different seeds 1": metric(seeds=[0.22]),
        "ablation/no noise": metric(seeds=[0.3]),
    }
    assert runs["draft"] == {"(unnamed)": {"first loss": metric(seeds=[0.8])}}
    assert ran.study["cost"] == {"tokens_in": 100, "tokens_out": 20, "usd": 0.5, "seconds": None}
    (call,) = ran.lines("calls")
    assert set(call) == {"model", "at", "prompt_sha256", "answer_sha256"}
    broken, sound = ran.lines("log")
    assert broken == {
        "step": "stage_1_initial/0", "started_at": "2025-05-28T16:05:28+00:00", "seconds": 1.5,
        "what": "failed with KeyError: ",
    }  # fmt: skip
    assert (sound["started_at"], sound["what"]) == (None, "It learns.")
    assert "figure_loss-curve" in ran.roles


def test_a_cost_that_the_run_could_not_know_is_unknown(tmp_path):
    tokens = {"a": {"tokens": {"prompt": 5, "completion": 1}, "cost (USD)": 0.0}, "b": None}
    ran = ingest(write_v2(tmp_path / "run", **{"token_tracker.json": tokens}))
    assert ran.study["cost"] == {"tokens_in": 5, "tokens_out": 1, "usd": None, "seconds": None}
    assert "The run tells no cost: it knew no price of a." in ran.manifest.notes


def test_journals_stand_in_where_the_summaries_were_never_written(tmp_path):
    stages = ("draft", "baseline", "research", "ablation")
    ran = ingest(write_v2(tmp_path / "run", **{f"logs/0-run/{stage}_summary.json": "null" for stage in stages}))
    assert list(ran.json("results")["runs"]) == ["stage_1_initial/a"]
    assert ran.part("draft summary")["reason"] == "it holds nothing (null) instead of a table or a list"


def test_of_several_searches_the_first_is_read_and_that_is_said(tmp_path):
    ran = ingest(write_v2(tmp_path / "run", **{"logs/1-run/draft_summary.json": {}}))
    assert "The run holds 2 searches; the first, 0-run, was read." in ran.manifest.notes


def test_older_metrics_are_single_values():
    assert node_metrics({"metric": {"value": 0.9, "name": "accuracy", "maximize": True}}) == {
        "(unnamed)": {"accuracy": metric(seeds=[0.9])}
    }
    assert node_metrics({"metric": 0.5}) == {"(unnamed)": {"metric": metric(seeds=[0.5])}}
    for nothing in ({}, {"metric": None}, {"metric": {"value": None}}, {"metric": {"value": {"metric_names": [1]}}}):
        assert node_metrics(nothing) == {}
    assert node_metrics(node(loss=0.1)) == {"rings": {"loss": metric(seeds=[0.1]), "loss (best)": metric(seeds=[0.1])}}


# AI-Researcher and lone manuscripts


def test_a_run_of_ai_researcher_is_read(tmp_path):
    run = fill(
        tmp_path / "run",
        {
            "paper.pdf": pdf(),
            "project/run_training_testing.py": "raise SystemExit('never run')\n",
            "project/model/net.py": "x",
            "project/training/trainer.py": "x",
            "project/results/metrics.json": {"cifar": {"fid": "12.5"}},
            "project/config.json": {"note": "no number"},
            "task.json": {"instance_id": "vq", "source_papers": [], "task1": "Do it."},
            "cache_1/agents/a.json": {"n": 1},
        },
    )
    ran = ingest(run)
    assert ran.study["framework"] == "ai-researcher"
    assert ran.json("results")["runs"] == {"project/results/metrics": {"cifar": {"fid": metric(seeds=[12.5])}}}
    assert ran.json("idea")["task1"] == "Do it."
    assert ran.part("project's testing")["status"] == "missing"
    assert ran.study["cost"] == {"tokens_in": None, "tokens_out": None, "usd": None, "seconds": None}


def test_a_lone_manuscript_tells_nothing_but_itself(tmp_path):
    ran = ingest(write_pdf(tmp_path / "paper.pdf", "We reach 0.99."))
    assert ran.roles == {"manuscript", "record"}
    assert (ran.study["framework"], ran.study["datasets"], ran.study["deviations"]) == (None, None, None)
    assert ran.manifest.facts["pdf"] == {"pages": 1, "producer": "ReportLab PDF Library - (opensource)", "active": []}
    (tmp_path / "letter.pdf").write_text("Dear reader")
    with pytest.raises(RunFailed, match="it is no PDF by its content"):
        ingest(tmp_path / "letter.pdf")


# recognition


@pytest.mark.parametrize(("write", "framework"), [(write_v1, "ai-scientist-v1"), (write_v2, "ai-scientist-v2")])
def test_a_run_is_found_below_the_given_folder_but_one_of_several_is_not_chosen(tmp_path, write, framework):
    write(tmp_path / "results" / "one" / "run")
    found = recognise(folder_tree(tmp_path))
    assert (found.framework, found.start) == (framework, "results/one/run")
    write(tmp_path / "results" / "two")
    with pytest.raises(MediaRejected, match=r"the folder holds 2 runs \(results/one/run, results/two"):
        recognise(folder_tree(tmp_path))


def test_content_decides_not_names(tmp_path):
    shop = {"ideas.json": ["a bicycle"], "notes.txt": "milk", "idea.json": {"Name": "x"}, "project/a.py": "x"}
    fill(tmp_path / "ai-scientist-v1_run_0", shop)
    with pytest.raises(MediaRejected, match="no run of a known kind"):
        recognise(folder_tree(tmp_path))


# invariants

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["means", "stderrs", "final_info_dict", "final_info_list", "a", "a_mean", "", "metric"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def leaves(value: object) -> set[float]:
    """Every number in a JSON value, by this test's own reckoning."""
    if isinstance(value, dict):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, list):
        return set().union(*map(leaves, value))
    return {found} if (found := number(value)) is not None else set()


@settings(deadline=None, max_examples=150)
@given(JSON)
def test_whatever_the_results_are_only_recorded_numbers_come_out(content):
    runs = {"run": datasets_of(content)}
    assert leaves(runs) <= leaves(content)
    assert count(runs) == sum(len(metrics) for metrics in runs["run"].values())
    for metrics in runs["run"].values():
        assert all(set(found) == {"mean", "stderr", "seeds"} for found in metrics.values())
    json.dumps([runs, shortened(content), node_metrics({"metric": content, "key_results": content})], allow_nan=False)


@settings(deadline=None, max_examples=25)
@given(
    st.binary(max_size=40),
    st.integers(0, 10**6),
    st.sampled_from(["run_1/final_info.json", "ideas.json", "review.txt"]),
)
def test_no_damage_to_one_file_stops_the_reading(noise, at, path):
    with tempfile.TemporaryDirectory() as place:
        run = write_v1(Path(place) / "run")
        data = (run / path).read_bytes()
        at %= len(data)
        (run / path).write_bytes(data[:at] + noise + data[at + len(noise) :])
        search = Search(folder_tree(run))
        account = KINDS["ai-scientist-v1"].read(search)
        assert account.manuscripts == ("an_idea.pdf",)
        assert all(part.path or part.reason for part in search.parts)


@given(st.lists(st.text(max_size=60), max_size=30))
def test_pictures_get_roles_of_their_own(names):
    taken: set[str] = set()
    for name in names:
        role = figure_role(f"plots/{name}.png", taken)
        assert role not in taken
        assert len(role) <= ROLE_LENGTH
        assert role.startswith("figure_")
        taken.add(role)


def test_only_pictures_of_a_sane_size_become_figures():
    assert is_picture(png(10_000, 5_000))
    assert not any(map(is_picture, (png(10_000, 5_001), png(0, 1), b"GIF89a", b"\x89PNG\r\n\x1a\n", b"")))


def test_numbers_are_numbers():
    assert [number(value) for value in (1, "1.5", " -2e3 ", True, None, "1_000", "nan", "0x1", 10**400, [1])] == [
        1.0, 1.5, -2000.0, None, None, None, None, None, None, None,
    ]  # fmt: skip
    assert dict(numbers({"a": {"b": "2"}, "c": [3]})) == {"a/b": 2.0}
    with pytest.raises(Unreadable, match="it is empty"):
        parse_json(b"\xef\xbb\xbf  ")
    assert IDEA["novel"] is None
