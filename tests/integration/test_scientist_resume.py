"""A study whose process is killed at any node goes on at that node, with both savers, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.attempts import Attempts
from support.chat_server import Script, carry_out, study
from support.vlm import Server, serve  # noqa: F401

from core.errors import RunFailed
from core.runners.scientist.graph.build import NODES

pytestmark = pytest.mark.needs_tool("bwrap")
Serve = Callable[..., Server]
VARIABLE = "STUDY_CHECKPOINTS"
FORMS = {
    "analyse": "Analysis", "survey": "Survey", "propose": "Idea", "consult": "ClinicalView", "assess": "Assessment",
    "plan": "Plan", "write_code": "Code", "judge": "Judgement", "analyse_results": "Findings", "compose": "Text",
    "ethics_review": "EthicsReview",
}  # fmt: skip
"""The node that asks for each form."""


@pytest.fixture
def environ(empty_database_url: str) -> tuple[str, dict[str, str]]:
    """The variable that names the checkpoints' database, and its value; SQLite needs none."""
    return ("", {}) if empty_database_url.startswith("sqlite") else (VARIABLE, {VARIABLE: empty_database_url})


def test_a_study_killed_at_every_node_goes_on_there_and_asks_nobody_twice(
    tmp_path: Path,
    serve: Serve,  # noqa: F811
    environ: tuple[str, dict[str, str]],
):
    variable, secret = environ
    script = Script()
    attempts = Attempts(study(tmp_path, serve(script), checkpoints_variable=variable), tmp_path, secret)
    for node in NODES:
        assert attempts.run(killed_at=node) is None
        assert attempts.process.exitcode == -signal.SIGKILL
    made = attempts.run(None)
    assert made is not None
    # Each attempt began where the one before it was killed.
    assert [seen[0] for seen in attempts.seen] == [next(iter(NODES)), *NODES]
    assert set(script.asked.values()) == {1}
    assert made["study"]["cost"]["tokens_in"] == 900 * len(FORMS)
    assert "manuscript" in made["roles"]


def test_a_kill_while_a_model_is_asked_costs_that_question_and_no_other(
    tmp_path: Path,
    serve: Serve,  # noqa: F811
    environ: tuple[str, dict[str, str]],
):
    variable, secret = environ
    killed: Counter[str] = Counter()

    def kill(form: str) -> None:
        if form in FORMS.values() and not killed[form]:
            killed[form] += 1
            os.kill(attempts.process.pid, signal.SIGKILL)

    script = Script()
    script.before = kill
    attempts = Attempts(study(tmp_path, serve(script), checkpoints_variable=variable), tmp_path, secret)
    for _ in FORMS:
        assert attempts.run(None) is None
    assert attempts.run(None) is not None
    # The server had not answered the killed question, so it was asked anew; nothing else was.
    assert dict(script.asked) == dict.fromkeys(FORMS.values(), 2)
    assert [seen[0] for seen in attempts.seen[1:]] == list(FORMS)


def test_an_answer_that_was_paid_for_is_not_asked_again_when_its_node_runs_again(tmp_path: Path, serve: Serve):  # noqa: F811
    good = Script().steps["Idea"][0]
    script = Script(Idea=["{", "{", good])
    server = serve(script)
    with pytest.raises(RunFailed, match="'engineer' cannot be used"):
        carry_out(study(tmp_path, server, tries=2), tmp_path)
    with pytest.raises(RunFailed, match="the role 'engineer' cannot be used"):
        carry_out(study(tmp_path, server, tries=2), tmp_path)
    assert script.asked["Idea"] == 2
    manifest = carry_out(study(tmp_path, server, tries=3), tmp_path)
    assert script.asked["Idea"] == 3
    assert manifest.facts["study"]["cost"]["tokens_in"] == 900 * sum(script.asked.values())  # type: ignore[index]


def test_checkpoints_of_other_inputs_are_not_gone_on_from(tmp_path: Path, serve: Serve):  # noqa: F811
    server = serve(Script(Idea="{"))
    for _, mode in enumerate(("innovation", "exploration")):
        with pytest.raises(RunFailed, match="'engineer'" if mode == "innovation" else "with other inputs"):
            carry_out(study(tmp_path, server, mode=mode), tmp_path)
