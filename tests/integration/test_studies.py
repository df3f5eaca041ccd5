"""Studies: nothing runs before a clinical lead approved exactly this protocol, and whoever approved cannot be moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import GROUP, VERSION, approved, found_group, small_protocol, take_in, write_protocol
from support.studio import Studio

from core import consents, releases
from core.audit.verify import verify
from core.canonical import now
from core.errors import Conflict, Denied, GreenlightError, InputError, NotFound, TamperingFound
from core.facts import build_facts
from core.jobs.queue import claim, fail
from core.jobs.submission import JobRequest, Submission, submit
from core.jobs.worker import Worker
from core.lookup import approval_of
from core.rerun import compare_rerun, rerun
from core.studies import approve, check_approval, create_study, study_of, study_record
from core.tables import Job
from policies import judge, load_builtin


@pytest.fixture
def group(studio: Studio) -> Studio:
    found_group(studio)
    return studio


def submitted(studio: Studio, asset: str, runner: str = "protocol") -> Submission:
    with studio.platform.work(studio.people["engineer"]) as work:
        return submit(work, JobRequest(asset=asset, version=VERSION, runner=runner))


def attested(studio: Studio, asset: str, kind: str) -> None:
    with studio.platform.work(studio.people["clinical"]) as work:
        consents.attest(work, project=GROUP, asset=asset, kind=kind, statement="Looked at it.")


def test_a_study_runs_only_once_its_protocol_is_approved(group: Studio, tmp_path: Path):
    asset = take_in(group, tmp_path / "small")
    refused = submitted(group, asset)
    assert refused.job.status == "refused"
    assert "nobody has approved the protocol" in refused.decision.headline
    approved(group, asset)
    allowed = submitted(group, asset)
    assert (allowed.job.status, allowed.job.ai_use["kind"]) == ("queued", "NONE")
    assert allowed.decision.facts["approval"]["by_name"] == "Clinical"
    record = study_record(group.platform, group.people["auditor"], asset)
    assert (record["approved_by"], record["question"]) == ("Clinical", small_protocol()["question"])
    with group.platform.reading() as session:
        assert verify(session, group.platform.store, group.platform.key.public).intact


def test_an_approval_of_other_files_does_not_count(group: Studio, tmp_path: Path):
    first, second = take_in(group, tmp_path / "one"), take_in(group, tmp_path / "two", question="Another one?")
    approved(group, first)
    assert submitted(group, second).job.status == "refused"
    with group.platform.reading() as session:
        approval, own, other = (
            approval_of(session, study_of(session, first)),
            study_of(session, first),
            study_of(session, second),
        )
        assert approval is not None
        check_approval(approval, own, group.platform.key.public)
        with pytest.raises(TamperingFound):
            check_approval(approval, other, group.platform.key.public)
        approval.statement = "Something else."
        with pytest.raises(TamperingFound):
            check_approval(approval, own, group.platform.key.public)
        session.rollback()


def test_only_another_clinical_lead_with_the_password_just_given_approves(group: Studio, tmp_path: Path):
    asset = take_in(group, tmp_path / "small")
    for by in ("engineer", "legal", "manager", "auditor"):
        with pytest.raises(Denied):
            approved(group, asset, by)
    with group.platform.work(group.people["clinical"]) as work, pytest.raises(Denied, match="somebody else"):
        approve(work, group.proof("manager"), asset, "Read.")
    approved(group, asset)
    with pytest.raises(Conflict, match="Clinical has approved this study already"):
        approved(group, asset)
    with pytest.raises(InputError, match="no study"):
        approved(group, "crossing")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": ""}, "line 4: question"),
        ({"surprise": 1}, "surprise"),
        ({"predictors": ["progression"]}, "outcome is among the predictors"),
    ],
)
def test_a_protocol_that_cannot_be_used_is_told_by_field(
    group: Studio, tmp_path: Path, changes: dict[str, object], message: str
):
    with pytest.raises(InputError, match=message):
        take_in(group, tmp_path / "small", **changes)


def test_data_and_protocol_must_speak_of_each_other(group: Studio, tmp_path: Path):
    engineer, platform = group.people["engineer"], group.platform

    def taken(path: Path) -> GreenlightError | None:
        try:
            create_study(platform, engineer, project=GROUP, path=path, name=path.name)
        except GreenlightError as error:
            return error
        return None

    unasked = write_protocol(tmp_path / "unasked")
    (unasked / "data.csv").write_text("bmi,bp,progression\n1,2,3\n")
    assert "no data of its own" in str(taken(unasked))
    card = small_protocol()["datasets"][0] | {
        "source": "file",
        "columns": [{"name": name, "kind": "numeric"} for name in ("bmi", "bp", "progression")],
    }
    own = write_protocol(tmp_path / "own", small_protocol(datasets=[card]))
    assert "needs a data file" in str(taken(own))
    (own / "data.csv").write_text("bmi,progression\n1,3\n")
    assert "lacks the columns bp" in str(taken(own))
    (own / "data.csv").write_bytes(b"\xff\xfe\x00")
    assert "column names" in str(taken(own))
    (own / "data.csv").write_text("bmi,bp,progression\n1,2,3\n")
    assert taken(own) is None
    assert isinstance(taken(own), Conflict)
    assert isinstance(taken(tmp_path / "nowhere"), NotFound)


def test_a_study_needs_a_runner_of_studies_and_a_clip_one_of_clips(group: Studio, tmp_path: Path):
    asset = take_in(group, tmp_path / "small")
    with pytest.raises(InputError, match=r"cannot run the study 'small'; use protocol"):
        submitted(group, asset, "plate")
    with pytest.raises(InputError, match=r"cannot run the clip 'crossing'; use .*plate"):
        submitted(group, "crossing")


def test_a_study_is_released_with_its_numbers_traced_and_repeats_to_the_last_one(group: Studio, tmp_path: Path):
    asset = take_in(group, tmp_path / "small")
    approved(group, asset)
    job = submitted(group, asset).job.id
    Worker(group.platform).run(drain=True)
    engineer = group.people["engineer"]
    closed = releases.propose(group.platform, engineer, job)
    facts = closed.decision.facts
    assert (
        facts["study"]["protocol_sha256"] == facts["approval"]["protocol_sha256"] == facts["asset"]["protocol_sha256"]
    )
    assert facts["approval"]["at"] <= facts["job"]["started_at"]
    assert {reason.split("rule ")[1].split(" ")[0] for reason, _ in closed.decision.reasons} == {"CR-03", "CR-04"}
    for kind in ("leakage_explained", "ethics_reviewed"):
        attested(group, asset, kind)
    release = releases.propose(group.platform, engineer, job).release.id
    with pytest.raises(Denied, match="clinical lead"):
        releases.sign(group.platform, group.proof("manager"), release)
    for by in ("clinical", "manager"):
        releases.sign(group.platform, group.proof(by), release)
    left = releases.export(group.platform, group.people["manager"], release, tmp_path / "out")
    assert left.read_bytes().startswith(b"%PDF-")

    with group.platform.work(engineer) as work:
        again = rerun(work, job).job.id
    Worker(group.platform).run(drain=True)
    found = compare_rerun(group.platform, engineer, again)
    equal = {one["role"] for one in found.record["outputs"] if one["equal"]}
    assert found.equal, found.headline
    assert {"manuscript", "results", "provenance", "predictions", "code", "environment"} <= equal
    with group.platform.reading() as session:
        repeated = build_facts(session, session.get_one(Job, job), "release", now())
        assert repeated["other_runs"] == []
        assert verify(session, group.platform.store, group.platform.key.public).intact


def test_a_second_run_of_the_same_files_must_be_told_of(group: Studio, tmp_path: Path):
    first = take_in(group, tmp_path / "one")
    second = take_in(group, tmp_path / "two")
    approved(group, first)
    job = submitted(group, first).job.id
    held = claim(group.platform, "tests")
    assert held is not None
    fail(group.platform, held, "it broke", transient=False)
    approved(group, second)
    later = submitted(group, second).job
    with group.platform.reading() as session:
        facts = build_facts(session, session.get_one(Job, later.id), "release", now())
    assert [run["id"] for run in facts["other_runs"]] == [job]
    verdict = judge(load_builtin("clinical-research"), facts, "release")["MS-06"]
    assert verdict.status == "fail"
