"""Start a program as somebody else and tie its life to its parent's. A script that ends in an exec.

`python -I -S launch.py IDENTITY PARENT_PID DEATH_SIGNAL PROGRAM [ARGUMENT...]`

A script, because this work between fork and exec is unsafe in a process with threads, and because
`unshare` wants a process with exactly one.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
REFUSED = 77
"""Exit code: the kernel, or the container around us, refuses user namespaces."""

AS_IS = "as-is"
NAMESPACE = "namespace"
"""Root outside, nobody inside: Postgres refuses to run as root, and its files stay root's own."""


def main(arguments: list[str]) -> None:
    identity, parent_pid, death_signal, *command = arguments
    assume(identity)
    if sys.platform == "linux":
        end_with_parent(int(parent_pid), int(death_signal))
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def assume(identity: str) -> None:
    """Become `AS_IS`, `NAMESPACE` or `"uid:gid"`. Exits with `REFUSED` where it may not."""
    if identity == NAMESPACE:
        enter_namespace()
    elif identity != AS_IS:
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def enter_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        sys.exit(REFUSED)
    maps = {"setgroups": "deny", "uid_map": "65534 0 1", "gid_map": "65534 0 1"}
    try:
        for name, text in maps.items():
            Path("/proc/self", name).write_text(text)
    except OSError:
        sys.exit(REFUSED)


def end_with_parent(parent_pid: int, death_signal: int) -> None:
    """Have the kernel send `death_signal` when the parent ends.

    Comes after the change of identity, which would clear it.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:  # it ended before the kernel knew
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
