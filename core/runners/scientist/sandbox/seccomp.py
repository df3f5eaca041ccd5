"""The filter of system calls, as a program for the kernel: what no analysis needs and escapes have used.

Namespaces keep most of it out already. The filter closes what they leave: making further namespaces, sockets to
the machine below (AF_VSOCK) or into the kernel (AF_ALG), memory that no limit counts, and the widest kernel surfaces.
"""

from __future__ import annotations

import errno
import platform
import struct

from core.errors import Unavailable

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column in `DENIED`, and the kernel's name for the architecture."""

DENIED: dict[str, tuple[int | None, int | None]] = {
    # Other processes, and what the kernel says
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "syslog": (103, 116),
    # Namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # The machine
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    # Wide surfaces of the kernel
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Memory that is counted for no process and in no folder
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
}
CLONE, CLONE3, SOCKET, IOCTL = (56, 220), (435, 435), (41, 198), (16, 29)
NEW_NAMESPACES = 0x7E020000
"""Every CLONE_NEW* flag."""
FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
X32 = 0x40000000

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24
"""Where `struct seccomp_data` holds them; of an argument, the lower half, which little-endian machines hold first."""
ALLOW, ERROR, KILL = 0x7FFF0000, 0x00050000, 0x80000000


def program(machine: str | None = None) -> bytes:
    """The filter for this machine (or for `machine`); `Unavailable` on one that it does not know."""
    name = machine or platform.machine()
    if name not in ARCHITECTURES:
        raise Unavailable(f"the sandbox knows no system calls of {name}", "use a worker on x86_64 or aarch64")
    column, architecture = ARCHITECTURES[name]
    lines = [_line(LOAD, ARCHITECTURE), _line(EQUAL, architecture, 1, 0), _line(RETURN, KILL), _line(LOAD, NUMBER)]
    lines += [_line(AT_LEAST, X32, 0, 1), _refuse(errno.ENOSYS)]
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            lines += [_line(EQUAL, number, 0, 1), _refuse(errno.EPERM)]
    # The flags of clone3 lie in memory, where a filter cannot see them: libraries fall back to clone.
    lines += [_line(EQUAL, CLONE3[column], 0, 1), _refuse(errno.ENOSYS)]
    lines += _unless(CLONE[column], FIRST, [(ANY_BIT, NEW_NAMESPACES)], errno.EPERM)
    lines += _unless(IOCTL[column], SECOND, [(EQUAL, TIOCSTI), (EQUAL, TIOCLINUX)], errno.EPERM)
    lines += _only(SOCKET[column], FIRST, FAMILIES, errno.EAFNOSUPPORT)
    return b"".join([*lines, _line(RETURN, ALLOW)])


def _unless(number: int, argument: int, tests: list[tuple[int, int]], error: int) -> list[bytes]:
    """Refuse the call when one of the tests holds for the argument, else allow it."""
    body = [line for test, value in tests for line in (_line(test, value, 0, 1), _refuse(error))]
    return [_line(EQUAL, number, 0, len(body) + 2), _line(LOAD, argument), *body, _line(RETURN, ALLOW)]


def _only(number: int, argument: int, allowed: tuple[int, ...], error: int) -> list[bytes]:
    """Refuse the call unless the argument is one of the allowed."""
    body = [line for value in allowed for line in (_line(EQUAL, value, 0, 1), _line(RETURN, ALLOW))]
    return [_line(EQUAL, number, 0, len(body) + 2), _line(LOAD, argument), *body, _refuse(error)]


def _refuse(error: int) -> bytes:
    return _line(RETURN, ERROR | error)


def _line(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, when, otherwise, value)
