"""A worker measures clips with the weight files that the settings name, or does not begin."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.studio import Studio

from core.errors import InputError
from core.jobs.worker import Worker
from core.platform import Platform
from core.tables import EvaluationRecord

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@SQLITE
def test_flow_is_raft_where_its_weights_are_named_and_the_evaluation_says_which(
    studio: Studio, tmp_path: Path, database_kind: str
):
    from safetensors.torch import save_file
    from torchvision.models.optical_flow import raft_small

    save_file(raft_small(weights=None).state_dict(), tmp_path / "raft.safetensors")
    chosen = Platform(replace(studio.platform.settings, raft_weights=str(tmp_path / "raft.safetensors")))
    job = studio.submit()
    with closing(chosen):
        assert Worker(chosen).run(drain=True) == 1
        with chosen.reading() as session:
            query = sa.select(EvaluationRecord.parameters).where(EvaluationRecord.job_id == job)
            (parameters,) = session.scalars(query.where(EvaluationRecord.evaluator == "temporal"))
    assert str(parameters["flow"]).startswith("RAFT small, weights sha256:")


@SQLITE
def test_a_worker_whose_weights_are_not_there_claims_nothing(studio: Studio, tmp_path: Path, database_kind: str):
    chosen = Platform(replace(studio.platform.settings, lpips_trunk=str(tmp_path / "none.pth")))
    studio.submit()
    with closing(chosen), pytest.raises(InputError, match="the setting lpips_trunk"):
        Worker(chosen).run(drain=True)
    assert Worker(studio.platform).run(drain=True) == 1
