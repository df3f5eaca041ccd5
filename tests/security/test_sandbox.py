"""What hostile code tries inside the sandbox: it gets out nowhere, and each limit ends it under its own name."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from core.errors import RunFailed, Unavailable
from core.runners.base import Cancelled
from core.runners.scientist.sandbox.bwrap import Manner
from core.runners.scientist.sandbox.run import run_code
from core.runners.scientist.sandbox.values import MIB, Limits, Ran, Reason

pytestmark = pytest.mark.needs_tool("bwrap")

SMALL = Limits(
    wall_s=120, cpu_s=60, memory=256 * MIB, processes=16, disk=8 * MIB, files=50, file_size=2 * MIB, printed=MIB
)
TRY = """
import errno, json, os, socket, sys
def refused(*names):
    "The names of the actions that failed, with the error; what succeeds is a hole."
    found = {}
    for name, action in names:
        try:
            found[name] = "ok: %r" % (action(),)
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno, type(error).__name__)
    print(json.dumps(found))
"""

Run = Callable[..., Ran]


@pytest.fixture(params=list(Manner))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run code in either manner, with small limits."""
    if request.param is Manner.OTHER_USER and os.geteuid() != 0:
        pytest.skip("only root can make the code another user")

    def runs(code: str, limits: Limits = SMALL, **inputs: Path) -> Ran:
        if code == FORK and request.param is Manner.NAMESPACE and os.geteuid() == 0:
            pytest.skip("the kernel's limit on processes does not bind root, who is never run in this manner")
        return run_code(TRY + dedent(code), inputs, tmp_path / "box", limits, manner=request.param)

    return runs


def attempts(found: Ran) -> dict[str, str]:
    assert found.ok, found.stderr
    return json.loads(found.stdout)


