"""`greenlight init`."""

from __future__ import annotations

import typer

from core.cli.output import Json, done
from core.cli.session import PasswordStdin, ask_password, write_token
from core.settings import Settings

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def init(
    login: str = typer.Option("admin", help="Login of the first administrator."),
    name: str = typer.Option("Administrator", help="Printed name of the first administrator."),
    migrate: bool = typer.Option(False, "--migrate", help="Only bring an existing database up to date."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Set up Greenlight here: database, artifact folder, signing key and the first administrator."""
    from core.identity import authenticate, check_person, create_first_user, open_session
    from core.platform import Platform

    settings = Settings.load()
    if migrate:
        Platform.open(settings, any_schema=True).close()
        Platform.create(settings).close()
        done({"home": settings.home, "migrated": True}, "The tables are up to date.", as_json=as_json)
        return
    password = ask_password(password_stdin, confirm=True)
    # Checked before anything is made: a refused set-up leaves nothing behind.
    login, name = check_person(login=login, name=name, password=password, roles=["administrator"])
    platform = Platform.create(settings)
    try:
        create_first_user(platform, login=login, name=name, password=password, roles=["administrator"])
        write_token(settings, open_session(platform, authenticate(platform, login, password)))
    finally:
        platform.close()
    done(
        {"home": settings.home, "database": str(platform.database.url), "login": login},
        f"Greenlight is set up in {settings.home}. You are signed in as '{login}'.\n"
        "Next: add people with 'greenlight user add', or see it at work with 'greenlight demo'.",
        as_json=as_json,
    )
