"""Text from outside reaches a page as text: nothing in the dashboard lets Streamlit or a browser interpret it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dashboard.components.shown import plain, rendered
from dashboard.views.signing import MEANINGS

DASHBOARD = Path(__file__).parents[2] / "dashboard"
INTERPRETING = {
    "markdown", "write", "write_stream", "title", "header", "subheader", "caption", "latex", "error", "warning", "info",
    "success", "toast", "exception", "metric", "table", "dataframe", "json",
}  # fmt: skip
HTML_HOMES = {"components/shown.py", "views/frame.py", "views/pictures.py"}
"""The templates' one door; the style sheet; the script that keeps clips together. The last two are fixed files."""
HOSTILE = "<img src=x onerror=alert(1)> **bold** [a](http://example.org) \u202eesrever"


def calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def interpreting(source: str) -> set[str]:
    return set(calls(source)) & INTERPRETING


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(DASHBOARD.rglob("*.py")):
        yield path.relative_to(DASHBOARD).as_posix(), path.read_text(encoding="utf-8")


def test_no_page_uses_what_reads_markdown():
    # Attribute calls on other things may share these names; the logger's error does.
    found = {path: interpreting(source) for path, source in sources() if path != "trouble.py"}
    found = {path: names - ({"write"} if path == "app.py" else set()) for path, names in found.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_html_enters_a_page_through_the_templates_only():
    assert {path for path, source in sources() if "html" in set(calls(source))} == HTML_HOMES


def test_no_template_switches_escaping_off():
    for path in (DASHBOARD / "templates").iterdir():
        text = path.read_text(encoding="utf-8")
        assert "safe" not in text, path.name
        assert "autoescape" not in text, path.name


@pytest.mark.parametrize("source", ["st.markdown(name)", "column.caption(x)", "st.error(str(error))"])
def test_an_interpreting_call_is_found(source: str):
    assert interpreting(source)


class Tags(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.seen.append(tag)


def test_a_template_shows_hostile_text_and_makes_no_element_of_it():
    page = rendered("heading", title=HOSTILE, text="")
    assert Tags(page).seen == ["div", "h1", "p"]
    assert "&lt;img" in page
    assert "[U+202E]" in page


def test_a_label_is_shown_as_it_is_written():
    assert plain("a *b* [c](d) <i> $x$ :smile: `e`") == r"a \*b\* \[c\]\(d\) \<i\> \$x\$ \:smile\: \`e\`"


def test_every_signature_has_its_meaning_in_words():
    from core.signatures import SLOTS

    assert {slot.meaning for slots in SLOTS.values() for slot in slots} <= set(MEANINGS)
