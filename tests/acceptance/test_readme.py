"""The README is true: its quick start runs as written, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(PROJECT).as_posix() for path in [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")])


def quick_start() -> list[str]:
    section = (PROJECT / "README.md").read_text(encoding="utf-8").split("## Quick start")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block, "the quick start has no commands"
    return block.group(1).splitlines()


def test_make_demo_is_the_demo_command():
    recipe = (PROJECT / "Makefile").read_text(encoding="utf-8").split("\ndemo:")[1].split("\n\n")[0]
    assert "greenlight demo" in recipe


def test_the_quick_start_runs_as_written_in_an_empty_folder(tmp_path: Path):
    # The set-up is already done where tests run; what follows it is run to the letter.
    lines = [line.replace("make demo", "greenlight demo") for line in quick_start()]
    commands = [line for line in lines if line.startswith("greenlight ")]
    assert lines == [commands[0], ". .venv/bin/activate", *commands[1:]]
    programs = Path(sys.executable).parent
    for command in commands:
        program, *arguments = shlex.split(command)
        result = subprocess.run(
            [programs / program, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        assert result.stdout.strip(), f"{command} says nothing"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_project_leads_to_a_file(page: str):
    text = (PROJECT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (PROJECT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
