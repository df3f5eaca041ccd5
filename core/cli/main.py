"""The command `greenlight`: nouns, loaded when they are called for."""

from __future__ import annotations

import errno
import importlib
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from core.cli.output import complain, emit
from core.errors import GreenlightError, InputError, Unavailable

NOUNS = {
    "init": "Set up Greenlight here, or bring its tables up to date.",
    "demo": "Watch two cases travel from submission to a sealed decision.",
    "project": "Productions and studies, and the agreements that govern them.",
    "model": "Models, versions, licences and lineage.",
    "asset": "Clips with their masks, and who is visible in them.",
    "study": "Protocols, their approval, and studies made elsewhere.",
    "consent": "Performers and cohorts, and what they allow.",
    "job": "Submit, watch and cancel runs.",
    "task": "What runs ask people before they go on.",
    "worker": "Run the jobs that wait.",
    "evaluate": "Measure an output, with or without the registry.",
    "review": "Rubrics, reviews by people and judges, and how far they agree.",
    "compare": "Set model versions side by side over the same assets.",
    "bench": "Run a suite of studies as one batch.",
    "qualify": "Prove on spoiled clips what the measures notice, and where they fail.",
    "policy": "The packs, what they demand, and how a case stands.",
    "release": "Propose, sign, decline and export releases.",
    "audit": "Verify the log and everything it vouches for.",
    "report": "Make and check dossiers.",
    "user": "People, roles and sign-in.",
    "dashboard": "Open the dashboard in a browser.",
}


class LazyGroup(TyperGroup):
    """A group that imports `core.cli.<noun>` only when that noun is used, so that help answers at once."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The nouns, in the order of a case's life."""
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a noun's command; only its one-line help where the main help asks."""
        if cmd_name not in NOUNS:
            return None
        if _only_help(ctx):
            return TyperCommand(cmd_name, help=NOUNS[cmd_name])
        module: Any = importlib.import_module(f"core.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name, command.help = cmd_name, command.help or NOUNS[cmd_name]
        # Typer takes each noun for a program of its own; completion is for the whole or not at all.
        command.params = [one for one in command.params if not str(one.name).endswith("_completion")]
        return command


def _only_help(ctx: Any) -> bool:
    return not any(argument in NOUNS for argument in (*ctx.args, *sys.argv[1:2]))


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed

        typer.echo(f"greenlight {installed('greenlight')}")
        raise typer.Exit


@app.callback()
def main(
    _version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
    ),
) -> None:
    """May this model, or what it made, be released? Run, measure, judge, sign and prove."""


def run() -> None:
    """Run the command line; a person's mistake ends in one sentence and an exit code that a pipeline can use."""
    try:
        app()
    except KeyboardInterrupt:
        complain("stopped; nothing half-done was kept.")
        sys.exit(130)
    except Exception as error:
        known = error if isinstance(error, GreenlightError) else _explained(error)
        if known is None:
            raise
        if "--json" in sys.argv:
            emit(known.diagnostics())
        else:
            complain(str(known))
        sys.exit(known.exit_code)


def _explained(error: Exception) -> GreenlightError | None:
    """An error from the libraries below core in our own words; None for a defect, which keeps its trace."""
    if isinstance(error, OSError) and error.filename is not None:
        return _about_file(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("the disk is full", "free space and run the command again")
    if {base.__name__ for base in type(error).__mro__} & {"EvaluatorError", "PolicyError"}:
        what, _, next_step = str(error).partition("; ")
        return InputError(what, next_step or "correct what was given")
    return None


def _about_file(error: OSError) -> GreenlightError | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(f"the disk of {error.filename} is full", "free space and run the command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Unavailable(
            f"{error.filename} cannot be used ({error.strerror})", "choose another folder or correct its rights"
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return InputError(f"{error.filename} cannot be used ({error.strerror})", "check the path")
    return None
