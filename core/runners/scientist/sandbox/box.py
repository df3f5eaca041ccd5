"""One sandbox as a process seen from outside: set up, started, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Unavailable
from core.runners.scientist.sandbox.bwrap import HOW_TO_GET_IT, Manner, arguments, find_bwrap
from core.runners.scientist.sandbox.launcher import OWN_FOLDERS
from core.runners.scientist.sandbox.seccomp import program
from core.runners.scientist.sandbox.values import Limits, Reason

SETUP_S, LOOK_S = 60.0, 0.05
PIECE, TAIL = 64 << 10, 64 << 10
FIRST_FREE_USER = 1_900_000_000
"""Above every range that systemd, containers or directories give out; the process id is added, so runs do not share."""
NO_SETUP = "the sandbox could not be set up"


@dataclass
class Tail:
    """The end of what was printed to one stream."""

    pieces: deque[bytes] = field(default_factory=deque)
    size: int = 0

    def add(self, piece: bytes) -> None:
        """Keep a piece, and let go of what is too old."""
        self.pieces.append(piece)
        self.size += len(piece)
        while self.size - len(self.pieces[0]) >= TAIL:
            self.size -= len(self.pieces.popleft())

    def text(self) -> str:
        """The end as text; broken characters are replaced."""
        return b"".join(self.pieces)[-TAIL:].decode("utf-8", "replace")


class Box:
    """A sandbox that stands, with the code not yet started. Use it as a context manager: leaving it ends everything."""

    def __init__(self, manner: Manner, limits: Limits, code: Path, inputs: Mapping[str, Path]) -> None:
        """Raise `Unavailable` when bubblewrap refuses to set it up."""
        self._manner, self._limits = manner, limits
        self._stack = contextlib.ExitStack()
        self.tails = {"stdout": Tail(), "stderr": Tail()}
        self.folders: list[int] = []
        """Descriptors of `OWN_FOLDERS`, `/outputs` first; they stay good when all inside has ended."""
        try:
            self._set_up(code, inputs)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        """End every process inside, wait until they are gone, and let go of the folders."""
        self._stack.close()

    def _set_up(self, code: Path, inputs: Mapping[str, Path]) -> None:
        self._control, theirs = socket.socketpair()
        self._stack.callback(self._control.close)
        filter_out, filter_in = os.pipe()
        info_out, info_in = os.pipe()
        self._stack.callback(os.close, info_out)
        given = {"control": theirs.fileno(), "info": info_in, "seccomp": filter_out}
        try:
            os.write(filter_in, program())
            self._start([find_bwrap(), *arguments(self._manner, self._limits, code, inputs, given)], given)
        finally:
            theirs.close()
            for number in (filter_out, filter_in, info_in):
                os.close(number)
        self._receive(info_out)

    def _start(self, argv: list[str], given: Mapping[str, int]) -> None:
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(given.values()),
            env={},
            cwd="/",
        )
        self._first: int | None = None
        self._stack.callback(self._let_go)
        self._stack.callback(self._end)

    def _receive(self, info: int) -> None:
        """Learn the first process and take the folders that it sends."""
        self._control.settimeout(SETUP_S)
        with contextlib.suppress(OSError):
            word, self.folders, *_ = socket.recv_fds(self._control, 16, len(OWN_FOLDERS))
            for folder in self.folders:
                self._stack.callback(os.close, folder)
            if word == b"ready":
                pid = json.loads(os.read(info, 4096))["child-pid"]
                self._first = os.pidfd_open(pid)
                return
        self._process.kill()
        said = self._process.communicate()[1].decode("utf-8", "replace").strip().splitlines()
        raise Unavailable(f"{NO_SETUP} ({said[-1][:300] if said else 'bubblewrap said nothing'})", HOW_TO_GET_IT)

    def run(self) -> Iterator[Reason | None]:
        """Start the code; yield often while it runs, with the limit that it has met as seen from outside.

        Whoever iterates ends the box on a limit. The iterator ends when everything inside has ended.
        """
        uid = FIRST_FREE_USER + self._process.pid if self._manner is Manner.OTHER_USER else None
        with contextlib.suppress(OSError):
            self._control.sendall(json.dumps({"uid": uid}).encode())
        started, printed, said = time.monotonic(), 0, b""
        with selectors.DefaultSelector() as selector:
            for name in self.tails:
                selector.register(getattr(self._process, name), selectors.EVENT_READ, name)
            selector.register(self._control, selectors.EVENT_READ, "")
            while selector.get_map():
                for key, _ in selector.select(LOOK_S):
                    piece = _read(key.fd)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.data:
                        printed += len(piece)
                        self.tails[key.data].add(piece)
                    else:
                        said = (said + piece)[-PIECE:]
                yield self._passed(time.monotonic() - started, printed)
        self._process.wait()
        self.report: dict[str, Any] | None = json.loads(said) if said else None

    def _passed(self, seconds: float, printed: int) -> Reason | None:
        if seconds > self._limits.wall_s:
            return Reason.WALL_TIME
        if printed > self._limits.printed:
            return Reason.PRINTED
        return self.full()

    def full(self) -> Reason | None:
        """Whether one of the folders is full, of bytes or of files."""
        for folder in self.folders:
            room = os.fstatvfs(folder)
            if not room.f_bavail:
                return Reason.DISK
            if room.f_files - room.f_ffree > self._limits.files + 1:
                return Reason.FILES
        return None

    def kill(self) -> None:
        """End the first process, and with it all others; `run` then comes to its end."""
        if self._first is None:
            self._process.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def _end(self) -> None:
        self.kill()
        self._process.wait()

    def _let_go(self) -> None:
        if self._first is not None:
            os.close(self._first)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


def _read(number: int) -> bytes:
    try:
        return os.read(number, PIECE)
    except ConnectionResetError:
        return b""
