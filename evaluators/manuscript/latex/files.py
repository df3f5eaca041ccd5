"""The files of a LaTeX manuscript: never outside its folder, never through a link, never past a size."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

SOURCE_BYTES = 20_000_000
IMAGE_BYTES = 30_000_000
IMAGE_PIXELS = 40_000_000
IMAGE_SIDE = 1_000
"""A figure is kept as a PNG of at most this many pixels on its longer side."""
_PICTURES = (".png", ".jpg", ".jpeg", ".pdf", ".gif", ".bmp", ".tif", ".tiff")


@dataclass
class Folder:
    """Files that the source may name: those under `root`, and those it holds itself (filecontents)."""

    root: Path
    base: Path
    """The folder of the main file, which names are relative to."""
    held: dict[str, str] = field(default_factory=dict)
    left: int = 4 * SOURCE_BYTES
    """Bytes that may still be read."""

    def text(self, name: str, endings: tuple[str, ...]) -> str | None:
        """The text of a named file, or None when it is missing, outside, or too large."""
        for ending in ("", *endings):
            if name + ending in self.held:
                return self.held[name + ending]
        path = self.find(name, endings)
        if path is None or path.stat().st_size > min(SOURCE_BYTES, self.left):
            return None
        self.left -= path.stat().st_size
        return decode(path.read_bytes())

    def find(self, name: str, endings: tuple[str, ...]) -> Path | None:
        """The regular file under `root` that a name means."""
        if not name or "\x00" in name or len(name) > 300:
            return None
        for ending in ("", *endings):
            try:
                path = (self.base / (name + ending)).resolve()
            except (OSError, RuntimeError):
                return None
            if path.is_file() and path.is_relative_to(self.root.resolve()):
                return path
        return None

    def picture(self, name: str, folders: tuple[str, ...]) -> tuple[bytes | None, str]:
        """A figure as a bounded PNG, or None with the reason."""
        for folder in ("", *folders):
            path = self.find(folder + name, _PICTURES)
            if path is not None:
                return _bounded(path)
        return None, f"The figure {name[:80]!r} is not in the manuscript's folder."


def decode(data: bytes) -> str:
    """Text of a source file: UTF-8, else Latin-1, line ends made equal."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bounded(path: Path) -> tuple[bytes | None, str]:
    from PIL import Image

    if path.stat().st_size > IMAGE_BYTES:
        return None, f"The figure {path.name!r} is larger than {IMAGE_BYTES // 1_000_000} MB."
    try:
        if path.suffix.lower() == ".pdf":
            return _page(path), ""
        with Image.open(path, formats=("PNG", "JPEG", "GIF", "BMP", "TIFF")) as image:
            if image.width * image.height > IMAGE_PIXELS:
                return None, f"The figure {path.name!r} has more than {IMAGE_PIXELS // 1_000_000} million pixels."
            return png(image), ""
    except Exception:
        # Picture decoders raise what they like; a figure that cannot be opened is one without an image.
        return None, f"The figure {path.name!r} cannot be opened."


def _page(path: Path) -> bytes | None:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    page = document[0]
    scale = min(2.0, IMAGE_SIDE / max(page.get_size()))
    return png(page.render(scale=scale).to_pil())


def png(image: object) -> bytes:
    """A picture as a PNG within `IMAGE_SIDE`."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise TypeError("a picture is needed")
    small = image.convert("RGB")
    small.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()
