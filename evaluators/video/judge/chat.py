"""The one place that speaks to a model: LangChain, imported when a judge is asked and not before.

What the judged clip holds never stands where instructions stand: the question comes first, then the sheets and the
scene text between marks, then a reminder. The marks are a digest of the material, so the material cannot hold them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from evaluators.video.judge.answers import Answer
from evaluators.video.judge.hearing import Question
from evaluators.video.judge.options import JudgeOptions
from evaluators.video.judge.prompts import Prompt
from evaluators.video.judge.sheets import Sheet

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

LONGEST_SCENE = 500
NO_KEY = "none"


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


def find_key(options: JudgeOptions) -> str | None:
    """Return the key in the variable that the options name, or None where none is set or none is wanted."""
    return (os.environ.get(options.variable) or None) if options.variable else None


@asynccontextmanager
async def connected(options: JudgeOptions) -> AsyncIterator[Any]:
    """Yield an HTTP client for an OpenAI-compatible address, None for other providers.

    It follows no redirect, for frames go to the named host or nowhere; on this machine it uses no proxy.
    Tracing to LangSmith is off inside, whatever the environment says: it would send the frames to a third party.
    """
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        if options.provider != "openai":
            yield None
            return
        from openai import DefaultAsyncHttpxClient

        async with DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not options.loopback, timeout=options.request_s
        ) as http:
            yield http


def question(
    options: JudgeOptions, form: type[Answer], sheets: int, content: list[AnyMessage], key: str | None, http: Any
) -> Question:
    """Return a question that is sent anew, with another seed, for every sample."""

    async def ask(seed: int) -> Mapping[str, Any]:
        from langchain.chat_models import init_chat_model

        settings = _settings(options, key, seed, http)
        model = init_chat_model(options.model_name, model_provider=options.provider, **settings)
        answer: Mapping[str, Any] = await model.with_structured_output(form, include_raw=True).ainvoke(content)
        return answer

    return Question(form, sheets, ask)


def _settings(options: JudgeOptions, key: str | None, seed: int, http: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"timeout": options.request_s, "max_retries": 0, "max_tokens": options.max_tokens}
    if options.temperature is not None:
        settings["temperature"] = options.temperature
    if key is not None:
        settings["api_key"] = key
    if options.provider == "openai":
        settings |= {
            "base_url": options.address,
            "api_key": key or NO_KEY,
            "seed": seed,
            "http_async_client": http,
            "use_responses_api": False,
        }
    return settings


def _text(text: str) -> dict[Any, Any]:
    return {"type": "text", "text": text}
