"""`greenlight study`, `task` and `bench`: what a research group does from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from support.asking import offer
from support.shell import Command
from support.studies import GROUP, VERSION, found_group, write_protocol
from support.studio import Studio

from core.jobs.worker import Worker

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@pytest.fixture(autouse=True)
def group(studio: Studio) -> None:
    """The research group is there."""
    found_group(studio)


@SQLITE
def test_a_study_is_added_shown_approved_and_submitted(greenlight: Command, tmp_path: Path, database_kind: str):
    folder = write_protocol(tmp_path / "study")
    code, shown, _ = greenlight("engineer", "study", "add", folder, "--project", GROUP)
    assert (code, shown.split(";")[0]) == (0, "Study 'small' is taken in")
    submit = ("job", "submit", "small", "--model", VERSION, "--runner", "protocol", "--project", GROUP)
    code, shown, _ = greenlight("engineer", *submit)
    assert code == 4
    assert "nobody has approved the protocol" in shown
    approve = ("study", "approve", "small", "--statement", "Read.", "--password-stdin")
    code, _, slip = greenlight("engineer", *approve)
    assert (code, "clinical lead" in slip) == (3, True)
    code, shown, _ = greenlight("clinical", *approve)
    assert (code, shown.startswith("Clinical approved the protocol ")) == (0, True)
    code, machine, _ = greenlight("auditor", "study", "show", "small", "--json")
    record = json.loads(machine)
    assert (code, record["approved_by"], record["datasets"][0]["modality"]) == (0, "Clinical", "ehr")
    code, shown, _ = greenlight("auditor", "study", "list")
    assert (code, "Clinical" in shown) == (0, True)
    code, shown, _ = greenlight("engineer", *submit)
    assert (code, "waits for a worker" in shown) == (0, True)


@SQLITE
def test_a_protocol_at_fault_is_one_sentence(greenlight: Command, tmp_path: Path, database_kind: str):
    folder = write_protocol(tmp_path / "study", {"schema": "greenlight.protocol/1"})
    code, shown, slip = greenlight("engineer", "study", "add", folder, "--project", GROUP)
    assert (code, shown) == (2, "")
    assert slip.startswith("Error: protocol.yaml, line 1: ")
    assert len(slip.splitlines()) == 1


@SQLITE
def test_a_question_is_listed_read_and_decided(
    studio: Studio, greenlight: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_kind: str
):
    offer(tmp_path, monkeypatch)
    studio.submit(runner="asks", provenance=None, files={})
    Worker(studio.platform).run(drain=True)
    code, machine, _ = greenlight("auditor", "task", "list", "--json")
    (task,) = json.loads(machine)
    assert (code, task["question"]) == (0, "May the plan be carried out?")
    code, shown, _ = greenlight("auditor", "task", "show", task["id"], "--to", tmp_path / "read")
    assert (code, "plan" in shown) == (0, True)
    assert (tmp_path / "read" / "note.txt").read_text() == "the plan"
    code, _, slip = greenlight("clinical", "task", "decide", task["id"], "--password-stdin")
    assert (code, "say --approve or --reject" in slip) == (2, True)
    decide = ("task", "decide", task["id"], "--approve", "--password-stdin")
    code, _, slip = greenlight("manager", *decide)
    assert (code, "clinical lead" in slip) == (3, True)
    code, shown, _ = greenlight("clinical", *decide)
    assert (code, shown) == (0, "Clinical approved execution.\n")
    code, shown, _ = greenlight("auditor", "task", "list")
    assert (code, shown) == (0, "Nothing waits for a decision.\n")


@SQLITE
def test_a_suite_is_refused_approved_run_and_reported(greenlight: Command, tmp_path: Path, database_kind: str):
    write_protocol(tmp_path)
    case = {"name": "small", "protocol": "protocol.yaml"}
    suite = tmp_path / "suite.yaml"
    content = {"name": "one", "model": VERSION, "tasks": [{"name": "progression", "cases": [case]}]}
    suite.write_text(yaml.safe_dump({"schema": "greenlight.suite/1", **content}))
    arguments = ("bench", "run", suite, "--project", GROUP)
    code, shown, _ = greenlight("engineer", *arguments)
    assert (code, "0 were submitted, 1 refused" in shown) == (4, True)
    approve = ("bench", "approve", suite, "--project", GROUP, "--statement", "Read.", "--password-stdin")
    code, shown, _ = greenlight("clinical", *approve)
    assert (code, shown) == (0, "Clinical approved 1 protocols.\n")
    code, machine, _ = greenlight("engineer", *arguments, "--to", tmp_path / "report", "--json")
    found = json.loads(machine)
    assert (code, found["headline"]) == (0, "1 of 1 judged runs succeeded, of 1 cells."), found["cells"]
    assert json.loads((tmp_path / "report" / "bench.json").read_text())["digest"] == found["digest"]
    assert found["headline"] in (tmp_path / "report" / "bench.html").read_text()
    code, shown, _ = greenlight("auditor", "bench", "show", suite, "--project", GROUP)
    assert (code, "1 of 1 judged runs succeeded" in shown) == (0, True)
