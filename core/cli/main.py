"""The command `greenlight`: nouns, loaded when they are called for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from core.cli.output import complain, emit
from core.errors import GreenlightError

NOUNS = {
    "init": "Set up Greenlight here, or bring its tables up to date.",
    "demo": "Watch two cases travel from submission to a sealed decision.",
    "project": "Productions and studies, and the agreements that govern them.",
    "model": "Models, versions, licences and lineage.",
    "asset": "Clips with their masks, and who is visible in them.",
    "consent": "Performers and cohorts, and what they allow.",
    "job": "Submit, watch and cancel runs.",
    "worker": "Run the jobs that wait.",
    "evaluate": "Measure an output, with or without the registry.",
    "compare": "Set model versions side by side over the same assets.",
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
        return command


def _only_help(ctx: Any) -> bool:
    return not any(argument in NOUNS for argument in (*ctx.args, *sys.argv[1:2]))


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    """May this model, or what it made, be released? Run, measure, judge, sign and prove."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"greenlight {installed('greenlight')}")
        raise typer.Exit


def run() -> None:
    """Run the command line; a person's mistake ends in one sentence and an exit code that a pipeline can use."""
    try:
        app()
    except GreenlightError as error:
        if "--json" in sys.argv:
            emit(error.diagnostics())
        else:
            complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        complain("stopped; nothing half-done was kept.")
        sys.exit(130)
    except Exception as error:
        known = _in_one_sentence(error)
        if known is None:
            raise
        complain(known)
        sys.exit(2)


def _in_one_sentence(error: Exception) -> str | None:
    """The sentence of an error from the libraries below core; None for a defect, which keeps its trace."""
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free space and run the command again."
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS):
        return f"{error.filename} cannot be written; choose another folder or correct its rights."
    names = {base.__name__ for base in type(error).__mro__}
    return str(error) if names & {"EvaluatorError", "PolicyError"} else None