def test_code_reads_its_inputs_and_leaves_its_outputs(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,2\n")
    data.chmod(0o600)
    found = run("print(open('/inputs/data').read())\nos.mkdir('a')\nopen('a/made.txt', 'w').write('made')", data=data)
    assert (found.reason, found.exit_code, found.stdout, found.stderr) == (Reason.FINISHED, 0, "1,2\n\n", "")
    assert {name: path.read_text() for name, path in found.outputs.items()} == {"a/made.txt": "made"}


def test_a_failure_is_told_with_its_code_and_last_words(run: Run) -> None:
    found = run("open('half.txt', 'w').write('half')\nprint('so far')\nsys.exit('no good')")
    assert (found.reason, found.exit_code, found.stdout, found.stderr) == (Reason.FAILED, 1, "so far\n", "no good\n")
    assert list(found.outputs) == ["half.txt"]


def test_the_mathematical_libraries_work_inside(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    found = run_code(
        """
import numpy, scipy.stats
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
x, y = load_breast_cancer(return_X_y=True)
print(LogisticRegression().fit(StandardScaler().fit_transform(x), y).score(StandardScaler().fit_transform(x), y) > 0.95)
""",
        {},
        tmp_path / "box",
    )
    assert (found.reason, found.stdout) == (Reason.FINISHED, "True\n"), found.stderr
    assert found.peak_memory is not None
    assert found.peak_memory > 30 * MIB


def test_no_address_can_be_reached(run: Run) -> None:
    name = f"\0greenlight-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(name)
        local.listen()
        found = run(f"""
            def connect(family, address):
                with socket.socket(family, socket.SOCK_STREAM) as made:
                    made.connect(address)
            refused(
                ("outside", lambda: connect(socket.AF_INET, ("192.0.2.1", 80))),
                ("loopback of the host", lambda: connect(socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]}))),
                ("abstract socket of the host", lambda: connect(socket.AF_UNIX, {name!r})),
                ("name", lambda: socket.getaddrinfo("example.org", 80)),
                ("vsock", lambda: socket.socket(40, socket.SOCK_STREAM)),
                ("netlink", lambda: socket.socket(16, socket.SOCK_RAW)),
                ("packet", lambda: socket.socket(17, socket.SOCK_RAW)),
                ("kernel crypto", lambda: socket.socket(38, socket.SOCK_SEQPACKET)),
            )
        """)
    closed = "EAFNOSUPPORT"
    assert attempts(found) == {
        "outside": "ENETUNREACH",
        "loopback of the host": "ECONNREFUSED",
        "abstract socket of the host": "ECONNREFUSED",
        "name": "gaierror",
        "vsock": closed,
        "netlink": closed,
        "packet": closed,
        "kernel crypto": closed,
    }


def test_nothing_outside_can_be_read(run: Run, tmp_path: Path) -> None:
    database = tmp_path / "greenlight.db"
    database.write_text("secret")
    places = ["/etc/shadow", "/etc/passwd", str(database), str(tmp_path), str(Path(__file__)), "/sys", "/run", "/var"]
    places += [
        str(Path.home() / ".ssh"),
        str(Path.home() / ".bashrc"),
        "/proc/1/root",
        "/proc/1/environ",
        "/proc/1/mem",
    ]
    found = run(
        f"refused(*((place, lambda place=place: os.stat(place) and open(place).read(1)) for place in {places}))"
    )
    assert {name: error for name, error in attempts(found).items() if error not in ("ENOENT", "EACCES")} == {}


def test_nothing_but_its_own_folders_can_be_written(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,2\n")
    data.chmod(0o666)
    found = run(
        """
        places = ["/inputs/data", "/inputs/new", "/code/main.py", "/code/new", "/sandbox/launcher.py", "/new"]
        places += ["/etc/new", "/usr/new", "/dev/new", sys.prefix + "/new", sys.prefix + "/pyvenv.cfg"]
        places += ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"]
        refused(*((place, lambda place=place: open(place, "w")) for place in places))
        """,
        data=data,
    )
    assert {name: error for name, error in attempts(found).items() if error not in ("EROFS", "EACCES", "ENOENT")} == {}
    assert data.read_text() == "1,2\n"


def test_the_code_is_nobody_and_can_become_no_one(run: Run) -> None:
    found = run("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def call(name, *words):
            if getattr(libc, name)(*words) == -1:
                raise OSError(ctypes.get_errno(), name)
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", status
        assert all(int(status[name], 16) == 0 for name in ("CapPrm", "CapEff", "CapAmb")), status
        assert 0 not in os.getresuid() + os.getresgid() and 0 not in os.getgroups()
        refused(
            ("setuid", lambda: os.setuid(0)),
            ("setgid", lambda: os.setgid(0)),
            ("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None)),
            ("user namespace", lambda: call("unshare", 0x10000000)),
            ("chroot", lambda: os.chroot("/tmp")),
            ("trace", lambda: call("ptrace", 16, 1, 0, 0)),
            ("device", lambda: os.mknod("disk", 0o60666, os.makedev(8, 0))),
            ("memory without a name", lambda: os.memfd_create("x")),
            ("shared memory", lambda: call("shmget", 0, 1 << 20, 0o1600)),
            ("clock", lambda: __import__("time").clock_settime(0, 0)),
            ("host name", lambda: socket.sethostname("x")),
            ("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
        )
    """)
    assert {name: error for name, error in attempts(found).items() if error not in ("EPERM", "EACCES", "EINVAL")} == {}


def test_a_setuid_program_gives_no_rights(run: Run) -> None:
    found = run("""
        import subprocess
        for program in ("/usr/bin/su", "/usr/bin/mount"):
            words = [program, "-c", "id"]
            failed = os.path.exists(program) and subprocess.run(words, stdin=0, capture_output=True).returncode
            assert failed or not os.path.exists(program)
        assert os.statvfs("/usr").f_flag & os.ST_NOSUID
    """)
    assert found.ok, found.stderr


def test_no_secret_and_no_process_of_the_host_is_seen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("GREENLIGHT_SIGNING_KEY", "secret")
    found = run("""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        folder = os.open("/proc/self/fd", os.O_RDONLY)
        open_files = len(os.listdir(folder)) - 2
        print(json.dumps({"pids": sorted(pids), "environment": sorted(os.environ), "open": open_files}))
    """)
    seen = json.loads(found.stdout)
    assert (seen["pids"], seen["open"]) == ([1, 2], 3)
    assert set(seen["environment"]) == {
        *("HOME", "LANG", "MKL_NUM_THREADS", "MPLBACKEND", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "PWD"),
        *("PYTHONHASHSEED", "PYTHONUNBUFFERED", "TMPDIR"),
    }


FORK = "while True:\n    try: os.fork()\n    except OSError: pass"
THREADS = (
    "import threading\nstop = threading.Event()\nwhile True: threading.Thread(target=stop.wait, daemon=True).start()"
)
FILL = "for n in range(1000): open(f'{place}/{n}', 'wb').write(bytes(1 << 20))"
QUIET = "while True:\n    try:\n        FILL\n    except OSError: pass".replace("FILL", FILL)
LOOPS = "for _ in range(3): os.fork()\nwhile True: pass"


@pytest.mark.parametrize(
    ("code", "changed", "reason"),
    [
        pytest.param("__import__('time').sleep(1000)", {"wall_s": 0.5}, Reason.WALL_TIME, id="sleep"),
        pytest.param("while True: pass", {"cpu_s": 0.5}, Reason.CPU_TIME, id="loop"),
        pytest.param(LOOPS, {"cpu_s": 1}, Reason.CPU_TIME, id="loops"),
        pytest.param("kept = []\nwhile True: kept.append(bytes(1 << 20))", {}, Reason.MEMORY, id="hog"),
        pytest.param("bytearray(1 << 40)", {}, Reason.MEMORY, id="one-large-piece"),
        pytest.param(
            "import mmap\nm = mmap.mmap(-1, 1 << 30)\nwhile True: m.write(bytes(1 << 20))", {}, Reason.MEMORY, id="mmap"
        ),
        pytest.param(FORK, {}, Reason.PROCESSES, id="fork-bomb"),
        pytest.param(THREADS, {}, Reason.PROCESSES, id="threads"),
        pytest.param("place = '/outputs'\n" + FILL, {}, Reason.DISK, id="disk"),
        pytest.param("place = '/dev/shm'\n" + FILL, {}, Reason.DISK, id="shared-memory"),
        pytest.param("place = '/tmp'\n" + QUIET, {}, Reason.DISK, id="disk-ignoring-errors"),
        pytest.param("for n in range(10**7): open(f'/tmp/{n}', 'w').close()", {}, Reason.FILES, id="inodes"),
        pytest.param("for n in range(10**7): os.mkdir(str(n)); os.chdir(str(n))", {}, Reason.FILES, id="folders"),
        pytest.param("open('large', 'wb').write(bytes(3 << 20))", {}, Reason.FILE_SIZE, id="large-file"),
        pytest.param(
            "os.truncate(os.open('holes', os.O_CREAT | os.O_WRONLY), 1 << 40)", {}, Reason.FILE_SIZE, id="sparse"
        ),
        pytest.param("while True: print('x' * 1000)", {}, Reason.PRINTED, id="stdout"),
        pytest.param("while True: os.write(2, bytes(1000))", {}, Reason.PRINTED, id="stderr"),
    ],
)
def test_each_limit_ends_the_code_under_its_own_name(run: Run, code: str, changed: dict, reason: Reason) -> None:
    found = run(code, replace(SMALL, **changed))
    assert found.reason is reason, (found.detail, found.stderr)
    assert not found.ok
    assert len(found.stdout) <= 65536
    assert sum(path.stat().st_size for path in found.outputs.values()) <= SMALL.disk


def test_a_signal_is_told(run: Run) -> None:
    found = run("os.abort()")
    assert (found.reason, found.exit_code, found.detail) == (Reason.SIGNAL, None, "the code was ended by signal 6")


def test_the_first_process_cannot_be_ended_from_inside(run: Run) -> None:
    found = run("""
        import signal
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):
            for target in (1, os.getppid(), -1):
                try: os.kill(target, number)
                except OSError: pass
        print("still here")
    """)
    assert (found.reason, found.stdout) == (Reason.FINISHED, "still here\n")


def test_only_plain_regular_files_are_taken_back(run: Run) -> None:
    found = run(r"""
        open("good.txt", "w").write("good")
        os.symlink("/etc/shadow", "link.txt")
        os.symlink("/", "folder")
        os.link("good.txt", "twice.txt")
        os.mkfifo("pipe")
        socket.socket(socket.AF_UNIX).bind("socket")
        os.makedirs("a/b/c/d/e/f/g/h/i/j")
        for name in (".hidden", "-rf", "new\nline", "caf\u00e9", "a;b", "x" * 200):
            open(name, "w").close()
        os.unlink("good.txt")
        open("good.txt", "w").write("good")
        os.link("good.txt", "also.txt")
        os.rename("twice.txt", "kept.txt")
        os.mkdir("closed")
        open("closed/in.txt", "w").close()
        os.chmod("closed", 0)
    """)
    assert found.ok, found.stderr
    assert {name for name in found.outputs if not name.startswith("closed/")} == {"kept.txt"}
    why = {one.name: one.why for one in found.refused if not one.name.startswith("closed")}
    assert why == {
        **dict.fromkeys(("good.txt", "also.txt"), "it is a hard link"),
        **dict.fromkeys(("link.txt", "folder"), "it is a symbolic link"),
        **dict.fromkeys((".hidden", "-rf", "new\\nline", "caf\\xe9", "a;b", "x" * 200), "its name is not plain"),
        "pipe": "it is a named pipe",
        "socket": "it is a socket",
        "a/b/c/d/e/f/g/h": "it lies too deep",
    }
    assert not any(path.is_symlink() for path in found.outputs.values())


def test_many_sparse_files_are_not_taken_past_the_limit(run: Run) -> None:
    found = run("for n in range(40): os.truncate(os.open(f'{n}', os.O_CREAT | os.O_WRONLY), 1 << 20)")
    assert (found.reason, len(found.outputs)) == (Reason.FINISHED, 8)
    assert {one.why for one in found.refused} == {"it is too large"}


STAYS = """
import os, subprocess, sys, time
if os.fork():
    time.sleep(1000)
os.setsid()
os.close(1), os.close(2)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "{marker}"], start_new_session=True)
time.sleep(1000)
"""


def processes(marker: str) -> Iterator[int]:
    """The processes of this machine that have the marker among their arguments."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:
            continue


def test_cancelling_leaves_no_process(run: Run, tmp_path: Path) -> None:
    marker = f"sandboxed-{tmp_path.name}-{os.getpid()}"
    seen: list[int] = []

    def watch(seconds: float) -> None:
        seen.extend(processes(marker))
        if seen:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_code(STAYS.replace("{marker}", marker), {}, tmp_path / "box", SMALL, watch)
    assert seen
    assert not list(processes(marker))


def test_what_the_code_left_behind_ends_with_it(run: Run, tmp_path: Path) -> None:
    marker = f"left-{tmp_path.name}-{os.getpid()}"
    found = run(f"""
        import subprocess
        argv = [sys.executable, "-c", "import time; time.sleep(1000)", {marker!r}]
        made = subprocess.Popen(argv, start_new_session=True)
        print(open(f"/proc/{{made.pid}}/stat").read().split()[0])
    """)
    assert found.ok, found.stderr
    assert found.stdout.strip().isdigit()
    assert not list(processes(marker))


def test_killing_the_worker_ends_everything(tmp_path: Path) -> None:
    marker = f"orphan-{tmp_path.name}-{os.getpid()}"
    script = f"""
from pathlib import Path
from core.runners.scientist.sandbox.run import run_code
code, folder = {STAYS.replace("{marker}", marker)!r}, Path({str(tmp_path / "box")!r})
run_code(code, {{}}, folder, watch=lambda s: print(s, flush=True))
"""
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert worker.stdout is not None
    inside: list[int] = []
    for _ in worker.stdout:
        if inside := list(processes(marker)):
            break
    handles = [os.pidfd_open(pid) for pid in inside]
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert inside
    for handle in handles:
        assert select.select([handle], [], [], 60)[0], "a process outlived the worker"
        os.close(handle)
    assert not list(processes(marker))
    worker.stdout.close()


def test_without_bubblewrap_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="install bubblewrap"):
        run_code("print('ran')", {}, tmp_path / "box")


def test_where_namespaces_are_forbidden_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="No permissions to create new namespace") as caught:
        run_code("print('ran')", {}, tmp_path / "box")
    assert "user namespaces" in caught.value.next_step


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".hidden"])
def test_an_input_has_a_plain_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(RunFailed, match="plain name"):
        run_code("", {name: tmp_path / "data"}, tmp_path / "box")
