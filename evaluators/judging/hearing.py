"""Ask one question several times, within the budgets of time and requests, and keep every exchange."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel

from evaluators.judging.failures import MALFORMED, OUT_OF_TIME, REFUSED, Failure, explain, kept
from evaluators.judging.options import ModelOptions

Progress = Callable[[float, str], None]
Answer = TypeVar("Answer", bound=BaseModel)
LOOK_S = 0.5
"""How often somebody who waits is told, and may cancel."""


class Ask(Protocol):
    """Send one question with a seed; returns LangChain's `{"raw", "parsed", "parsing_error"}` or raises."""

    def __call__(self, seed: int, /) -> Awaitable[Mapping[str, Any]]:
        """Ask once."""


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """A question ready to be asked: the form of its answer, how to send it, which answers fit the material.

    `clean` returns an answer whose words went through the given function, which takes out the key and what no record
    can hold.
    """

    form: type[Answer]
    ask: Ask
    fits: Callable[[Answer], bool]
    clean: Callable[[Answer, Callable[[str], str]], Answer]


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it; `outcome` is `answered` or the failure's kind."""

    sample: int
    seed: int
    outcome: str
    seconds: float
    raw: str
    served_by: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass
class Hearing(Generic[Answer]):
    """Everything that was said to one question."""

    answers: list[Answer] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    failure: Failure | None = None
    """The newest reason for an answer that is not there."""


class Budget:
    """What is left of the time and of the requests for all questions."""

    def __init__(self, options: ModelOptions) -> None:
        self._ends = time.monotonic() + options.total_s
        self._retries = options.retries
        self.stopped: Failure | None = None
        """Set once a failure shows that asking on is useless."""

    @property
    def left_s(self) -> float:
        """Seconds left; negative when over."""
        return self._ends - time.monotonic()

    def retry(self) -> bool:
        """Take one of the spare requests; False when none is left."""
        self._retries -= 1
        return self._retries >= 0


class Clerk:
    """Puts questions to the model, one request at a time; `questions` are expected, for the progress."""

    def __init__(
        self, options: ModelOptions, budget: Budget, secret: str | None, progress: Progress, questions: int
    ) -> None:
        self._options, self._budget, self._secret, self._progress = options, budget, secret, progress
        self._expected, self._requests = questions * options.samples, 0

    async def hear(self, question: Question[Answer]) -> Hearing[Answer]:
        """Ask for every sample; stops early when asking on is useless."""
        hearing: Hearing[Answer] = Hearing(failure=self._budget.stopped)
        for sample in range(self._options.samples):
            if self._budget.stopped is not None:
                break
            await self._sample(question, sample, hearing)
        return hearing

    async def _sample(self, question: Question[Answer], sample: int, hearing: Hearing[Answer]) -> None:
        pause = self._options.backoff_s
        while True:
            failure = await self._request(question, sample, hearing)
            if failure is None:
                return
            wait = pause if failure.wait_s is None else failure.wait_s
            if failure.passing and wait > max(self._budget.left_s, 0.0):
                failure = replace(failure, sentence=f"{failure.sentence}, for longer than its time budget allows")
            elif failure.passing and self._budget.retry():
                await self._pause(wait)
                pause *= 2
                continue
            hearing.failure = failure
            if failure.general:
                self._budget.stopped = failure
            return

    async def _request(self, question: Question[Answer], sample: int, hearing: Hearing[Answer]) -> Failure | None:
        """Ask once; returns None when an answer was taken in."""
        if self._budget.left_s <= 0:
            return OUT_OF_TIME
        seed, started = self._options.seed + sample, time.monotonic()
        self._requests += 1
        result = await self._in_time(asyncio.ensure_future(question.ask(seed)))
        found = explain(result) if isinstance(result, BaseException) else _judged(result, question)
        said = _unread(result) if isinstance(result, BaseException) else _said(result)
        outcome = found.kind if isinstance(found, Failure) else "answered"
        seconds = round(time.monotonic() - started, 3)
        served_by = self._kept(said.served_by)[:200] if said.served_by else None
        hearing.exchanges.append(
            Exchange(sample, seed, outcome, seconds, self._kept(said.raw), served_by, said.tokens_in, said.tokens_out)
        )
        if isinstance(found, Failure):
            return found
        hearing.answers.append(question.clean(found, self._kept))
        return None

    def _kept(self, text: str) -> str:
        return kept(text, self._secret)

    async def _in_time(self, task: asyncio.Future[Mapping[str, Any]]) -> Mapping[str, Any] | BaseException:
        """What the request gave or raised; ended at its limit however slowly the server talks."""
        ends = time.monotonic() + min(self._options.request_s, self._budget.left_s)
        try:
            while not task.done() and (left := ends - time.monotonic()) > 0:
                await asyncio.wait({task}, timeout=min(left, LOOK_S))
                self._tell()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        if task.cancelled():
            return TimeoutError()
        return task.exception() or task.result()

    async def _pause(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_S))
            self._tell()

    def _tell(self) -> None:
        self._progress(min(self._requests / (self._expected + 1), 0.99), f"asking the judge, request {self._requests}")


class _Said(NamedTuple):
    raw: str
    served_by: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


def _judged(result: Mapping[str, Any], question: Question[Answer]) -> Answer | Failure:
    parsed, message = result["parsed"], result["raw"]
    if isinstance(parsed, question.form) and question.fits(parsed):
        return parsed
    metadata = getattr(message, "response_metadata", None) or {}
    extra = getattr(message, "additional_kwargs", None) or {}
    if extra.get("refusal") or metadata.get("finish_reason") == "content_filter":
        return REFUSED
    error = result["parsing_error"]
    return REFUSED if error is not None and explain(error) is REFUSED else MALFORMED


def _said(result: Mapping[str, Any]) -> _Said:
    message = result["raw"]
    extra = getattr(message, "additional_kwargs", None) or {}
    metadata = getattr(message, "response_metadata", None) or {}
    tokens = getattr(message, "usage_metadata", None) or {}
    content = message.content if isinstance(message.content, str) else json.dumps(message.content, default=str)
    served_by = metadata.get("model_name")
    return _Said(
        content or str(extra.get("refusal") or ""),
        str(served_by) if served_by else None,
        tokens.get("input_tokens"),
        tokens.get("output_tokens"),
    )


def _unread(error: BaseException) -> _Said:
    """What the server said where the client could make nothing of it; empty when nothing came."""
    try:
        text = str(error.response.text)  # type: ignore[attr-defined]
    except Exception:
        return _Said("")
    try:
        body = json.loads(text)
        used = body.get("usage") or {}
        content = body["choices"][0]["message"]["content"]
        return _Said(str(content), str(body["model"]), used.get("prompt_tokens"), used.get("completion_tokens"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return _Said(text)
