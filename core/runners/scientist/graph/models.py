"""The one place of a study that speaks to a model: LangChain's `init_chat_model`, imported when a model is asked.

The task stands first; the material follows between marks that are a digest of it, so that it cannot hold them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import RunFailed
from core.runners.scientist.graph.forms import Form
from core.runners.scientist.graph.options import ModelChoice
from core.runners.scientist.graph.prompts import Prompt
from core.runners.scientist.graph.sanitise import plain
from evaluators.judging.connecting import NO_KEY, connected, find_key
from evaluators.judging.failures import REFUSED, Failure, explain
from evaluators.judging.options import ModelOptions

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

LOOK_S = 0.5
LONGEST_ANSWER = 400_000
TOO_LONG = Failure("too_long", "the material is longer than the judge's model can read")
OVERLONG = re.compile(
    r"context[_ ]length|maximum context|context window|too many (input )?tokens|prompt is too long", re.IGNORECASE
)


class Piece(NamedTuple):
    """One part of the material, by name."""

    name: str
    text: str


class Said(NamedTuple):
    """What a server's answer holds, without the key. `failure` is None when it holds an answer."""

    text: str
    failure: Failure | None
    served_by: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0


def endpoint(choice: ModelChoice, request_s: float) -> ModelOptions:
    """Where a model stands and with which key it is asked; an unusable address is a `RunFailed`."""
    from evaluators.base import EvaluatorError

    try:
        return ModelOptions(
            choice.model,
            choice.base_url,
            choice.key_variable,
            temperature=choice.temperature,
            request_s=request_s,
            total_s=request_s,
            max_tokens=choice.max_tokens,
        )
    except EvaluatorError as error:
        what, _, next_step = str(error).rstrip(".").partition("; ")
        raise RunFailed(what.replace("judge", "model"), next_step or "correct the parameter 'models'") from error


def conversation(prompt: Prompt, pieces: Sequence[Piece]) -> list[dict[str, str]]:
    """Return the two messages of a question, as role and content; the material is data."""
    shown = [f"{piece.name}, as a JSON string: {_told(piece.text)}" for piece in pieces]
    mark = hashlib.sha256("\n".join(shown).encode()).hexdigest()[:16]
    task = [prompt.question, f"<<DATA {mark}>>", *shown, f"<<END OF DATA {mark}>>"]
    last = "Do the task above the first mark, in the required form only."
    return [{"role": "system", "content": prompt.system}, {"role": "user", "content": "\n\n".join([*task, last])}]


def _told(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def request_digest(messages: Sequence[Mapping[str, str]], form: type[Form], where: ModelOptions, seed: int) -> str:
    """The digest of everything that decides an answer: messages, form, model, settings and seed."""
    sent = [
        list(messages), form.model_json_schema(), where.model, where.address, where.temperature, where.max_tokens, seed,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def send(
    where: ModelOptions,
    messages: Sequence[Mapping[str, str]],
    form: type[Form],
    seed: int,
    tell: Callable[[str], None],
) -> Said:
    """Put one request and wait for its answer, at most `request_s`; `tell` is called while waiting and may raise."""
    # Imported before the clock runs: the first import takes seconds.
    from langchain.chat_models import init_chat_model  # noqa: F401

    started, key = time.monotonic(), find_key(where)
    result = asyncio.run(_in_time(_request(where, messages, form, seed, key), where.request_s, tell))
    seconds = round(time.monotonic() - started, 3)
    return _read(result, key)._replace(seconds=seconds)


def pause(seconds: float, tell: Callable[[str], None]) -> None:
    """Wait as long as a server asked for; `tell` is called while waiting and may raise."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        tell("waiting for the model's server")
        time.sleep(min(left, LOOK_S))


async def _request(
    where: ModelOptions, messages: Sequence[Mapping[str, str]], form: type[Form], seed: int, key: str | None
) -> Any:
    from langchain.chat_models import init_chat_model
    from langchain.messages import HumanMessage, SystemMessage

    system, question = (message["content"] for message in messages)
    content: list[AnyMessage] = [SystemMessage(system), HumanMessage(question)]
    settings: dict[str, Any] = {"timeout": where.request_s, "max_retries": 0, "max_tokens": where.max_tokens}
    if where.temperature is not None:
        settings["temperature"] = where.temperature
    if key is not None:
        settings["api_key"] = key
    async with connected(where) as http:
        if where.provider != "openai":
            model = init_chat_model(where.model_name, model_provider=where.provider, **settings)
            answer: Any = await model.with_structured_output(form, include_raw=True).ainvoke(content)
            return answer["raw"]
        settings |= {"base_url": where.address, "api_key": key or NO_KEY, "seed": seed % (1 << 31)}
        settings |= {"http_async_client": http, "use_responses_api": False}
        openai = init_chat_model(where.model_name, model_provider="openai", **settings)
        schema = {"name": form.__name__, "schema": form.model_json_schema(), "strict": True}
        return await openai.bind(response_format={"type": "json_schema", "json_schema": schema}).ainvoke(content)


async def _in_time(work: Any, limit_s: float, tell: Callable[[str], None]) -> Any:
    """What the request gave or raised; ended at its limit however slowly the server talks."""
    task, ends = asyncio.ensure_future(work), time.monotonic() + limit_s
    try:
        while not task.done() and (left := ends - time.monotonic()) > 0:
            await asyncio.wait({task}, timeout=min(left, LOOK_S))
            tell("waiting for the model")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
    if task.cancelled():
        return TimeoutError()
    return task.exception() or task.result()


def _read(result: Any, key: str | None) -> Said:
    """Take text and counts out of a message, or say what an exception means."""
    if isinstance(result, BaseException):
        completion = getattr(result, "completion", None)
        if completion is not None and completion.choices[0].finish_reason == "length":
            used = completion.usage
            text = completion.choices[0].message.content or ""
            counts = (used.prompt_tokens, used.completion_tokens) if used else (None, None)
            return Said(_kept(text, key), None, completion.model, *counts)
        text = str(getattr(getattr(result, "response", None), "text", "") or "")
        overlong = getattr(result, "status_code", None) in (400, 413, 422) and OVERLONG.search(f"{text} {result}")
        return Said(_kept(text, key), TOO_LONG if overlong else explain(result))
    metadata = getattr(result, "response_metadata", None) or {}
    extra = getattr(result, "additional_kwargs", None) or {}
    tokens = getattr(result, "usage_metadata", None) or {}
    refused = extra.get("refusal") or metadata.get("finish_reason") == "content_filter"
    served_by = metadata.get("model_name")
    return Said(
        _kept(str(extra.get("refusal") or "") or _text(result), key),
        REFUSED if refused else None,
        _kept(str(served_by), key)[:200] if served_by else None,
        tokens.get("input_tokens"),
        tokens.get("output_tokens"),
    )


def _text(message: Any) -> str:
    """The answer's text; a provider that answers by a tool call gives its arguments."""
    if message.tool_calls:
        return json.dumps(message.tool_calls[0]["args"])
    if isinstance(message.content, str):
        return message.content
    return "".join(part.get("text", "") for part in message.content if isinstance(part, dict))


def _kept(text: str, key: str | None) -> str:
    return plain(text.replace(key, "[key]") if key else text)[:LONGEST_ANSWER]
