"""What a sandboxed run may use, how it ended and what it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

MIB = 1 << 20


class Reason(StrEnum):
    """Why the code stopped. Everything after `SIGNAL` is a limit that it met."""

    FINISHED = "finished"
    FAILED = "failed"
    SIGNAL = "signal"
    WALL_TIME = "wall_time"
    CPU_TIME = "cpu_time"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    FILES = "files"
    FILE_SIZE = "file_size"
    PRINTED = "printed"


@dataclass(frozen=True)
class Limits:
    """What the code may use; seconds and bytes."""

    wall_s: float = 600.0
    cpu_s: float = 1200.0
    """Of all processes together, also those that have ended."""
    memory: int = 2048 * MIB
    """Resident memory of all processes together; pages that they share count once for each."""
    processes: int = 64
    """Processes and threads together."""
    disk: int = 256 * MIB
    """What `/outputs`, `/tmp` and `/dev/shm` hold, each; they live in memory, beside `memory`."""
    files: int = 1000
    """Files and folders in each of them."""
    file_size: int = 128 * MIB
    printed: int = 8 * MIB
    """What it writes to its standard output and error together."""
    threads: int = 1
    """What the mathematical libraries are told to use; one thread sums in one order."""


@dataclass(frozen=True)
class Refusal:
    """Something in `/outputs` that was not taken: its path, made safe to print, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Ran:
    """How a run ended. `exit_code` is None when it was ended by a limit or a signal."""

    reason: Reason
    detail: str
    """One sentence."""
    exit_code: int | None
    stdout: str
    """The end of what it printed, at most 64 KiB; text from the code, so never to be trusted."""
    stderr: str
    outputs: Mapping[str, Path] = field(default_factory=dict)
    """Files that it left in `/outputs`, by their path there; copies outside, also of a run that failed."""
    refused: tuple[Refusal, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float | None = None
    """None when the sandbox was ended from outside, before it could say."""
    peak_memory: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the code ended by itself with exit code 0."""
        return self.reason is Reason.FINISHED
