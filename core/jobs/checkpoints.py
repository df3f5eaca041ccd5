"""What an attempt hands on to the next one of the same job: files that its runner keeps for that.

They lie in `checkpoints/JOB` on the machine that made them, until the job has ended. A retry on another machine starts
from the beginning: the file would have to travel while the attempt runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from core.jobs.attempt import OUT
from core.runners.base import checkpoint_of
from core.runners.registry import runner
from core.tables import Job

RUN = "run"
"""The folder of the runner's process inside an attempt's folder."""


class Checkpoints:
    """The checkpoints of this machine's attempts."""

    def __init__(self, home: Path) -> None:
        self._attempts, self._kept = home.absolute() / "attempts", home.absolute() / "checkpoints"

    def folder(self, job_id: str) -> Path:
        """The folder that a job's attempts share; it exists once something was kept."""
        return self._kept / job_id

    def of(self, job: Job) -> Path | None:
        """The checkpoint of the job's earlier attempts, if one was left; also one whose worker was killed."""
        name = checkpoint_of(runner(job.runner))
        for number in range(job.attempt - 1, 0, -1):
            self.rescue(self._attempts / f"{job.id}-{number}", job)
        path = self._kept / job.id / name
        return path if name and path.is_file() else None

    def rescue(self, attempt: Path, job: Job) -> None:
        """Take an attempt's checkpoint out of its folder, which is about to be deleted."""
        name = checkpoint_of(runner(job.runner))
        source = attempt / RUN / OUT / name
        if name and source.is_file() and not source.is_symlink():
            (self._kept / job.id).mkdir(parents=True, exist_ok=True)
            # Another worker of this machine may be taking it at the same time.
            with suppress(FileNotFoundError):
                source.replace(self._kept / job.id / name)

    def forget(self, unfinished: Collection[str]) -> None:
        """Delete the checkpoints of all jobs but these."""
        for folder in self._kept.glob("job_*"):
            if folder.name not in unfinished:
                shutil.rmtree(folder, ignore_errors=True)
