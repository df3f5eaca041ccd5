"""What a judge of clips is sent.

What the judged clip holds never stands where instructions stand: the question comes first, then the sheets and the
scene text between marks, then a reminder. The marks are a digest of the material, so the material cannot hold them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from evaluators.judging.connecting import asking
from evaluators.judging.hearing import Question
from evaluators.judging.prompts import Prompt
from evaluators.video.judge.answers import Answer
from evaluators.video.judge.options import JudgeOptions
from evaluators.video.judge.sheets import Sheet

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

LONGEST_SCENE = 500


def messages(prompt: Prompt, sheets: Sequence[Sheet], scene: str | None) -> list[AnyMessage]:
    """Return the two messages of a question; `scene` is the clip's own description of the result, as data."""
    from langchain.messages import HumanMessage, SystemMessage

    told = json.dumps((scene or "")[:LONGEST_SCENE]).replace("<", "\\u003c").replace(">", "\\u003e")
    mark = hashlib.sha256(b"".join([told.encode(), *(sheet.jpeg for sheet in sheets)])).hexdigest()[:16]
    parts: list[str | dict[Any, Any]] = [_text(f"{prompt.question}\n\n<<DATA {mark}>>")]
    for sheet in sheets:
        parts.append(_text(f"Sheet {sheet.number} of {len(sheets)}, frame {sheet.frame} of the clip"))
        encoded = base64.b64encode(sheet.jpeg).decode("ascii")
        parts.append({"type": "image", "base64": encoded, "mime_type": "image/jpeg"})
    if scene:
        parts.append(_text(f"Scene text, as a JSON string: {told}"))
    parts.append(_text(f"<<END OF DATA {mark}>>\nAnswer the question above the mark, in the required form only."))
    return [SystemMessage(prompt.system), HumanMessage(parts)]


def question(
    options: JudgeOptions, form: type[Answer], sheets: int, content: list[AnyMessage], key: str | None, http: Any
) -> Question[Answer]:
    """Return a question about so many sheets; an answer that points at another sheet does not fit."""
    return Question(form, asking(options, form, content, key, http), lambda one: one.sheet <= sheets, _cleaned)


def _cleaned(answer: Answer, kept: Callable[[str], str]) -> Answer:
    return answer.model_copy(update={"reason": kept(answer.reason)})


def _text(text: str) -> dict[Any, Any]:
    return {"type": "text", "text": text}
