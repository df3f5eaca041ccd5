"""Small facts about processes: what to keep from them, how to end all of them.

A runner's child leads its own session; whatever it starts stays in that session, whichever group it is in.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping

import psutil

SECRET = re.compile(
    r"(^|_)(KEY|KEYS|KEY_ID|TOKEN|TOKENS|PASS|PASSWORD|PASSWD|SECRET|SECRETS|CREDENTIAL|CREDENTIALS|DSN)$"
)
WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]*@")
DATABASE = "GREENLIGHT_DATABASE_URL"
PR_SET_PDEATHSIG = 1
PARENT_CHECK_S = 0.5


def without_secrets(environ: Mapping[str, str], *spared: str) -> dict[str, str]:
    """The environment less the database's address, whatever is named like a secret and addresses with a password.

    `spared` names variables that stay, for a child that needs those keys; the database's address never does.
    """
    return {
        name: value
        for name, value in environ.items()
        if name != DATABASE and (name in spared or not (SECRET.search(name.upper()) or WITH_PASSWORD.search(value)))
    }


def die_with_parent(parent: int) -> None:
    """End this process's session when `parent` ends, at once on Linux and within half a second elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True, name="parent watch").start()


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(PARENT_CHECK_S)
    end_session(os.getsid(0), signal.SIGKILL)


def session_members(session: int) -> list[psutil.Process]:
    """The living processes of a session."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return members


def end_session(session: int, signal_number: int, spared: int | None = None) -> None:
    """Send a signal to every process of a session but the `spared` one, to this one last."""
    own = os.getpid()
    members = [process for process in session_members(session) if process.pid != spared]
    for process in sorted(members, key=lambda process: process.pid == own):
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal_number)


def session_memory(session: int) -> int:
    """Resident memory in bytes of all processes of a session together (shared pages counted for each)."""
    total = 0
    for process in session_members(session):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
