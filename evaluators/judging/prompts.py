"""Questions to models as versioned files; their bytes are part of every result by digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Prompt:
    """One prompt file: `id` and `version` from its head, `digest` (`sha256:<hex>`) of the whole file."""

    id: str
    version: str
    digest: str
    system: str
    question: str

    def to_json(self) -> dict[str, object]:
        """What a record needs to find this prompt again."""
        return {"id": self.id, "version": self.version, "digest": self.digest}


def read_prompt(package: str, name: str) -> Prompt:
    """Return the prompt in `prompts/<name>.md` of a package."""
    raw = files(package).joinpath("prompts", f"{name}.md").read_bytes()
    _, head, body = raw.decode("utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    system, question = body.removeprefix("# System\n").split("\n# Question\n")
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    return Prompt(fields["id"], fields["version"], digest, system.strip(), question.strip())
