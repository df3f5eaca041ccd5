"""Which model is asked, where it stands, and how much it may take."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from evaluators.base import EvaluatorError

HOSTED = {"openai": ("https://api.openai.com/v1", "OPENAI_API_KEY")}
"""Address and key variable of providers whose address is fixed here, so that no stray variable can change it."""
MOST_SAMPLES = 15


@dataclass(frozen=True)
class ModelOptions:
    """A language model that judges. Durations in seconds. Raises EvaluatorError for options that cannot be used.

    `model` is `provider:name` for a hosted model, or the name that the server at `base_url` knows it by.
    `base_url` is an address that speaks the OpenAI chat-completions protocol, such as `http://127.0.0.1:8000/v1`.
    `key_variable` names the environment variable that holds the API key. Without it a `base_url` gets no key at all,
    and a hosted model gets its provider's own variable.
    """

    model: str
    base_url: str | None = None
    key_variable: str | None = None
    samples: int = 3
    temperature: float | None = 0.7
    """None leaves it to the server; some models refuse to be told."""
    seed: int = 0
    """Sample n is asked with seed + n."""
    request_s: float = 60.0
    total_s: float = 300.0
    retries: int = 4
    """Requests beyond one for each sample, all questions together."""
    backoff_s: float = 2.0
    """First wait after a failure that may pass, doubled each time; a server's Retry-After goes before it."""
    max_tokens: int = 1000

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise EvaluatorError("The judge has no model; name one.")
        if self.base_url is not None:
            _check_address(self.base_url)
        elif ":" not in self.model:
            raise EvaluatorError(
                f"Nobody knows where the model '{self.model}' is; name its provider, as in openai:{self.model}, "
                "or give the address of its server."
            )
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise EvaluatorError(f"A judge takes 1 to {MOST_SAMPLES} samples; choose within these.")
        if self.retries < 0 or min(self.request_s, self.total_s) <= 0:
            raise EvaluatorError("A judge needs positive time limits and no negative retries; correct its options.")

    @property
    def provider(self) -> str:
        """The LangChain provider: `openai` for any server at a given address."""
        return "openai" if self.base_url else self.model.partition(":")[0]

    @property
    def model_name(self) -> str:
        """The model's name at its provider or server; names there may hold colons."""
        return self.model.removeprefix("openai:") if self.base_url else self.model.partition(":")[2]

    @property
    def address(self) -> str | None:
        """The address that requests go to; None when only the provider's client knows it."""
        return self.base_url or HOSTED.get(self.provider, (None, ""))[0]

    @property
    def host(self) -> str:
        """Who gets the material: host and port, or the provider's name where its client chooses the address."""
        return urlsplit(self.address).netloc if self.address else f"{self.provider} (address chosen by its client)"

    @property
    def loopback(self) -> bool:
        """Whether the address is this machine."""
        name = urlsplit(self.address or "").hostname or ""
        try:
            return name == "localhost" or ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    @property
    def network_egress(self) -> bool:
        """Whether the material leaves this machine; an address that cannot be seen counts as outside."""
        return not self.loopback

    @property
    def variable(self) -> str | None:
        """The variable that holds the key, or None when no key is sent."""
        if self.key_variable:
            return self.key_variable
        return None if self.base_url else HOSTED.get(self.provider, ("", ""))[1] or None


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise EvaluatorError("The judge's address is no http or https address; give one like http://127.0.0.1:8000/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EvaluatorError(
            "The judge's address holds more than a host and a path; keep keys out of it and name the variable "
            "that holds the key instead."
        )
