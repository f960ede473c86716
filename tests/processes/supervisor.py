# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs a command that could multiply without end, in bounds of time and processes.

usage: supervisor.py [--must-end] SECONDS PROCESSES COMMAND...

All that it starts counts, what runs in the background and in other sessions included. Beyond a
bound, all of it is killed, the exit status is KILLED_STATUS, and the last line on stdout says why.
What still runs when the command has ended is killed, too; with `--must-end`, that is beyond a bound
after GRACE_SECONDS.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

INTERVAL_SECONDS = 0.05
GRACE_SECONDS = 5
KILLED_STATUS = 99
# From <linux/prctl.h>: whose parent has ended becomes a child of ours, so none gets away.
PR_SET_CHILD_SUBREAPER = 36


def supervise(seconds: float, processes: int, command: list[str], must_end: bool = False) -> int:
    """The exit status of the command, or 128 and the number of the signal that ended it."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("processes cannot be watched")
    # A shell has what runs in the background ignore Ctrl-C, which tests send.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status, reason = watch(seconds, processes, command, GRACE_SECONDS if must_end else 0)
    finally:
        kill_descendants()
    if reason:
        print(f"\n{reason}", flush=True)
    return status


def watch(seconds: float, processes: int, command: list[str], grace: float) -> tuple[int, str]:
    """The exit status, and the bound that was crossed, if one was."""
    # With `nice`, this process gets its turn, however many there are.
    argv = ["nice", *command]
    pid = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True).pid
    end = time.monotonic() + seconds
    status: int | None = None
    while True:
        ended = reap()
        running = descendants()
        if pid in ended:
            status = ended[pid]
            end = time.monotonic() + grace
        if len(running) > processes:
            return KILLED_STATUS, f"has more than {processes} processes"
        if status is not None and not (grace and running):
            return status, ""
        if time.monotonic() > end:
            left = f"leaves {shown(running)}"
            return KILLED_STATUS, f"takes more than {seconds:g} seconds" if status is None else left
        time.sleep(INTERVAL_SECONDS)


def reap() -> dict[int, int]:
    """The exit statuses of the children that have ended."""
    statuses = {}
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            signalled = os.WIFSIGNALED(status)
            statuses[pid] = 128 + os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
    except ChildProcessError:
        pass
    return statuses


def descendants() -> list[int]:
    """The processes below this one that have not ended."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "N (name) state parent ...", where a name may have any character.
            state, parent = path.read_bytes().rpartition(b")")[2].split()[:2]
        except OSError:  # It has ended.
            continue
        if state != b"Z":
            children.setdefault(int(parent), []).append(int(path.parent.name))
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def kill_descendants() -> None:
    found = descendants()
    while found:
        # They could start others until all are stopped.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        reap()
        found = descendants()


def shown(pids: list[int]) -> str:
    commands = []
    for pid in pids[:50]:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        commands.append(command.replace(b"\0", b" ").decode(errors="replace").strip()[:300])
    return ", ".join(commands)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    is_strict = arguments[0] == "--must-end"
    limit, most, *rest = arguments[is_strict:]
    sys.exit(supervise(float(limit), int(most), rest, is_strict))
