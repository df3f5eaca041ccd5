"""Settings: where things are kept and which limits hold.

Read from `GREENLIGHT_*` variables first, then `greenlight.toml` in the working folder, then the defaults.
Nothing here touches the disk or a network.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from core.errors import InputError

CONFIG_FILE = "greenlight.toml"


@dataclass(frozen=True)
class Settings:
    """Everything an installation can choose. Sizes are in bytes, durations in seconds."""

    home: Path = Path(".greenlight")
    """Folder of the embedded database, the artifacts and the keys."""
    database_url: str = ""
    """SQLAlchemy address; empty means a SQLite file under `home`."""
    artifacts_url: str = ""
    """fsspec address of the artifact store; empty means a folder under `home`."""
    lease_s: float = 60.0
    heartbeat_s: float = 15.0
    max_attempts: int = 3
    probe_seconds: float = 60.0
    probe_memory: int = 2 << 30
    max_pixels: int = 3840 * 2160
    max_frames: int = 2000
    max_media_bytes: int = 4 << 30
    max_rss: int = 12 << 30
    """Memory a runner's child process may use before it is ended."""
    warm_s: float = 600.0
    """How long a worker keeps a model loaded that no job uses."""
    vlm_model: str = ""
    """Vision-language judge: `provider:name`, or a name that `vlm_base_url` knows; empty means no judge."""
    vlm_base_url: str = ""
    """Address of a server that speaks the OpenAI chat-completions protocol; empty means the provider's own."""
    vlm_key_variable: str = ""
    """Name of the environment variable that holds the judge's API key; the key itself is no setting."""
    raft_weights: str = ""
    """RAFT's weights (safetensors, as torchvision names them) for the flow of clips; empty means OpenCV's DIS."""
    lpips_trunk: str = ""
    """AlexNet's trunk for LPIPS (torchvision's state dict); empty means the torch cache, and no LPIPS without it."""
    llm_model: str = ""
    """Language model of studies: `provider:name`, or a name that `llm_base_url` knows; empty means the job names it."""
    llm_base_url: str = ""
    """Address of a server that speaks the OpenAI chat-completions protocol; empty means the provider's own."""
    llm_key_variable: str = ""
    """Name of the environment variable that holds the language model's API key."""
    checkpoints_variable: str = ""
    """Name of the environment variable with the address of a PostgreSQL database for the checkpoints of studies.

    Empty means files beside the worker; with a database another machine can go on with a study.
    """

    @property
    def database(self) -> str:
        """The SQLAlchemy address in use."""
        return self.database_url or f"sqlite:///{(self.home / 'greenlight.db').absolute()}"

    @property
    def artifacts(self) -> str:
        """The fsspec address in use."""
        return self.artifacts_url or str((self.home / "artifacts").absolute())

    @property
    def keys(self) -> Path:
        """Folder of the signing keys, readable by the owner only."""
        return self.home / "keys"

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
        """Read settings from the environment and `greenlight.toml`; an unusable value is an `InputError`."""
        environ = os.environ if environ is None else environ
        raw: dict[str, object] = _toml((folder or Path()) / CONFIG_FILE)
        for field in fields(cls):
            variable = f"GREENLIGHT_{field.name.upper()}"
            if environ.get(variable):
                raw[field.name] = environ[variable]
        known = {field.name: field for field in fields(cls)}
        values: dict[str, object] = {}
        for name, value in raw.items():
            if name not in known:
                raise InputError(f"{CONFIG_FILE} holds the unknown setting '{name}'", "remove it or correct its name")
            values[name] = _convert(name, value, type(known[name].default))
        found = cls(**values)  # type: ignore[arg-type]
        if found.heartbeat_s >= found.lease_s:
            raise InputError(
                f"a heartbeat every {found.heartbeat_s:g} s cannot hold a lease of {found.lease_s:g} s",
                "make heartbeat_s smaller than lease_s",
            )
        return found


def _toml(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not readable as TOML ({error})", "correct the file") from error


def _convert(name: str, value: object, kind: type) -> object:
    if issubclass(kind, Path):
        return Path(str(value)).expanduser()
    return str(value) if issubclass(kind, str) else _number(name, value, kind)


def _number(name: str, value: object, kind: type) -> object:
    try:
        number = None if isinstance(value, bool) else kind(value)
        # A whole number written as 2.5 is a slip, not a 2; nan fails the comparison.
        usable = number is not None and 0 < number < math.inf and (isinstance(value, str) or number == value)
    except (TypeError, ValueError, OverflowError):
        usable = False
    if not usable:
        words = "a whole number" if issubclass(kind, int) else "a number"
        raise InputError(f"the setting '{name}' cannot be '{value}'", f"give it {words} above 0")
    return number
