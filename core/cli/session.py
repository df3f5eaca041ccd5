"""Who acts on the command line, and the opened installation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import Denied, InputError
from core.settings import Settings

if TYPE_CHECKING:
    from core.access import Actor
    from core.identity import Proof
    from core.platform import Platform

TOKEN_VARIABLE = "GREENLIGHT_TOKEN"  # noqa: S105 - the name of the variable, not a token
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@contextmanager
def opened() -> Iterator[Platform]:
    """Open the installation for one command."""
    from core.platform import Platform

    platform = Platform.open(Settings.load())
    try:
        yield platform
    finally:
        platform.close()


@contextmanager
def acting() -> Iterator[tuple[Platform, Actor]]:
    """Open the installation as the person who is signed in."""
    from core.identity import actor_from_token

    with opened() as platform:
        yield platform, actor_from_token(platform, read_token(platform.settings))


def read_token(settings: Settings) -> str:
    """Return the session token of this shell or of the session file; `Denied` when there is none."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    path = token_file(settings)
    if not token and path.is_file():
        token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise Denied("you are not signed in", "run 'greenlight user login'")
    return token


def write_token(settings: Settings, token: str) -> None:
    """Keep a session token for the next commands, readable by the owner only."""
    path = token_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(token)


def token_file(settings: Settings) -> Path:
    """The file that holds the session token of this installation's shell user."""
    return settings.home / "session"


def proof_of(platform: Platform, actor: Actor, ask: Callable[[str], str]) -> Proof:
    """Prove anew who acts: `ask` gets the login and returns the password."""
    import sqlalchemy as sa

    from core.identity import authenticate
    from core.tables import User

    with platform.reading() as session:
        login = session.scalars(sa.select(User.login).where(User.id == actor.id)).one()
    return authenticate(platform, login, ask(login))


def ask_password(stdin: bool, prompt: str = "Password", *, confirm: bool = False) -> str:
    """Read a password without showing it; `InputError` where nobody can be asked."""
    if stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise InputError("nobody is here to type a password", "pass --password-stdin and write it to standard input")
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm))


def json_file(path: Path | None) -> dict[str, object] | None:
    """Read a file that holds a JSON object; None for no file."""
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable as JSON", "correct the file or the path") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} does not hold a JSON object", "write names and values")
    return content


def pairs(items: list[str], what: str) -> dict[str, str]:
    """Turn `key=value` arguments into a mapping."""
    found = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise InputError(f"'{item}' is no {what}", "write it as name=value")
        found[key] = value
    return found
