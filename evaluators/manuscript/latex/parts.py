"""The parts of a LaTeX source: preamble and body, colours that are defined, environments put together again."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.manuscript.latex.colours import is_pale
from evaluators.manuscript.latex.quantities import options
from evaluators.manuscript.latex.tokens import Stream, Token, plain


def wrapped(name: str, content: Sequence[Token], token: Token) -> list[Token]:
    """The content of an environment between its `\\begin` and `\\end` again."""

    def mark(which: str) -> list[Token]:
        line = token.line
        return [Token("cmd", which, line), Token("{", "{", line), Token("text", name, line), Token("}", "}", line)]

    return [*mark("begin"), *content, *mark("end")]


def skip_star(stream: Stream) -> None:
    """Drop the star of a starred command that the tokens keep apart."""
    token = stream.peek()
    if token is not None and token.kind == "text" and token.text == "*":
        stream.next()


def parted(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """What stands before \\begin{document} and what stands inside; a source without it is all inside."""
    starts = [i for i, t in enumerate(tokens) if _is(tokens, i, "begin", "document") and t.kind == "cmd"]
    if not starts:
        return list(tokens), list(tokens)
    body = list(tokens[starts[0] + 4 :])
    end = next((i for i in range(len(body)) if _is(body, i, "end", "document")), len(body))
    return list(tokens[: starts[0]]), body[:end]


def _is(tokens: Sequence[Token], at: int, command: str, name: str) -> bool:
    if tokens[at].kind != "cmd" or tokens[at].text != command:
        return False
    return "".join(t.text for t in tokens[at + 1 : at + 4]) == f"{{{name}}}"


def pale_colours(tokens: Sequence[Token]) -> frozenset[str]:
    """The names of the colours that a preamble defines as white or nearly so."""
    pale = {"white"}
    stream = Stream(tokens)
    while stream:
        token = stream.next()
        if token.kind == "cmd" and token.text in {"definecolor", "colorlet"}:
            name = plain(stream.group())
            model = plain(stream.group()) if token.text == "definecolor" else ""
            if is_pale(model, plain(stream.group()), frozenset(pale)):
                pale.add(name)
    return frozenset(pale)


def set_up(tokens: Sequence[Token]) -> dict[str, str]:
    """How these tokens set up the numbers of siunitx."""
    found: dict[str, str] = {}
    stream = Stream(tokens)
    while stream:
        token = stream.next()
        if token.kind == "cmd" and token.text == "sisetup":
            found |= options(plain(stream.group()))
    return found
