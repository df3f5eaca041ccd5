"""An encoded picture with its words, as every rendering of a report shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """An encoded picture (PNG or JPEG) with what it shows, for eyes (`caption`) and for ears (`alt`)."""

    data: bytes
    caption: str
    alt: str
    media_type: str = "image/png"
