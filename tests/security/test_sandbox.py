"""What hostile code tries inside the sandbox: it gets out nowhere, and each limit ends it under its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.runners.scientist.sandbox.run import run_code
from core.runners.scientist.sandbox.values import MIB, Limits, Ran, Reason

pytestmark = pytest.mark.needs_tool("bwrap")

SMALL = Limits(
    wall_s=60, cpu_s=30, memory=256 * MIB, processes=16, disk=8 * MIB, files=50, file_size=2 * MIB, printed=MIB
)


def run(tmp_path: Path, code: str, limits: Limits = SMALL, **inputs: Path) -> Ran:
    return run_code(code, inputs, tmp_path / "box", limits)


def test_code_reads_its_inputs_and_leaves_its_outputs(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,2\n")
    data.chmod(0o600)
    found = run(tmp_path, "print(open('/inputs/data').read())\nopen('made.txt', 'w').write('made')", data=data)
    assert (found.reason, found.exit_code, found.stdout, found.stderr) == (Reason.FINISHED, 0, "1,2\n\n", "")
    assert {name: path.read_text() for name, path in found.outputs.items()} == {"made.txt": "made"}
