"""The one exception tree of the platform.

    GreenlightError              exit 1
    ├── InputError               exit 2   what was given cannot be used
    │   ├── NotFound             exit 2   no such record
    │   └── MediaRejected        exit 2   a clip, mask or document breaks the format or a limit
    ├── Denied                   exit 3   the person may not do this, or did not prove who they are
    ├── Refused                  exit 4   a policy gate stayed closed
    ├── Conflict                 exit 5   the record's state does not allow this step
    ├── Unavailable              exit 6   a tool, disk, database, model or GPU is not there
    ├── TamperingFound           exit 7   stored evidence is not what was recorded
    └── RunFailed                exit 8   a job ended without a usable result
        └── TransientFailure     exit 8   the same, and trying again may help

Every error says in one sentence what happened and what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class GreenlightError(Exception):
    """Something Greenlight can explain. `what` is what happened, `next_step` what the reader should do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, next_step: str, **details: object) -> None:
        super().__init__(what, next_step)
        self.what = what.rstrip(".")
        self.next_step = next_step.rstrip(".")
        self.details: Mapping[str, object] = details

    def __str__(self) -> str:
        return f"{self.what}; {self.next_step}."

    def diagnostics(self) -> dict[str, object]:
        """The error as a JSON-ready record for `--json` and logs."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "next_step": self.next_step,
            "exit_code": self.exit_code,
            "details": dict(self.details),
        }


class InputError(GreenlightError):
    """What was given cannot be used."""

    exit_code = 2


class NotFound(InputError):
    """No record answers to that id or name."""


class MediaRejected(InputError):
    """A clip, mask or document breaks the format or a safety limit."""


class Denied(GreenlightError):
    """The person may not do this, or did not prove who they are."""

    exit_code = 3


class Refused(GreenlightError):
    """A policy gate stayed closed."""

    exit_code = 4


class Conflict(GreenlightError):
    """The record's state does not allow this step."""

    exit_code = 5


class Unavailable(GreenlightError):
    """A tool, disk, database, model or GPU is not there."""

    exit_code = 6


class TamperingFound(GreenlightError):
    """Stored evidence is not what was recorded."""

    exit_code = 7


class RunFailed(GreenlightError):
    """A job ended without a usable result."""

    exit_code = 8


class TransientFailure(RunFailed):
    """A job ended without a usable result, and trying again may help."""
