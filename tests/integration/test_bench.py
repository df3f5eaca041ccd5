"""A batch of studies goes on where it was: what has ended is not run again, what was refused or cancelled is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from support.studies import GROUP, VERSION, found_group, write_protocol
from support.studio import Studio

from core.audit.verify import verify
from core.bench import Started, approve_all, batch_of, newest_cells, register, run
from core.bench_results import Results, results_of
from core.canonical import now
from core.errors import Denied, NotFound
from core.jobs.queue import cancel
from core.suites import Suite, read_suite
from core.tables import Asset, Batch, Job


@pytest.fixture
def group(studio: Studio) -> Studio:
    found_group(studio)
    return studio


def suite(folder: Path, **changes: Any) -> Suite:
    write_protocol(folder)
    content = {
        "schema": "greenlight.suite/1",
        "name": "two modes",
        "model": VERSION,
        "modes": ["reproduction", "exploration"],
        "tasks": [{"name": "progression", "cases": [{"name": "small", "protocol": "protocol.yaml"}]}],
    }
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return read_suite(path)


def called(group: Studio, wanted: Suite, *, work_here: bool = False) -> Started:
    return run(group.platform, group.people["engineer"], wanted, project=GROUP, work_here=work_here)


def approved(group: Studio, wanted: Suite) -> int:
    return approve_all(group.platform, group.proof("clinical"), wanted, project=GROUP, statement="Read.")


def results(group: Studio, wanted: Suite) -> Results:
    with group.platform.reading() as session:
        return results_of(session, batch_of(session, wanted, GROUP), now())


def count(group: Studio, table: type[Any]) -> int:
    with group.platform.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_a_batch_runs_once_its_protocols_are_approved_and_never_twice(group: Studio, tmp_path: Path):
    wanted = suite(tmp_path)
    assert called(group, wanted).refused == 2
    assert {cell.status for cell in results(group, wanted).cells} == {"refused"}
    assert approved(group, wanted) == 1
    assert approved(group, wanted) == 0
    first = called(group, wanted, work_here=True)
    assert (first.kept, first.submitted, first.refused) == (0, 2, 0)
    found = results(group, wanted)
    assert found.headline == "2 of 2 judged runs succeeded, of 2 cells."
    assert [cell.mode for cell in found.cells] == ["reproduction", "exploration"]
    assert all(cell.seconds and cell.tokens == 0 and cell.usd == 0 for cell in found.cells)
    jobs = count(group, Job)
    again = called(group, wanted, work_here=True)
    assert (again.batch, again.kept, again.submitted) == (first.batch, 2, 0)
    assert count(group, Job) == jobs
    with group.platform.reading() as session:
        modes = {job.parameters["mode"] for job in newest_cells(session, first.batch).values()}
        assert {job.purpose for job in newest_cells(session, first.batch).values()} == {"internal_trial"}
        assert verify(session, group.platform.store, group.platform.key.public).intact
    assert modes == {"reproduction", "exploration"}


def test_a_cancelled_cell_is_submitted_again_and_a_waiting_one_is_not(group: Studio, tmp_path: Path):
    wanted = suite(tmp_path)
    register(group.platform, group.people["engineer"], wanted, GROUP)
    approved(group, wanted)
    first = called(group, wanted)
    with group.platform.reading() as session:
        job = newest_cells(session, first.batch)["progression", "small", "exploration"].id
    with group.platform.work(group.people["engineer"]) as work:
        cancel(work, job)
    assert called(group, wanted).submitted == 1
    with group.platform.reading() as session:
        cells = newest_cells(session, first.batch)
    assert {one.status for one in cells.values()} == {"queued"}
    assert job not in {one.id for one in cells.values()}


def test_another_suite_is_another_batch_with_its_own_studies(group: Studio, tmp_path: Path):
    one = register(group.platform, group.people["engineer"], suite(tmp_path), GROUP)
    same = register(group.platform, group.people["engineer"], suite(tmp_path), GROUP)
    other = suite(tmp_path, changes={"title": "Another question"})
    with pytest.raises(NotFound, match="has no batch"):
        approved(group, other)
    assert one.id == same.id
    assert register(group.platform, group.people["engineer"], other, GROUP).id != one.id
    assert count(group, Batch) == 2
    with group.platform.reading() as session:
        studies = session.scalars(sa.select(Asset).where(Asset.kind == "study")).all()
    assert len({asset.digest for asset in studies}) == 2
    with pytest.raises(Denied):
        run(group.platform, group.people["clinical"], other, project=GROUP)
