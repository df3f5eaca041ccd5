"""Studies made elsewhere, end to end: taken in as assets, run as jobs, kept as artifacts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.runs import pdf, write_pdf, write_v1
from support.studio import Studio

from core import registry
from core.access import Actor, Role
from core.audit.verify import verify
from core.errors import Conflict, Denied, InputError, MediaRejected, NotFound
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.lookup import asset_files
from core.runs import create_run, ingest_run
from core.tables import Asset, Job, Output

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
STUDY = "Study"


def opened(studio: Studio) -> Studio:
    """The studio with a study and a model version that stands for whoever made the run."""
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name=STUDY, kind="study", agreements=["part-11"])
    with studio.platform.work(studio.people["engineer"]) as work:
        registry.create_model(work, name="elsewhere", origin="vendor")
        registry.create_version(work, model="elsewhere", version="1", licence="Apache-2.0", network_egress=False)
    return studio


def take(studio: Studio, source: Path, name: str | None = None) -> Asset:
    return create_run(studio.platform, studio.people["engineer"], project=STUDY, source=source, name=name)


def run(studio: Studio, *assets: Asset) -> list[Job]:
    """Submit a job for each asset, run them all, and return them."""
    with studio.platform.work(studio.people["engineer"]) as work:
        ids = [submit(work, JobRequest(asset.id, "elsewhere@1", "run-ingest")).job.id for asset in assets]
    Worker(studio.platform).run(drain=True)
    with studio.platform.reading() as session:
        return [session.get_one(Job, one) for one in ids]


def outputs(studio: Studio, job: Job) -> dict[str, Output]:
    with studio.platform.reading() as session:
        return {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job.id))}


def content(studio: Studio, output: Output) -> dict:
    return json.loads(studio.platform.store.read(output.sha256))


def test_a_folder_becomes_an_asset_and_its_job_keeps_what_it_held(studio: Studio, tmp_path: Path):
    opened(studio)
    asset = take(studio, write_v1(tmp_path / "20240804_idea"))
    again = take(studio, write_v1(tmp_path / "copy"), name="copy")
    assert (asset.name, asset.kind, asset.facts["framework"]) == ("20240804_idea", "run", "ai-scientist-v1")
    assert asset.digest == again.digest
    broken = write_v1(tmp_path / "broken")
    (broken / "an_idea.pdf").write_bytes(b"%PDF-1.5 and nothing more")
    done, failed = run(studio, asset, take(studio, broken))
    assert (done.status, failed.status) == ("succeeded", "failed")
    assert failed.message.startswith(
        "the run of ai-scientist-v1 has no readable manuscript (an_idea.pdf: its structure"
    )
    made = outputs(studio, done)
    assert set(made) == {
        "manuscript", "results", "idea", "review", "log", "manuscript_tex", "code", "figure_loss", "record",
    }  # fmt: skip
    assert studio.platform.store.read(made["code"].sha256) == (tmp_path / "20240804_idea/experiment.py").read_bytes()
    study = made["manuscript"].facts["runner"]["study"]
    assert (study["backend"], study["framework"], study["ethics"]["status"]) == (
        "elsewhere", "ai-scientist-v1", "not_reviewed",
    )  # fmt: skip
    assert "Accept" not in json.dumps(study), "a framework's praise of itself is no fact"
    assert content(studio, made["review"])["trusted"] is False
    assert content(studio, made["results"])["runs"]["run_1"]["rings"]["loss"] == {
        "mean": 0.5, "stderr": 0.1, "seeds": [0.4, 0.6],
    }  # fmt: skip
    assert not (tmp_path / "20240804_idea" / "was_run").exists()
    with studio.platform.reading() as session:
        assert verify(session, studio.platform.store, studio.platform.key.public).intact


@SQLITE
def test_a_lone_manuscript_is_taken_in_and_all_else_is_said_to_be_missing(studio: Studio, tmp_path: Path):
    opened(studio)
    asset = take(studio, write_pdf(tmp_path / "paper.pdf"))
    (job,) = run(studio, asset)
    assert job.status == "succeeded"
    with studio.platform.reading() as session:
        (kept,) = asset_files(session, asset).values()
    made = outputs(studio, job)
    assert made["manuscript"].sha256 == kept.sha256
    assert {part["status"] for part in content(studio, made["record"])["parts"]} == {"found", "missing"}
    study = made["manuscript"].facts["runner"]["study"]
    assert (study["framework"], study["datasets"], study["success"]["quantitative_results"]) == (None, None, None)


@SQLITE
def test_what_is_no_run_never_becomes_an_asset(studio: Studio, tmp_path: Path):
    opened(studio)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "notes.txt").write_text("sun")
    with pytest.raises(MediaRejected, match=r"searched for AI-Scientist v1 .* AI-Scientist v2 .* AI-Researcher"):
        take(studio, tmp_path / "holiday")
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(MediaRejected, match="it is empty"):
        take(studio, tmp_path / "empty.pdf")
    with pytest.raises(MediaRejected, match="no run by its content"):
        take(studio, tmp_path / "holiday" / "notes.txt")
    with pytest.raises(InputError, match="there is no "):
        take(studio, tmp_path / "nowhere")
    take(studio, write_v1(tmp_path / "run"))
    with pytest.raises(Conflict, match="an asset 'run' already"):
        take(studio, tmp_path / "run")
    bare = take(studio, write_v1(tmp_path / "bare", **{"an_idea.pdf": None}))
    assert bare.notes == ["It holds no PDF: its job will fail, because there is no manuscript to judge."]
    with pytest.raises(Denied):
        create_run(
            studio.platform, Actor("usr_x", "X", frozenset({Role.AUDITOR})), project=STUDY, source=tmp_path / "run"
        )


@SQLITE
def test_one_command_takes_in_a_zipped_run_and_submits_its_job(studio: Studio, tmp_path: Path):
    opened(studio)
    run = write_v1(tmp_path / "results" / "run", **{"extra.pdf": pdf("more")})
    (run / "run_0" / "link").symlink_to(run)
    shutil.make_archive(str(tmp_path / "zipped"), "zip", tmp_path / "results")
    first = take(studio, run)
    assert first.notes == ["Left out: 1 of the run's entries (a link)."]
    engineer, project = studio.people["engineer"], {"project": STUDY, "model": "elsewhere@1"}
    with pytest.raises(NotFound):
        ingest_run(studio.platform, engineer, source=run, project=STUDY, model="nobody@1")
    asset, submission = ingest_run(
        studio.platform, engineer, source=tmp_path / "zipped.zip", manuscript="extra.pdf", **project
    )
    assert asset.name == "zipped"
    assert asset.notes[0] == "The run begins in its folder 'run'."
    assert submission.decision.opens
    Worker(studio.platform).run(drain=True)
    with studio.platform.reading() as session:
        job = session.get_one(Job, submission.job.id)
    assert (job.status, job.origin, job.ai_use["kind"]) == ("succeeded", "vendor", "NONE")
    assert studio.platform.store.read(outputs(studio, job)["manuscript"].sha256) == pdf("more")


@SQLITE
def test_the_sample_runs_and_manuscript_become_jobs_with_their_artifacts(studio: Studio, samples: Path):
    opened(studio)
    sources = ["runs/gan_diffusion", "runs/multi_style_adapter", "manuscripts/medical-ai-scientist-case1.pdf"]
    if not all((samples / source).exists() for source in sources):
        pytest.skip("needs the sample runs, which are not beside this project")
    jobs = run(studio, *(take(studio, samples / source) for source in sources))
    assert [job.status for job in jobs] == ["succeeded"] * 3
    gan, styles, paper = (outputs(studio, job) for job in jobs)
    for made, name in ((gan, "gan_diffusion"), (styles, "multi_style_adapter")):
        assert {"manuscript", "results", "idea", "review", "log", "manuscript_tex", "record"} <= set(made)
        assert content(studio, made["idea"])["Name"] == name
        assert list(content(studio, made["results"])["runs"]) == [f"run_{number}" for number in range(6)]
        missing = made["manuscript"].facts["runner"]["study"]["missing"]
        assert [sentence.split(":")[0] for sentence in missing] == [
            "experiment code", "plotting code", "framework's log",
        ]  # fmt: skip
    baseline = content(studio, styles["results"])["runs"]["run_0"]["shakespeare_char"]["best_val_loss"]
    assert (round(baseline["mean"], 4), round(baseline["stderr"], 4), len(baseline["seeds"])) == (1.4655, 0.0005, 5)
    nested = content(studio, styles["results"])["runs"]["run_4"]["enwik8"]["style_consistency_scores/mean_consistency"]
    assert nested == {"mean": 1.0, "stderr": 0.0, "seeds": [1.0]}
    assert gan["manuscript"].facts["runner"]["pdf"]["pages"] == 9
    assert set(paper) == {"manuscript", "record"}
    assert paper["manuscript"].facts["runner"]["pdf"]["pages"] == 12
