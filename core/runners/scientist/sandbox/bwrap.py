"""The command line of bubblewrap: what is visible inside, as whom, and with which variables."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

from core.errors import Unavailable
from core.runners.scientist.sandbox import launcher
from core.runners.scientist.sandbox.values import Limits

HOW_TO_GET_IT = (
    "install bubblewrap 0.8 or newer ('apt-get install bubblewrap', 'dnf install bubblewrap') and allow user "
    "namespaces (sysctl kernel.unprivileged_userns_clone=1, or an AppArmor profile for bwrap); in a container, "
    "allow both"
)
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
LAUNCHER, CODE = "/sandbox/launcher.py", "/code/main.py"
NOBODY = 65534
MASKED_FOLDERS = ("acpi", "asound", "bus", "fs", "irq", "scsi", "sys")
MASKED_FILES = ("kcore", "keys", "latency_stats", "sched_debug", "sysrq-trigger", "timer_list", "timer_stats")
"""In /proc: what speaks of or to the machine. Root's number alone opens /proc/sys for writing, with no capability."""


class Manner(StrEnum):
    """How the code is kept from being anybody."""

    OTHER_USER = "other_user"
    """Root starts it; the code runs as a user number that belongs to nobody."""
    NAMESPACE = "namespace"
    """A user namespace of its own, in which no more can be made."""


def find_bwrap() -> str:
    """The program, or `Unavailable` with the way to install it."""
    if sys.platform != "linux":
        raise Unavailable("the sandbox needs Linux, for bubblewrap", "run this job with a worker on Linux")
    found = shutil.which("bwrap")
    if found is None:
        raise Unavailable("the sandbox needs bubblewrap, which is not installed", HOW_TO_GET_IT)
    return found


def usual_manner() -> Manner:
    """How code is run by whoever asks; root's own number is never given to it."""
    if os.geteuid() != 0:
        return Manner.NAMESPACE
    closed = [folder for folder in environment_folders() if not _open_to_others(folder)]
    if closed:
        raise Unavailable(
            f"the code would run as another user, who may not read the Python environment in {closed[0]}",
            "start the worker as a user that is not root, or make the environment readable for all",
        )
    return Manner.OTHER_USER


def environment_folders() -> tuple[Path, ...]:
    """The folders that hold the Python environment in use and are not in /usr."""
    found = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), Path(sys.executable).resolve().parents[1]}
    kept = sorted(folder for folder in found if not folder.is_relative_to("/usr"))
    if any(folder in (Path("/"), Path.home().resolve()) for folder in kept):
        raise Unavailable("the Python environment is a whole home folder", "make a virtual environment and use that")
    return tuple(kept)


def arguments(
    manner: Manner, limits: Limits, code: Path, inputs: Mapping[str, Path], fds: Mapping[str, int]
) -> list[str]:
    """Everything after the word bwrap; `fds` names the descriptors `control`, `info` and `seccomp`."""
    argv = [sys.executable, "-s", "-P", "-B", CODE]
    told = json.dumps({**asdict(limits), "argv": argv})
    return [
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *_identity(manner),
        *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"),
        *(word for name, value in _variables(limits).items() for word in ("--setenv", name, value)),
        *_system(),
        *_proc(),
        *("--dev", "/dev"),
        *(word for place in launcher.OWN_FOLDERS for word in _own_folder(place, limits.disk)),
        *_environment(),
        *_folders("/sandbox", "/code", "/inputs"),
        *("--ro-bind", str(Path(launcher.__file__).resolve()), LAUNCHER, "--ro-bind", str(code), CODE),
        *(word for name, path in inputs.items() for word in ("--ro-bind", str(path), f"/inputs/{name}")),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/outputs"),
        *("--info-fd", str(fds["info"]), "--seccomp", str(fds["seccomp"]), "--"),
        *(sys.executable, "-I", "-S", "-B", LAUNCHER, str(fds["control"]), told),
    ]


def _identity(manner: Manner) -> tuple[str, ...]:
    if manner is Manner.NAMESPACE:
        user = ("--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY))
        return (*user, "--cap-drop", "ALL")
    # The launcher keeps what it needs to make the code another user, who then has none.
    return ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")


def _variables(limits: Limits) -> dict[str, str]:
    threads = str(limits.threads)
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }


def _system() -> Iterator[str]:
    """/usr and the libraries; links are made anew, not followed."""
    yield from ("--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    for name in SYSTEM:
        place = Path("/") / name
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))


def _environment() -> Iterator[str]:
    """The Python environment in use; after the folders of the code's own, which could hide one in /tmp."""
    for folder in environment_folders():
        # Made here and open to all; bubblewrap would close them to other users.
        yield from _folders(*(str(parent) for parent in reversed(folder.parents[:-1])))
        yield from ("--ro-bind", str(folder), str(folder))


def _proc() -> Iterator[str]:
    yield from ("--proc", "/proc")
    for place in (f"/proc/{name}" for name in MASKED_FOLDERS):
        if Path(place).is_dir():
            yield from ("--tmpfs", place, "--remount-ro", place)
    for place in (f"/proc/{name}" for name in MASKED_FILES):
        if Path(place).exists():
            yield from ("--ro-bind", "/dev/null", place)


def _folders(*places: str) -> Iterator[str]:
    for place in places:
        yield from ("--perms", "0755", "--dir", place)


def _own_folder(place: str, size: int) -> tuple[str, ...]:
    return ("--perms", "0777", "--size", str(size), "--tmpfs", place)


def _open_to_others(folder: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return folder.stat().st_mode & wanted == wanted
