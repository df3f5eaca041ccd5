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

    @property
    def name(self) -> str:
        """How records name it."""
        return f"{self.id}@{self.version}"

    def to_json(self) -> dict[str, object]:
        """What a record needs to find this prompt again."""
        return {"id": self.id, "version": self.version, "digest": self.digest}


def read_prompt(package: str, name: str, common: str | None = None) -> Prompt:
    """Return the prompt in `prompts/<name>.md` of a package; the rules in `prompts/<common>.md` follow its own."""
    folder = files(package).joinpath("prompts")
    raw = folder.joinpath(f"{name}.md").read_bytes()
    shared = folder.joinpath(f"{common}.md").read_bytes() if common else b""
    _, head, body = raw.decode("utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    system, question = body.removeprefix("# System\n").split("\n# Question\n")
    digest = "sha256:" + hashlib.sha256(shared + raw).hexdigest()
    rules = "\n\n".join(text for text in (system.strip(), shared.decode("utf-8").strip()) if text)
    return Prompt(fields["id"], fields["version"], digest, rules, question.strip())
