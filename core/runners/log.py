"""What an outside program prints, kept in bounded space: the beginning and the end."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES, TAIL_BYTES, LINE_BYTES = 1 << 20, 256 << 10, 4096


class BoundedLog:
    """Write a program's output to a file: the first megabyte and the last quarter of one.

    `newest` is the last line that was printed, shortened; carriage returns also end a line.
    """

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._written = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = self._left_out = 0
        self._lock = threading.Lock()
        self.newest = ""

    def read_from(self, source: BinaryIO) -> None:
        """Read until the program closes its output."""
        rest = b""
        while piece := source.read1(LINE_BYTES):  # type: ignore[attr-defined]
            self._keep(piece)
            rest = (rest + piece)[-LINE_BYTES:]
            lines = rest.replace(b"\r", b"\n").split(b"\n")
            whole = [line for line in lines[:-1] if line.strip()]
            if whole:
                self.newest = whole[-1].decode("utf-8", "replace").strip()[:200]
                rest = lines[-1]
        source.close()

    def _keep(self, piece: bytes) -> None:
        with self._lock:
            if not self._stream.closed:
                self._store(piece)

    def _store(self, piece: bytes) -> None:
        if self._written < HEAD_BYTES:
            self._stream.write(piece)
            self._stream.flush()
            self._written += len(piece)
            return
        self._tail.append(piece)
        self._tail_bytes += len(piece)
        while self._tail_bytes > TAIL_BYTES:
            gone = len(self._tail.popleft())
            self._tail_bytes -= gone
            self._left_out += gone

    def __enter__(self) -> BoundedLog:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._left_out:
                self._stream.write(f"\n... {self._left_out} bytes left out ...\n".encode())
            self._stream.write(b"".join(self._tail))
            self._stream.close()
