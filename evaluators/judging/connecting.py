"""The one place that speaks to a judge's model: LangChain, imported when a judge is asked and not before."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from evaluators.judging.options import ModelOptions

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

    from evaluators.judging.hearing import Ask

NO_KEY = "none"


def find_key(options: ModelOptions) -> str | None:
    """Return the key in the variable that the options name, or None where none is set or none is wanted."""
    return (os.environ.get(options.variable) or None) if options.variable else None


@asynccontextmanager
async def connected(options: ModelOptions) -> AsyncIterator[Any]:
    """Yield an HTTP client for an OpenAI-compatible address, None for other providers.

    It follows no redirect, for the material goes to the named host or nowhere; on this machine it uses no proxy.
    Tracing to LangSmith is off inside, whatever the environment says: it would send the material to a third party.
    """
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        if options.provider != "openai":
            yield None
            return
        # Imported before the clock of a request runs: the first import takes seconds.
        import langchain_openai  # noqa: F401
        from langchain.chat_models import init_chat_model  # noqa: F401
        from openai import DefaultAsyncHttpxClient

        async with DefaultAsyncHttpxClient(
            follow_redirects=False, trust_env=not options.loopback, timeout=options.request_s
        ) as http:
            yield http


def asking(options: ModelOptions, form: type[BaseModel], content: list[AnyMessage], key: str | None, http: Any) -> Ask:
    """Return what sends the messages anew, with another seed, for every sample."""

    async def ask(seed: int) -> Mapping[str, Any]:
        from langchain.chat_models import init_chat_model

        settings = _settings(options, key, seed, http)
        model = init_chat_model(options.model_name, model_provider=options.provider, **settings)
        answer: Mapping[str, Any] = await model.with_structured_output(form, include_raw=True).ainvoke(content)
        return answer

    return ask


def _settings(options: ModelOptions, key: str | None, seed: int, http: Any) -> dict[str, Any]:
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
