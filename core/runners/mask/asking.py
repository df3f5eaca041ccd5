"""Ask a vision-language model through LangChain, and keep every word: what was sent, what came back, from whom.

What the frames and the instruction hold never stands where instructions stand: the question comes first, then the
material between marks that are a digest of it, then a reminder.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import RunFailed, TransientFailure
from core.runners.mask.forms import Form
from core.runners.mask.pictures import Picture
from core.runners.mask.prompts import Prompt
from evaluators.judging.connecting import NO_KEY, connected, find_key
from evaluators.judging.failures import MALFORMED, REFUSED, Failure, explain, kept
from evaluators.video.judge.options import JudgeOptions

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

Answer = TypeVar("Answer", bound=Form)
TRIES, LOOK_S = 3, 0.5
"""How often one question is put, and how often somebody who waits is told and may cancel."""


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it; `outcome` is `answered` or the failure's kind, `raw` the answer as it came."""

    prompt: str
    seed: int
    outcome: str
    seconds: float
    raw: str
    served_by: str | None
    tokens_in: int | None
    tokens_out: int | None


@dataclass
class Asker:
    """One model, and the record of everything said to it."""

    options: JudgeOptions
    seed: int
    tell: Callable[[str], None]
    """Called twice a second while waiting; may raise to stop."""
    exchanges: list[Exchange] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    sent: dict[str, Picture] = field(default_factory=dict)
    image_bytes: int = 0

    def ask(
        self,
        prompt: Prompt,
        form: type[Answer],
        pictures: Sequence[Picture],
        instruction: str,
        complaint: Callable[[Answer], str | None],
    ) -> Answer:
        """Put one question until an answer fits the form and draws no complaint.

        Raises `TransientFailure` where the server is at fault, `RunFailed` where the model or the request is.
        """
        self.prompts[prompt.id] = prompt
        content = messages(prompt, pictures, instruction)
        failure = MALFORMED
        for number in range(TRIES):
            if number and failure.wait_s != 0.0:
                asyncio.run(self._pause(failure.wait_s or self.options.backoff_s * 2 ** (number - 1)))
            found = asyncio.run(self._request(prompt, form, pictures, content, complaint, number))
            if not isinstance(found, Failure):
                return self._without_key(found)
            failure = found
            if not failure.passing or (failure.wait_s or 0.0) > self.options.total_s:
                break
        what = failure.sentence.replace("judge", "vision-language model")
        kind = TransientFailure if failure.passing and failure is not MALFORMED else RunFailed
        raise kind(what, "check the model and its address, or give the file vlm_analysis instead")

    def record(self) -> dict[str, object]:
        """Model, prompts, raw answers, and what was sent where; a request that failed may have delivered its frames."""
        options = self.options
        return {
            "model": options.model,
            "temperature": options.temperature,
            "prompts": [prompt.to_json() for prompt in self.prompts.values()],
            "exchanges": [asdict(exchange) for exchange in self.exchanges],
            "sent": {
                "host": options.host,
                "network_egress": options.network_egress and bool(self.exchanges),
                "requests": len(self.exchanges),
                "frames": sorted({picture.frame for picture in self.sent.values()}),
                "image_bytes": self.image_bytes,
                "images_sha256": sorted(self.sent),
            },
        }

    def _without_key(self, answer: Answer) -> Answer:
        """The answer, should a server have echoed its key into it."""
        key, text = find_key(self.options), answer.model_dump_json()
        return type(answer).model_validate_json(text.replace(key, "[key]")) if key and key in text else answer

    async def _request(
        self,
        prompt: Prompt,
        form: type[Answer],
        pictures: Sequence[Picture],
        content: list[AnyMessage],
        complaint: Callable[[Answer], str | None],
        number: int,
    ) -> Answer | Failure:
        self.sent |= {picture.sha256: picture for picture in pictures}
        self.image_bytes += sum(len(picture.jpeg) for picture in pictures)
        started, key = time.monotonic(), find_key(self.options)
        result = await self._in_time(self._send(form, content, key, self.seed + number))
        found: Answer | Failure
        found = explain(result) if isinstance(result, BaseException) else _judged(result, form, complaint)
        outcome = found.kind if isinstance(found, Failure) else "answered"
        said = _said(result, key)
        self.exchanges.append(
            Exchange(prompt.id, self.seed + number, outcome, round(time.monotonic() - started, 3), **said)
        )
        return found

    async def _send(self, form: type[Answer], content: list[AnyMessage], key: str | None, seed: int) -> Any:
        from langchain.chat_models import init_chat_model

        options = self.options
        settings: dict[str, Any] = {"timeout": options.request_s, "max_retries": 0, "max_tokens": options.max_tokens}
        if options.temperature is not None:
            settings["temperature"] = options.temperature
        if key is not None:
            settings["api_key"] = key
        async with connected(options) as http:
            if options.provider == "openai":
                settings |= {"base_url": options.address, "api_key": key or NO_KEY, "seed": seed % (1 << 31)}
                settings |= {"http_async_client": http, "use_responses_api": False}
            model = init_chat_model(options.model_name, model_provider=options.provider, **settings)
            return await model.with_structured_output(form, include_raw=True).ainvoke(content)

    async def _in_time(self, work: Any) -> Mapping[str, Any] | BaseException:
        """What the request gave or raised; ended at its limit however slowly the server talks."""
        task, ends = asyncio.ensure_future(work), time.monotonic() + self.options.request_s
        try:
            while not task.done() and (left := ends - time.monotonic()) > 0:
                await asyncio.wait({task}, timeout=min(left, LOOK_S))
                self.tell("waiting for the vision-language model")
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        if task.cancelled():
            return TimeoutError()
        error = task.exception()
        result: Mapping[str, Any] | BaseException = error if error is not None else task.result()
        return result

    async def _pause(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_S))
            self.tell("waiting for the vision-language model")


