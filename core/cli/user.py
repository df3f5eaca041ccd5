"""`greenlight user`."""

from __future__ import annotations

import typer

from core.cli.output import Json, done, show
from core.cli.session import PasswordStdin, acting, ask_password, opened, read_token, token_file, write_token

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def add(
    login: str,
    name: str = typer.Option(..., help="Printed name, as it will stand beside signatures."),
    role: list[str] = typer.Option(..., help="A role; repeat for several."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Add a person with roles."""
    from core.identity import create_user

    with acting() as (platform, actor):
        password = ask_password(password_stdin, f"Password for {login}", confirm=True)
        with platform.work(actor) as work:
            user = create_user(work, login=login, name=name, password=password, roles=role)
    done({"id": user.id, "login": login, "roles": user.roles}, f"{name} can sign in as '{login}'.", as_json=as_json)


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the people and their roles."""
    import sqlalchemy as sa

    from core.tables import User

    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {"login": row.login, "name": row.name, "roles": row.roles, "disabled": row.disabled_at is not None}
            for row in session.scalars(sa.select(User).order_by(User.login))
        ]
    show(rows, ("login", "name", "roles", "disabled"), as_json=as_json, empty="There is nobody yet.")


@app.command()
def login(login: str, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """Sign in for the next twelve hours."""
    from core.identity import authenticate, open_session

    with opened() as platform:
        proof = authenticate(platform, login, ask_password(password_stdin))
        write_token(platform.settings, open_session(platform, proof))
    roles = ", ".join(sorted(proof.actor.roles))
    done(
        {"login": login, "roles": sorted(proof.actor.roles)},
        f"Signed in as {proof.actor.name} ({roles}).",
        as_json=as_json,
    )


@app.command()
def logout(as_json: Json = False) -> None:
    """End the session of this shell."""
    from core.identity import close_session

    with opened() as platform:
        close_session(platform, read_token(platform.settings))
        token_file(platform.settings).unlink(missing_ok=True)
    done({"signed_in": False}, "Signed out.", as_json=as_json)


@app.command()
def whoami(as_json: Json = False) -> None:
    """Say who is signed in."""
    with acting() as (_, actor):
        roles = sorted(actor.roles)
    done({"id": actor.id, "name": actor.name, "roles": roles}, f"{actor.name} ({', '.join(roles)})", as_json=as_json)
