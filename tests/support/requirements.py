"""What tests need from outside the project, and a loud account of what was left out without it.

`@pytest.mark.needs_tool("chromium")` skips where the program is missing, and fails there when
GREENLIGHT_REQUIRE_ALL=1, as it is in continuous integration. Samples are never required.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = PROJECT.parent / "shared" / "samples"

TOOLS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "bwrap": ("bwrap",),
    "pdftoppm": ("pdftoppm",),
}
"""The programs that answer to each name, in the order of preference."""


def find_tool(name: str) -> str:
    """Return the path of a system program; without it the running test is skipped, or fails if required."""
    for program in TOOLS[name]:
        if path := shutil.which(program):
            return path
    message = f"needs the system program '{name}', which is not installed"
    if os.environ.get("GREENLIGHT_REQUIRE_ALL") == "1":
        pytest.fail(f"{message} (GREENLIGHT_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(message)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "needs_tool(name): skip, or fail if required, without a system program")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Judge the markers before any fixture is made."""
    for marker in item.iter_markers("needs_tool"):
        find_tool(*marker.args)


@pytest.fixture
def samples() -> Path:
    """The folder of real sample clips and manuscripts beside the project; skipped where there is none."""
    if not SAMPLES.is_dir():
        pytest.skip("needs the samples, which are not beside this project")
    return SAMPLES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List each reason for which tests were skipped, with their number."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        detail = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[detail.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("not tested", sep="-")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} {'test' if count == 1 else 'tests'}: {reason}")
