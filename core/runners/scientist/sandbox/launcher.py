"""The first process inside the sandbox: it starts the code, watches what it uses, and says how it ended.

It is run as a script, by path, and imports nothing of Greenlight. As process 1 of its namespace it cannot be signalled
from inside, and everything inside ends with it. Its arguments are the number of a control socket and the limits as
JSON.

It sends the open `OWN_FOLDERS`, so that whoever holds them can look inside afterwards; waits for the word to start,
`{"uid": number or null}`; and sends one line of JSON when the code has ended. When the socket closes, it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any

LOOK_S = 0.03
OWN_FOLDERS = ("/outputs", "/tmp", "/dev/shm")  # noqa: S108
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
PR_SET_DUMPABLE = 4


def main() -> None:
    """Serve one run."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    limits: dict[str, Any] = json.loads(sys.argv[2])
    # Nobody of the same user may look into this process, or trace it.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    folders = [os.open(name, os.O_RDONLY | os.O_DIRECTORY) for name in OWN_FOLDERS]
    socket.send_fds(control, [b"ready"], folders)
    word = control.recv(4096)
    if not word:
        os._exit(1)
    failed, fails = os.pipe()
    code = os.fork()
    if not code:
        become_the_code(limits, json.loads(word)["uid"], folders, fails)
    os.close(fails)
    wrong = os.read(failed, 1000).decode("utf-8", "replace")
    report = {"reason": "start", "detail": wrong} if wrong else watch(code, limits, control)
    control.sendall(json.dumps(report).encode())
    os._exit(0)


def become_the_code(limits: dict[str, Any], uid: int | None, folders: list[int], fails: int) -> None:
    """Give up what the code must not have, then be it; never returns. What goes wrong before is written to `fails`."""
    try:
        for folder in folders:
            os.close(folder)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as stream:  # noqa: PTH123
            stream.write("1000")
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        for name, value in hard_limits(limits).items():
            number = getattr(resource, name)
            outer = resource.getrlimit(number)[1]
            least = value if outer == resource.RLIM_INFINITY else min(value, outer)
            resource.setrlimit(number, (least, least))
        os.execv(limits["argv"][0], limits["argv"])  # noqa: S606
    except BaseException as error:
        os.write(fails, (str(error) or type(error).__name__).encode())
        os._exit(1)


def hard_limits(limits: dict[str, Any]) -> dict[str, int]:
    """What the kernel holds each process to; `watch` holds all of them together to the limits themselves.

    Address space is no memory: libraries reserve far more than they touch. Processes are those of the user in this
    namespace; without this limit, which does not bind root, a fork bomb leaves `watch` no time to see it.
    """
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CPU": int(limits["cpu_s"]) + 1,
        "RLIMIT_FSIZE": int(limits["file_size"]),
        "RLIMIT_AS": 2 * int(limits["memory"]) + (2 << 30),
        "RLIMIT_NPROC": 2 * int(limits["processes"]),
    }


def watch(code: int, limits: dict[str, Any], control: socket.socket) -> dict[str, Any]:
    """Return how the code ended: by itself (`exit` or `signal`), or by a limit (`reason`)."""
    report: dict[str, Any] = {"reason": None, "exit": None, "signal": None, "peak": 0, "cpu": 0.0}
    while not report["reason"]:
        status = reap(code)
        look(report, limits)
        if status is not None:
            ended = os.waitstatus_to_exitcode(status)
            report["exit" if ended >= 0 else "signal"] = abs(ended)
            break
        if select.select([control], [], [], LOOK_S)[0]:
            os._exit(1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    report["peak"] = max(report["peak"], peak)
    return report


def reap(code: int) -> int | None:
    """Take in every process that has ended; the status of the code when it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        if pid == code:
            found = status


def look(report: dict[str, Any], limits: dict[str, Any]) -> None:
    """Count what all processes use together, and name the first limit that is passed."""
    tasks, memory, cpu = usage()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    report["cpu"] = max(report["cpu"], cpu + children.ru_utime + children.ru_stime)
    report["peak"] = max(report["peak"], memory)
    for name, value in (("processes", tasks), ("memory", memory), ("cpu_s", report["cpu"])):
        if value > limits[name]:
            report["reason"] = name
            return


def usage() -> tuple[int, int, float]:
    """Threads, resident bytes and processor seconds of everything in the namespace but this process."""
    tasks = memory = 0
    cpu = 0.0
    for name in os.listdir("/proc"):  # noqa: PTH208
        if not name.isdigit() or name == "1":
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
            # After the program's name, which may hold anything: state is field 3 of proc(5).
            fields = stream.read().rpartition(b")")[2].split()
            cpu += sum(int(field) for field in fields[11:15]) / TICK
            tasks += int(fields[17])
            memory += int(fields[21]) * PAGE
    return tasks, memory, cpu


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