def messages(prompt: Prompt, pictures: Sequence[Picture], instruction: str) -> list[AnyMessage]:
    """Return the two messages of a question; the instruction and the frames are data."""
    from langchain.messages import HumanMessage, SystemMessage

    told = json.dumps(instruction).replace("<", "\\u003c").replace(">", "\\u003e")
    mark = hashlib.sha256(b"".join([told.encode(), *(picture.jpeg for picture in pictures)])).hexdigest()[:16]
    parts: list[str | dict[Any, Any]] = [_text(f"{prompt.question}\n\n<<DATA {mark}>>")]
    parts.append(_text(f"Instruction, as a JSON string: {told}"))
    for picture in pictures:
        parts.append(_text(f"Frame {picture.frame}"))
        encoded = base64.b64encode(picture.jpeg).decode("ascii")
        parts.append({"type": "image", "base64": encoded, "mime_type": "image/jpeg"})
    parts.append(_text(f"<<END OF DATA {mark}>>\nAnswer the question above the mark, in the required form only."))
    return [SystemMessage(prompt.system), HumanMessage(parts)]


def _judged(
    result: Mapping[str, Any], form: type[Answer], complaint: Callable[[Answer], str | None]
) -> Answer | Failure:
    parsed, message = result["parsed"], result["raw"]
    if isinstance(parsed, form):
        return MALFORMED if complaint(parsed) else parsed
    metadata = getattr(message, "response_metadata", None) or {}
    extra = getattr(message, "additional_kwargs", None) or {}
    refused = extra.get("refusal") or metadata.get("finish_reason") == "content_filter"
    return REFUSED if refused else MALFORMED


def _said(result: Mapping[str, Any] | BaseException, key: str | None) -> dict[str, Any]:
    """The answer as it came, without the key."""
    if isinstance(result, BaseException):
        response = getattr(result, "response", None)
        text = str(getattr(response, "text", "") or "")
        return {"raw": kept(text, key), "served_by": None, "tokens_in": None, "tokens_out": None}
    message = result["raw"]
    metadata = getattr(message, "response_metadata", None) or {}
    tokens = getattr(message, "usage_metadata", None) or {}
    extra = getattr(message, "additional_kwargs", None) or {}
    content = message.content if isinstance(message.content, str) else json.dumps(message.content, default=str)
    served_by = metadata.get("model_name")
    return {
        "raw": kept(content or str(extra.get("refusal") or ""), key),
        "served_by": kept(str(served_by), key)[:200] if served_by else None,
        "tokens_in": tokens.get("input_tokens"),
        "tokens_out": tokens.get("output_tokens"),
    }


def _text(text: str) -> dict[Any, Any]:
    return {"type": "text", "text": text}
