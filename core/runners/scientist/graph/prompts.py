"""The questions to each role, as versioned files of this package; their bytes are part of every record by digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ROLES = (
    "analyst", "surveyor", "engineer", "clinician", "assessor", "planner", "coder", "judge", "interpreter", "writer",
    "ethicist",
)  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """One prompt file: `id` and `version` from its head, `digest` (`sha256:<hex>`) of the whole file."""

    id: str
    version: str
    digest: str
    system: str
    question: str

    @property
    def name(self) -> str:
        """How records name it."""
        return f"{self.id}@{self.version}"


@cache
def load_prompt(role: str) -> Prompt:
    """Return the prompt in `prompts/<role>.md`, the common rules before its system text."""
    common, raw = (files(__package__).joinpath("prompts", f"{name}.md").read_bytes() for name in ("common", role))
    _, head, body = raw.decode("utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    system, question = body.removeprefix("# System\n").split("\n# Question\n")
    digest = "sha256:" + hashlib.sha256(common + raw).hexdigest()
    shared = common.decode("utf-8").strip()
    return Prompt(fields["id"], fields["version"], digest, f"{system.strip()}\n\n{shared}", question.strip())
