"""The child process that turns untrusted pages and figures into pictures: JSON in on standard input, JSON out.

    request   {"pdf": "...", "pages": [0, 1], "figures": ["..."], "width": px, "limits": {...}}
    answer    {"count": pages of the PDF, "pictures": [base64 PNG or null, ...]} or {"unseen": "why"}

Pictures come in the order of the request, pages first; null stands for one that cannot be drawn. Started by
`core.reports.study_pages` only.
"""

from __future__ import annotations

import json
import resource
import sys
from base64 import b64encode
from contextlib import suppress
from io import BytesIO
from typing import Any

REQUEST_BYTES = 1 << 18
MARGIN = 8
TALLEST = 3
"""How many times taller than wide a picture may be; a taller one is drawn smaller."""


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.read(REQUEST_BYTES))
    confine(request["limits"])
    try:
        answer = drawn(request)
    except MemoryError:
        answer = {"unseen": "it needs more memory than a manuscript may"}
    except Exception as error:
        answer = {"unseen": f"its structure is broken ({type(error).__name__})"}
    sys.stdout.write(json.dumps(answer))


def confine(limits: dict[str, int]) -> None:
    """Give up the right to more time, memory, output, files and core dumps."""
    for what, most in (
        (resource.RLIMIT_CPU, limits["seconds"]),
        (resource.RLIMIT_FSIZE, limits["answer"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, limits["memory"]),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def drawn(request: dict[str, Any]) -> dict[str, Any]:
    """Draw what was asked for."""
    count, pictures = _pages(request) if request["pdf"] else (None, [])
    pictures += [_figure(path, request["width"], request["limits"]["pixels"]) for path in request["figures"]]
    return {"count": count, "pictures": pictures}


def _pages(request: dict[str, Any]) -> tuple[int, list[str | None]]:
    import pypdfium2

    document = pypdfium2.PdfDocument(request["pdf"])
    count = len(document)
    return count, [_page(document, number, request["width"]) for number in request["pages"] if number < count]


def _page(document: Any, number: int, width: int) -> str | None:
    try:
        page = document[number]
        across, down = page.get_size()
        if not (across > 0 and down > 0):
            return None
        image = page.render(scale=min(width / across, TALLEST * width / down), rev_byteorder=True).to_pil()
        return _encoded(_edged(image.convert("RGB")))
    except Exception:
        return None


def _edged(image: Any) -> Any:
    """A page with the edge of its paper, which a white page on a white ground lacks."""
    from PIL import ImageDraw

    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, image.height - 1), outline="#C3CBD4")
    return image


def _figure(path: str, width: int, most_pixels: int) -> str | None:
    """A picture made anew, so that nothing of the file reaches a reader but its pixels."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > most_pixels:
                return None
            image.thumbnail((width, TALLEST * width))
            clear = image.convert("RGBA")
    except Exception:
        return None
    paper = Image.new("RGB", clear.size, "white")
    paper.paste(clear, mask=clear.getchannel("A"))
    return _encoded(_cropped(paper))


def _cropped(paper: Any) -> Any:
    """A figure without the empty margins that would make it small on a page."""
    from PIL import Image, ImageChops

    box = ImageChops.difference(paper, Image.new("RGB", paper.size, "white")).getbbox()
    if box is None:
        return paper
    left, top = (max(edge - MARGIN, 0) for edge in box[:2])
    right, bottom = (min(edge + MARGIN, most) for edge, most in zip(box[2:], paper.size, strict=True))
    return paper.crop((left, top, right, bottom))


def _encoded(image: Any) -> str:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    main()
