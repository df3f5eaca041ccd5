"""`greenlight compare`: a table for people, JSON for machines, a report for a browser, one sentence for a slip."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.comparing import Bench, clip_result

from core import identity
from core.cli.main import run
from core.platform import Platform
from core.settings import Settings

Command = Callable[..., tuple[int, str, str]]
VOID = {"meta", "line", "circle", "br", "i"}


@pytest.fixture
def greenlight(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command line as an auditor who is signed in; returns exit code, output and errors."""
    password = "a long enough password"
    identity.create_first_user(platform, login="ada", name="Ada", password=password, roles=["administrator"])
    token = identity.open_session(platform, identity.authenticate(platform, "ada", password))
    for name, value in {"HOME": str(settings.home), "DATABASE_URL": settings.database_url, "TOKEN": token}.items():
        monkeypatch.setenv(f"GREENLIGHT_{name}", value)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["greenlight", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return command


class Page(HTMLParser):
    """What a reader without pictures gets: the text, the outside addresses, and the unclosed tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.addresses: list[str] = []
        self.tables = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_comparison_from_end_to_end(platform: Platform, greenlight: Command, tmp_path: Path):
    Bench.set_up(platform).shots(6, price={"amount": 12.5, "currency": "USD"})
    report = tmp_path / "comparison.html"
    arguments = ("compare", "ours@1", "theirs@1", "--project", "Pilot", "--cpu-rate", "0.9")
    code, shown, _ = greenlight(*arguments, "--html", str(report))
    assert code == 0
    assert shown.startswith("ours@1 and theirs@1 were set side by side over 6 assets.\nRemoval: ours@1 is better")
    assert re.search(r"removal +A B +higher +6 +0\.925 \| 0\.6125 +\+0\.31\d .*A better", shown)
    assert re.search(r"own_flow .*not judged", shown)
    assert re.search(r"shot 6 +B +0\.625 +12\.50 USD", shown)

    code, machine, _ = greenlight(*arguments, "--json")
    record = json.loads(machine)
    assert code == 0
    assert record["schema"] == "greenlight.comparison/1"
    (removal,) = (question["pairs"][0] for question in record["questions"] if question["measure"] == "removal")
    assert (removal["verdict"], removal["win_rate"]) == ("first_better", 1.0)

    page = Page(report.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.addresses == []
    assert page.tables == 3
    assert "A better" in page.text
    for sentence in record["sentences"]:
        assert sentence in page.text


def test_a_name_that_is_markup_stays_text_in_the_report(platform: Platform, greenlight: Command, tmp_path: Path):
    bench = Bench.set_up(platform)
    asset = bench.asset("<script>alert(1)<!--\u202e")
    for model in ("ours", "theirs"):
        bench.job(model, asset, clip_result({"removal": "<img src=x>"}))
    report = tmp_path / "comparison.html"
    assert greenlight("compare", "ours@1", "theirs@1", "--html", str(report))[0] == 0
    source = report.read_text(encoding="utf-8")
    assert "<script" not in source
    assert "<img" not in source
    assert "\u202e" not in source
    assert "[U+202E]" in Page(source).text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ours@1",), "a comparison needs two different model versions; name another one as model@version."),
        (("ours@1", "theirs@2"), "theirs has no version '2'"),
        (("ours@1", "theirs@1"), "no asset has a measured result of two of these model versions"),
        (("ours@1", "theirs@1", "--currency", "dollars"), "'dollars' is no currency"),
    ],
)
def test_a_slip_ends_in_one_sentence(
    platform: Platform, greenlight: Command, arguments: tuple[str, ...], sentence: str
):
    Bench.set_up(platform)
    code, shown, complaint = greenlight("compare", *arguments)
    assert (code, shown) == (2, "")
    assert complaint.startswith(f"Error: {sentence}")
    assert complaint.count("\n") == 1
